//! The debugger: what Twilio noticed when a webhook failed or an instruction made no sense (T21).

use serde::{Deserialize, Serialize};

use crate::clock::iso;
use crate::state::World;

/// More are not kept: the oldest goes.
const KEPT_MAX: usize = 10_000;
/// An answer is kept as far as TwiML may be long (T10 [E]).
const BODY_BYTES_MAX: usize = super::twiml::BYTES_MAX;

/// One alert.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Alert {
    pub(crate) sid: String,
    pub(crate) account: String,
    pub(crate) level: String,
    pub(crate) trouble: Trouble,
    pub(crate) generated: String,
}

/// What went wrong, and with which request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Trouble {
    pub(crate) code: u32,
    /// One sentence.
    pub(crate) text: String,
    /// The message or call that it happened to.
    pub(crate) resource_sid: String,
    pub(crate) request_url: String,
    pub(crate) request_method: String,
    /// Form-encoded, as it was sent.
    pub(crate) request_variables: String,
    pub(crate) response_body: String,
    pub(crate) response_headers: String,
}

/// All alerts, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Alerts(pub(crate) Vec<Alert>);

impl World {
    /// Raises an alert of level `error` or `warning` in an account.
    pub(crate) fn alert(&mut self, account: &str, level: &str, mut trouble: Trouble) {
        let end = trouble.response_body.floor_char_boundary(BODY_BYTES_MAX);
        trouble.response_body.truncate(end);
        trouble.response_body.shrink_to_fit();
        let alert = Alert {
            sid: self.ids.sid("NO"),
            account: account.to_owned(),
            level: level.to_owned(),
            trouble,
            generated: iso(self.clock.now()),
        };
        let alerts = &mut self.twilio.alerts.0;
        if alerts.len() == KEPT_MAX {
            alerts.remove(0);
        }
        alerts.push(alert);
    }
}
