//! A call arrives at Vapi: who answers it, and what the caller experiences when nobody does (V5.7, V9.3).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::calls::record::NewCall;
use super::later::Later;
use super::region::Region;
use super::server_messages::{self, Message};
use super::talk::end::{self, Ending};
use super::talk::{self, Stepped, Talk};
use super::who::{self, Missing, Who};
use super::{sip, validate};
use crate::calls::{Leg, Outcome};
use crate::http::{Object, text};
use crate::outbound::Answered;
use crate::state::{Shared, World};

/// What callers hear. The text for an unknown number is the user's own report; the others are ours [?].
const NOT_FOUND: &str = "Phone number not found.";
const NOT_SET_UP: &str = "This number has no assistant yet.";
const ASSISTANT_GONE: &str = "The assistant of this number was not found.";
const SERVER_FAILED: &str = "The server of this number did not answer.";
const NOT_NOW: &str = "This number cannot take calls now.";

/// An accepted call waits so long for somebody to open its stream [?].
const STREAM_WITHIN: Duration = Duration::from_secs(15);

/// The one reason for which a hook or a fallback is not asked: it went as it should.
const FORWARDED: &str = "assistant-request-returned-forwarding-phone-number";

/// What a server's answer may contain in full, by its schema.
const INLINE: [(&str, &str); 4] = [
    ("assistant", "CreateAssistantDTO"),
    ("assistantOverrides", "AssistantOverrides"),
    ("squad", "CreateSquadDTO"),
    ("squadOverrides", "AssistantOverrides"),
];

/// What a ringing call needs next.
enum Ringing {
    Over(Outcome, Vec<Message>),
    /// The number's server must say who answers.
    Ask(Box<Ask>),
    /// Somebody answers; the call's id.
    Accepted(String),
}

/// An `assistant-request` on its way (V9.3 [W]).
struct Ask {
    message: Message,
    call: Call,
    says: Vec<String>,
}

/// A call that rings, and the number that it came to.
#[derive(Debug, Clone)]
struct Call {
    org: String,
    id: String,
    number: Object,
    customer: Object,
}

/// How a call ends that nobody answers.
struct Refusal {
    outcome: &'static str,
    reason: String,
    heard: Vec<String>,
    url: Option<String>,
    destination: Option<Value>,
    debugging: Option<Value>,
}

impl Refusal {
    fn new(outcome: &'static str, reason: &str, heard: &str) -> Refusal {
        let (reason, heard) = (reason.to_owned(), vec![heard.to_owned()]);
        Refusal { outcome, reason, heard, url: None, destination: None, debugging: None }
    }

    fn to(mut self, destination: &Value) -> Refusal {
        self.outcome = "forwarded";
        self.heard =
            destination.get("message").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
        self.url = address(destination);
        self.destination = Some(destination.clone());
        self
    }
}

/// How far a call came that somebody else carries on.
pub(crate) enum Accepted {
    /// Nobody answers; the outcome says what the caller hears.
    No(Outcome),
    /// This call waits for its stream.
    Call(String),
}

/// A call arrives at `twilio/inbound_call`: who answers it, and how it ends.
pub(crate) async fn answer(shared: &Arc<Shared>, leg: &Leg, region: Region) -> Outcome {
    match accept(shared, leg, region).await {
        Accepted::No(outcome) => outcome,
        Accepted::Call(call) => talk_through(shared, &call).await,
    }
}

/// A call arrives over a SIP trunk (V6.2): the number must be registered with the credential in the host.
pub(crate) async fn invite(shared: &Arc<Shared>, leg: &Leg, uri: &str) -> Outcome {
    let ringing = {
        let world = &mut *shared.lock();
        match sip::find(world, uri) {
            Ok((org, number)) => ring(world, leg, &org, &number, &sip::variables(uri)),
            Err(refused) => {
                let outcome = if refused.status == 404 { "not_found" } else { "rejected" };
                let mut told = Outcome::new(outcome, &[]);
                told.tell("sip_code", json!(refused.status.to_string()));
                told.tell("reason", json!(format!("{} {}", refused.status, refused.text)));
                Ringing::Over(told, Vec::new())
            }
        }
    };
    match go_on(shared, ringing).await {
        Accepted::No(outcome) => outcome,
        Accepted::Call(call) => talk_through(shared, &call).await,
    }
}

