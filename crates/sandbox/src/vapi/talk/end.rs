//! The end of a call, and what is told some seconds later.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Talk;
use crate::clock::millis;
use crate::http::{Object, text};
use crate::phones::OnCall;
use crate::state::{Shared, World};
use crate::twilio::calls as twilio_calls;
use crate::vapi::analysis::{self, Heard};
use crate::vapi::calls::record::called;
use crate::vapi::costs::{self, Bill};
use crate::vapi::later::Later;
use crate::vapi::server_messages::{self, Message};
use crate::vapi::{artifacts, dialing, sip_out};

/// From the end of a call to its report: the analysis takes time (V9.2 [W]).
const REPORT_AFTER: SignedDuration = SignedDuration::from_secs(5);

/// How a call ended.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(crate) reason: String,
    /// Where it was transferred.
    pub(crate) destination: Option<Value>,
    /// Why it was not accepted (`inboundPhoneCallDebuggingArtifacts`, V9.2 [S]).
    pub(crate) debugging: Option<Value>,
}

/// Ends a conversation: what it was, and what has to be told.
pub(super) fn finish(world: &mut World, call: &str, reason: &str) -> Option<(Talk, Vec<Message>)> {
    let talk = world.vapi.talks.remove(call)?;
    let reason = match &talk.destination {
        Some(to) => transferred(world, to, reason),
        None => reason.to_owned(),
    };
    let ending = Ending { reason, destination: talk.destination.clone(), debugging: None };
    let ended = talk.started.saturating_add(SignedDuration::from_millis(talk.offset));
    let ended = ended.expect("a signed duration has no calendar units");
    let fields = artifacts::of(&talk, ended);
    if let Some(row) = world.call_mut(&talk.org, call) {
        row.extend(fields);
    }
    note_at_phone(world, &talk, call);
    let messages = close(world, &talk.org, call, &ending, ended, Some(&talk));
    let ready = ended.saturating_add(REPORT_AFTER).expect("a signed duration has no calendar units");
    let wait = Duration::try_from(ready.duration_since(world.clock.now())).unwrap_or_default();
    world.vapi.finished.insert(call.to_owned(), talk.clone());
    world.later(wait, Later::Report(call.to_owned()));
    Some((talk, messages))
}

/// What becomes of a transfer is up to the phone it goes to (V8.5 [S]).
fn transferred(world: &World, to: &Value, reason: &str) -> String {
    let number = to.get("number").and_then(Value::as_str).unwrap_or_default();
    let reason = match world.phones.get(number).on_call {
        OnCall::Busy => "call.forwarding.operator-busy",
        OnCall::NoAnswer => "call.forwarding.no-answer",
        _ => reason,
    };
    reason.to_owned()
}

/// The person whom Vapi called heard something.
fn note_at_phone(world: &mut World, talk: &Talk, call: &str) {
    let Some(row) = world.call(&talk.org, call) else { return };
    if text(row, "type") != Some("outboundPhoneCall") {
        return;
    }
    let from = world.about_call(&talk.org, call, None).number;
    let from = from.as_ref().and_then(|number| text(number, "number")).map(str::to_owned);
    let Some(to) = called(row).map(str::to_owned) else { return };
    let at = millis(talk.started);
    world.phones.note(&to, json!({"kind": "call", "from": from, "heard": talk.heard, "at": at}));
}

/// Writes the end into the call's record, frees its line, and returns what has to be told.
pub(crate) fn close(
    world: &mut World,
    org: &str,
    call: &str,
    ending: &Ending,
    ended: Timestamp,
    talk: Option<&Talk>,
) -> Vec<Message> {
    let seconds = talk.map_or(0, Talk::seconds);
    let Some(row) = world.call_mut(org, call) else { return Vec::new() };
    let mut status = json!({"status": "ended", "endedReason": ending.reason});
    row.extend([
        ("status".to_owned(), json!("ended")),
        ("endedReason".to_owned(), json!(ending.reason)),
        ("endedAt".to_owned(), json!(millis(ended))),
        ("updatedAt".to_owned(), json!(millis(ended))),
    ]);
    if let Some(to) = &ending.destination {
        row.insert("destination".to_owned(), to.clone());
        status["destination"] = to.clone();
    }
    if let Some(debugging) = &ending.debugging {
        status["inboundPhoneCallDebuggingArtifacts"] = debugging.clone();
    }
    if let Some(artifact) = row.get("artifact") {
        status["artifact"] = artifact.clone();
    }
    let leg = world.call(org, call).and_then(|row| world.twilio_leg(row));
    if let Some(sid) = leg {
        twilio_calls::finish(world, &sid, twilio_status(&ending.reason), seconds);
    }
    world.vapi.trunk_legs.remove(call);
    let assistant = talk.map(|talk| &talk.who.assistant);
    let about = world.about_call(org, call, assistant);
    let Value::Object(status) = status else { return Vec::new() };
    let told = world.server_message(&about, "status-update", ended.as_millisecond(), status);
    dialing::free_line(world, org, call);
    told.into_iter().collect()
}

