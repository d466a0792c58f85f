//! What an org's plan lets it do (V3.2, V4, V8.5). What it is, the control API says.

use serde::{Deserialize, Serialize};

/// An org's plan. Changed by the control API; the default lets everything pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Subscription {
    /// Calls at the same time: ten by default, more by purchase (V4 [D]).
    pub(crate) concurrency_limit: u32,
    pub(crate) account: Account,
    pub(crate) plan: Plan,
    /// The org's own server URL, the last resort for its messages (V9.1 [S]).
    pub(crate) server: Option<serde_json::Value>,
}

/// What stops every call of an org (V8.5 [S]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Account {
    #[default]
    Active,
    Frozen,
    InsufficientCredits,
    WalletDoesNotExist,
    UpgradeFailed,
    FraudCheckFailed,
}

impl Account {
    /// The end reason of calls that it stops.
    pub(crate) fn ends_with(self) -> Option<&'static str> {
        match self {
            Account::Active => None,
            Account::Frozen => Some("call.start.error-subscription-frozen"),
            Account::InsufficientCredits => Some("call.start.error-subscription-insufficient-credits"),
            Account::WalletDoesNotExist => Some("call.start.error-subscription-wallet-does-not-exist"),
            Account::UpgradeFailed => Some("call.start.error-subscription-upgrade-failed"),
            Account::FraudCheckFailed => Some("call.start.error-fraud-check-failed"),
        }
    }
}

/// How an org pays, as far as it matters for chats (V10 [D]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Plan {
    #[default]
    Paid,
    /// Pay as you go, and no card.
    NoCard,
    /// Pay as you go, and nothing left.
    NoCredits,
}

impl Default for Subscription {
    fn default() -> Subscription {
        Subscription {
            concurrency_limit: 10,
            account: Account::default(),
            plan: Plan::default(),
            server: None,
        }
    }
}
