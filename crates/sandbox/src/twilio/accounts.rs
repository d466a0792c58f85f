//! Accounts, subaccounts and the balance (T3 [S][D]).

use std::collections::BTreeSet;

use hyper::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::Problem;
use super::keys::Key;
use super::paging::Item;
use super::{Answer, Ctx, Route, Twilio, paging};
use crate::clock::rfc2822;
use crate::http::{Object, text};
use crate::state::World;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Accounts", area: "accounts", methods: &[(Method::GET, list), (Method::POST, create)] },
    Route {
        pattern: "Accounts/{}",
        area: "accounts",
        methods: &[(Method::GET, fetch), (Method::POST, update)],
    },
    Route { pattern: "Accounts/{}/Balance", area: "balance", methods: &[(Method::GET, balance)] },
];

/// Whether an account is paid for (T3 [S]: `type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[serde(alias = "full")]
    Full,
    #[serde(alias = "trial")]
    Trial,
}

/// An account's state (T3 [S]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Active,
    Suspended,
    Closed,
}

/// A Twilio account or subaccount.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) sid: String,
    pub(crate) auth_token: String,
    pub(crate) kind: Kind,
    pub(crate) status: Status,
    pub(crate) friendly_name: String,
    /// The parent; a main account is its own.
    pub(crate) owner: String,
    /// Millionths of a US dollar; may go below zero. A subaccount has none of its own.
    pub(crate) balance: i64,
    pub(crate) keys: Vec<Key>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// Authenticates as well, while it exists (T3 [S]).
    #[serde(default)]
    pub(crate) secondary_token: Option<String>,
    /// Test credentials (T22 [D]).
    #[serde(default)]
    pub(crate) test: bool,
    /// Countries to which it may not text (T8: 21408).
    #[serde(default)]
    pub(crate) closed_countries: BTreeSet<String>,
    /// Whether it may not buy long codes (T5 [E]: 22300).
    #[serde(default)]
    pub(crate) no_long_codes: bool,
}

/// Resources named in `subresource_uris` [S].
const SUBRESOURCES: [(&str, &str); 8] = [
    ("applications", "Applications"),
    ("available_phone_numbers", "AvailablePhoneNumbers"),
    ("balance", "Balance"),
    ("calls", "Calls"),
    ("incoming_phone_numbers", "IncomingPhoneNumbers"),
    ("keys", "Keys"),
    ("messages", "Messages"),
    ("outgoing_caller_ids", "OutgoingCallerIds"),
];

impl Item for Account {
    fn sid(&self) -> &str {
        &self.sid
    }

    /// The account resource; it contains the auth token (T3 [S]).
    fn show(&self) -> Object {
        let base = format!("/2010-04-01/Accounts/{}", self.sid);
        let links: Object = SUBRESOURCES
            .iter()
            .map(|(name, path)| ((*name).to_owned(), json!(format!("{base}/{path}.json"))))
            .collect();
        let shown = json!({
            "sid": self.sid,
            "auth_token": self.auth_token,
            "type": self.kind,
            "status": self.status,
            "friendly_name": self.friendly_name,
            "owner_account_sid": self.owner,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "subresource_uris": links,
            "uri": format!("{base}.json"),
        });
        match shown {
            Value::Object(object) => object,
            _ => Object::new(),
        }
    }
}

impl Account {
    fn is_sub(&self) -> bool {
        self.owner != self.sid
    }
}

impl World {
    /// Opens a main account and returns its SID.
    pub(crate) fn open_account(&mut self, kind: Kind, name: &str, balance: i64) -> String {
        self.add_account(kind, name, balance, None)
    }

    /// Opens an account, or with `owner` a subaccount of it, and returns its SID.
    pub(crate) fn add_account(
        &mut self,
        kind: Kind,
        name: &str,
        balance: i64,
        owner: Option<&str>,
    ) -> String {
        let sid = self.ids.sid("AC");
        self.twilio.accounts.push(Account {
            auth_token: self.ids.token(),
            kind,
            status: Status::Active,
            friendly_name: name.to_owned(),
            owner: owner.unwrap_or(&sid).to_owned(),
            balance,
            keys: Vec::new(),
            created: self.clock.now(),
            updated: self.clock.now(),
            secondary_token: None,
            test: false,
            closed_countries: BTreeSet::new(),
            no_long_codes: false,
            sid: sid.clone(),
        });
        sid
    }
}

impl Twilio {
    /// Takes so many millionths of a dollar from the main account's balance (T3 [S]: subaccounts have none).
    pub(crate) fn charge(&mut self, account: &str, micros: i64) {
        let payer = self.account(account).map(|account| account.owner.clone());
        if let Some(payer) = payer.and_then(|sid| self.account_mut(&sid)) {
            payer.balance = payer.balance.saturating_sub(micros);
        }
    }

