//! A whole Dialtone in this process: database, application, workers, server, and a sandbox beside it.

use crate::client::Client;
use crate::database::{Database, Engine};
use crate::logs::{plant, record_logs};
use crate::sandbox::{ACCOUNT, ASSISTANT_NAME, KEY, NUMBER, SandboxClient, TOKEN};
use dialtone_app::backup::Source;
use dialtone_app::{App, Caller, Config, LocalUser, Workers};
use dialtone_domain::{ExposeSecret, Role, SecretString};
use dialtone_providers::{LaneLimits, Limits};
use dialtone_sandbox::Sandbox;
use dialtone_server::{Options, Server};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The password of every user that tests make.
pub const PASSWORD: &str = "correct horse battery staple";

/// A running Dialtone with one owner, and the providers that it speaks to. The fields end in the order that
/// they are in.
pub struct TestServer {
    /// The owner, by an API token.
    pub owner: Client,
    /// The providers.
    pub sandbox: SandboxClient,
    /// The application.
    pub app: App,
    url: String,
    workers: Workers,
    server: Server,
    settings: (Config, Options),
    ground: Arc<Ground>,
}

/// What a server stands on; it goes when the last one is gone that does.
struct Ground {
    sandbox: Sandbox,
    database: Database,
    _data: TempDir,
}

/// As the real ones, only less patient, and with as many turns as a sandbox stands.
fn limits() -> Limits {
    let lane = || LaneLimits { concurrent: 16, per_minute: 600_000, burst: 10_000 };
    let (timeout, backoff) = (Duration::from_secs(2), Duration::from_millis(20));
    Limits { timeout, backoff, twilio: lane(), vapi: lane(), ..Limits::default() }
}

