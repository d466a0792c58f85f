//! Settable parameters as tables: their names, the fields they set, and what they may contain.

use serde_json::{Value, json};
use url::Url;

use super::errors::Problem;
use crate::http::{Object, Params};
use crate::ids::is_sid;

/// What a parameter may contain.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// At most so many characters.
    Text(usize),
    /// An absolute web address without an underscore in its host, else 21402 (T5 [E]).
    Url,
    /// GET or POST, else 21403 (T5 [E]). Cleared, it is POST again.
    Method,
    /// `true` or `false` (T1 [C]).
    Bool,
    /// A SID with this prefix, else the code.
    Sid(&'static str, u32),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A whole number in this range.
    Integer(i64, i64),
    /// A `sip:` address (T18 [D]).
    SipUri,
}

/// How an unset value is shown: `""` or null, without a pattern in the real service (T5 [X]).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unset {
    Empty,
    Null,
}

/// One settable parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) field: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unset: Unset,
}

/// A row of a parameter table.
pub(crate) const fn param(name: &'static str, field: &'static str, kind: Kind, unset: Unset) -> Param {
    Param { name, field, kind, unset }
}

/// Numbers and applications have these in common [S].
pub(crate) const CALL_HANDLING: &[Param] = &[
    param("ApiVersion", "api_version", Kind::Text(10), Unset::Empty),
    param("VoiceUrl", "voice_url", Kind::Url, Unset::Null),
    param("VoiceMethod", "voice_method", Kind::Method, Unset::Null),
    param("VoiceFallbackUrl", "voice_fallback_url", Kind::Url, Unset::Null),
    param("VoiceFallbackMethod", "voice_fallback_method", Kind::Method, Unset::Null),
    param("VoiceCallerIdLookup", "voice_caller_id_lookup", Kind::Bool, Unset::Null),
    param("StatusCallback", "status_callback", Kind::Url, Unset::Empty),
    param("StatusCallbackMethod", "status_callback_method", Kind::Method, Unset::Null),
    param("SmsUrl", "sms_url", Kind::Url, Unset::Empty),
    param("SmsMethod", "sms_method", Kind::Method, Unset::Null),
    param("SmsFallbackUrl", "sms_fallback_url", Kind::Url, Unset::Empty),
    param("SmsFallbackMethod", "sms_fallback_method", Kind::Method, Unset::Null),
];

/// Sets what the form names in `object`. Absent parameters stay as they are, empty ones clear (T5 [D]).
pub(crate) fn apply(tables: &[&[Param]], form: &Params, object: &mut Object) -> Result<(), Problem> {
    for param in tables.iter().copied().flatten() {
        if let Some(text) = form.get(param.name) {
            let value = if text.is_empty() { unset(param) } else { parse(param, text)? };
            object.insert(param.field.to_owned(), value);
        }
    }
    Ok(())
}

/// A resource's fields before anything is set.
pub(crate) fn blank(tables: &[&[Param]]) -> Object {
    tables.iter().copied().flatten().map(|param| (param.field.to_owned(), unset(param))).collect()
}

fn unset(param: &Param) -> Value {
    match (param.kind, param.unset) {
        (Kind::Method, _) => json!("POST"),
        (Kind::Bool, _) => json!(false),
        (_, Unset::Empty) => json!(""),
        (_, Unset::Null) => Value::Null,
    }
}

fn parse(param: &Param, text: &str) -> Result<Value, Problem> {
    let name = param.name;
    let invalid = |code: u32| Problem::new(code, format!("{name} is not valid: {text}"));
    match param.kind {
        Kind::Text(most) if text.chars().count() <= most => Ok(json!(text)),
        Kind::Text(most) => Err(Problem::new(20422, format!("{name} is longer than {most} characters"))),
        Kind::Url if is_web_address(text) => Ok(json!(text)),
        Kind::Url => Err(invalid(21402)),
        Kind::Method if text == "GET" || text == "POST" => Ok(json!(text)),
        Kind::Method => Err(invalid(21403)),
        Kind::Bool if text == "true" || text == "false" => Ok(json!(text == "true")),
        Kind::Sid(prefix, _) if is_sid(text, prefix) => Ok(json!(text)),
        Kind::Sid(_, code) => Err(invalid(code)),
        Kind::OneOf(allowed) if allowed.contains(&text) => Ok(json!(text)),
        Kind::SipUri if text.starts_with("sip:") && text.len() <= 255 => Ok(json!(text)),
        Kind::Integer(least, most) => match text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(json!(number)),
            _ => Err(invalid(20422)),
        },
        Kind::Bool | Kind::OneOf(_) | Kind::SipUri => Err(invalid(20422)),
    }
}

/// Absolute, http or https, no underscore in the host, at most 4000 characters (T5 [E], T7).
pub(crate) fn is_web_address(text: &str) -> bool {
    let parsed = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    text.len() <= 4_000
        && parsed
            .is_some_and(|url| url.host_str().is_some_and(|host| !host.is_empty() && !host.contains('_')))
}

/// 21405 and 21406: a fallback URL is set while the primary URL is not (T5 [E]).
pub(crate) fn check_fallbacks(form: &Params, object: &Object) -> Result<(), Problem> {
    let pairs = [("VoiceFallbackUrl", "voice_url", 21405), ("SmsFallbackUrl", "sms_url", 21406)];
    for (fallback, primary, code) in pairs {
        if form.filled(fallback).is_some() && crate::http::text(object, primary).is_none() {
            return Err(Problem::new(code, format!("{fallback} needs a primary URL")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_are_absolute_and_have_plain_hosts() {
        for good in ["https://api.vapi.ai/twilio/inbound_call", "http://127.0.0.1:8080/x?y=z"] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in ["api.vapi.ai", "/x", "ftp://a.b/", "https://a_b.example/", "http://"] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
