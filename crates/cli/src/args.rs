//! The command line: what it takes, and nothing of what it does.

mod audit;
mod local;
mod people;
mod settings;
mod tape;
mod watch;

pub(crate) use audit::{Audit, AuditFilter, AuditFormat};
pub(crate) use local::{Token, User};
pub(crate) use people::{Members, Tokens};
pub(crate) use settings::{Forget, Settings, TwilioSettings, VapiSettings};
pub(crate) use tape::{Tape, TapeFilter};
pub(crate) use watch::{Alerts, Watch};

mod backup;

pub(crate) use backup::Backup;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use dialtone_domain::Role;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Make a Twilio phone number answer with a Vapi assistant, and prove that it does.
///
/// Exit codes: 0 done, 1 error, 2 wrong usage, 3 problems found, 4 unclear (look before doing it again).
#[derive(Debug, Parser)]
#[command(name = "dialtone", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: the API and the web page.
    Serve(ServerFlags),
    /// Try Dialtone without an account or a cent: server and sandbox in one process, signed in.
    Demo(Demo),
    /// Run the sandbox: a Twilio and a Vapi of our own on one port.
    Sandbox(SandboxFlags),
    /// Check why a number does not answer, step by step, and mend it. Exit code 3 when a check fails.
    Doctor(Doctor),
    /// The numbers that Dialtone looks after.
    #[command(subcommand)]
    Numbers(Numbers),
    /// The assistants at Vapi.
    #[command(subcommand)]
    Assistants(Assistants),
    /// The saved Twilio and Vapi credentials.
    #[command(subcommand)]
    Settings(Settings),
    /// What was changed at the providers, and taking it back.
    #[command(subcommand)]
    Operations(Operations),
    /// What providers sent: texts, calls, reports; refused ones with the reason, and replayed once it is mended.
    #[command(subcommand)]
    Tape(Tape),
    /// The audit trail: who changed what and when, and the proof that nobody changed the trail.
    #[command(subcommand)]
    Audit(Audit),
    /// How lines are watched, and what is repaired without asking.
    #[command(subcommand)]
    Watch(Watch),
    /// What needs somebody's attention.
    #[command(subcommand)]
    Alerts(Alerts),
    /// The members of the organisation, and who is invited.
    #[command(subcommand)]
    Members(Members),
    /// The tokens of the organisation, by the server.
    #[command(subcommand)]
    Tokens(Tokens),
    /// The people who may sign in. Works on the data directory, also beside a running server.
    #[command(subcommand)]
    User(User),
    /// The tokens for programs. Works on the data directory, also beside a running server.
    #[command(subcommand)]
    Token(Token),
    /// The keys that seal the saved secrets. Works on the data directory, also beside a running server.
    #[command(subcommand)]
    Keys(Keys),
    /// Copies of everything but the master key, made while the server runs or not, and the way back.
    #[command(subcommand)]
    Backup(Backup),
    /// Copy the whole database into an empty one of the other engine, and compare every table. Stop the servers first.
    MigrateDatabase {
        /// The database that is copied and not changed, such as sqlite://data/dialtone.db.
        #[arg(long, value_name = "URL")]
        from: String,
        /// An empty database, such as postgres://user@host/dialtone.
        #[arg(long, value_name = "URL")]
        to: String,
        #[command(flatten)]
        output: Output,
    },
    /// Print what is in force and where it came from, secrets hidden.
    Config {
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        output: Output,
    },
    /// Say whether the server of this machine is ready, for containers; exit code 1 where it is not.
    Health(ServerFlags),
    /// Print what helps to help: settings, versions, numbers, last log lines. No secret, no phone number, no text.
    SupportBundle(ServerFlags),
    /// Print the OpenAPI document of the API.
    Openapi,
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Send any request to the API; a body is read from standard input.
    Api {
        /// GET, POST, PUT, PATCH or DELETE.
        method: String,
        /// For example /api/v1/lines.
        path: String,
        #[command(flatten)]
        client: ClientFlags,
    },
}