impl TestServer {
    /// With the owner `owner@example.com` of the organisation `Acme`; `None` where the engine is not there.
    pub async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |_| ()).await
    }

    /// The same with another configuration.
    pub async fn start_with(engine: Engine, tweak: impl FnOnce(&mut Config)) -> Option<Self> {
        Self::start_behind(engine, |config, _| tweak(config)).await
    }

    /// The same with other options of the server, too.
    pub async fn start_behind(
        engine: Engine,
        change: impl FnOnce(&mut Config, &mut Options),
    ) -> Option<Self> {
        let mut world = Self::start_empty_with(engine, change).await?;
        let token = world.add_user("owner@example.com", "Acme", Role::Owner).await;
        world.owner = world.nobody().token(&token);
        Some(world)
    }

    /// Without anyone in it, as at the first start.
    pub async fn start_empty(engine: Engine) -> Option<Self> {
        Self::start_empty_with(engine, |_, _| ()).await
    }

    async fn start_empty_with(
        engine: Engine,
        change: impl FnOnce(&mut Config, &mut Options),
    ) -> Option<Self> {
        record_logs();
        [TOKEN, KEY, PASSWORD].into_iter().for_each(plant);
        let database = Database::create(engine)?;
        let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let source = Source { database_url: database.url().to_owned(), data_dir: data.path().to_owned() };
        let ground = Arc::new(Ground { sandbox, database, _data: data });
        Some(Self::stand(ground, &source, change).await)
    }

    /// Another server on this data, with the same providers. Its owner has the token of this one's.
    pub async fn beside(&self, source: &Source, tweak: impl FnOnce(&mut Config)) -> Self {
        let mut other = Self::stand(Arc::clone(&self.ground), source, |config, _| tweak(config)).await;
        other.owner = self.owner.at(&other.url);
        other
    }

    async fn stand(
        ground: Arc<Ground>,
        source: &Source,
        change: impl FnOnce(&mut Config, &mut Options),
    ) -> Self {
        // What providers sign is the address, which has to be known before the server listens there.
        let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let providers = ground.sandbox.url();
        let mut config = Config {
            database_url: source.database_url.clone(),
            data_dir: source.data_dir.clone(),
            master_key: None,
            public_url: format!("http://{listen}"),
            twilio_url: format!("{providers}/twilio/{{product}}"),
            vapi_url: format!("{providers}/vapi"),
            limits: limits(),
            mail: None,
            private_webhooks: "127.0.0.0/8".to_owned(),
            minute: Duration::from_secs(60),
            oidc: None,
            oidc_sign_up: Vec::new(),
            backups: None,
        };
        // Tests ask as fast as they can.
        let mut options = Options { requests_per_minute: 1_000_000, ..Options::default() };
        change(&mut config, &mut options);
        Self::run((config, options), listen, ground).await
    }

    async fn run((config, options): (Config, Options), listen: SocketAddr, ground: Arc<Ground>) -> Self {
        let app = App::serve(config.clone()).await.unwrap();
        let workers = app.start_workers().await.unwrap();
        let server = Server::start(app.clone(), listen, options.clone()).await.unwrap();
        let url = format!("http://{}", server.addr());
        let (owner, sandbox) = (Client::new(&url), SandboxClient::new(&ground.sandbox.url()));
        Self { owner, sandbox, app, url, workers, server, settings: (config, options), ground }
    }

    /// Stops it, lets `between` do what it likes with the data directory, and starts it again at the same address.
    pub async fn restarted(self, between: impl FnOnce(&Path)) -> Self {
        let Self { owner, app, workers, server, settings, ground, .. } = self;
        let listen = server.addr();
        server.stop().await;
        workers.stop(Duration::from_secs(5)).await;
        app.close().await;
        between(&settings.0.data_dir);
        let world = Self::run(settings, listen, ground).await;
        Self { owner, ..world }
    }

    /// What a backup of it is made of.
    pub fn source(&self) -> Source {
        let config = &self.settings.0;
        Source { database_url: config.database_url.clone(), data_dir: config.data_dir.clone() }
    }

    /// Where the server is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.settings.0.data_dir
    }

    /// Another node on the same database, which serves nobody.
    pub async fn node(&self) -> App {
        self.node_with(|_| ()).await
    }

    /// The same with another configuration.
    pub async fn node_with(&self, tweak: impl FnOnce(&mut Config)) -> App {
        let mut config = self.settings.0.clone();
        tweak(&mut config);
        App::open(config).await.unwrap()
    }

    /// The database below.
    pub fn database(&self) -> &Database {
        &self.ground.database
    }

    /// A client without credentials.
    pub fn nobody(&self) -> Client {
        Client::new(&self.url)
    }

    /// Adds a user with [`PASSWORD`] and gives a token of theirs.
    pub async fn add_user(&self, email: &str, organisation: &str, role: Role) -> String {
        let user = LocalUser {
            email: email.to_owned(),
            name: email.split('@').next().unwrap_or_default().to_owned(),
            organisation: organisation.to_owned(),
            role,
            password: Some(SecretString::from(PASSWORD)),
        };
        self.app.local_create_user(user).await.unwrap();
        let token = self.app.local_create_token(email, Some(organisation), role).await.unwrap();
        plant(token.expose_secret());
        token.expose_secret().to_owned()
    }

    /// The owner, as the application knows them.
    pub async fn owner_caller(&self) -> Caller {
        let token = self.app.local_create_token("owner@example.com", None, Role::Owner).await.unwrap();
        self.app.caller_by_token(token.expose_secret()).await.unwrap().unwrap()
    }

    /// Another user of the owner's organisation.
    pub async fn member(&self, role: Role) -> Client {
        let token = self.add_user(&format!("{}@example.com", role.name()), "Acme", role).await;
        self.nobody().token(&token)
    }

    /// The owner of another organisation.
    pub async fn stranger(&self) -> Client {
        let token = self.add_user("stranger@example.org", "Globex", Role::Owner).await;
        self.nobody().token(&token)
    }

    /// The owner, signed in as a browser of our own pages is.
    pub async fn browser(&self) -> Client {
        let body = json!({ "email": "owner@example.com", "password": PASSWORD });
        let answer = self.nobody().post("/api/v1/session", body).await.expect(200);
        let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        self.nobody().with("cookie", &cookie).with("sec-fetch-site", "same-origin")
    }

    /// Saves the Twilio credentials without a number, and the Vapi key.
    pub async fn save_keys(&self) {
        let twilio = json!({ "account_sid": ACCOUNT, "auth_token": TOKEN });
        self.owner.put("/api/v1/twilio-settings", twilio).await.expect(200);
        self.owner.put("/api/v1/vapi-settings", json!({ "api_key": KEY })).await.expect(200);
    }

    /// Saves the keys, makes an assistant and imports [`NUMBER`]; gives the import's answer.
    pub async fn import(&self) -> Value {
        self.save_keys().await;
        let assistant = self.sandbox.create_assistant(ASSISTANT_NAME).await;
        let body = json!({ "phone_number": NUMBER, "assistant_id": assistant });
        self.owner.post("/api/v1/phone-numbers/import-twilio", body).await.expect(201).body
    }

    /// Stops everything in order.
    pub async fn stop(self) {
        self.stop_and_keep().await;
    }

    /// Stops everything in order; the database and the files stay until what this gives is dropped.
    pub async fn stop_and_keep(self) -> impl Sized {
        self.server.stop().await;
        self.workers.stop(Duration::from_secs(5)).await;
        self.app.close().await;
        self.ground
    }
}
