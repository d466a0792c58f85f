//! Calls that reached Vapi (V8), and what Vapi does with one that rings (V9.3, V14.1).

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::region::Region;
use super::{Answer, Ctx, Org, Route, lists};
use crate::calls::{Leg, Outcome};
use crate::clock::millis;
use crate::http::{Object, text};
use crate::ids::is_uuid;
use crate::outbound::{self, Outgoing};
use crate::state::{Shared, World};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[(Method::GET, "call", list), (Method::GET, "call/{}", fetch)];

/// What callers hear. The text for an unknown number is the user's own report; the others are ours [?].
const NOT_FOUND: &str = "Phone number not found.";
const NOT_SET_UP: &str = "This number has no assistant yet.";
const ASSISTANT_GONE: &str = "The assistant of this number was not found.";
const SERVER_FAILED: &str = "The server of this number did not answer.";
/// An assistant without a first message still greets [?].
const GREETING: &str = "Hello.";

/// `assistant-request` has 7.5 s end to end, whatever `timeoutSeconds` says (V9.3).
const ASK_MAX: Duration = Duration::from_millis(7_500);

/// What a ringing call needs next.
enum Ringing {
    Over(Outcome),
    /// The number's server must say who answers.
    Ask(Box<Ask>),
}

/// An `assistant-request` on its way (V9.3 [W]).
struct Ask {
    request: Outgoing,
    number: Object,
    call: Object,
}

/// How a call ended: its outcome, Vapi's `endedReason`, what was heard, and what else is to be told.
struct Ending {
    outcome: &'static str,
    reason: &'static str,
    heard: Vec<String>,
    details: Vec<(&'static str, Value)>,
}

impl Ending {
    fn new(outcome: &'static str, reason: &'static str, heard: &str) -> Ending {
        Ending { outcome, reason, heard: vec![heard.to_owned()], details: Vec::new() }
    }
}

/// A call arrives at `twilio/inbound_call`: who answers it, and how it ends.
pub(crate) async fn answer(shared: &Shared, leg: &Leg, region: Region) -> Outcome {
    let ringing = ring(&mut shared.lock(), leg, region);
    match ringing {
        Ringing::Over(outcome) => outcome,
        Ringing::Ask(ask) => {
            // Anything but a JSON object with a 2xx in time is a failure (V9.3).
            let answered = outbound::send(shared, &ask.request).await.ok();
            let answered = answered.filter(|answered| (200..300).contains(&answered.status));
            let object = answered.and_then(|answered| serde_json::from_slice::<Object>(&answered.body).ok());
            resume(&mut shared.lock(), *ask, object.as_ref())
        }
    }
}

/// The number is found by `To` and `AccountSid` (V14.1); a stale
/// Twilio token in its record does not matter for inbound calls.
fn ring(world: &mut World, leg: &Leg, region: Region) -> Ringing {
    let of_leg = |number: &&Object| {
        text(number, "number") == Some(leg.to.as_str())
            && text(number, "twilioAccountSid") == Some(leg.account.as_str())
    };
    let mut orgs = world.vapi.orgs.iter().filter(|org| org.region == region);
    let found = orgs.find_map(|org| Some((org, org.phone_numbers.iter().find(of_leg)?)));
    let Some((org, number)) = found else { return Ringing::Over(not_found()) };
    let number = number.clone();
    let server = number.get("server").and_then(|server| server.get("url")).and_then(Value::as_str);
    let ending = match (text(&number, "assistantId"), server) {
        (Some(id), _) => answered(org, id),
        (None, Some(url)) => return Ringing::Ask(Box::new(ask(world, leg, &number, url))),
        // V8.5 [S].
        (None, None) => {
            Ending::new("no_assistant", "call-start-error-neither-assistant-nor-server-set", NOT_SET_UP)
        }
    };
    let call = open(world, leg, &number);
    Ringing::Over(close(world, call, ending))
}

/// No org has the number, or it is another region's (V2 [D]).
pub(crate) fn not_found() -> Outcome {
    Outcome::new("not_found", &[NOT_FOUND])
}

fn answered(org: &Org, id: &str) -> Ending {
    let Some(assistant) = org.assistant(id) else {
        return Ending::new("assistant_not_found", "assistant-not-found", ASSISTANT_GONE);
    };
    greeting(assistant, Some(id))
}

fn greeting(assistant: &Object, id: Option<&str>) -> Ending {
    let first = text(assistant, "firstMessage").unwrap_or(GREETING);
    let mut ending = Ending::new("answered", "customer-ended-call", first);
    // V7 [S]: this mode lets the caller speak first.
    if text(assistant, "firstMessageMode") == Some("assistant-waits-for-user") {
        ending.heard.clear();
    }
    let by = json!({"assistant_id": id, "name": assistant.get("name").cloned().unwrap_or_default()});
    ending.details.push(("answered_by", by));
    ending
}

/// A new call, ringing, in the shape of V8.1 [W].
fn open(world: &mut World, leg: &Leg, number: &Object) -> Object {
    let now = world.clock.now();
    let id = world.ids.uuid_at(u64::try_from(now.as_millisecond()).unwrap_or(0));
    // Reachable without authentication by default: a trap for whoever shows or logs them (V8.2 [S]).
    let monitor = json!({
        "listenUrl": format!("wss://phone-call-websocket.vapi.ai/{id}/listen"),
        "controlUrl": format!("https://phone-call-websocket.vapi.ai/{id}/control"),
    });
    let transport = json!({"provider": "twilio", "callSid": leg.call_sid, "accountSid": leg.account,
        "conversationType": "voice"});
    let call = json!({
        "id": id,
        "orgId": number.get("orgId"),
        "type": "inboundPhoneCall",
        "status": "ringing",
        "assistantId": number.get("assistantId"),
        "squadId": null,
        "workflowId": null,
        "phoneNumberId": number.get("id"),
        "customer": {"number": leg.from},
        "createdAt": millis(now),
        "updatedAt": millis(now),
        "cost": 0,
        "phoneCallProvider": "twilio",
        // The join key to Twilio's call log (V8.1 [W]).
        "phoneCallProviderId": leg.call_sid,
        "phoneCallTransport": "pstn",
        "transport": transport,
        "monitor": monitor,
    });
    call.as_object().cloned().unwrap_or_default()
}

/// Ends the call, keeps it, and tells what happened.
fn close(world: &mut World, mut call: Object, ending: Ending) -> Outcome {
    let now = millis(world.clock.now());
    let transcript: String = ending.heard.iter().map(|line| format!("AI: {line}\n")).collect();
    let fields = [
        ("status", json!("ended")),
        ("endedReason", json!(ending.reason)),
        ("startedAt", json!(now)),
        ("endedAt", json!(now)),
        ("updatedAt", json!(now)),
        ("artifact", json!({"messages": [], "transcript": transcript})),
        ("analysis", json!({})),
    ];
    call.extend(fields.map(|(key, value)| (key.to_owned(), value)));
    let mut outcome = Outcome::new(ending.outcome, &[]);
    outcome.heard = ending.heard;
    outcome.tell("ended_reason", json!(ending.reason));
    outcome.tell("vapi_call_id", call.get("id").cloned().unwrap_or_default());
    for (key, value) in ending.details {
        outcome.tell(key, value);
    }
    let org_id = text(&call, "orgId");
    if let Some(org) = world.vapi.orgs.iter_mut().find(|org| Some(org.id.as_str()) == org_id) {
        org.calls.put(call);
    }
    outcome
}

fn ask(world: &mut World, leg: &Leg, number: &Object, url: &str) -> Ask {
    let call = open(world, leg, number);
    let headers = number.get("server").and_then(|server| server.get("headers")).and_then(Value::as_object);
    let headers = headers.into_iter().flatten();
    // The phone number is the complete stored row, Twilio's token included (V9.3 [W]).
    let body = json!({"message": {
        "timestamp": world.clock.now().as_millisecond(),
        "type": "assistant-request",
        "call": call,
        "phoneNumber": number,
        "customer": {"number": leg.from},
    }});
    let mut sent = vec![("content-type".to_owned(), "application/json".to_owned())];
    sent.extend(headers.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))));
    let request = Outgoing {
        provider: "vapi".to_owned(),
        event: "assistant-request".to_owned(),
        subject: text(&call, "id").unwrap_or_default().to_owned(),
        method: "POST".to_owned(),
        url: url.to_owned(),
        headers: sent,
        body: body.to_string(),
        connect_timeout: Duration::ZERO,
        read_timeout: ASK_MAX,
    };
    Ask { request, number: number.clone(), call }
}