/// Lets a call ring at the number that it came to, until it is clear who answers.
pub(crate) async fn accept(shared: &Arc<Shared>, leg: &Leg, region: Region) -> Accepted {
    let ringing = {
        let world = &mut *shared.lock();
        // By `To` and `AccountSid` (V14.1); a stale Twilio token in the record does not matter here.
        let of_leg = |number: &&Object| {
            text(number, "number") == Some(leg.to.as_str())
                && text(number, "twilioAccountSid") == Some(leg.account.as_str())
        };
        let mut orgs = world.vapi.orgs.iter().filter(|org| org.region == region);
        let found =
            orgs.find_map(|org| Some((org.id.clone(), org.phone_numbers.iter().find(of_leg)?.clone())));
        match found {
            None => Ringing::Over(not_found(), Vec::new()),
            Some((org, number)) => ring(world, leg, &org, &number, &Object::new()),
        }
    };
    go_on(shared, ringing).await
}

async fn go_on(shared: &Arc<Shared>, ringing: Ringing) -> Accepted {
    let ringing = match ringing {
        Ringing::Ask(ask) => {
            let (answered, _) = server_messages::ask(shared, ask.message.clone()).await;
            decide(&mut shared.lock(), *ask, answered)
        }
        other => other,
    };
    match ringing {
        Ringing::Over(outcome, messages) => {
            server_messages::tell_all(shared, messages).await;
            Accepted::No(outcome)
        }
        Ringing::Accepted(call) => Accepted::Call(call),
        // An answer leads to no second question.
        Ringing::Ask(_) => Accepted::No(not_found()),
    }
}

/// The conversation of an accepted call, from the first word to the last. It takes no virtual time: what it
/// would have taken is in its record.
pub(crate) async fn talk_through(shared: &Arc<Shared>, call: &str) -> Outcome {
    loop {
        match talk::step(shared, call).await {
            Stepped::Next(_) => {}
            Stepped::Over(talk) => return told(&shared.lock(), &talk),
            Stepped::Gone => return not_found(),
        }
    }
}

fn told(world: &World, talk: &Talk) -> Outcome {
    let mut outcome = Outcome::new("answered", &[]);
    outcome.heard.clone_from(&talk.heard);
    outcome.seconds = talk.seconds();
    let name = talk.who.assistant.get("name").cloned().unwrap_or_default();
    outcome.tell("answered_by", json!({"assistant_id": talk.who.assistant_id, "name": name}));
    let row = world.call(&talk.org, &talk.call);
    let reason = row.and_then(|row| row.get("endedReason")).cloned().unwrap_or_default();
    outcome.tell("ended_reason", reason);
    outcome.tell("vapi_call_id", json!(talk.call));
    if let Some(to) = &talk.destination {
        outcome.tell("transferred_to", json!(address(to)));
    }
    outcome
}

/// No org has the number, or it is another region's (V2 [D]).
pub(crate) fn not_found() -> Outcome {
    Outcome::new("not_found", &[NOT_FOUND])
}

fn ring(world: &mut World, leg: &Leg, org: &str, number: &Object, variables: &Object) -> Ringing {
    let customer = Object::from_iter([("number".to_owned(), json!(leg.from))]);
    let nobody = ["assistantId", "squadId", "workflowId"]
        .map(|key| (key.to_owned(), number.get(key).cloned().unwrap_or_default()));
    let new = NewCall {
        org,
        kind: "inboundPhoneCall",
        status: "ringing",
        number,
        customer: &customer,
        asked: Object::from_iter(nobody),
    };
    let id = world.open_call_record(new);
    world.join_leg(org, &id, &leg.account, &leg.call_sid);
    let call = Call { org: org.to_owned(), id, number: number.clone(), customer };
    let found = match world.org(org) {
        None => return Ringing::Over(not_found(), Vec::new()),
        Some(of) => {
            let mut from = number.clone();
            from.insert("assistantOverrides".to_owned(), json!({"variableValues": variables}));
            who::find(of, &from, &call.customer)
        }
    };
    let who = found.as_ref().map(|who| who.assistant.clone()).unwrap_or_default();
    world.add_monitor(org, &call.id, &who);
    if let Some(refusal) = stopped(world, &call) {
        return refuse(world, &call, refusal);
    }
    match found {
        Ok(who) => start(world, &call, who, leg.says.clone()),
        Err(Missing::Gone(..)) => {
            refuse(world, &call, Refusal::new("assistant_not_found", "assistant-not-found", ASSISTANT_GONE))
        }
        Err(Missing::Nothing) => ask(world, call, leg.says.clone()),
    }
}