/// The configuration that may be given as flags. Each is also an environment variable, `DIALTONE_…`, and a
/// line of the configuration file.
#[derive(Debug, Default, Args)]
pub(crate) struct ServerFlags {
    /// A TOML file with settings [default: ./dialtone.toml if there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where the database and the master key are kept [default: ./data].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// The database [default: sqlite://<data dir>/dialtone.db].
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// The address that providers and browsers call [default: http://<listen>].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Twilio's address; {product} in it stands for api, trunking… [default: https://{product}.twilio.com].
    #[arg(long, value_name = "URL")]
    twilio_url: Option<String>,
    /// Vapi's address [default: https://api.vapi.ai].
    #[arg(long, value_name = "URL")]
    vapi_url: Option<String>,
    /// Which log lines are written [default: info].
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl ServerFlags {
    /// Each flag by the name of its setting.
    pub(crate) fn given(&self) -> [(&'static str, Option<String>); 7] {
        [
            ("listen", self.listen.clone()),
            ("data_dir", self.data_dir.clone()),
            ("database_url", self.database_url.clone()),
            ("public_url", self.public_url.clone()),
            ("twilio_url", self.twilio_url.clone()),
            ("vapi_url", self.vapi_url.clone()),
            ("log", self.log.clone()),
        ]
    }
}

/// Which server to talk to, and as whom.
#[derive(Debug, Default, Args)]
pub(crate) struct ClientFlags {
    /// The server's address [env: DIALTONE_URL; default: http://127.0.0.1:8080]. The token comes from
    /// DIALTONE_TOKEN or the profile, never from a flag, which others could read.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// A profile of ~/.config/dialtone/profiles.toml [env: DIALTONE_PROFILE; default: default].
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Output {
    /// How to print it.
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// What every command that talks to a server takes.
#[derive(Debug, Default, Args)]
pub(crate) struct Remote {
    #[command(flatten)]
    pub(crate) client: ClientFlags,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// How the sandbox runs.
#[derive(Debug, Args)]
pub(crate) struct SandboxFlags {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub(crate) listen: SocketAddr,
    /// Makes a run repeatable: the ids follow from it, and time stands until it is moved.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How many times as fast as the real time the sandbox's runs; 0 stops it.
    #[arg(long, value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// A file that the state is loaded from, if it exists, and saved to at the end and on request.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// A scenario that is played from the start, unless a state was loaded.
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Hold every request and answer against the providers' official descriptions; `--strict=refuse` also refuses
    /// requests that they do not allow. What was found is at `/sandbox/violations`.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "report")]
    pub(crate) strict: Option<Strictness>,
}

/// What strict mode does with a request that the descriptions do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Strictness {
    Report,
    Refuse,
}

/// The same range as the sandbox's own control API.
fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.0..=1e6).contains(speed));
    speed.ok_or_else(|| "give a number from 0 to 1000000".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Play the demo's story on free ports, say how it went, and stop.
    #[arg(long, conflicts_with_all = ["format", "listen", "sandbox_listen"])]
    pub(crate) check: bool,
    /// `json` prints {"url", "sign_in_url", "api_token", "sandbox_url"} as the first line, once it is ready.
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: DemoFormat,
    /// Where the server listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where the sandbox listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub(crate) sandbox_listen: SocketAddr,
    /// Keep the demo's data here [default: a temporary folder, removed at the end].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The phone number, as +14155552671.
    pub(crate) number: String,
    /// Show what would be changed, ask, do it, and check again.
    #[arg(long)]
    pub(crate) fix: bool,
    /// The assistant that should answer [default: the line's, else the organisation's].
    #[arg(long, value_name = "ID")]
    pub(crate) assistant: Option<String>,
    /// Only show what would be changed.
    #[arg(long, requires = "fix", conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(long, requires = "fix")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Numbers {
    /// List them with their health.
    List(Remote),
    /// Import a number of the Twilio account into Vapi and link it to an assistant.
    Import {
        /// The phone number, as +14155552671 [default: the one in the Twilio settings].
        number: Option<String>,
        /// The assistant that should answer [default: the organisation's, else the first].
        #[arg(long, value_name = "ID")]
        assistant: Option<String>,
        /// Only show what would be done.
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one of them with its last checks and operations.
    Show {
        /// The phone number or the line's id.
        number: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show what changed on one of them between which two looks, and by whom where that is known.
    Diary {
        /// The phone number or the line's id.
        number: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take a number out of Vapi and give it its earlier routing at Twilio back. The number stays yours.
    Remove {
        /// The phone number, as +14155552671.
        number: String,
        /// Only show what would be done.
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Assistants {
    /// List them.
    List(Remote),
    /// Create one.
    Create {
        /// What it is called.
        #[arg(long)]
        name: String,
        /// What it says first.
        #[arg(long, value_name = "TEXT")]
        first_message: Option<String>,
        /// What it is told to do.
        #[arg(long, value_name = "TEXT")]
        system_prompt: Option<String>,
        /// The language that it speaks: en or fr [default: the organisation's].
        #[arg(long)]
        language: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Operations {
    /// List them, the newest first.
    List {
        /// Of this number only.
        #[arg(long, value_name = "NUMBER")]
        number: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one with its steps.
    Show {
        /// The operation's id.
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Put back what it changed.
    Undo {
        /// The operation's id.
        id: String,
        /// Only show what would be done.
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Show which keys there are and what they seal, by their ids. Exit code 3 where something cannot be opened.
    Status {
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        output: Output,
    },
    /// Make new data keys and seal everything anew with them, or go on where that was interrupted. Servers may run
    /// meanwhile. Exit code 3 where something cannot be opened.
    Rotate {
        /// Put a new master key in the place of the present one instead. It is made in the key file, or read from
        /// DIALTONE_NEW_MASTER_KEY. Backups from before need the old one.
        #[arg(long)]
        master: bool,
        /// Destroy the old keys even of values that no key opens: they are lost then.
        #[arg(long, conflicts_with = "master")]
        discard_unreadable: bool,
        #[command(flatten)]
        server: ServerFlags,
    },
}

/// How many rows of a list.
fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

fn role(text: &str) -> Result<Role, &'static str> {
    text.parse().map_err(|()| "must be owner, admin, agent or viewer")
}

fn name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    match (1..=255).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        true => Ok(name.to_owned()),
        false => Err("must be 1 to 255 characters on one line"),
    }
}

fn email(text: &str) -> Result<String, &'static str> {
    let fits = text
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    match fits && text.len() <= 254 && !text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        true => Ok(text.to_owned()),
        false => Err("must be an e-mail address"),
    }
}
