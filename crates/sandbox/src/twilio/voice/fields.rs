//! What Twilio tells about a call in every request for it (T16 [D][X]).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::http::{Object, text};
use crate::twilio::calls::is_inbound;
use crate::twilio::messages::inbound::geography;

/// Names and values of a form.
pub(crate) type Form = Vec<(String, String)>;

/// A form's entry.
pub(crate) fn entry(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// The fields of a request about `call` while it has this status. The legacy doubles (`Caller`, `Called`) and
/// empty geography are always there.
pub(crate) fn of_call(call: &Object, status: &str) -> Form {
    let field = |name: &str| text(call, name).unwrap_or_default();
    let (from, to, sid) = (shown(field("from")), field("to"), field("sid"));
    let mut form = vec![
        entry("AccountSid", field("account_sid")),
        entry("ApiVersion", "2010-04-01"),
        entry("CallSid", sid),
        entry("CallStatus", status),
        entry("Called", to),
        entry("Caller", from),
        entry("Direction", field("direction")),
        entry("From", from),
        entry("To", to),
    ];
    for (prefix, phone) in [("Called", to), ("Caller", from), ("From", from), ("To", to)] {
        let [city, state, zip, country] = geography(phone);
        for (part, value) in [("City", city), ("State", state), ("Zip", zip), ("Country", country)] {
            form.push((format!("{prefix}{part}"), value));
        }
    }
    if let Some(parent) = text(call, "parent_call_sid") {
        form.push(entry("ParentCallSid", parent));
    }
    if let Some(forwarded) = text(call, "forwarded_from") {
        form.push(entry("ForwardedFrom", forwarded));
    }
    if let Some(name) = text(call, "caller_name") {
        form.push(entry("CallerName", name));
    }
    if is_inbound(field("direction")) {
        form.push(entry("CallToken", token(sid)));
        // Attestation A for callers of North America, whose carriers sign; others send none [?].
        if from.starts_with("+1") {
            form.push(entry("StirVerstat", "TN-Validation-Passed-A"));
        }
    }
    form
}

/// A withheld number is spelt on the keypad (T16 [I]).
fn shown(from: &str) -> &str {
    if from == "anonymous" { "+266696687" } else { from }
}

/// Lets a call be passed on with its caller's number; opaque, of our own making [?].
fn token(sid: &str) -> String {
    let digest = Sha256::digest(sid.as_bytes());
    format!("%7B%22parentCallInfoToken%22%3A%22{}%22%7D", STANDARD.encode(digest).replace('=', ""))
}

/// Gives a value to a name, which may be there already.
pub(crate) fn set(form: &mut Form, name: &str, value: impl Into<String>) {
    let value = value.into();
    match form.iter_mut().find(|(key, _)| key == name) {
        Some(pair) => pair.1 = value,
        None => form.push((name.to_owned(), value)),
    }
}