fn twilio_status(reason: &str) -> &'static str {
    match reason {
        "customer-busy" => "busy",
        "customer-did-not-answer" | sip_out::UNAVAILABLE => "no-answer",
        "twilio-failed-to-connect-call" | sip_out::NO_SERVICE => "failed",
        "manually-canceled" | "scheduled-call-deleted" => "canceled",
        _ => "completed",
    }
}

/// Analyses a finished call and sends its `end-of-call-report`. Until then the record has neither analysis
/// nor costs (V9.2 [W]).
pub(crate) async fn report(shared: &Arc<Shared>, call: &str) {
    let messages = {
        let world = &mut *shared.lock();
        let Some(talk) = world.vapi.finished.remove(call) else { return };
        conclude(world, &talk, call)
    };
    server_messages::tell_all(shared, messages).await;
}

fn conclude(world: &mut World, talk: &Talk, call: &str) -> Vec<Message> {
    let assistant = &talk.who.assistant;
    let Some(row) = world.call_mut(&talk.org, call) else { return Vec::new() };
    let reason = text(row, "endedReason").unwrap_or_default().to_owned();
    let (found, analysed) = analysis::of(assistant, &talk.summed_up(&reason));
    let bill = Bill {
        assistant,
        carrier: carrier(row),
        milliseconds: talk.offset,
        usage: talk.usage,
        analysed: &analysed,
        voicemail_detected: reason == "voicemail",
    };
    let costs = costs::of(&bill);
    row.extend([
        ("analysis".to_owned(), found),
        ("cost".to_owned(), costs.total),
        ("costs".to_owned(), costs.items),
        ("costBreakdown".to_owned(), costs.breakdown),
    ]);
    let at = world.clock.now().as_millisecond();
    let row = world.call(&talk.org, call).cloned().unwrap_or_default();
    let about = world.about_call(&talk.org, call, Some(assistant));
    let uploaded = json!({"artifacts": artifacts::uploads(&row)});
    let messages =
        [("end-of-call-report", report_fields(&row, talk.offset)), ("call.artifact.upload", uploaded)];
    let made = messages.into_iter().filter_map(|(kind, fields)| {
        let Value::Object(fields) = fields else { return None };
        world.server_message(&about, kind, at, fields)
    });
    made.collect()
}

/// The report: the fields of the schema, and the older copies that the wire still has (V9.2 [W]).
fn report_fields(row: &Object, milliseconds: i64) -> Value {
    let field = |name: &str| row.get(name).cloned().unwrap_or_default();
    let artifact = field("artifact");
    #[expect(clippy::cast_precision_loss, reason = "a call lasts hours, not millennia")]
    let seconds = milliseconds as f64 / 1_000.0;
    let mut fields = json!({
        "endedReason": field("endedReason"), "artifact": artifact, "analysis": field("analysis"),
        "cost": field("cost"), "costs": field("costs"), "costBreakdown": field("costBreakdown"),
        "startedAt": field("startedAt"), "endedAt": field("endedAt"),
        "durationMs": milliseconds, "durationSeconds": seconds, "durationMinutes": seconds / 60.0,
    });
    for (copy, from) in [
        ("summary", &field("analysis")["summary"]),
        ("transcript", &artifact["transcript"]),
        ("messages", &artifact["messages"]),
        ("recordingUrl", &artifact["recordingUrl"]),
        ("stereoRecordingUrl", &artifact["stereoRecordingUrl"]),
        ("destination", &field("destination")),
    ] {
        if !from.is_null() {
            fields[copy] = from.clone();
        }
    }
    fields
}

/// The carrier in the words of `TransportCost` (V8.4 [S]).
fn carrier(row: &Object) -> &str {
    row.get("transport")
        .and_then(|transport| transport.get("provider"))
        .and_then(Value::as_str)
        .unwrap_or("vapi.sip")
}

impl Talk {
    fn summed_up<'t>(&'t self, reason: &'t str) -> Heard<'t> {
        Heard { messages: &self.messages, transcript: self.transcript(), reason }
    }
}
