//! `POST …/Calls/{CA}.json`: ends a call, or gives it another script (T16 [S]).

use super::create::{callback, pair, settings, spoken};
use super::record::is_over;
use crate::http::text;
use crate::twilio::errors::Problem;
use crate::twilio::{Answer, Ctx};

/// Ends it (`Status=completed`), takes it back (`canceled`), or redirects it. 21220 when that comes too late.
pub(super) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let call = ctx.own(&ctx.world.twilio.calls)?.clone();
    let sid = text(&call, "sid").unwrap_or_default().to_owned();
    let now = text(&call, "status").unwrap_or_default();
    let settings = settings(ctx)?;
    let script = spoken(ctx, &settings)?;
    let status = ctx.form.filled("Status").map(str::to_owned);
    if is_over(&call) && (status.is_some() || script.is_some()) {
        return Err(Problem::new(21220, "Call is not in-progress. Cannot redirect."));
    }
    if let Some(callback) = callback(ctx, &settings, "callback", "callback_method", "StatusCallbackEvent")
        && let Some(course) = ctx.world.twilio.courses.get_mut(&sid)
    {
        course.callback = Some(callback);
    }
    match status.as_deref() {
        // A call that was answered goes on (T16 [D]).
        Some("canceled") if now == "in-progress" => {}
        Some("canceled") => over(ctx, &sid, "canceled"),
        Some("completed") if now == "in-progress" => over(ctx, &sid, "completed"),
        // Nobody has answered yet: it is taken back [?].
        Some("completed") => over(ctx, &sid, "canceled"),
        Some(other) => return Err(Problem::new(20422, format!("Status {other} is not valid"))),
        None => {}
    }
    if let Some(script) = script.filter(|_| status.is_none()) {
        if now != "in-progress" {
            return Err(Problem::new(21220, "Call is not in-progress. Cannot redirect."));
        }
        let course = ctx.world.twilio.courses.entry(sid.clone()).or_default();
        course.script = Some(script);
        course.fallback = pair(&settings, "fallback_url", "fallback_method");
        course.turn += 1;
        ctx.world.talk_later(&sid);
    }
    let call = ctx.world.twilio.calls.get(&sid).cloned().unwrap_or_default();
    Ok(Answer::item(200, "Call", call))
}

fn over(ctx: &mut Ctx<'_>, sid: &str, status: &str) {
    ctx.world.close_call(sid, status);
    ctx.world.tell_later(sid);
}
