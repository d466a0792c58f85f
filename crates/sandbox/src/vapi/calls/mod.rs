//! Calls as a resource (V8): looked at, named, deleted. What happens in them is elsewhere.

mod create;
pub(crate) mod record;

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
pub(crate) use super::inbound::{answer, invite, not_found, stream};
use super::talk::end::{self, Ending};
use super::{Answer, Ctx, Route, artifacts, lists, places, validate};
use crate::http::{Object, text};
use crate::ids::is_uuid;

/// Where they answer. `call/phone` is the older path of the SIP guide (V1 [D]).
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "call", create::create),
    (Method::POST, "call/phone", create::create),
    (Method::GET, "call", list),
    (Method::GET, "call/{}", fetch),
    (Method::PATCH, "call/{}", update),
    (Method::DELETE, "call/{}", delete),
];

/// Where the files of calls are.
pub(crate) use artifacts::ROUTES as ARTIFACTS;

/// `GET /call` with the filters of V4 [S].
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters = ["id", "assistantId", "phoneNumberId"].map(|name| (name, ctx.query.filled(name)));
    let not_uuid = |(name, value): &(&str, Option<&str>)| {
        value.filter(|value| !is_uuid(value)).map(|_| format!("{name} must be a UUID"))
    };
    let wrong: Vec<String> = filters.iter().filter_map(not_uuid).collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(&wrong));
    }
    let wanted = |call: &&Object| {
        filters.iter().all(|(name, value)| value.is_none_or(|value| text(call, name) == Some(value)))
    };
    let answer = lists::array(&ctx.query, ctx.org().calls.iter().filter(wanted))?;
    Ok(shown(answer, ctx))
}

/// `GET /call/{id}`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().calls)?.clone();
    Ok(shown(found.into(), ctx))
}

/// `PATCH /call/{id}`: only the name (V8.2 [S]).
fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().calls)?.clone();
    validate::check("UpdateCallDTO", &ctx.body)?;
    let call = ctx.merged(found);
    ctx.org_mut().calls.put(call.clone());
    Ok(shown(call.into(), ctx))
}

/// `DELETE /call/{id}`, with more ids in the body: deletes stored data, and is no hang-up (V8.2 [S]). One that
/// has not begun is cancelled and stays as a record; one that runs is refused [?].
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("DeleteCallDTO", &ctx.body)?;
    let more = ctx.body.get("ids").and_then(Value::as_array).cloned().unwrap_or_default();
    let more = more.iter().filter_map(Value::as_str).map(str::to_owned);
    let mut ids = vec![ctx.id.clone()];
    ids.extend(more.filter(|id| *id != ctx.id));
    for id in &ids {
        let row = ctx.org().calls.get(id).ok_or_else(Problem::not_found)?;
        if matches!(text(row, "status"), Some("ringing" | "in-progress" | "forwarding")) {
            return Err(Problem::refused("Couldn't Delete Call. The Call Is Still In Progress."));
        }
    }
    let mut gone = Vec::new();
    for id in &ids {
        gone.push(delete_one(ctx, id));
    }
    Ok(shown(gone.swap_remove(0).into(), ctx))
}

fn delete_one(ctx: &mut Ctx<'_>, id: &str) -> Object {
    let org = ctx.org().id.clone();
    let row = ctx.org().calls.get(id).cloned().unwrap_or_default();
    let about = ctx.world.about_call(&org, id, row.get("assistant").and_then(Value::as_object));
    let reason = match text(&row, "status") {
        Some("scheduled") => "scheduled-call-deleted",
        Some("queued") => "manually-canceled",
        _ => {
            let at = ctx.world.clock.now().as_millisecond();
            let told = ctx.world.server_message(&about, "call.deleted", at, Object::new());
            ctx.world.queue_messages(told.into_iter().collect());
            return ctx.org_mut().calls.remove(id).unwrap_or_default();
        }
    };
    let ending = Ending { reason: reason.to_owned(), ..Ending::default() };
    let now = ctx.world.clock.now();
    let messages = end::close(ctx.world, &org, id, &ending, now, None);
    ctx.world.queue_messages(messages);
    ctx.org().calls.get(id).cloned().unwrap_or_default()
}

/// With addresses that the client can reach.
fn shown(answer: Answer, ctx: &Ctx<'_>) -> Answer {
    match answer {
        Answer::Json(value) => Answer::Json(places::reachable(value, &ctx.host)),
        plain @ Answer::Plain(_) => plain,
    }
}

/// How many calls the org may still place at once (V4 [W][D]).
fn limits(ctx: &Ctx<'_>, blocked: bool) -> Value {
    let org = ctx.org();
    let limit = org.subscription.concurrency_limit;
    let active = u32::try_from(org.active.len()).unwrap_or(u32::MAX);
    json!({"concurrencyBlocked": blocked, "concurrencyLimit": limit,
        "remainingConcurrentCalls": limit.saturating_sub(active)})
}