/// The server's answer to an `assistant-request`, or none when it failed (V9.3 [S][D]).
fn resume(world: &mut World, ask: Ask, answer: Option<&Object>) -> Outcome {
    let ending = decide(world, &ask, answer);
    close(world, ask.call, ending)
}

fn decide(world: &World, ask: &Ask, answer: Option<&Object>) -> Ending {
    let fallback = ask.number.get("fallbackDestination").and_then(destination);
    let Some(answer) = answer else {
        let failed = Ending::new("rejected", "assistant-request-failed", SERVER_FAILED);
        return match fallback {
            Some(to) => forwarded("assistant-request-failed", &to),
            None => failed,
        };
    };
    // The order of V9.3: `error` beats everything, `destination` beats the assistant keys.
    if let Some(error) = answer.get("error") {
        return match error.as_str() {
            Some(words) => Ending::new("rejected", "assistant-request-returned-error", words),
            None => Ending::new("rejected", "assistant-request-returned-unspeakable-error", SERVER_FAILED),
        };
    }
    if let Some(to) = answer.get("destination").and_then(destination) {
        return forwarded("assistant-request-returned-forwarding-phone-number", &to);
    }
    if let Some(id) = text(answer, "assistantId") {
        let org_id = text(&ask.number, "orgId");
        let org = world.vapi.orgs.iter().find(|org| Some(org.id.as_str()) == org_id);
        let gone = || Ending::new("assistant_not_found", "assistant-not-found", ASSISTANT_GONE);
        return org.map_or_else(gone, |org| answered(org, id));
    }
    match answer.get("assistant") {
        Some(Value::Object(assistant)) => greeting(assistant, None),
        Some(_) => Ending::new("rejected", "assistant-request-returned-invalid-assistant", SERVER_FAILED),
        None => Ending::new("no_assistant", "assistant-request-returned-no-assistant", NOT_SET_UP),
    }
}

/// Where a destination object leads: a number or a SIP address (V5.2 [S]).
fn destination(object: &Value) -> Option<String> {
    let object = object.as_object()?;
    text(object, "number").or_else(|| text(object, "sipUri")).map(str::to_owned)
}

fn forwarded(reason: &'static str, to: &str) -> Ending {
    Ending { outcome: "forwarded", reason, heard: Vec::new(), details: vec![("url", json!(to))] }
}

/// `GET /call` with the filters of V4 [S].
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
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
    lists::array(&ctx.query, ctx.org().calls.iter().filter(wanted))
}

/// `GET /call/{id}`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(ctx.find(&ctx.org().calls)?.clone().into())
}
