//! The server's configuration: a flag, an environment variable `DIALTONE_…` or a TOML file, in that order.

use crate::args::ServerFlags;
use crate::failure::{Failure, Result};
use dialtone_app::backup::Schedule;
use dialtone_app::{MailConfig, OidcConfig, OidcSignUp};
use dialtone_domain::SecretString;
use ipnet::IpNet;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

mod shown;

use shown::{hidden_if_set, key_or_file, plainly, product_without_password, without_password};

/// The file that is read where no other is named, if it is there.
const FILE: &str = "dialtone.toml";

/// One setting: its name in the file. `DIALTONE_` and the name in capitals is its environment variable.
struct Setting {
    name: &'static str,
    default: fn(&Resolved) -> Option<String>,
    check: fn(&str) -> std::result::Result<(), &'static str>,
    shown: fn(&str) -> String,
}

/// Every setting. A default may depend on the settings above it.
const SETTINGS: [Setting; 23] = [
    Setting { name: "listen", default: |_| said("127.0.0.1:8080"), check: address, shown: plainly },
    Setting { name: "data_dir", default: |_| said("./data"), check: not_empty, shown: plainly },
    Setting { name: "database_url", default: sqlite_in_data_dir, check: database, shown: without_password },
    Setting { name: "public_url", default: where_it_listens, check: web_address, shown: without_password },
    Setting { name: "master_key", default: |_| None, check: not_empty, shown: key_or_file },
    Setting {
        name: "twilio_url",
        default: |_| said("https://{product}.twilio.com"),
        check: products,
        shown: product_without_password,
    },
    Setting {
        name: "vapi_url",
        default: |_| said("https://api.vapi.ai"),
        check: web_address,
        shown: without_password,
    },
    Setting { name: "smtp_url", default: |_| None, check: mail_server, shown: without_password },
    Setting {
        name: "mail_from",
        default: |_| said("Dialtone <dialtone@localhost>"),
        check: not_empty,
        shown: plainly,
    },
    Setting { name: "drain_seconds", default: |_| said("0"), check: seconds, shown: plainly },
    Setting { name: "private_webhooks", default: |_| said(""), check: networks, shown: plainly },
    Setting { name: "oidc_issuer", default: |_| None, check: web_address, shown: without_password },
    Setting { name: "oidc_client_id", default: |_| None, check: not_empty, shown: plainly },
    Setting { name: "oidc_client_secret", default: |_| None, check: not_empty, shown: hidden_if_set },
    Setting { name: "oidc_name", default: |_| said("OpenID"), check: not_empty, shown: plainly },
    Setting { name: "oidc_sign_up", default: |_| None, check: sign_up_rules, shown: plainly },
    Setting { name: "trusted_proxies", default: |_| None, check: networks, shown: plainly },
    Setting { name: "requests_per_minute", default: |_| said("12000"), check: count, shown: plainly },
    Setting { name: "backup_every", default: daily_where_nobody_else_does, check: interval, shown: plainly },
    Setting { name: "backup_keep", default: |_| said("7"), check: how_many, shown: plainly },
    Setting { name: "log", default: |_| said("info"), check: log_filter, shown: plainly },
    Setting { name: "log_format", default: |_| said("auto"), check: log_format, shown: plainly },
    Setting { name: "otlp_url", default: |_| None, check: web_address, shown: without_password },
];

fn said(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn sqlite_in_data_dir(resolved: &Resolved) -> Option<String> {
    let path = Path::new(resolved.get("data_dir")).join("dialtone.db");
    Some(format!("sqlite://{}", path.display()))
}

fn where_it_listens(resolved: &Resolved) -> Option<String> {
    Some(format!("http://{}", resolved.get("listen")))
}

/// Who runs PostgreSQL has backups of their own; a file in a folder has none.
fn daily_where_nobody_else_does(resolved: &Resolved) -> Option<String> {
    said(if resolved.database_file().is_some() { "24h" } else { "off" })
}

fn interval(text: &str) -> std::result::Result<(), &'static str> {
    match text == "off" || every(text).is_some() {
        true => Ok(()),
        false => Err("must be off, or a number of minutes or hours, such as 30m or 24h"),
    }
}

