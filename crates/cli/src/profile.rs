//! Which server a command talks to, and with which token: flags, environment, or a profile of
//! `~/.config/dialtone/profiles.toml`:
//!
//! ```toml
//! [default]
//! url = "https://dialtone.example.com"
//! token = "dt_…"
//! ```

use crate::args::ClientFlags;
use crate::client::is_here;
use crate::failure::{Failure, Result};
use dialtone_domain::{ExposeSecret, Language, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use url::Url;

/// Where a server is asked for when nobody says otherwise.
const LOCAL: &str = "http://127.0.0.1:8080";

/// The server to talk to, and as whom.
#[derive(Debug)]
pub(crate) struct Target {
    /// The server's origin.
    pub(crate) url: Url,
    /// The API token; without one only public requests work.
    pub(crate) token: Option<SecretString>,
    /// The language that its messages should be in.
    pub(crate) language: Language,
}

#[derive(Debug, Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: String,
    token: Option<SecretString>,
}

/// The target that the flags, this process's environment and the profiles make.
pub(crate) fn target(flags: &ClientFlags) -> Result<Target> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let profiles = match profiles_file(&variable) {
        Some(path) if path.exists() => read(&path)?,
        _ => BTreeMap::new(),
    };
    choose(flags, variable, &profiles)
}

fn profiles_file(variable: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let home = || variable("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?;
    Some(folder.join("dialtone").join("profiles.toml"))
}

fn read(path: &Path) -> Result<BTreeMap<String, Profile>> {
    let name = path.display();
    only_mine(path)?;
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::because(format!("{name} cannot be read"), error))?;
    // The parser's message quotes the line, which may hold a token.
    toml::from_str(&text).map_err(|_| {
        Failure::Error(format!(
            "{name} cannot be used: each profile is a table with `url` and `token`, nothing else."
        ))
    })
}

/// Tokens in a file that others can read are not used: they may be known already.
#[cfg(unix)]
fn only_mine(path: &Path) -> Result {
    use std::os::unix::fs::PermissionsExt;
    let name = path.display();
    let found = std::fs::metadata(path);
    let mode = found
        .map_err(|error| Failure::because(format!("{name} cannot be read"), error))?
        .permissions()
        .mode();
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(Failure::Error(format!(
            "{name} holds tokens and can be read by others: run `chmod 600 {name}`, and replace its tokens if \
             somebody else uses this machine."
        ))),
    }
}

#[cfg(not(unix))]
fn only_mine(_: &Path) -> Result {
    Ok(())
}

/// A token is only sent to the server that it was given for: a profile's to the profile's address.
fn choose(
    flags: &ClientFlags,
    variable: impl Fn(&str) -> Option<String>,
    profiles: &BTreeMap<String, Profile>,
) -> Result<Target> {
    let find = |name: &str| {
        let found = profiles.get(name).cloned();
        found.ok_or_else(|| Failure::Usage(format!("There is no profile \"{name}\" in the profiles file.")))
    };
    let address = flags.url.clone().or_else(|| variable("DIALTONE_URL"));
    let (url, token) = match (&flags.profile, address) {
        (Some(_), _) if flags.url.is_some() => {
            return Err(Failure::Usage("Give --url or --profile, not both.".into()));
        }
        (Some(name), _) => find(name).map(|profile| (profile.url, profile.token))?,
        (None, Some(url)) => (url, variable("DIALTONE_TOKEN").map(SecretString::from)),
        (None, None) => {
            let profile = match variable("DIALTONE_PROFILE") {
                Some(name) => find(&name)?,
                None => profiles.get("default").cloned().unwrap_or_default(),
            };
            // Said with a profile's name, the profile is meant; by itself, either could be.
            let by_itself = variable("DIALTONE_PROFILE").is_none() && !profile.url.is_empty();
            if by_itself && variable("DIALTONE_TOKEN").is_some() {
                return Err(Failure::Usage(
                    "DIALTONE_TOKEN is set, but no server that it is for, and the default profile names another: \
                     set DIALTONE_URL as well, or choose with --url or --profile."
                        .into(),
                ));
            }
            match profile.url.is_empty() {
                true => (LOCAL.to_owned(), variable("DIALTONE_TOKEN").map(SecretString::from)),
                false => (profile.url, profile.token),
            }
        }
    };
    // A line end of a file with Windows' line ends, for example: it cannot be sent, and is told apart from what can.
    let odd = |token: &SecretString| !token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
    if token.as_ref().is_some_and(odd) {
        return Err(Failure::Usage(
            "DIALTONE_TOKEN, or the profile's token, holds characters that no token has, such as a space or an invisible \
             one. Nothing was sent."
                .into(),
        ));
    }
    let parsed =
        Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = parsed.ok_or_else(|| Failure::Usage(format!("\"{url}\" is not a web address.")))?;
    let open = url.scheme() == "http" && !is_here(&url);
    if open && token.is_some() && variable("DIALTONE_ALLOW_HTTP").is_none() {
        return Err(Failure::Usage(format!(
            "{url} is not encrypted, and everybody on the way could read the token. Nothing was sent: use https, or set \
             DIALTONE_ALLOW_HTTP=1 where the network is your own."
        )));
    }
    Ok(Target { url, token, language: language(variable) })
}

