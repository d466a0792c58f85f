//! Who is at the other end of an outgoing call: a person's phone, or Vapi behind a SIP address.

use std::sync::Arc;

use serde_json::json;

use super::line::{CALL_MAX_S, speaking_ms};
use crate::calls::{Leg, Outcome};
use crate::clock::millis;
use crate::phones::OnCall;
use crate::state::{Shared, World};
use crate::twilio::trunks;

/// A mailbox answers after so many seconds of ringing.
pub(crate) const VOICEMAIL_AFTER_S: u32 = 20;
/// What a mailbox says.
const VOICEMAIL_WORDS: &str = "Please leave a message after the tone.";

/// What came of ringing somebody.
pub(crate) enum Met {
    /// Nobody answered: the call's status.
    Missed { status: &'static str, rang_s: u32, sip_code: Option<u16> },
    /// A person, or a person's mailbox.
    Person { says: Vec<String>, machine: bool, rang_s: u32, sip_code: Option<u16> },
    /// Vapi, by SIP.
    Vapi { outcome: Outcome, status: &'static str, sip_code: Option<u16> },
}

impl Met {
    /// How long it rang.
    pub(crate) fn rang_s(&self) -> u32 {
        match self {
            Met::Missed { rang_s, .. } | Met::Person { rang_s, .. } => *rang_s,
            Met::Vapi { .. } => 0,
        }
    }
}

/// Rings `leg.to` for at most `timeout` seconds.
pub(crate) async fn meet(shared: &Arc<Shared>, leg: &Leg, timeout: u32) -> Met {
    if trunks::is_vapi(&leg.to) {
        let outcome = trunks::originate(shared, leg, &leg.to).await;
        let code = outcome.declined();
        let status = if code.is_none() { "completed" } else { "failed" };
        return Met::Vapi { outcome, status, sip_code: code.or(Some(200)) };
    }
    let behaviour = shared.lock().phones.get(&leg.to);
    let sip = leg.to.starts_with("sip:");
    let missed = |status, rang_s, code| Met::Missed { status, rang_s, sip_code: sip.then_some(code) };
    let answered =
        |says, machine, rang_s| Met::Person { says, machine, rang_s, sip_code: sip.then_some(200) };
    match behaviour.on_call {
        OnCall::Answer => answered(behaviour.says, false, 0),
        OnCall::Voicemail if timeout > VOICEMAIL_AFTER_S => {
            answered(vec![VOICEMAIL_WORDS.to_owned()], true, VOICEMAIL_AFTER_S)
        }
        OnCall::NoAnswer | OnCall::Voicemail => missed("no-answer", timeout, 480),
        OnCall::Busy => missed("busy", 0, 486),
        OnCall::Fail => missed("failed", 0, 503),
    }
}

/// Notes at a phone what its owner heard in a call, or what was left in the mailbox.
pub(crate) fn note(world: &mut World, phone: &str, from: &str, sid: &str, heard: &[String], machine: bool) {
    let at = millis(world.clock.now());
    let event = json!({"kind": "call", "from": from, "call_sid": sid, "heard": heard, "voicemail": machine,
        "at": at});
    world.phones.note(phone, event);
}

/// How long two people talk who say these lines: at least a second.
pub(crate) fn talk_seconds<'l>(lines: impl Iterator<Item = &'l String>) -> u32 {
    let ms: u64 = lines.map(|line| speaking_ms(line)).sum();
    u32::try_from(ms.div_ceil(1_000)).unwrap_or(CALL_MAX_S).clamp(1, CALL_MAX_S)
}
