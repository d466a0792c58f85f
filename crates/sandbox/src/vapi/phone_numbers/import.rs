//! What Vapi does at Twilio with the credentials it was given: find the number, write its URLs (V5.6, V14.2).

use serde_json::json;

use crate::clock::rfc2822;
use crate::http::{Object, text};
use crate::state::World;
use crate::twilio::auth;
use crate::twilio::errors::Problem as TwilioProblem;
use crate::vapi::Ctx;
use crate::vapi::errors::Problem;

/// Which of a Twilio number's settings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Urls {
    /// The voice URL and the status callback.
    pub(super) voice: bool,
    /// The messaging URL.
    pub(super) sms: bool,
}

/// Finds the number that a Vapi phone number object names in its Twilio account, with its credentials.
/// `doing` says in the error what was tried.
pub(super) fn check(world: &mut World, object: &Object, doing: &str) -> Result<(), Problem> {
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
    let caller =
        auth::authenticate(&world.twilio, user, secret).map_err(|problem| twilio_error(&problem, doing))?;
    // A key of another account, or one without rights on numbers: "not found" (V12).
    if caller.account != account {
        return Err(not_found());
    }
    for writes in [false, true] {
        auth::allow(&caller.rights, "incoming-phone-numbers", writes).map_err(|_| not_found())?;
    }
    auth::admit(&world.twilio, &caller, &account, "incoming-phone-numbers", true, "")
        .map_err(|problem| twilio_error(&problem, doing))?;
    let phone = text(object, "number").unwrap_or_default();
    world.twilio.number_of(&account, phone).map(|_| ()).ok_or_else(not_found)
}

/// Writes Vapi's URLs to the Twilio number (V5.6 [W]). Fallback URLs are not touched; a trunk or an
/// application is not cleared, and goes on to win over the voice URL (V5.6 [?]). The EU's URLs follow by
/// analogy (V5.6 [?]).
pub(super) fn write_urls(ctx: &mut Ctx<'_>, object: &Object, urls: Urls) {
    // Some saw the URLs unchanged (V5.6 [R]).
    if ctx.world.settings.vapi_import_unwired {
        return;
    }
    let (host, world) = (ctx.org().region.host(), &mut *ctx.world);
    let account = text(object, "twilioAccountSid").unwrap_or_default();
    let phone = text(object, "number").unwrap_or_default();
    let now = rfc2822(world.clock.now());
    let Some(number) = world.twilio.number_of(account, phone) else { return };
    let fields = [
        (urls.voice, "voice_url", "inbound_call", "voice_method"),
        (urls.voice, "status_callback", "status", "status_callback_method"),
        (urls.sms, "sms_url", "sms", "sms_method"),
    ];
    for (_, field, path, method) in fields.into_iter().filter(|(wanted, ..)| *wanted) {
        number.insert(field.to_owned(), json!(format!("https://{host}/twilio/{path}")));
        number.insert(method.to_owned(), json!("POST"));
    }
    number.insert("date_updated".to_owned(), json!(now));
}

/// The real text for wrong credentials at import is not known; Twilio's own is expected inside (V3.3 [?]).
fn twilio_error(problem: &TwilioProblem, doing: &str) -> Problem {
    Problem::refused(format!("Couldn't {doing} Twilio Number. Twilio Error: {}", problem.message))
}