/// What ends a call before anybody is asked who answers it.
fn stopped(world: &World, call: &Call) -> Option<Refusal> {
    let org = world.org(&call.org)?;
    if let Some(reason) = org.subscription.account.ends_with() {
        return Some(Refusal::new("rejected", reason, NOT_NOW));
    }
    if org.active.len() >= org.lines() {
        let reason = "call.start.error-subscription-concurrency-limit-reached";
        return Some(Refusal::new("rejected", reason, NOT_NOW));
    }
    let digits = text(&call.customer, "number").unwrap_or_default().trim_start_matches('+').to_owned();
    let starts = |filter: &Value| {
        let prefixes = filter.get("startsWith").and_then(Value::as_array);
        prefixes.into_iter().flatten().filter_map(Value::as_str).any(|prefix| digits.starts_with(prefix))
    };
    let hook = hook(&call.number, "call.ringing", starts)?;
    // Only the first action runs (V5.7 [D]).
    act(hook.get("do")?.as_array()?.first()?, "call.ringing")
}

/// The first hook for this event whose filters all let the call through (V5.7 [S]).
fn hook<'n>(number: &'n Object, on: &str, fits: impl Fn(&Value) -> bool) -> Option<&'n Value> {
    let hooks = number.get("hooks").and_then(Value::as_array)?;
    hooks.iter().find(|hook| {
        let filters = hook.get("filters").and_then(Value::as_array);
        hook.get("on") == Some(&json!(on)) && filters.is_none_or(|filters| filters.iter().all(&fits))
    })
}

fn act(action: &Value, event: &str) -> Option<Refusal> {
    match action.get("type").and_then(Value::as_str)? {
        "say" => {
            let words = action.get("exact").or_else(|| action.get("prompt")).and_then(Value::as_str);
            let reason = format!("{event}.hook-executed-say");
            Some(Refusal::new("rejected", &reason, words.unwrap_or_default()))
        }
        "transfer" => {
            let reason = format!("{event}.hook-executed-transfer");
            Some(Refusal::new("forwarded", &reason, "").to(action.get("destination")?))
        }
        _ => None,
    }
}

fn start(world: &mut World, call: &Call, who: Who, says: Vec<String>) -> Ringing {
    if let Some(row) = world.call_mut(&call.org, &call.id) {
        row.insert("assistantId".to_owned(), json!(who.assistant_id));
        row.insert("squadId".to_owned(), json!(who.squad_id));
        if who.assistant_id.is_none() && who.squad_id.is_none() {
            row.insert("assistant".to_owned(), json!(who.assistant));
        }
    }
    world.add_monitor(&call.org, &call.id, &who.assistant);
    let talk = Talk::new(world, &call.org, &call.id, who, says);
    world.vapi.talks.insert(call.id.clone(), talk);
    world.org_mut(&call.org).map(|org| org.active.insert(call.id.clone()));
    Ringing::Accepted(call.id.clone())
}

/// Without assistant and without any server nobody can be asked (V8.5 [S]).
fn ask(world: &mut World, call: Call, says: Vec<String>) -> Ringing {
    let about = world.about_call(&call.org, &call.id, None);
    let at = world.clock.now().as_millisecond();
    match world.server_message(&about, "assistant-request", at, Object::new()) {
        Some(message) => Ringing::Ask(Box::new(Ask { message, call, says })),
        None => {
            let reason = "call-start-error-neither-assistant-nor-server-set";
            refuse(world, &call, Refusal::new("no_assistant", reason, NOT_SET_UP))
        }
    }
}

/// The server's answer (V9.3): what goes wrong with it has six names.
fn decide(world: &mut World, ask: Ask, answered: Result<Answered, String>) -> Ringing {
    let Ask { call, says, .. } = ask;
    let seen = answered.as_ref().map(Answered::text).ok();
    // What is no JSON object has nothing usable in it (V9.3 [D]).
    let parsed =
        answered.map(|answered| serde_json::from_slice::<Object>(&answered.body).unwrap_or_default());
    let chosen = match &parsed {
        Ok(answer) => choose(world, &call, answer),
        Err(_) => Err(Box::new(Refusal::new("rejected", "assistant-request-failed", SERVER_FAILED))),
    };
    match chosen {
        Ok(who) => start(world, &call, who, says),
        Err(refusal) => {
            let mut refusal = *refusal;
            refusal.debugging = Some(json!({"error": refusal.reason,
                "assistantRequestError": parsed.as_ref().err(), "assistantRequestResponse": seen}));
            if refusal.reason != FORWARDED {
                refusal = instead(&call.number, refusal);
            }
            refuse(world, &call, refusal)
        }
    }
}

