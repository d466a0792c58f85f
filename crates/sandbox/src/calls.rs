//! A caller rings a number: Twilio's routing first, then whoever it leads to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::http::{Object, text};
use crate::state::Shared;
use crate::twilio::Twilio;
use crate::twilio::calls::NewLeg;
use crate::vapi::calls as vapi_calls;

/// Twilio's own sentences: the demo URL's sample text and the error message [?].
const DEMO_WORDS: &str = "Thanks for the call. Configure your number's voice U R L to change this message.";
const APPLICATION_ERROR: &str = "We're sorry, an application error has occurred. Goodbye.";
const NO_SUCH_NUMBER: &str = "The number you have dialed is not in service.";

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

    fn telling(mut self, key: &str, value: impl Into<Value>) -> Outcome {
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

/// Where Twilio's settings lead a call.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Trunk(String),
    Url { url: String, method: String },
    Nowhere(&'static str),
}

/// Places a call and waits until it is over.
pub(crate) async fn place(shared: &Arc<Shared>, new: NewCall) -> Value {
    let (leg, target) = {
        let world = &mut *shared.lock();
        world.clock.tick();
        let Some(number) = world.twilio.number(&new.to).cloned() else {
            return Outcome::new("no_such_number", &[NO_SUCH_NUMBER]).show(None);
        };
        let account = text(&number, "account_sid").unwrap_or_default().to_owned();
        let (from, to, direction) = (&new.from, &new.to, "inbound");
        let new_leg = NewLeg { account: &account, from, to, direction, status: "ringing", parent: None };
        let call_sid = world.open_call(&new_leg);
        let says = if new.says.is_empty() { world.phones.get(&new.from).says } else { new.says };
        let target = world.twilio.is_active(&account).then(|| route(&world.twilio, &number));
        (Leg { call_sid, account, from: new.from, to: new.to, says }, target)
    };
    let outcome = match target {
        None => Outcome::new("rejected", &[]).telling("reason", "account_not_active"),
        Some(Target::Trunk(url)) => Outcome::new("trunk", &[]).telling("url", url),
        Some(Target::Nowhere(reason)) => Outcome::new("no_route", &[]).telling("reason", reason),
        Some(Target::Url { url, method }) => fetch(shared, &leg, &url, &method).await,
    };
    // An empty route fails at once, without a trace in the debugger (T5 [I]).
    let failed = matches!(outcome.outcome, "no_route" | "rejected");
    let status = if failed { "failed" } else { "completed" };
    shared.lock().end_call(&leg.call_sid, status, outcome.seconds);
    outcome.show(Some(&leg.call_sid))
}

/// The first of trunk, application, URL that is set (T6 [S]).
fn route(twilio: &Twilio, number: &Object) -> Target {
    if let Some(sid) = text(number, "trunk_sid") {
        let mut urls = twilio.urls_of(sid);
        urls.retain(|url| url.get("enabled") == Some(&json!(true)));
        // The lowest priority first (T18 [S]); ties by age, not by weight, to stay repeatable.
        urls.sort_by_key(|url| url.get("priority").and_then(Value::as_i64));
        let first = urls.first().and_then(|url| text(url, "sip_url"));
        return first.map_or(Target::Nowhere("32010 no enabled origination URL"), |url| {
            Target::Trunk(url.to_owned())
        });
    }
    let from = match text(number, "voice_application_sid") {
        Some(sid) => match twilio.applications.get(sid) {
            Some(application) => application,
            None => return Target::Nowhere("the application does not exist any more"),
        },
        None => number,
    };
    match text(from, "voice_url") {
        Some(url) => Target::Url {
            url: url.to_owned(),
            method: text(from, "voice_method").unwrap_or("POST").to_owned(),
        },
        None => Target::Nowhere("no voice URL"),
    }
}

/// Whose web address a voice URL is.
#[derive(Debug, PartialEq, Eq)]
enum Site {
    /// The installation that this sandbox plays.
    Vapi,
    /// Another region: another installation, with its own orgs (V2 [D]).
    OtherVapi,
    Demo,
    Elsewhere,
}

fn site(url: &str) -> Site {
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(Url::host_str).unwrap_or_default();
    let path = parsed.as_ref().map(Url::path).unwrap_or_default();
    // The second path is the older form in the user's documents; both are Vapi's.
    let inbound = matches!(path, "/twilio/inbound_call" | "/call/twilio");
    match host {
        "api.vapi.ai" if inbound => Site::Vapi,
        host if inbound && (host == "vapi.ai" || host.ends_with(".vapi.ai")) => Site::OtherVapi,
        "demo.twilio.com" => Site::Demo,
        _ => Site::Elsewhere,
    }
}

async fn fetch(shared: &Arc<Shared>, leg: &Leg, url: &str, method: &str) -> Outcome {
    match site(url) {
        // `inbound_call` is a POST route (V14.1).
        Site::Vapi | Site::OtherVapi if method != "POST" => {
            Outcome::new("rejected", &[APPLICATION_ERROR]).telling("reason", "wrong_method")
        }
        Site::Vapi => vapi_calls::answer(shared, leg).await,
        Site::OtherVapi => vapi_calls::not_found(),
        Site::Demo => Outcome::new("demo_url", &[DEMO_WORDS]),
        Site::Elsewhere => Outcome::new("forwarded", &[]).telling("url", url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voice_urls_are_told_apart() {
        for (url, expected) in [
            ("https://api.vapi.ai/twilio/inbound_call", Site::Vapi),
            ("https://api.vapi.ai/call/twilio", Site::Vapi),
            ("https://api.eu.vapi.ai/twilio/inbound_call", Site::OtherVapi),
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
