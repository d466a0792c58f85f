//! A caller rings a number: Twilio's routing first, then whoever it leads to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::http::{Object, text};
use crate::state::Shared;
use crate::twilio::voice::inbound::{self, Incoming};
use crate::vapi::region::Region;

/// Twilio's own sentences: the demo URL's sample text and the error message [?].
pub(crate) const DEMO_WORDS: &str =
    "Thanks for the call. Configure your number's voice U R L to change this message.";
pub(crate) const APPLICATION_ERROR: &str = "We're sorry, an application error has occurred. Goodbye.";
pub(crate) const NO_SUCH_NUMBER: &str = "The number you have dialed is not in service.";

/// A call on its way from Twilio to whoever answers.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    pub(crate) call_sid: String,
    pub(crate) account: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// What the caller says, one line per turn.
    pub(crate) says: Vec<String>,
}

/// A call that somebody places.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCall {
    pub(crate) from: String,
    pub(crate) to: String,
    /// What the caller says, one line per turn; without it, what the phone's owner usually says.
    #[serde(default)]
    pub(crate) says: Vec<String>,
    /// The keys that the caller presses, in order.
    #[serde(default)]
    pub(crate) digits: String,
    /// When the caller hangs up, in seconds of the call.
    #[serde(default)]
    pub(crate) hangup_after: Option<u32>,
    /// The number that passed the call on.
    #[serde(default)]
    pub(crate) forwarded_from: Option<String>,
}

/// What became of a call, as the control API tells it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) outcome: &'static str,
    pub(crate) heard: Vec<String>,
    /// How long it lasted.
    pub(crate) seconds: u32,
    details: Object,
}

impl Outcome {
    pub(crate) fn new(outcome: &'static str, heard: &[&str]) -> Outcome {
        let heard = heard.iter().map(|line| (*line).to_owned()).collect();
        Outcome { outcome, heard, seconds: 0, details: Object::new() }
    }

    /// Adds a field to what is told.
    pub(crate) fn tell(&mut self, key: &str, value: Value) {
        self.details.insert(key.to_owned(), value);
    }

    /// A text among what is told.
    pub(crate) fn told(&self, key: &str) -> Option<&str> {
        text(&self.details, key)
    }

    /// The SIP status with which the far end declined, if it did.
    pub(crate) fn declined(&self) -> Option<u16> {
        self.told("sip_code").and_then(|code| code.parse().ok()).filter(|code| *code >= 300)
    }

    /// Everything that is told beside the outcome itself.
    pub(crate) fn details(&self) -> &Object {
        &self.details
    }

    pub(crate) fn telling(mut self, key: &str, value: impl Into<Value>) -> Outcome {
        self.tell(key, value.into());
        self
    }

    /// The answer to `POST /sandbox/calls`.
    fn show(self, call_sid: Option<&str>) -> Value {
        let mut shown = self.details;
        shown.insert("call_sid".to_owned(), json!(call_sid));
        shown.insert("outcome".to_owned(), json!(self.outcome));
        shown.insert("heard".to_owned(), json!(self.heard));
        shown.insert("duration_s".to_owned(), json!(self.seconds));
        Value::Object(shown)
    }
}

/// Places a call and waits until it is over.
pub(crate) async fn place(shared: &Arc<Shared>, new: NewCall) -> Value {
    let incoming = Incoming {
        from: new.from,
        to: new.to,
        says: new.says,
        digits: new.digits,
        hangup_after: new.hangup_after,
        forwarded_from: new.forwarded_from,
        depth: 0,
    };
    let rung = inbound::ring(shared, incoming).await;
    rung.outcome.show(rung.call_sid.as_deref())
}

/// Whose web address a voice URL is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// One of the installations that this sandbox plays, each with its own orgs (V2 [D]).
    Vapi(Region),
    /// Another name of the vendor's, where no org is.
    OtherVapi,
    Demo,
    Elsewhere,
}

pub(crate) fn site(url: &str) -> Site {
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(Url::host_str).unwrap_or_default();
    let path = parsed.as_ref().map(Url::path).unwrap_or_default();
    // The second path is the older form in the user's documents; both are Vapi's.
    let inbound = matches!(path, "/twilio/inbound_call" | "/call/twilio");
    match (host, Region::of_host(host)) {
        (_, Some(region)) if inbound => Site::Vapi(region),
        (host, None) if inbound && (host == "vapi.ai" || host.ends_with(".vapi.ai")) => Site::OtherVapi,
        ("demo.twilio.com", _) => Site::Demo,
        _ => Site::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voice_urls_are_told_apart() {
        for (url, expected) in [
            ("https://api.vapi.ai/twilio/inbound_call", Site::Vapi(Region::Us)),
            ("https://api.vapi.ai/call/twilio", Site::Vapi(Region::Us)),
            ("https://api.eu.vapi.ai/twilio/inbound_call", Site::Vapi(Region::Eu)),
            ("https://api.ap.vapi.ai/twilio/inbound_call", Site::OtherVapi),
            ("https://api.vapi.ai/twilio/sms", Site::Elsewhere),
            ("https://evilvapi.ai/twilio/inbound_call", Site::Elsewhere),
            ("https://demo.twilio.com/welcome/voice/", Site::Demo),
            ("https://example.com/twilio/inbound_call", Site::Elsewhere),
            ("not a url", Site::Elsewhere),
        ] {
            assert_eq!(site(url), expected, "{url}");
        }
    }
}
