//! `POST /call` (V8.1): everything that can refuse it, batches, plans, and the answer.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::{NewCall, transient_number};
use super::{limits, shown};
use crate::http::{Object, text};
use crate::vapi::dialing::{self, Refused};
use crate::vapi::errors::Problem;
use crate::vapi::later::Later;
use crate::vapi::talk::end::{self, Ending};
use crate::vapi::{Answer, Ctx, validate, who};

/// What a call's record keeps of the request.
const KEPT: [&str; 13] = [
    "assistantId",
    "assistant",
    "assistantOverrides",
    "assistantVersion",
    "squadId",
    "squad",
    "squadOverrides",
    "phoneNumberId",
    "phoneNumber",
    "name",
    "schedulePlan",
    // Accepted although no schema has it (V8.1 [W]).
    "metadata",
    "customerId",
];

/// `POST /call` and `POST /call/phone`. There is no idempotency key: a repeated request rings twice.
pub(super) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("CreateCallDTO", &ctx.body)?;
    let number = number(ctx)?;
    who::find(ctx.org(), &ctx.body, &Object::new()).map_err(|missing| missing.problem())?;
    let answer = match ctx.body.get("customers").and_then(Value::as_array).cloned() {
        Some(customers) => batch(ctx, &number, &customers),
        None => {
            let customer = customer(ctx)?;
            let (call, blocked) = start(ctx, &number, &customer)?;
            let mut call = ctx.org().calls.get(&call).cloned().unwrap_or_default();
            call.insert("subscriptionLimits".to_owned(), limits(ctx, blocked));
            Value::Object(call)
        }
    };
    Ok(shown(answer.into(), ctx))
}

/// Each customer's call stands for itself: one that is refused does not stop the others (V8.1 [S]).
fn batch(ctx: &mut Ctx<'_>, number: &Object, customers: &[Value]) -> Value {
    let (mut results, mut errors, mut any_blocked) = (Vec::new(), Vec::new(), false);
    for customer in customers.iter().filter_map(Value::as_object) {
        match start(ctx, number, customer) {
            Ok((id, blocked)) => {
                any_blocked |= blocked;
                results.push(json!(ctx.org().calls.get(&id)));
            }
            Err(problem) => errors.push(json!({"customer": customer, "error": problem.text()})),
        }
    }
    json!({"subscriptionLimits": limits(ctx, any_blocked), "results": results, "errors": errors})
}

fn number(ctx: &Ctx<'_>) -> Result<Object, Problem> {
    if let Some(id) = text(&ctx.body, "phoneNumberId") {
        // Another org's and another region's look like missing ones (V2 [?]); the text is by analogy (V3.3 [?]).
        let gone =
            || Problem::refused(format!("Couldn't Get Phone Number. `phoneNumberId` {id} Does Not Exist."));
        return ctx.org().phone_numbers.get(id).cloned().ok_or_else(gone);
    }
    let given = ctx.body.get("phoneNumber").and_then(Value::as_object);
    given.map(transient_number).ok_or_else(|| {
        Problem::refused("Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`.")
    })
}

/// By analogy with the other two (V3.3 [?]). There are no saved customers.
fn customer(ctx: &Ctx<'_>) -> Result<Object, Problem> {
    if let Some(Value::Object(customer)) = ctx.body.get("customer")
        && (text(customer, "number").is_some() || text(customer, "sipUri").is_some())
    {
        return Ok(customer.clone());
    }
    Err(match text(&ctx.body, "customerId") {
        Some(id) => Problem::refused(format!("Couldn't Get Customer. `customerId` {id} Does Not Exist.")),
        None => Problem::refused("Couldn't Get Customer. Need Either `customer` Or `customerId`."),
    })
}

/// Opens one call and sends it on its way; whether it has to wait for a free line.
fn start(ctx: &mut Ctx<'_>, number: &Object, customer: &Object) -> Result<(String, bool), Problem> {
    let who = who::find(ctx.org(), &ctx.body, customer).map_err(|missing| missing.problem())?;
    let org = ctx.org().id.clone();
    let planned = ctx.body.get("schedulePlan").and_then(Value::as_object);
    let earliest: Option<Timestamp> =
        planned.and_then(|plan| text(plan, "earliestAt")).and_then(|at| at.parse().ok());
    let now = ctx.world.clock.now();
    let wait = earliest.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
    let wait = wait.filter(|wait| !wait.is_zero());
    let kept = KEPT.iter().filter_map(|key| Some(((*key).to_owned(), ctx.body.get(*key)?.clone())));
    let asked: Object = kept.collect();
    let status = if wait.is_some() { "scheduled" } else { "queued" };
    let kind = "outboundPhoneCall";
    let call = ctx.world.open_call_record(NewCall { org: &org, kind, status, number, customer, asked });
    ctx.world.add_monitor(&org, &call, &who.assistant);
    let about = ctx.world.about_call(&org, &call, Some(&who.assistant));
    let fields = Object::from_iter([("status".to_owned(), json!(status))]);
    let told = ctx.world.server_message(&about, "status-update", now.as_millisecond(), fields);
    let blocked = match wait {
        Some(wait) => {
            ctx.world.later(wait, Later::Begin(call.clone()));
            false
        }
        None => match dialing::place(ctx.world, &org, &call) {
            Ok(placed) => !placed,
            // Nothing was begun: no record stays behind.
            Err(Refused { problem: Some(problem), .. }) => {
                ctx.org_mut().calls.remove(&call);
                return Err(problem);
            }
            Err(Refused { reason, .. }) => {
                let ending = Ending { reason: reason.to_owned(), ..Ending::default() };
                let messages = end::close(ctx.world, &org, &call, &ending, now, None);
                ctx.world.queue_messages(messages);
                false
            }
        },
    };
    ctx.world.queue_messages(told.into_iter().collect());
    Ok((call, blocked))
}
