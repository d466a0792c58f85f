//! The call resource: how it is opened, how it goes on and ends, and what it costs (T16 [S]).

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clock::rfc2822;
use crate::http::{Object, text};
use crate::jobs::Job;
use crate::state::World;
use crate::twilio::prices;
use crate::twilio::voice::Later;

/// Prices arrive late (T24.12): some minutes on the real service, one here.
const PRICE_AFTER: Duration = Duration::from_mins(1);

/// Statuses in which a call is over (T16).
pub(crate) const FINAL: [&str; 5] = ["completed", "busy", "no-answer", "failed", "canceled"];

/// What is needed to open a call.
#[derive(Debug)]
pub(crate) struct NewLeg<'l> {
    pub(crate) account: &'l str,
    pub(crate) from: &'l str,
    pub(crate) to: &'l str,
    /// `inbound`, `outbound-api`, `outbound-dial`, or `trunking-originating` (in) and `-terminating` (out).
    pub(crate) direction: &'l str,
    pub(crate) status: &'l str,
    pub(crate) parent: Option<&'l str>,
}

const SUBRESOURCES: [(&str, &str); 9] = [
    ("events", "Events"),
    ("notifications", "Notifications"),
    ("payments", "Payments"),
    ("recordings", "Recordings"),
    ("siprec", "Siprec"),
    ("streams", "Streams"),
    ("transcriptions", "Transcriptions"),
    ("user_defined_message_subscriptions", "UserDefinedMessageSubscriptions"),
    ("user_defined_messages", "UserDefinedMessages"),
];

impl World {
    /// Opens a call and returns its SID.
    pub(crate) fn open_call(&mut self, leg: &NewLeg<'_>) -> String {
        let sid = self.ids.sid("CA");
        let call = self.new_call(&sid, leg);
        self.twilio.calls.put(call);
        sid
    }

    /// A call as it is shown right after it was made.
    pub(crate) fn new_call(&self, sid: &str, leg: &NewLeg<'_>) -> Object {
        let inbound = is_inbound(leg.direction);
        let own = if inbound { leg.to } else { leg.from };
        let number =
            self.twilio.number(own).filter(|number| text(number, "account_sid") == Some(leg.account));
        let field = |name: &str| number.and_then(|number| text(number, name));
        let at = rfc2822(self.clock.now());
        let base = format!("/2010-04-01/Accounts/{}/Calls/{sid}", leg.account);
        let links: Object = SUBRESOURCES
            .iter()
            .map(|(name, path)| ((*name).to_owned(), json!(format!("{base}/{path}.json"))))
            .collect();
        let trunk = if inbound { field("trunk_sid") } else { None };
        let call = json!({
            "sid": sid,
            "account_sid": leg.account,
            "from": leg.from,
            "from_formatted": formatted(leg.from),
            "to": leg.to,
            "to_formatted": formatted(leg.to),
            "phone_number_sid": field("sid"),
            "trunk_sid": trunk,
            "direction": leg.direction,
            "status": leg.status,
            "duration": null,
            "start_time": null,
            "end_time": null,
            "date_created": at,
            "date_updated": at,
            "price": null,
            "price_unit": "USD",
            "answered_by": null,
            "api_version": "2010-04-01",
            "caller_name": null,
            "forwarded_from": null,
            "group_sid": null,
            "parent_call_sid": leg.parent,
            "queue_time": "0",
            "subresource_uris": links,
            "uri": format!("{base}.json"),
        });
        call.as_object().cloned().unwrap_or_default()
    }

    /// Moves a call to a status that is not its last one. One that is over stays over.
    pub(crate) fn mark_call(&mut self, sid: &str, status: &str) {
        let at = rfc2822(self.clock.now());
        let Some(call) = self.twilio.calls.get_mut(sid).filter(|call| !is_over(call)) else { return };
        if status == "in-progress" {
            call.insert("start_time".to_owned(), json!(at));
        }
        call.insert("status".to_owned(), json!(status));
        call.insert("date_updated".to_owned(), json!(at));
    }

    /// Ends a call after so many seconds of talk. A call that was told in one go ends in its future.
    pub(crate) fn end_call(&mut self, sid: &str, status: &str, seconds: u32) {
        let now = self.clock.now();
        let Some(call) = self.twilio.calls.get_mut(sid).filter(|call| !is_over(call)) else { return };
        let started = text(call, "start_time").and_then(|at| jiff::fmt::rfc2822::parse(at).ok());
        let started = started.map_or(now, |at| at.timestamp());
        let end = started.saturating_add(SignedDuration::from_secs(i64::from(seconds)));
        let end = end.expect("a signed duration has no calendar units");
        let fields = [
            ("status", json!(status)),
            ("start_time", json!(rfc2822(started))),
            ("end_time", json!(rfc2822(end))),
            ("duration", json!(seconds.to_string())),
            ("date_updated", json!(rfc2822(end))),
        ];
        call.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        self.schedule(PRICE_AFTER, Job::Voice(Box::new(Later::Price { sid: sid.to_owned() })));
    }

    /// The price of a call that is over arrives: per started minute, and never for one that did not connect.
    pub(crate) fn price_call(&mut self, sid: &str) {
        let Some(call) = self.twilio.calls.get_mut(sid) else { return };
        let seconds: i64 =
            call.get("duration").and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0);
        let outbound = !is_inbound(text(call, "direction").unwrap_or_default());
        let completed = text(call, "status") == Some("completed");
        let minute = prices::call_minute(text(call, "to").unwrap_or_default(), outbound);
        if !completed {
            return;
        }
        let micros = minute * ((seconds.max(1) + 59) / 60);
        // Negative, as a string (T16 [S], T24.12).
        call.insert("price".to_owned(), json!(prices::written(-micros)));
        let account = text(call, "account_sid").unwrap_or_default().to_owned();
        self.twilio.charge(&account, micros);
    }
}

/// Whether a call has its last status.
pub(crate) fn is_over(call: &Object) -> bool {
    text(call, "status").is_some_and(|status| FINAL.contains(&status))
}

/// Whether calls of this direction come in from the telephone network.
pub(crate) fn is_inbound(direction: &str) -> bool {
    matches!(direction, "inbound" | "trunking-originating")
}

/// `(415) 555-2671` for numbers of North America, others as they are [S examples].
fn formatted(phone: &str) -> String {
    match phone.strip_prefix("+1").filter(|rest| rest.len() == 10 && rest.is_ascii()) {
        Some(rest) => format!("({}) {}-{}", &rest[..3], &rest[3..6], &rest[6..]),
        None => phone.to_owned(),
    }
}
