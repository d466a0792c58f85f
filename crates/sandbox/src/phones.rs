//! The people of the sandbox: what happens when a phone that no account owns is called or texted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::twilio::messages;

/// What a phone does with a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnCall {
    #[default]
    Answer,
    Busy,
    NoAnswer,
    /// The network cannot complete the call.
    Fail,
    Voicemail,
}

/// What becomes of a text to a phone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnText {
    #[default]
    Deliver,
    /// The carrier gives no receipt: `sent` is the last state (T7).
    NoReceipt,
    /// 30003.
    Unreachable,
    /// 30004.
    Blocked,
    /// 30005.
    Unknown,
    /// 30006, and 21614 before sending where Twilio knows it.
    Landline,
    /// 30007.
    Filtered,
    /// 30008.
    Fail,
    /// Any other code that a message can end with.
    Error(#[serde(deserialize_with = "known_error")] u16),
}

fn known_error<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let code = u16::deserialize(deserializer)?;
    let unknown = || serde::de::Error::custom(format!("{code} is no code that a message ends with"));
    if messages::is_error(code) { Ok(code) } else { Err(unknown()) }
}

/// How a phone and its owner behave.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Behaviour {
    pub(crate) on_call: OnCall,
    pub(crate) on_text: OnText,
    /// What the person says in a call, one line per turn.
    pub(crate) says: Vec<String>,
}

/// One person's phone.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Phone {
    behaviour: Behaviour,
    /// Calls and texts that reached it: what its owner heard and read, oldest first.
    seen: Vec<Value>,
}

/// Phones that somebody described or that something reached; every other number is an ordinary mobile phone.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Phones(BTreeMap<String, Phone>);

const SEEN_MAX: usize = 1_000;

impl Phones {
    /// How this phone behaves.
    pub(crate) fn get(&self, number: &str) -> Behaviour {
        self.0.get(number).map(|phone| phone.behaviour.clone()).unwrap_or_default()
    }

    /// Changes how a phone behaves; what it saw stays.
    pub(crate) fn set(&mut self, number: &str, behaviour: Behaviour) -> Value {
        let phone = self.0.entry(number.to_owned()).or_default();
        phone.behaviour = behaviour;
        json!({number: phone})
    }

    /// Notes what reached a phone: a text that was delivered, or what was heard in a call.
    pub(crate) fn note(&mut self, number: &str, event: Value) {
        let seen = &mut self.0.entry(number.to_owned()).or_default().seen;
        if seen.len() == SEEN_MAX {
            seen.remove(0);
        }
        seen.push(event);
    }

    /// All of them, for the control API.
    pub(crate) fn show(&self) -> Value {
        json!(self.0)
    }
}
