//! The rotation of auth tokens (T3 [S accounts_v1]): while a secondary exists both authenticate, and webhooks
//! are signed with the primary.

use hyper::Method;
use serde_json::{Value, json};

use super::accounts::Account;
use super::errors::Problem;
use super::{Answer, Ctx, Route};
use crate::clock::iso;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "AuthTokens/Secondary",
        area: "accounts",
        methods: &[(Method::POST, create), (Method::DELETE, delete)],
    },
    Route { pattern: "AuthTokens/Promote", area: "accounts", methods: &[(Method::POST, promote)] },
];

fn account<'c>(ctx: &'c mut Ctx<'_>) -> Result<&'c mut Account, Problem> {
    let now = ctx.world.clock.now();
    let found = ctx.world.twilio.account_mut(&ctx.account);
    let account = found.ok_or_else(|| Problem::not_found(&ctx.uri))?;
    account.updated = now;
    Ok(account)
}

/// The answer: the token under its name. Its dates are the account's [?].
fn shown(ctx: &mut Ctx<'_>, status: u16, name: &str, token: &str) -> Result<Answer, Problem> {
    let url = format!("{}{}", ctx.base, ctx.uri);
    let account = account(ctx)?;
    let mut body = json!({
        "account_sid": account.sid,
        "date_created": iso(account.created),
        "date_updated": iso(account.updated),
        "url": url,
    });
    body[name] = Value::from(token);
    Ok(Answer::Resource { status, kind: "", body })
}

/// `POST /v1/AuthTokens/Secondary`. That a second one is refused, and how, is [?].
fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    if account(ctx)?.secondary_token.is_some() {
        return Err(Problem::new(20409, "The account has a secondary auth token already"));
    }
    let token = ctx.world.ids.token();
    account(ctx)?.secondary_token = Some(token.clone());
    shown(ctx, 201, "secondary_auth_token", &token)
}

/// `DELETE /v1/AuthTokens/Secondary`.
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let missing = Problem::not_found(&ctx.uri);
    account(ctx)?.secondary_token.take().ok_or(missing)?;
    Ok(Answer::deleted())
}

/// `POST /v1/AuthTokens/Promote`: the secondary becomes the primary, which is dead from now on.
fn promote(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let missing = Problem::not_found(&ctx.uri);
    let token = account(ctx)?.secondary_token.take().ok_or(missing)?;
    account(ctx)?.auth_token.clone_from(&token);
    shown(ctx, 200, "auth_token", &token)
}