fn every(text: &str) -> Option<Duration> {
    let (number, seconds) = match (text.strip_suffix('m'), text.strip_suffix('h')) {
        (Some(minutes), _) => (minutes, 60),
        (_, Some(hours)) => (hours, 3600),
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|number| (1..=10_000).contains(number))?;
    Some(Duration::from_secs(number * seconds))
}

fn how_many(text: &str) -> std::result::Result<(), &'static str> {
    match text.parse() {
        Ok(1..=10_000_usize) => Ok(()),
        _ => Err("must be a number from 1 to 10000"),
    }
}

fn not_empty(text: &str) -> std::result::Result<(), &'static str> {
    if text.trim().is_empty() { Err("must not be empty") } else { Ok(()) }
}

fn address(text: &str) -> std::result::Result<(), &'static str> {
    text.parse::<SocketAddr>().map(drop).map_err(|_| "must be an address and a port, such as 127.0.0.1:8080")
}

fn database(text: &str) -> std::result::Result<(), &'static str> {
    let known = ["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    if known { Ok(()) } else { Err("must begin with sqlite:// or postgres://") }
}

fn web_address(text: &str) -> std::result::Result<(), &'static str> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
        _ => Err("must be a web address, such as https://dialtone.example.com"),
    }
}

fn mail_server(text: &str) -> std::result::Result<(), &'static str> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "smtp" | "smtps") && url.has_host() => Ok(()),
        _ => Err("must be a mail server, such as smtp://user:password@mail.example.com:587?tls=required"),
    }
}

fn networks(text: &str) -> std::result::Result<(), &'static str> {
    match dialtone_app::are_networks(text) {
        true => Ok(()),
        false => Err("must be networks separated by commas, such as 10.0.0.0/8,192.168.1.5"),
    }
}

fn products(text: &str) -> std::result::Result<(), &'static str> {
    web_address(&text.replace("{product}", "api"))
        .map_err(|_| "must be a web address; {product} in it stands for api, trunking…")
}

fn log_filter(text: &str) -> std::result::Result<(), &'static str> {
    text.parse::<tracing_subscriber::EnvFilter>()
        .map(drop)
        .map_err(|_| "must be a log filter, such as info or info,dialtone_app=debug")
}

fn log_format(text: &str) -> std::result::Result<(), &'static str> {
    let known = ["auto", "json", "text"].contains(&text);
    if known { Ok(()) } else { Err("must be auto, json or text") }
}

fn seconds(text: &str) -> std::result::Result<(), &'static str> {
    match text.parse::<u64>() {
        Ok(0..=300) => Ok(()),
        _ => Err("must be a number of seconds from 0 to 300"),
    }
}

/// The items of a list in one setting.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn sign_up_rules(text: &str) -> std::result::Result<(), &'static str> {
    items(text).try_for_each(|rule| rule.parse::<OidcSignUp>().map(drop))
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| address.into()))
}

