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
    /// Vapi's creation times in whole seconds, so that several resources share one (V14.8).
    pub(crate) vapi_whole_seconds: bool,
    /// Whether Vapi's numbers are shown without their Twilio secrets (V15.6 [?]).
    pub(crate) vapi_hides_secrets: bool,
    /// Whether Vapi's answers have a field that nobody has heard of, and its lists of numbers an item with
    /// such a provider (V14.5).
    pub(crate) vapi_future_fields: bool,
    /// Whether an import succeeds without writing a URL at Twilio (V5.6 [R], V14.7).
    pub(crate) vapi_import_unwired: bool,
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
