//! API keys (T3 [D]). A secret is shown once, at creation.

use hyper::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::Problem;
use super::paging::Item;
use super::{Answer, Ctx, Route, paging};
use crate::clock::rfc2822;
use crate::http::Object;
use crate::state::World;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Accounts/{}/Keys",
        area: "keys",
        methods: &[(Method::GET, list), (Method::POST, create)],
    },
    Route {
        pattern: "Accounts/{}/Keys/{}",
        area: "keys",
        methods: &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)],
    },
];

/// What a caller may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Rights {
    /// The auth token, and main keys.
    Everything,
    /// Standard keys: everything except accounts and keys.
    Standard,
    /// Restricted keys: these permissions, `{area}/{read|write}`.
    Restricted(Vec<String>),
}

/// An API key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) sid: String,
    pub(crate) secret: String,
    pub(crate) rights: Rights,
    friendly_name: String,
    created: Timestamp,
    updated: Timestamp,
}

impl Item for Key {
    fn sid(&self) -> &str {
        &self.sid
    }

    fn show(&self) -> Object {
        let mut shown = Object::new();
        shown.insert("sid".to_owned(), json!(self.sid));
        shown.insert("friendly_name".to_owned(), json!(self.friendly_name));
        shown.insert("date_created".to_owned(), json!(rfc2822(self.created)));
        shown.insert("date_updated".to_owned(), json!(rfc2822(self.updated)));
        shown
    }
}

impl Key {
    /// The key with its secret and rights, for the control API.
    pub(crate) fn show_all(&self) -> Value {
        let (kind, permissions) = match &self.rights {
            Rights::Everything => ("main", None),
            Rights::Standard => ("standard", None),
            Rights::Restricted(permissions) => ("restricted", Some(permissions)),
        };
        let mut shown = self.show();
        shown.insert("secret".to_owned(), json!(self.secret));
        shown.insert("type".to_owned(), json!(kind));
        shown.insert("permissions".to_owned(), json!(permissions));
        Value::Object(shown)
    }
}

impl World {
    /// Makes a key of an existing account; none when the account does not exist.
    pub(crate) fn add_key(&mut self, account: &str, name: &str, rights: Rights) -> Option<&Key> {
        let key = Key {
            sid: self.ids.sid("SK"),
            secret: self.ids.token(),
            rights,
            friendly_name: name.to_owned(),
            created: self.clock.now(),
            updated: self.clock.now(),
        };
        let keys = &mut self.twilio.account_mut(account)?.keys;
        keys.push(key);
        keys.last()
    }
}

/// `GET /Accounts/{AC}/Keys.json`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let items = keys(ctx)?.iter().rev();
    paging::relative(ctx, "keys", "Key", items)
}

/// `POST /Accounts/{AC}/Keys.json`: a standard key, with its secret.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let name = ctx.form.get("FriendlyName").unwrap_or_default().to_owned();
    let account = ctx.account.clone();
    let key = ctx.world.add_key(&account, &name, Rights::Standard);
    let key = key.ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let mut shown = key.show();
    shown.insert("secret".to_owned(), json!(key.secret));
    Ok(Answer::item(201, "Key", shown))
}

/// `GET /Accounts/{AC}/Keys/{SK}.json`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let key = keys(ctx)?.iter().find(|key| key.sid == ctx.ids[0]);
    Ok(Answer::item(200, "Key", key.ok_or_else(|| Problem::not_found(&ctx.uri))?.show()))
}

/// `POST /Accounts/{AC}/Keys/{SK}.json`: another name.
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (now, name) = (ctx.world.clock.now(), ctx.form.get("FriendlyName").map(str::to_owned));
    let account = ctx.world.twilio.account_mut(&ctx.account).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let key = account.keys.iter_mut().find(|key| key.sid == ctx.ids[0]);
    let key = key.ok_or_else(|| Problem::not_found(&ctx.uri))?;
    key.friendly_name = name.unwrap_or_else(|| key.friendly_name.clone());
    key.updated = now;
    Ok(Answer::item(200, "Key", key.show()))
}

/// `DELETE /Accounts/{AC}/Keys/{SK}.json`: whoever still uses it gets 401 from now on.
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    fetch(ctx)?;
    if let Some(account) = ctx.world.twilio.account_mut(&ctx.account) {
        account.keys.retain(|key| key.sid != ctx.ids[0]);
    }
    Ok(Answer::deleted())
}

fn keys<'c>(ctx: &'c Ctx<'_>) -> Result<&'c [Key], Problem> {
    let account = ctx.world.twilio.account(&ctx.account).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    Ok(&account.keys)
}
