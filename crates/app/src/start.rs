//! Opening the application: database, master key, providers.

use crate::accounts::{OidcSignUp, RelyingParty, ResetLimits, SignInLimits};
use crate::backup::{Schedule, Source};
use crate::inbound::Inbound;
use crate::metrics::Metrics;
use crate::setup::Sweep;
use crate::vault::Vault;
use dialtone_domain::{Problem, SecretString};
use dialtone_providers::{Addresses, Gate, Guard, Limits, MailConfig, Mailer, Oidc, OidcConfig, Providers};
use dialtone_store::{Engine, Store, accounts};
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// Everything that an installation can choose.
#[derive(Debug, Clone)]
pub struct Config {
    /// `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// Where the master key file lives.
    pub data_dir: PathBuf,
    /// The master key in base64, where it is not in a file; two with a comma between them while it is being changed.
    pub master_key: Option<SecretString>,
    /// The address that providers and browsers reach us at.
    pub public_url: String,
    /// Twilio's address, with `{product}`.
    pub twilio_url: String,
    /// Vapi's address.
    pub vapi_url: String,
    /// How long and how often providers are asked.
    pub limits: Limits,
    /// The mail server, where there is one.
    pub mail: Option<MailConfig>,
    /// Networks that webhooks may reach besides the public internet, separated by commas.
    pub private_webhooks: String,
    /// How long a minute of the watch is; only tests take less than a minute.
    pub minute: std::time::Duration,
    /// The OpenID provider, where there is one.
    pub oidc: Option<OidcConfig>,
    /// Who may come in by it without having been added.
    pub oidc_sign_up: Vec<OidcSignUp>,
    /// How often a backup is made by itself, where one is.
    pub backups: Option<Schedule>,
}

/// Why the application does not start; each text is a sentence for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made.
    #[error("The data directory {0} cannot be made: {1}.")]
    DataDir(String, std::io::Error),
    /// A SQLite database is gone, and its master key tells that there was one.
    #[error(
        "{0} is there and the database {1} is not, so there was one; nothing was made. Put the file back, or restore \
         a backup into a new directory. To begin anew, remove the master key."
    )]
    DatabaseGone(String, String),
    /// The database does not open.
    #[error("The database does not open: {0}.")]
    Store(dialtone_store::Error),
    /// The first master key cannot be written.
    #[error("The master key file {0} cannot be made: {1}.")]
    KeyFile(String, std::io::Error),
    /// The providers' addresses are not usable.
    #[error("The providers cannot be reached with this configuration: {0}")]
    Providers(String),
    /// The mail server's address or the sender's is not usable.
    #[error("Mails cannot be sent with this configuration: {0}.")]
    Mail(String),
    /// The networks that webhooks may reach are none.
    #[error("Webhooks cannot be sent with this configuration: {0}.")]
    Webhooks(String),
    /// The OpenID provider's address is not usable.
    #[error("Nobody can sign in with OpenID with this configuration: {0}.")]
    Oidc(String),
}

/// The application. Clones are cheap and share everything.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) providers: Providers,
    /// Closed while this is a restored backup that nobody has let loose.
    pub(crate) gate: Gate,
    /// Sends mails, where a mail server is configured.
    pub(crate) mailer: Option<Mailer>,
    /// The way to addresses that came from outside.
    pub(crate) guard: Guard,
    /// How long a minute of the watch is.
    pub(crate) minute: SignedDuration,
    /// Where people open the page, and what providers sign.
    pub(crate) public_url: String,
    /// Who holds this process's leases.
    pub(crate) node: String,
    pub(crate) sign_in_limits: SignInLimits,
    pub(crate) reset_limits: ResetLimits,
    /// What passkeys are made for, where they can be.
    pub(crate) relying_party: Option<RelyingParty>,
    pub(crate) oidc: Option<Oidc>,
    pub(crate) oidc_sign_up: Vec<OidcSignUp>,
    pub(crate) inbound: Inbound,
    pub(crate) sweep: Sweep,
    pub(crate) metrics: Metrics,
    /// Becomes true when the process is about to end.
    pub(crate) stopping: watch::Sender<bool>,
    /// What is backed up.
    pub(crate) source: Source,
    pub(crate) backups: Option<Schedule>,
}

impl App {
    /// Opens the database (made and migrated where needed), the vault and the clients. Without the right master key
    /// the application starts sealed: [`App::sealed`] says why.
    ///
    /// # Errors
    /// [`StartError`]: nothing was changed then, save for a migration that was completed.
    pub async fn open(config: Config) -> Result<Self, StartError> {
        Self::open_with(config, Store::open).await
    }