fn count(text: &str) -> std::result::Result<(), &'static str> {
    match text.parse::<u32>() {
        Ok(1..) => Ok(()),
        _ => Err("must be a number of at least 1"),
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of the command.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A line of the file.
    File(PathBuf),
    /// Nobody said otherwise.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "flag --{name}"),
            Origin::Variable(name) => write!(f, "environment {name}"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// What is in force, each value with where it came from.
#[derive(Debug, Default)]
pub(crate) struct Resolved(Vec<(&'static str, String, Origin)>);

impl Resolved {
    fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|row| row.0 == name).map(|row| row.1.as_str())
    }

    /// The value of a setting that has a default.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).expect("every setting but the master key has a default, and the table is in order")
    }

    /// Where to listen.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.get("listen").parse().expect("checked when it was read")
    }

    /// How long a server that is asked to stop goes on.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.get("drain_seconds").parse().expect("checked when it was read"))
    }

    /// Where traces are sent, if anywhere.
    pub(crate) fn otlp_url(&self) -> Option<&str> {
        self.find("otlp_url")
    }

    /// Whether the setting was left at its default.
    pub(crate) fn is_default(&self, name: &str) -> bool {
        self.0.iter().any(|row| row.0 == name && row.2 == Origin::Default)
    }

    /// The file of the database, where it is one.
    pub(crate) fn database_file(&self) -> Option<&Path> {
        self.get("database_url").strip_prefix("sqlite://").map(Path::new)
    }

    /// The file of the master key, where the key is not given itself.
    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        self.find("master_key").is_none().then(|| Path::new(self.get("data_dir")).join("master.key"))
    }

    /// For the application.
    pub(crate) fn app(&self) -> dialtone_app::Config {
        dialtone_app::Config {
            database_url: self.get("database_url").to_owned(),
            data_dir: self.get("data_dir").into(),
            master_key: self.find("master_key").map(SecretString::from),
            public_url: self.get("public_url").to_owned(),
            twilio_url: self.get("twilio_url").to_owned(),
            vapi_url: self.get("vapi_url").to_owned(),
            limits: Default::default(),
            mail: self
                .find("smtp_url")
                .map(|url| MailConfig { url: url.into(), from: self.get("mail_from").to_owned() }),
            private_webhooks: self.get("private_webhooks").to_owned(),
            minute: std::time::Duration::from_secs(60),
            backups: every(self.get("backup_every")).map(|every| Schedule {
                every,
                keep: self.get("backup_keep").parse().expect("checked when it was read"),
            }),
            oidc: self.oidc(),
            oidc_sign_up: self.list("oidc_sign_up").filter_map(|rule| rule.parse().ok()).collect(),
        }
    }

    /// The OpenID provider, where its address is given.
    fn oidc(&self) -> Option<OidcConfig> {
        let told = |name| self.find(name).unwrap_or_default();
        Some(OidcConfig {
            issuer: self.find("oidc_issuer")?.to_owned(),
            client_id: told("oidc_client_id").to_owned(),
            client_secret: told("oidc_client_secret").into(),
            name: self.get("oidc_name").to_owned(),
        })
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        items(self.find(name).unwrap_or_default())
    }

    /// For the server.
    pub(crate) fn server(&self) -> dialtone_server::Options {
        dialtone_server::Options {
            trusted_proxies: self.list("trusted_proxies").filter_map(network).collect(),
            requests_per_minute: self.get("requests_per_minute").parse().expect("checked when it was read"),
            ..Default::default()
        }
    }

    /// Name, value as it may be shown, and origin of every setting, in order.
    pub(crate) fn shown(&self) -> Vec<(&'static str, String, String)> {
        let row = |setting: &Setting| match self.0.iter().find(|row| row.0 == setting.name) {
            Some((name, value, origin)) => (*name, (setting.shown)(value), origin.to_string()),
            None => (setting.name, (setting.shown)(""), Origin::Default.to_string()),
        };
        SETTINGS.iter().map(row).collect()
    }
}

/// The configuration that these flags, this process's environment and the file make. Fails with a sentence
/// on a value that cannot be, a file that cannot be read, and a name in it that is not a setting.
pub(crate) fn resolve(flags: &ServerFlags) -> Result<Resolved> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let named = flags.config.clone().or_else(|| variable("DIALTONE_CONFIG").map(PathBuf::from));
    let mut file = match named {
        Some(path) => read(&path)?,
        None if Path::new(FILE).exists() => read(Path::new(FILE))?,
        None => Vec::new(),
    };
    // Behind what the file says: the first line of a name counts.
    file.extend(credential(variable("CREDENTIALS_DIRECTORY").as_deref())?);
    layered(&flags.given(), variable, &file)
}

/// A setting of the file: its name, its value, and the file.
type Line = (String, String, PathBuf);

fn read(path: &Path) -> Result<Vec<Line>> {
    let name = path.display();
    let fail = |why: String| Failure::Error(format!("The configuration file {name} cannot be used: {why}"));
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    // The parser's message quotes the line, which may hold the master key: only its place is told.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        fail(format!("line {line} is not TOML."))
    })?;
    table.into_iter().map(|(name, value)| line(path, name, value).map_err(fail)).collect()
}

/// The master key, where systemd hands it over as a credential (`LoadCredential=master.key:…`).
fn credential(folder: Option<&str>) -> Result<Option<Line>> {
    let Some(path) = folder.map(|folder| Path::new(folder).join("master.key")) else { return Ok(None) };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(("master_key".to_owned(), text.trim().to_owned(), path))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let what = format!("The credential {} cannot be read", path.display());
            Err(Failure::because(what, error))
        }
    }
}

fn line(path: &Path, name: String, value: toml::Value) -> std::result::Result<Line, String> {
    if !SETTINGS.iter().any(|setting| setting.name == name) {
        let known: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        return Err(format!("there is no setting `{name}`. The settings are {}.", known.join(", ")));
    }
    match value {
        toml::Value::String(text) => Ok((name, text, path.to_owned())),
        _ => Err(format!("`{name}` must be a text in quotes.")),
    }
}