    pub(crate) fn account(&self, sid: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.sid == sid)
    }

    pub(crate) fn account_mut(&mut self, sid: &str) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.sid == sid)
    }

    /// Whether the account and its parent are active.
    pub(crate) fn is_active(&self, sid: &str) -> bool {
        let active = |sid: &str| self.account(sid).is_some_and(|account| account.status == Status::Active);
        active(sid) && self.account(sid).is_some_and(|account| active(&account.owner))
    }

    /// Accounts as the control API shows them: with tokens, keys, numbers and caller ids.
    pub(crate) fn show_accounts(&self) -> Value {
        self.accounts.iter().map(|account| self.show_account(account)).collect()
    }

    /// One account as the control API shows it.
    pub(crate) fn show_account(&self, account: &Account) -> Value {
        let own = |object: &&Object| text(object, "account_sid") == Some(account.sid.as_str());
        json!({
            "sid": account.sid,
            "auth_token": account.auth_token,
            "secondary_auth_token": account.secondary_token,
            "test": account.test,
            "type": account.kind,
            "status": account.status,
            "friendly_name": account.friendly_name,
            "owner_account_sid": account.owner,
            "balance": dollars(account.balance),
            "keys": account.keys.iter().map(Key::show_all).collect::<Value>(),
            "numbers": self.numbers.iter().filter(own).collect::<Vec<_>>(),
            "caller_ids": self.caller_ids.iter().filter(own).collect::<Vec<_>>(),
        })
    }
}

/// `GET /Accounts.json`: the caller's account and its subaccounts.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (name, status) = (ctx.query.filled("FriendlyName"), ctx.query.filled("Status"));
    let visible = |account: &&Account| {
        (account.sid == ctx.caller.account || account.owner == ctx.caller.account)
            && name.is_none_or(|name| account.friendly_name == name)
            && status.is_none_or(|status| json!(account.status) == json!(status))
    };
    let items = ctx.world.twilio.accounts.iter().rev().filter(visible);
    paging::relative(ctx, "accounts", "Account", items)
}

/// `GET /Accounts/{AC}.json`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let account = ctx.world.twilio.account(&ctx.account).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    Ok(Answer::item(200, "Account", account.show()))
}

/// `POST /Accounts.json`: a subaccount of the caller's account. A subaccount cannot have its own [?].
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let parent = ctx.caller.account.clone();
    let twilio = &ctx.world.twilio;
    let owner = twilio.account(&parent).filter(|account| !account.is_sub()).ok_or_else(Problem::forbidden)?;
    let kind = owner.kind;
    let name = match ctx.form.filled("FriendlyName") {
        Some(name) => checked_name(name)?,
        None => format!("SubAccount Created at {}", rfc2822(ctx.world.clock.now())),
    };
    ctx.account = ctx.world.add_account(kind, &name, 0, Some(&parent));
    let account = ctx.world.twilio.account(&ctx.account).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    Ok(Answer::item(201, "Account", account.show()))
}

/// `POST /Accounts/{AC}.json`: name and status. Only a parent changes a status, and closed is final [?].
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let name = ctx.form.filled("FriendlyName").map(checked_name).transpose()?;
    let status = match ctx.form.filled("Status") {
        Some(status) => Some(
            serde_json::from_value::<Status>(json!(status))
                .map_err(|_| Problem::new(20422, format!("Status {status} is not valid")))?,
        ),
        None => None,
    };
    let now = ctx.world.clock.now();
    let account = ctx.world.twilio.account_mut(&ctx.account).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    if status.is_some() && (!account.is_sub() || ctx.caller.account == account.sid) {
        return Err(Problem::new(20010, "Only the parent account can change the status of an account"));
    }
    if status.is_some() && account.status == Status::Closed {
        return Err(Problem::new(20010, "A closed account cannot be opened again"));
    }
    account.friendly_name = name.unwrap_or_else(|| account.friendly_name.clone());
    account.status = status.unwrap_or(account.status);
    account.updated = now;
    fetch(ctx)
}

/// `GET /Accounts/{AC}/Balance.json`: main accounts only (T3 [S]); 404 for a subaccount is [?].
pub(crate) fn balance(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let main = ctx.world.twilio.account(&ctx.account).filter(|account| !account.is_sub());
    let account = main.ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let mut shown = Object::new();
    shown.insert("account_sid".to_owned(), json!(account.sid));
    shown.insert("balance".to_owned(), json!(dollars(account.balance)));
    shown.insert("currency".to_owned(), json!("USD"));
    Ok(Answer::item(200, "Balance", shown))
}

/// Millionths of a dollar as Twilio writes a balance (T3 [S]).
fn dollars(micros: i64) -> String {
    format!(
        "{}{}.{:02}",
        if micros < 0 { "-" } else { "" },
        micros.abs() / 1_000_000,
        micros.abs() / 10_000 % 100
    )
}

fn checked_name(name: &str) -> Result<String, Problem> {
    if name.chars().count() <= 64 {
        return Ok(name.to_owned());
    }
    Err(Problem::new(20422, "FriendlyName is longer than 64 characters"))
}
