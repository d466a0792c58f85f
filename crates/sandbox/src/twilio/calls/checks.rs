//! Who may call whom: the errors of a call that is asked for (T16, T22 [E]).

use crate::calling_codes;
use crate::http::text;
use crate::ids::is_e164;
use crate::twilio::Twilio;
use crate::twilio::accounts::Kind;
use crate::twilio::errors::Problem;

/// Calls to these always end so (T22).
const MAGIC_TO: [(&str, u32); 4] =
    [("+15005550001", 21217), ("+15005550002", 21214), ("+15005550003", 21215), ("+15005550004", 21216)];
/// Calls from this one are never valid (T22).
const MAGIC_FROM_INVALID: &str = "+15005550001";
/// The one number that test credentials may call from (T22).
const MAGIC_FROM_GOOD: &str = "+15005550006";

/// The error with this code for a number that cannot be called.
fn unreachable(code: u32, to: &str) -> Problem {
    let why = match code {
        21214 => "cannot be reached",
        21215 => "is in a country that this account has no permission to call",
        21216 => "may not be called by this account",
        21219 => "is unverified. Trial accounts may only make calls to verified numbers",
        _ => "does not appear to be valid",
    };
    Problem::new(code, format!("The phone number you are attempting to call, {to}, {why}."))
}

/// The sender must be the account's number or verified caller id, the other one a number that may be called.
pub(super) fn parties(twilio: &Twilio, account: &str, from: &str, to: &str) -> Result<(), Problem> {
    sender(twilio, account, from)?;
    recipient(twilio, account, to)
}

fn sender(twilio: &Twilio, account: &str, from: &str) -> Result<(), Problem> {
    if from == MAGIC_FROM_INVALID || !is_e164(from) {
        return Err(Problem::new(21212, format!("The 'From' number {from} is not a valid phone number")));
    }
    if twilio.may_show(account, from) { Ok(()) } else { Err(unverified()) }
}

fn unverified() -> Problem {
    let text = "The source phone number provided is not yet verified for your account. You may only make \
                calls from phone numbers that you've verified or purchased from Twilio.";
    Problem::new(21210, text)
}

fn recipient(twilio: &Twilio, account: &str, to: &str) -> Result<(), Problem> {
    if to.starts_with("sip:") {
        return Ok(());
    }
    if !is_e164(to) {
        return Err(Problem::new(21211, format!("The phone number {to} is not valid")));
    }
    if let Some((_, code)) = MAGIC_TO.iter().find(|(phone, _)| *phone == to) {
        return Err(unreachable(*code, to));
    }
    // Premium numbers [?].
    if to.starts_with("+1900") {
        return Err(unreachable(21216, to));
    }
    let country = calling_codes::country(to);
    if country.is_some_and(|(iso, _)| !twilio.may_dial(account, iso)) {
        return Err(unreachable(21215, to));
    }
    let trial = twilio.account(account).is_some_and(|account| account.kind == Kind::Trial);
    if trial && !twilio.may_show(account, to) {
        return Err(unreachable(21219, to));
    }
    Ok(())
}

impl Twilio {
    /// Whether the account owns this number or has verified it.
    pub(crate) fn may_show(&self, account: &str, phone: &str) -> bool {
        let own = |object: &crate::http::Object| text(object, "account_sid") == Some(account);
        let verified =
            |object: &crate::http::Object| own(object) && text(object, "phone_number") == Some(phone);
        self.number(phone).is_some_and(own) || self.caller_ids.iter().any(verified)
    }
}

/// What test credentials are told instead (T22 [D]).
pub(super) fn magic(from: &str, to: &str) -> Result<(), Problem> {
    match from {
        MAGIC_FROM_INVALID => sender(&Twilio::default(), "", from)?,
        MAGIC_FROM_GOOD => {}
        _ => return Err(unverified()),
    }
    match MAGIC_TO.iter().find(|(phone, _)| *phone == to) {
        Some((_, code)) => Err(unreachable(*code, to)),
        None => Ok(()),
    }
}