fn layered(
    flags: &[(&'static str, Option<String>)],
    variable: impl Fn(&str) -> Option<String>,
    file: &[Line],
) -> Result<Resolved> {
    let mut resolved = Resolved::default();
    for setting in &SETTINGS {
        let name = setting.name;
        let flag = flags.iter().find(|flag| flag.0 == name).and_then(|flag| flag.1.clone());
        let environment = format!("DIALTONE_{}", name.to_ascii_uppercase());
        let found = flag
            .map(|value| (value, Origin::Flag(name.replace('_', "-"))))
            .or_else(|| variable(&environment).map(|value| (value, Origin::Variable(environment))))
            .or_else(|| {
                let line = file.iter().find(|line| line.0 == name)?;
                Some((line.1.clone(), Origin::File(line.2.clone())))
            })
            .or_else(|| Some(((setting.default)(&resolved)?, Origin::Default)));
        let Some((value, origin)) = found else { continue };
        (setting.check)(&value).map_err(|why| Failure::Usage(format!("`{name}` ({origin}) {why}.")))?;
        resolved.0.push((name, value, origin));
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: &[(&str, &str)]) -> Vec<Line> {
        lines.iter().map(|(name, value)| ((*name).into(), (*value).into(), "d.toml".into())).collect()
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
        let flags = [("listen", Some("127.0.0.1:1".to_owned())), ("data_dir", None)];
        let variable = |name: &str| match name {
            "DIALTONE_LISTEN" => said("127.0.0.1:2"),
            "DIALTONE_DATA_DIR" => said("/env"),
            _ => None,
        };
        let lines =
            file(&[("listen", "127.0.0.1:3"), ("data_dir", "/file"), ("vapi_url", "https://v.example")]);
        let resolved = layered(&flags, variable, &lines).unwrap();
        assert_eq!(resolved.get("listen"), "127.0.0.1:1");
        assert_eq!(resolved.get("data_dir"), "/env");
        assert_eq!(resolved.get("database_url"), "sqlite:///env/dialtone.db");
        assert_eq!(resolved.get("public_url"), "http://127.0.0.1:1");
        assert_eq!(resolved.get("vapi_url"), "https://v.example");
        let origin = |name: &str| resolved.shown().into_iter().find(|row| row.0 == name).unwrap().2;
        for (name, expected) in [
            ("listen", "flag --listen"),
            ("data_dir", "environment DIALTONE_DATA_DIR"),
            ("vapi_url", "file d.toml"),
            ("twilio_url", "default"),
            ("master_key", "default"),
        ] {
            assert_eq!(origin(name), expected);
        }
    }

    #[test]
    fn secrets_are_hidden_when_it_is_shown() {
        let lines = file(&[
            ("master_key", "key-canary"),
            ("database_url", "postgres://me:pw-canary@db/d"),
            ("smtp_url", "smtp://m.example?password=canary"),
            ("otlp_url", "https://c.example/v1/traces?api_key=canary"),
            ("public_url", "https://me:canary@d.example"),
            ("oidc_issuer", "https://o.example?key=canary"),
            ("vapi_url", "https://me:canary@v.example"),
            ("twilio_url", "https://me:canary@t.example/{product}"),
        ]);
        let shown = format!("{:?}", layered(&[], |_| None, &lines).unwrap().shown());
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("postgres://me:hidden@db/d"), "{shown}");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_origin() {
        for (name, value) in [
            ("listen", "8080"),
            ("database_url", "mysql://x"),
            ("public_url", "dialtone.example.com"),
            ("twilio_url", "{product}.twilio.com"),
            ("vapi_url", "file:///etc"),
            ("log", "=="),
            ("data_dir", " "),
        ] {
            let Err(Failure::Usage(text)) = layered(&[], |_| None, &file(&[(name, value)])) else {
                panic!("{name} = {value} is taken")
            };
            assert!(text.contains(&format!("`{name}` (file d.toml)")), "{text}");
        }
        assert!(line(Path::new("d.toml"), "lisen".into(), toml::Value::String(String::new())).is_err());
        assert!(line(Path::new("d.toml"), "listen".into(), toml::Value::Integer(1)).is_err());
    }
}
