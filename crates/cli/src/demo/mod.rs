//! `dialtone demo`: the sandbox and a server in one process, with an owner, a token and a link to sign in.

mod story;

use crate::args::{Demo, DemoFormat};
use crate::commands::serve::start_sandbox;
use crate::failure::{Failure, Result};
use crate::output::line;
use crate::running::{Running, StopSignal, told, with_port};
use dialtone_app::{Config, LocalUser};
use dialtone_domain::{ExposeSecret, Role, SecretString};
use dialtone_sandbox::Sandbox;
use dialtone_server::Options;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const OWNER: &str = "demo@example.com";

/// The demo while it runs.
struct Site {
    url: String,
    sign_in_url: String,
    token: SecretString,
    sandbox: Sandbox,
    running: Running,
    /// The data directory, removed at the end, where no other was named.
    temporary: Option<TempDir>,
}

/// Runs the demo until it is asked to stop, or plays its story.
pub(crate) async fn run(command: &Demo) -> Result {
    let mut stop = StopSignal::listen()?;
    let filter = std::env::var("DIALTONE_LOG").unwrap_or_else(|_| "warn".to_owned());
    crate::logging::start(&filter, "auto", None, None);
    if command.check {
        return check(command.data_dir.clone()).await;
    }
    let site = Site::start(command.listen, command.sandbox_listen, command.data_dir.clone()).await?;
    match command.format {
        DemoFormat::Json => site.print_for_programs()?,
        DemoFormat::Text => site.print_for_people().await?,
    }
    stop.asked().await;
    site.stop().await;
    Ok(())
}

async fn check(data_dir: Option<PathBuf>) -> Result {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let site = Site::start(anywhere, anywhere, data_dir).await?;
    let played = story::play(&site.url, &site.sandbox.url(), site.token.clone()).await;
    site.stop().await;
    played
}

impl Site {
    async fn start(
        listen: SocketAddr,
        sandbox_listen: SocketAddr,
        data_dir: Option<PathBuf>,
    ) -> Result<Self> {
        let sandbox = start_sandbox(sandbox_listen).await?;
        let listen = with_port(listen)?;
        let url = format!("http://{listen}");
        let (data_dir, temporary) = match data_dir {
            Some(folder) => (folder, None),
            None => {
                let fail = |error| Failure::because("No temporary folder can be made", error);
                let folder = tempfile::Builder::new().prefix("dialtone-demo-").tempdir().map_err(fail)?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let mut config = Config {
            database_url: format!("sqlite://{}", data_dir.join("dialtone.db").display()),
            data_dir,
            master_key: None,
            public_url: url.clone(),
            twilio_url: format!("{}/twilio/{{product}}", sandbox.url()),
            vapi_url: format!("{}/vapi", sandbox.url()),
            limits: Default::default(),
            mail: None,
            private_webhooks: "127.0.0.0/8".to_owned(),
            minute: std::time::Duration::from_secs(60),
            oidc: None,
            oidc_sign_up: Vec::new(),
            backups: None,
        };
        // The defaults spare the real providers; the sandbox bears whatever people and tests ask of it.
        for lane in [&mut config.limits.twilio, &mut config.limits.vapi] {
            (lane.concurrent, lane.per_minute, lane.burst) = (64, 60_000, 1_000);
        }
        let running = Running::start(config, Options::default(), listen).await?;
        let app = &running.app;
        // A folder that was named may hold an earlier demo.
        if app.setup_needed().await.map_err(|problem| told(&problem))? {
            let (email, name, organisation) = (OWNER.to_owned(), "Demo owner".to_owned(), "Demo".to_owned());
            let owner = LocalUser { email, name, organisation, role: Role::Owner, password: None };
            app.local_create_user(owner).await.map_err(|problem| told(&problem))?;
        }
        let token =
            app.local_create_token(OWNER, None, Role::Owner).await.map_err(|problem| told(&problem))?;
        let code = app.local_sign_in_code(OWNER).await.map_err(|problem| told(&problem))?;
        let sign_in_url = format!("{url}/sign-in/{}", code.expose_secret());
        Ok(Self { url, sign_in_url, token, sandbox, running, temporary })
    }

    fn print_for_programs(&self) -> Result {
        let found = json!({
            "url": self.url,
            "sign_in_url": self.sign_in_url,
            "api_token": self.token.expose_secret(),
            "sandbox_url": self.sandbox.url(),
        });
        line(&found.to_string())
    }

    async fn print_for_people(&self) -> Result {
        let Self { url, sign_in_url, sandbox, .. } = self;
        let sandbox = sandbox.url();
        line(&format!("Dialtone answers at {url}. Its Twilio and Vapi are a sandbox at {sandbox}.\n"))?;
        line(&format!("  Sign in (works once):  {sign_in_url}\n"))?;
        line(
            "Next: a number that answers \"not found\" comes to answer with an assistant. On the page, or in another terminal:\n",
        )?;
        line(&format!("  export DIALTONE_URL={url}"))?;
        line(&format!("  export DIALTONE_TOKEN={}", self.token.expose_secret()))?;
        for step in story::steps(&story::Credentials::read(&sandbox).await?) {
            line(&format!("\n  # {}\n  {}", step.says, step.curl(url, &sandbox)))?;
        }
        let removed = if self.temporary.is_some() { " and removes what it made" } else { "" };
        line(&format!("\nCtrl-C ends the demo{removed}."))
    }

    async fn stop(self) {
        self.running.stop(Duration::ZERO).await;
        self.sandbox.stop().await;
    }
}