/// The person's language, as their terminal is set.
fn language(variable: impl Fn(&str) -> Option<String>) -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    Language::accepted(&locale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        flags: (Option<&str>, Option<&str>),
        environment: &[(&str, &str)],
    ) -> Result<(String, Option<String>)> {
        let profile = |url: &str, token: &str| Profile { url: url.into(), token: Some(token.into()) };
        let profiles = [
            ("default", profile("https://default", "t-default")),
            ("office", profile("https://office", "t-office")),
        ];
        let profiles = profiles.into_iter().map(|(name, profile)| (name.to_owned(), profile)).collect();
        let flags = ClientFlags { url: flags.0.map(Into::into), profile: flags.1.map(Into::into) };
        let variable = |name: &str| environment.iter().find(|row| row.0 == name).map(|row| row.1.to_owned());
        let target = choose(&flags, variable, &profiles)?;
        Ok((target.url.into(), target.token.map(|token| token.expose_secret().to_owned())))
    }

    #[test]
    fn a_token_only_goes_to_the_server_it_was_given_for() {
        let some = |url: &str, token: &str| Ok((url.to_owned(), Some(token.to_owned())));
        let environment = [("DIALTONE_URL", "https://env"), ("DIALTONE_TOKEN", "t-env")];
        assert_eq!(chosen((None, None), &[]), some("https://default/", "t-default"));
        assert_eq!(
            chosen((None, None), &[("DIALTONE_PROFILE", "office")]),
            some("https://office/", "t-office")
        );
        assert_eq!(chosen((None, Some("office")), &environment), some("https://office/", "t-office"));
        let named = [("DIALTONE_PROFILE", "office"), ("DIALTONE_TOKEN", "t-env")];
        assert_eq!(chosen((None, None), &named), some("https://office/", "t-office"));
        assert_eq!(chosen((None, None), &environment), some("https://env/", "t-env"));
        assert_eq!(chosen((Some("https://flag"), None), &environment), some("https://flag/", "t-env"));
        assert_eq!(chosen((Some("http://flag"), None), &[]), Ok(("http://flag/".into(), None)));
        for (flags, environment) in [
            ((None, Some("nobody")), vec![]),
            ((Some("http://flag"), Some("office")), vec![]),
            ((Some("ftp://flag"), None), vec![]),
            ((None, None), vec![("DIALTONE_PROFILE", "nobody")]),
            ((None, None), vec![("DIALTONE_TOKEN", "t-env")]),
        ] {
            assert!(
                matches!(chosen(flags, &environment), Err(Failure::Usage(_))),
                "{flags:?} {environment:?}"
            );
        }
    }

    #[test]
    fn t52_a_token_does_not_leave_unencrypted() {
        let token = ("DIALTONE_TOKEN", "t-env");
        for (url, others, goes) in [
            ("http://dialtone.example.com", vec![], false),
            ("http://10.0.0.1:8080", vec![], false),
            ("http://localhost.example.com", vec![], false),
            ("http://dialtone.internal", vec![("DIALTONE_ALLOW_HTTP", "1")], true),
            ("https://dialtone.example.com", vec![], true),
            ("http://127.0.0.1:8080", vec![], true),
            ("http://[::1]:8080", vec![], true),
            ("http://localhost:8080", vec![], true),
        ] {
            let environment: Vec<_> = [token].into_iter().chain(others).collect();
            assert_eq!(chosen((Some(url), None), &environment).is_ok(), goes, "{url}");
        }
        assert!(chosen((Some("http://dialtone.example.com"), None), &[]).is_ok(), "there is nothing to read");
    }

    #[test]
    fn a_token_that_cannot_be_one_is_not_sent() {
        for token in ["dt_x\r", "dt_x\ndt_y", "dt x", "dt_é", "dt_\u{feff}x"] {
            let environment = [("DIALTONE_URL", "https://env"), ("DIALTONE_TOKEN", token)];
            let Err(Failure::Usage(said)) = chosen((None, None), &environment) else {
                panic!("{token:?} is taken")
            };
            assert!(said.contains("characters that no token has") && !said.contains("dt"), "{said}");
        }
    }

    #[test]
    fn f1_the_language_is_the_terminals() {
        for (variables, expected) in [
            (vec![("LANG", "fr_FR.UTF-8")], Language::Fr),
            (vec![("LANG", "fr_FR.UTF-8"), ("LC_ALL", "C")], Language::En),
            (vec![("LC_ALL", "fr_CA")], Language::Fr),
            (vec![], Language::En),
        ] {
            let variable =
                |name: &str| variables.iter().find(|row| row.0 == name).map(|row| row.1.to_owned());
            assert_eq!(language(variable), expected);
        }
    }
}
