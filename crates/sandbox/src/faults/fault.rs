//! What a fault does, and the answers that it gives in place of a provider.

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::{Reply, Request};

/// What happens to a request or a webhook that a rule matches.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Answer this status instead of doing the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The answer's body: text, or any JSON value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// Twilio's error code, or Nest's message, for an answer without `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Value>,
    /// Milliseconds of real time before the answer (or the cut); the work is done first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Cut the connection without an answer, before or after the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drop: Option<Drop>,
    /// Send half of the answer, then cut the connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cut: bool,
    /// So many seconds of virtual time pass between the work and the answer: what the work set off, such as
    /// a status callback, is there before the answer is (T12 [D]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) early_s: Option<f64>,
    /// A webhook that is not sent, though its sender believes that it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) lost: bool,
    /// A webhook that is sent twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) doubled: bool,
    /// A webhook that is sent so many virtual seconds later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) late_s: Option<f64>,
    /// A webhook that is held back until the next one has been sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reordered: Option<Next>,
}

/// Which webhook overtakes one that is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Next {
    /// The next about the same message or call.
    Subject,
    /// The next of the same event, whatever it is about.
    Event,
}

const DELAY_MS_MAX: u64 = 600_000;
const SECONDS_MAX: f64 = 1e6;

/// When a dropped request loses its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Drop {
    Before,
    After,
}

impl Fault {
    /// Whether this can happen to a request (or else to a webhook). The error is a sentence.
    pub(super) fn check(&self, to_webhook: bool) -> Result<(), &'static str> {
        let answers = self.status.is_some() || self.body.is_some() || self.code.is_some();
        let request_only = answers || self.delay_ms.is_some() || self.cut || self.early_s.is_some();
        let webhook_only = self.lost || self.doubled || self.late_s.is_some() || self.reordered.is_some();
        let seconds = |given: Option<f64>| given.is_none_or(|given| (0.0..=SECONDS_MAX).contains(&given));
        let checks = [
            (*self != Fault::default(), "fault is empty: say what happens"),
            (
                !(to_webhook && request_only),
                "status, body, code, delay_ms, cut and early_s are for requests: give path",
            ),
            (
                to_webhook || !webhook_only,
                "lost, doubled, late_s and reordered are for webhooks: give webhook",
            ),
            (self.status.is_none_or(|status| (200..600).contains(&status)), "status must be 200 to 599"),
            (self.delay_ms.unwrap_or(0) <= DELAY_MS_MAX, "delay_ms must be at most 600000"),
            (seconds(self.late_s) && seconds(self.early_s), "late_s and early_s must be 0 to 1000000"),
        ];
        match checks.iter().find(|(holds, _)| !holds) {
            Some((_, sentence)) => Err(sentence),
            None => Ok(()),
        }
    }

    /// The answer given instead of doing the work, if this fault has one.
    pub(crate) fn answer(&self, request: &Request) -> Option<Reply> {
        if self.drop.is_some() || (self.status.is_none() && self.body.is_none() && self.code.is_none()) {
            return None;
        }
        let status = self.status.unwrap_or(if self.code.is_some() { 400 } else { 200 });
        Some(match &self.body {
            Some(Value::String(text)) if text.trim_start().starts_with('<') => {
                Reply::new(status, "text/html; charset=utf-8", text.clone())
            }
            Some(Value::String(text)) => Reply::new(status, "text/plain; charset=utf-8", text.clone()),
            Some(body) => Reply::json(status, body),
            None if matches!(status, 204 | 304) => Reply::new(status, "application/json", Bytes::new()),
            None if request.path.starts_with("/twilio") => twilio_body(status, self.code.as_ref()),
            None => vapi_body(status, self.code.as_ref()),
        })
    }
}

/// Codes that belong to a bare status (T2 [E]).
const GENERAL_CODES: [(u16, u64); 7] =
    [(401, 20003), (403, 20003), (404, 20404), (405, 20004), (409, 20409), (429, 20429), (503, 20503)];

fn twilio_body(status: u16, code: Option<&Value>) -> Reply {
    let usual = GENERAL_CODES.iter().find(|(known, _)| *known == status).map_or(20500, |(_, code)| *code);
    let code = code.cloned().unwrap_or(json!(usual));
    let more = format!("https://www.twilio.com/docs/errors/{}", code.to_string().trim_matches('"'));
    let message = reason(status);
    Reply::json(status, &json!({"code": code, "message": message, "more_info": more, "status": status}))
}

fn vapi_body(status: u16, code: Option<&Value>) -> Reply {
    let message = code.cloned().unwrap_or(json!(reason(status)));
    Reply::json(status, &json!({"message": message, "error": reason(status), "statusCode": status}))
}

fn reason(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error")
}
