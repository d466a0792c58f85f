//! What is told about a call while it goes on: status callbacks (T16 [D]).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fields::{Form, entry, of_call};
use crate::clock::rfc2822;
use crate::http::text;
use crate::state::{Shared, World};
use crate::twilio::calls::is_over;
use crate::twilio::twiml::Element;
use crate::twilio::webhooks::{self, Call};

/// Somebody who wants to be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Callback {
    pub(crate) url: String,
    pub(crate) method: String,
    events: Vec<String>,
}

impl Callback {
    /// Without events it is about the end only (T16: `completed`).
    pub(crate) fn new<'e>(url: &str, method: &str, events: impl Iterator<Item = &'e str>) -> Callback {
        let mut events: Vec<String> = events.map(str::to_owned).collect();
        if events.is_empty() {
            events.push("completed".to_owned());
        }
        Callback { url: url.to_owned(), method: method.to_owned(), events }
    }

    /// From the attributes `statusCallback…` or `recordingStatusCallback…` of a TwiML element; `url` is
    /// their address made absolute.
    pub(super) fn of(element: &Element, prefix: &str, url: Option<String>) -> Option<Callback> {
        let attribute = |suffix: &str| element.attribute(&format!("{prefix}{suffix}"));
        let events = attribute("Event").unwrap_or_default().split_whitespace();
        let method = attribute("Method").filter(|method| *method == "GET").unwrap_or("POST");
        attribute("").and(url).map(|url| Callback::new(&url, method, events))
    }

    /// Whether this event is to be told.
    pub(crate) fn wants(&self, event: &str) -> bool {
        self.events.iter().any(|wanted| wanted == event)
    }
}

/// Something to tell, complete.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) account: String,
    pub(crate) event: &'static str,
    pub(crate) subject: String,
    pub(crate) url: String,
    pub(crate) method: String,
    pub(crate) params: Form,
}

impl Told {
    /// Tells it. Nobody waits for what is answered.
    pub(crate) async fn send(self, shared: &Arc<Shared>) {
        let call = Call {
            account: self.account,
            event: self.event,
            subject: self.subject,
            url: self.url,
            method: self.method,
            params: self.params,
            fallback: None,
            judge: webhooks::any,
        };
        webhooks::call(shared, &call).await;
    }
}

impl World {
    /// What a status callback of a call says: the call's fields, which one it is, when, and for a call that
    /// is over how long it was and what was recorded (T16).
    pub(crate) fn progress(&self, sid: &str, status: &str, sequence: u32, more: &Form) -> Form {
        let Some(call) = self.twilio.calls.get(sid) else { return Form::new() };
        let mut form = of_call(call, status);
        form.push(entry("CallbackSource", "call-progress-events"));
        form.push(entry("SequenceNumber", sequence.to_string()));
        form.push(entry("Timestamp", rfc2822(self.clock.now())));
        if is_over(call) {
            let seconds: u32 = text(call, "duration").and_then(|text| text.parse().ok()).unwrap_or(0);
            form.push(entry("CallDuration", seconds.to_string()));
            form.push(entry("Duration", seconds.div_ceil(60).to_string()));
        }
        form.extend(more.iter().cloned());
        form
    }
}