    /// As [`App::open`], for a server: of a SQLite database there is one at a time.
    ///
    /// # Errors
    /// As [`App::open`]; the process that serves the database already is named.
    pub async fn serve(config: Config) -> Result<Self, StartError> {
        Self::open_with(config, Store::serve).await
    }

    async fn open_with(
        config: Config,
        open: fn(&str) -> dialtone_store::Result<Store>,
    ) -> Result<Self, StartError> {
        let dir = &config.data_dir;
        std::fs::create_dir_all(dir)
            .map_err(|error| StartError::DataDir(dir.display().to_string(), error))?;
        refuse_if_gone(&config.database_url, dir, config.master_key.is_some())?;
        let addresses = Addresses { twilio: config.twilio_url, vapi: config.vapi_url };
        let gate = Gate::default();
        let providers = Providers::new(addresses, config.limits, gate.clone())
            .map_err(|error| StartError::Providers(error.to_string()))?;
        let mailer = config.mail.map(|mail| Mailer::new(&mail, gate.clone())).transpose();
        let mailer = mailer.map_err(StartError::Mail)?;
        let guard = Guard::new(&config.private_webhooks, gate.clone()).map_err(StartError::Webhooks)?;
        let minute = SignedDuration::try_from(config.minute).unwrap_or(SignedDuration::from_mins(1));
        let callback = format!("{}/sign-in/oidc/callback", config.public_url.trim_end_matches('/'));
        let oidc = config.oidc.map(|oidc| Oidc::new(oidc, callback)).transpose().map_err(StartError::Oidc)?;
        let source = Source { database_url: config.database_url.clone(), data_dir: dir.clone() };
        let url = config.database_url;
        let store = tokio::task::spawn_blocking(move || open(&url))
            .await
            .map_err(|error| StartError::Store(dialtone_store::Error::Internal(error.to_string())))?
            .map_err(StartError::Store)?;
        let vault = Vault::open(&store, config.master_key, dir).await?;
        if let Some(reason) = vault.sealed() {
            tracing::error!("Sealed: {reason}");
        }
        let inner = Inner {
            store,
            vault,
            providers,
            gate,
            mailer,
            guard,
            minute,
            relying_party: RelyingParty::of(&config.public_url),
            public_url: config.public_url,
            node: crate::clock::new_id::<uuid::Uuid>().to_string(),
            sign_in_limits: SignInLimits::new(),
            reset_limits: ResetLimits::new(),
            oidc,
            oidc_sign_up: config.oidc_sign_up,
            inbound: Inbound::new(),
            sweep: Sweep::default(),
            metrics: Metrics::default(),
            stopping: watch::Sender::new(false),
            source,
            backups: config.backups,
        };
        let app = Self { inner: Arc::new(inner) };
        // Before anything can go out.
        app.follow_database().await.map_err(StartError::Store)?;
        Ok(app)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What it says instead.
    pub async fn ready(&self) -> Result<(), Problem> {
        self.store().read(|tx| accounts::any_user(tx).map(drop)).await.map_err(Problem::from)
    }

    /// Says that the process is about to end: workers take up nothing new and pause what they do behind its present
    /// step, and whoever waits for an operation is told to follow it.
    pub fn begin_stop(&self) {
        self.inner.stopping.send_replace(true);
    }

    /// Whether the process is about to end.
    pub fn is_stopping(&self) -> bool {
        *self.inner.stopping.borrow()
    }

    /// Whether the providers are not the real ones.
    pub fn is_sandbox(&self) -> bool {
        !self.inner.providers.are_real()
    }

    /// What the store has done so far.
    pub fn store_stats(&self) -> dialtone_store::Stats {
        self.store().stats()
    }

    /// Finishes what the database has in hand. Stop the workers first.
    pub async fn close(&self) {
        self.store().close().await;
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Only one process serves a SQLite database, so what a process before this one held is free.
    pub(crate) fn is_alone(&self) -> bool {
        self.store().engine() == Engine::Sqlite
    }
}

/// An empty database in the place of a lost one would hide the loss. The master key is made after the database.
fn refuse_if_gone(database_url: &str, folder: &Path, key_is_given: bool) -> Result<(), StartError> {
    let Some(database) = database_url.strip_prefix("sqlite://").map(Path::new) else { return Ok(()) };
    let key = folder.join(crate::vault::KEY_FILE);
    match key_is_given || database.exists() || !key.exists() {
        true => Ok(()),
        false => Err(StartError::DatabaseGone(key.display().to_string(), database.display().to_string())),
    }
}
