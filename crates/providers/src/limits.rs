//! How long, how much, how often.

use std::time::Duration;

/// How often one account may be asked; zero counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Requests under way at the same time.
    pub concurrent: usize,
    /// Requests per minute in the long run.
    pub per_minute: u32,
    /// Requests at once after a rest.
    pub burst: u32,
}

/// The limits of every call. The defaults are for the real providers; a sandbox stands more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// Of one request, its answer's body included.
    pub timeout: Duration,
    /// No request begins later than this after the call began, be it for want of a turn or as a retry.
    pub patience: Duration,
    /// The longest pause before the first retry; doubled for each further one, four times as long after a
    /// 429 that names no time.
    pub backoff: Duration,
    /// The largest answer that is read, in bytes.
    pub body: usize,
    /// The most pages of one list.
    pub pages: usize,
    /// Accounts whose turns are counted at the same time.
    pub accounts: usize,
    /// Turns of one Twilio account. Twilio limits concurrency, not rate, and does not publish the number
    /// (facts/twilio.md section 2): four at once leave room for the account's other programs.
    pub twilio: Lane,
    /// Turns of one Vapi key. Vapi counts per minute and does not publish the number either; the only figure
    /// known is 100 (facts/vapi.md section 4): 60 and a burst of 30 stay below it in every window.
    pub vapi: Lane,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            patience: Duration::from_secs(20),
            backoff: Duration::from_millis(250),
            body: 4 << 20,
            pages: 10,
            accounts: 4096,
            twilio: Lane { concurrent: 4, per_minute: 1200, burst: 20 },
            vapi: Lane { concurrent: 4, per_minute: 60, burst: 30 },
        }
    }
}
