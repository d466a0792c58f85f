//! Calls: the resource, its rules, and what time does with it (T16 [S]).

mod checks;
mod record;

use hyper::Method;

use super::errors::Problem;
use super::{Answer, Ctx, Route, auth, paging};
use crate::http::{Object, text};
use crate::state::World;
pub(crate) use record::NewLeg;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Accounts/{}/Calls", area: "calls", methods: &[(Method::GET, list)] },
    Route { pattern: "Accounts/{}/Calls/{}", area: "calls", methods: &[(Method::GET, fetch)] },
];

/// `GET …/Calls.json` with the filters `To`, `From`, `Status`.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters = [("to", "To"), ("from", "From"), ("status", "Status")]
        .map(|(field, name)| (field, ctx.query.filled(name)));
    let wanted = |call: &&Object| {
        ctx.owns(call)
            && filters.iter().all(|(field, value)| value.is_none_or(|value| text(call, field) == Some(value)))
    };
    let items = ctx.world.twilio.calls.iter().rev().filter(wanted);
    paging::relative(ctx, "calls", "Call", items)
}

/// `GET …/Calls/{CA}.json`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.own(&ctx.world.twilio.calls)?.clone();
    Ok(Answer::item(200, "Call", found))
}

/// A call by whoever holds an account's credentials, as `POST …/Calls.json` would place it: checked and
/// recorded, but its course is the caller's business, who ends it with [`finish`].
pub(crate) fn dial(
    world: &mut World,
    user: &str,
    secret: &str,
    account: &str,
    from: &str,
    to: &str,
) -> Result<String, Problem> {
    let uri = format!("/2010-04-01/Accounts/{account}/Calls.json");
    let caller = auth::authenticate(&world.twilio, user, secret)?;
    auth::admit(&world.twilio, &caller, account, "calls", true, &uri)?;
    checks::parties(&world.twilio, account, from, to)?;
    let leg = NewLeg { account, from, to, direction: "outbound-api", status: "queued", parent: None };
    Ok(world.open_call(&leg))
}

/// Ends a call with its final status after so many seconds of talk.
pub(crate) fn finish(world: &mut World, sid: &str, status: &str, seconds: u32) {
    world.end_call(sid, status, seconds);
}
