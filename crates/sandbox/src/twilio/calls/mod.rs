//! Calls: the resource, its rules, and what time does with it (T16 [S]).

mod checks;
mod create;
mod record;
mod update;
mod when;

use hyper::Method;

use super::errors::Problem;
use super::{Answer, Ctx, Route, auth, paging};
use crate::http::{Object, text};
use crate::state::World;
pub(crate) use record::{NewLeg, is_inbound, is_over};
pub(crate) use when::{AT, Span, list_filtered, parse};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Accounts/{}/Calls",
        area: "calls",
        methods: &[(Method::GET, list), (Method::POST, create::create)],
    },
    Route {
        pattern: "Accounts/{}/Calls/{}",
        area: "calls",
        methods: &[(Method::GET, fetch), (Method::POST, update::update), (Method::DELETE, delete)],
    },
    Route { pattern: "Accounts/{}/Calls/{}/Events", area: "calls", methods: &[(Method::GET, events)] },
    Route {
        pattern: "Accounts/{}/Calls/{}/Notifications",
        area: "calls",
        methods: &[(Method::GET, notifications)],
    },
];

/// Equal fields.
const FILTERS: [(&str, &str); 4] =
    [("to", "To"), ("from", "From"), ("status", "Status"), ("parent_call_sid", "ParentCallSid")];

/// `GET …/Calls.json`.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters = FILTERS.map(|(field, name)| (field, ctx.query.filled(name)));
    let wanted = |call: &&Object| {
        filters.iter().all(|(field, value)| value.is_none_or(|value| text(call, field) == Some(value)))
    };
    let rows = ctx.world.twilio.calls.iter().rev().filter(wanted);
    list_filtered(ctx, rows, "calls", "Call", &[("StartTime", "start_time"), ("EndTime", "end_time")])
}

/// `GET …/Calls/{CA}.json`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.own(&ctx.world.twilio.calls)?.clone();
    Ok(Answer::item(200, "Call", found))
}

/// `DELETE …/Calls/{CA}.json`: the log forgets a call; one that goes on cannot be forgotten (20009 as for
/// messages [?]).
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    if !is_over(ctx.own(&ctx.world.twilio.calls)?) {
        return Err(Problem::new(20009, "The call is still in progress"));
    }
    ctx.world.twilio.calls.remove(&ctx.ids[0]);
    Ok(Answer::deleted())
}

/// Requests and answers of a call; this sandbox keeps them in `GET /sandbox/webhooks` instead.
fn events(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.calls)?;
    paging::relative(ctx, "events", "Event", std::iter::empty::<&Object>())
}

/// Alerts of a call are in the Monitor API (T21).
fn notifications(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.calls)?;
    let _ = ["Log", "MessageDate", "MessageDate<", "MessageDate>"].map(|name| ctx.query.get(name).is_some());
    paging::relative(ctx, "notifications", "Notification", std::iter::empty::<&Object>())
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
