//! What people are alerted to. The texts are `alert.<kind>.*`.

use crate::text::{self, Language, Params};
use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// It may go wrong.
    Warning,
    /// Callers are not answered, or data is at risk.
    Critical,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Severity; 3] = [Severity::Notice, Severity::Warning, Severity::Critical];

    /// Its name in the API and in the database.
    pub fn name(self) -> &'static str {
        ["notice", "warning", "critical"][self as usize]
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $severity:ident),+ $(,)?) => {
        /// What kind of alert. The names are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AlertKind { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl AlertKind {
            /// All of them.
            pub const ALL: &[AlertKind] = &[$(AlertKind::$variant),+];

            /// Its stable name.
            pub fn name(self) -> &'static str {
                match self { $(AlertKind::$variant => $name),+ }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(AlertKind::$variant => Severity::$severity),+ }
            }
        }
    };
}

kinds! {
    /// A line's checks fail: callers do not get through.
    LineBroken = "line_broken" Critical,
    /// A line's last call was not answered, though its checks are ok otherwise.
    CallFailed = "call_failed" Warning,
    /// A provider does not answer, for several lines or for some time.
    ProviderDown = "provider_down" Warning,
    /// A provider refuses saved credentials, or the account behind them does not work.
    CredentialRefused = "credential_refused" Critical,
    /// Somebody outside keeps undoing what Dialtone repairs by itself.
    RepairFight = "repair_fight" Warning,
    /// Lines were not looked at for longer than their interval.
    WatchLate = "watch_late" Notice,
    /// A backup that was due was not made.
    BackupFailed = "backup_failed" Critical,
}

impl std::str::FromStr for AlertKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        AlertKind::ALL.iter().copied().find(|kind| kind.name() == text).ok_or(())
    }
}

impl std::fmt::Display for AlertKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl AlertKind {
    /// A few words: what is wrong with what.
    pub fn title(self, language: Language, params: &Params) -> String {
        text::text(language, &format!("alert.{}.title", self.name()), params)
    }

    /// What it means and what to do.
    pub fn detail(self, language: Language, params: &Params) -> String {
        text::text(language, &format!("alert.{}.detail", self.name()), params)
    }

    /// That it is over.
    pub fn over(self, language: Language, params: &Params) -> String {
        text::text(language, &format!("alert.{}.over", self.name()), params)
    }
}
