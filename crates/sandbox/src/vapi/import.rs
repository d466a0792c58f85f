//! What Vapi does at Twilio with the credentials it was given: find the number, write its URLs (V5.6, V14.2).

use serde_json::json;

use super::INBOUND_CALL_URL;
use super::errors::Problem;
use crate::clock::rfc2822;
use crate::http::{Object, text};
use crate::state::World;
use crate::twilio::auth;
use crate::twilio::errors::Problem as TwilioProblem;

const SMS_URL: &str = "https://api.vapi.ai/twilio/sms";
const STATUS_URL: &str = "https://api.vapi.ai/twilio/status";

/// Which of a Twilio number's settings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Urls {
    /// The voice URL and the status callback.
    pub(crate) voice: bool,
    /// The messaging URL.
    pub(crate) sms: bool,
}

/// Finds the number that a Vapi phone number object names in its Twilio account, with its credentials.
pub(crate) fn check(world: &mut World, object: &Object) -> Result<(), Problem> {
    // The wire text for every kind of "not in that account" (V3.3 [W]).
    let not_found = || Problem::refused("Number Not Found on Twilio.");
    let account = text(object, "twilioAccountSid").unwrap_or_default().to_owned();
    // The token wins over a key (V5.3 [S]); with neither, the number is not found (V5.3 [R]).
    let pair = match (text(object, "twilioAuthToken"), text(object, "twilioApiKey")) {
        (Some(token), _) => Some((account.as_str(), token)),
        (None, Some(key)) => Some((key, text(object, "twilioApiSecret").unwrap_or_default())),
        (None, None) => None,
    };
    let (user, secret) = pair.ok_or_else(not_found)?;
    let caller = auth::authenticate(&world.twilio, user, secret).map_err(|problem| twilio_error(&problem))?;
    // A key of another account, or one without rights on numbers: "not found" (V12).
    if caller.account != account {
        return Err(not_found());
    }
    for writes in [false, true] {
        auth::allow(&caller.rights, "incoming-phone-numbers", writes).map_err(|_| not_found())?;
    }
    auth::admit(&world.twilio, &caller, &account, "incoming-phone-numbers", true, "")
        .map_err(|problem| twilio_error(&problem))?;
    let phone = text(object, "number").unwrap_or_default();
    world.twilio.number_of(&account, phone).map(|_| ()).ok_or_else(not_found)
}

/// Writes Vapi's URLs to the Twilio number (V5.6 [W]). Fallback URLs are not touched; a trunk or an
/// application is not cleared, and goes on to win over the voice URL (V5.6 [?]).
pub(crate) fn write_urls(world: &mut World, object: &Object, urls: Urls) {
    let account = text(object, "twilioAccountSid").unwrap_or_default();
    let phone = text(object, "number").unwrap_or_default();
    let now = rfc2822(world.clock.now());
    let Some(number) = world.twilio.number_of(account, phone) else { return };
    let fields = [
        (urls.voice, "voice_url", INBOUND_CALL_URL, "voice_method"),
        (urls.voice, "status_callback", STATUS_URL, "status_callback_method"),
        (urls.sms, "sms_url", SMS_URL, "sms_method"),
    ];
    for (_, field, url, method) in fields.into_iter().filter(|(wanted, ..)| *wanted) {
        number.insert(field.to_owned(), json!(url));
        number.insert(method.to_owned(), json!("POST"));
    }
    number.insert("date_updated".to_owned(), json!(now));
}

/// The real text for wrong credentials at import is not known; Twilio's own is expected inside (V3.3 [?]).
fn twilio_error(problem: &TwilioProblem) -> Problem {
    Problem::refused(format!("Couldn't Import Twilio Number. Twilio Error: {}", problem.message))
}
