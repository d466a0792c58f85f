//! What can be switched about the providers: behaviours that nobody knows for certain (`[?]` in the facts).

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::control::{Answer, Route, Work};
use crate::state::World;

/// All switches. A new one has a default, so that older saved states still load.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) fresh_numbers: FreshNumbers,
    /// Whether only numbers of the stock can be bought, as at the real service: others are then 21422.
    pub(crate) stock_only: bool,
    /// More requests of one account than this at the same time are answered 429/20429 (T2 [D]).
    pub(crate) twilio_concurrent_requests: Option<u32>,
    /// More requests of one org than this in a minute of UTC are answered 429 (V4).
    pub(crate) vapi_requests_per_minute: Option<u32>,
    /// Webhooks carry the number's row without Twilio's secrets (V9.3 [W] says that they are in it).
    pub(crate) vapi_webhooks_hide_secrets: bool,
    /// Vapi's creation times in whole seconds, so that several resources share one (V14.8).
    pub(crate) vapi_whole_seconds: bool,
    /// Whether Vapi's numbers are shown without their Twilio secrets (V15.6 [?]).
    pub(crate) vapi_hides_secrets: bool,
    /// Whether Vapi's answers have a field that nobody has heard of, and its lists of numbers an item with
    /// such a provider (V14.5).
    pub(crate) vapi_future_fields: bool,
    /// Whether an import succeeds without writing a URL at Twilio (V5.6 [R], V14.7).
    pub(crate) vapi_import_unwired: bool,
    pub(crate) messaging: Messaging,
}

/// Limits and delays of texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Messaging {
    /// More segments than this in a sender's queue are refused: 21611. Four hours' worth of one a second [?].
    pub(crate) queue_segments_max: i64,
    /// More messages than this in a day of UTC are refused to a trial account: 63038 (T8, the number [?]).
    pub(crate) trial_messages_a_day: usize,
    /// More scheduled messages than this are refused: 35125 (T7 [E], the number [?]).
    pub(crate) scheduled_messages_max: usize,
    /// Whether accounts cannot send media at all: 21622.
    pub(crate) mms_disabled: bool,
    /// For so many seconds after an MMS came in, its media are not there yet (T13 [I]).
    pub(crate) media_delay_s: i64,
    /// Whether a message from an unregistered US number is `failed` instead of `undelivered` (T8 [?]).
    pub(crate) unregistered_fails: bool,
    /// Whether webhooks are called and signed with the scheme's own port in their URL (T17).
    pub(crate) default_port_in_url: bool,
}

impl Default for Messaging {
    fn default() -> Messaging {
        Messaging {
            queue_segments_max: 14_400,
            trial_messages_a_day: 50,
            scheduled_messages_max: 500_000,
            mms_disabled: false,
            media_delay_s: 1,
            unregistered_fails: false,
            default_port_in_url: false,
        }
    }
}

/// What a number bought through the API starts with (T5 [?]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FreshNumbers {
    /// Twilio's demo URLs, which answer callers and texters with sample text.
    #[default]
    Demo,
    /// No URL at all.
    Empty,
}

/// Where they are seen and changed.
pub(crate) const ROUTES: &[Route] = &[
    (Method::GET, "settings", Work::Now(|world, _, _| Ok((200, json!(world.settings))))),
    (Method::POST, "settings", Work::Now(change)),
];

/// Changes the settings that the body names; a name that does not exist is refused.
fn change(world: &mut World, _: &[String], body: Value) -> Answer {
    let mut settings = json!(world.settings);
    if let (Value::Object(all), Value::Object(named)) = (&mut settings, body) {
        all.extend(named);
    }
    world.settings = crate::control::read(settings)?;
    Ok((200, json!(world.settings)))
}