/// The order of V9.3 [D]: `error` beats everything, `destination` beats the assistant keys.
fn choose(world: &World, call: &Call, answer: &Object) -> Result<Who, Box<Refusal>> {
    let failed = |reason: &str| Box::new(Refusal::new("rejected", reason, SERVER_FAILED));
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        return Err(match error.as_str() {
            Some(words) => Box::new(Refusal::new("rejected", "assistant-request-returned-error", words)),
            None => failed("assistant-request-returned-unspeakable-error"),
        });
    }
    if let Some(to) = answer.get("destination").filter(|to| address(to).is_some()) {
        return Err(Box::new(Refusal::new("forwarded", FORWARDED, "").to(to)));
    }
    let invalid = "assistant-request-returned-invalid-assistant";
    let is_valid = |(key, schema): (&str, &str)| match answer.get(key) {
        Some(Value::Object(inline)) => validate::check(schema, inline).is_ok(),
        Some(Value::Null) | None => true,
        Some(_) => false,
    };
    if !INLINE.into_iter().all(is_valid) {
        return Err(failed(invalid));
    }
    let org = world.org(&call.org).ok_or_else(|| failed(invalid))?;
    who::find(org, answer, &call.customer).map_err(|missing| {
        Box::new(match missing {
            // Which of two reasons it is, is not known (V9.3 [?]).
            Missing::Gone(..) => Refusal::new("assistant_not_found", "assistant-not-found", ASSISTANT_GONE),
            Missing::Nothing => {
                Refusal::new("no_assistant", "assistant-request-returned-no-assistant", NOT_SET_UP)
            }
        })
    })
}

/// What the caller experiences instead: the fallback destination, else a hook, else the words (V9.3 [D]). A
/// spoken error is an answer, and no failure that the fallback is for [?].
fn instead(number: &Object, refusal: Refusal) -> Refusal {
    let fallback = number.get("fallbackDestination").filter(|to| address(to).is_some());
    if let Some(to) = fallback.filter(|_| refusal.reason != "assistant-request-returned-error") {
        return refusal.to(to);
    }
    let names = |filter: &Value| {
        let reasons = filter.get("oneOf").and_then(Value::as_array);
        reasons.is_some_and(|all| all.iter().any(|reason| *reason == refusal.reason))
    };
    // Here `do` is one object (V5.7 [S]).
    let done = hook(number, "call.ending", names).and_then(|hook| act(hook.get("do")?, "call.ending"));
    match done {
        // What happened to the request stays in the debugging artifacts.
        Some(done) => {
            let outcome = if done.url.is_some() { done.outcome } else { refusal.outcome };
            Refusal { outcome, debugging: refusal.debugging, ..done }
        }
        None => refusal,
    }
}

/// Where a destination object leads: a number or a SIP address (V5.2 [S]).
fn address(destination: &Value) -> Option<String> {
    let object = destination.as_object()?;
    text(object, "number").or_else(|| text(object, "sipUri")).map(str::to_owned)
}

fn refuse(world: &mut World, call: &Call, refusal: Refusal) -> Ringing {
    let mut outcome = Outcome::new(refusal.outcome, &[]);
    outcome.heard = refusal.heard.into_iter().filter(|words| !words.is_empty()).collect();
    outcome.tell("ended_reason", json!(refusal.reason));
    outcome.tell("vapi_call_id", json!(call.id));
    if let Some(url) = refusal.url {
        outcome.tell("url", json!(url));
    }
    let Refusal { reason, destination, debugging, .. } = refusal;
    let now = world.clock.now();
    let ending = Ending { reason, destination, debugging };
    let messages = end::close(world, &call.org, &call.id, &ending, now, None);
    Ringing::Over(outcome, messages)
}

/// The address of an accepted call's stream, around its id.
pub(crate) const STREAM: (&str, &str) = ("wss://phone-call-websocket.vapi.ai/", "/transport");

/// Twilio opens the stream at `url`, with a caller who says this: the accepted call goes on, if it is one.
pub(crate) async fn stream(shared: &Arc<Shared>, url: &str, says: &[String]) -> Option<Outcome> {
    let call = url.strip_prefix(STREAM.0)?.strip_suffix(STREAM.1)?;
    shared.lock().vapi.talks.get_mut(call)?.says = says.iter().cloned().collect();
    Some(talk_through(shared, call).await)
}

/// An accepted call of which nobody hears any more ends by itself.
pub(crate) fn expect_stream(world: &mut World, call: &str) {
    world.later(STREAM_WITHIN, Later::Abandon(call.to_owned()));
}
