//! The border for secrets: answers lose them here, and what a provider says is masked here.

use dialtone_domain::{ExposeSecret, SecretString};
use regex::{Captures, Regex};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Fields that never pass, written without case and punctuation (issue 2 item 5; facts/vapi.md 5.4, 8.2, 9.3).
const SECRET_FIELDS: [&str; 17] = [
    "authtoken",
    "twilioauthtoken",
    "twilioapikey",
    "twilioapisecret",
    "serverurlsecret",
    "authentication",
    "headers",
    "secret",
    "monitor",
    "listenurl",
    "controlurl",
    "password",
    "authpassword",
    "token",
    "apikey",
    "apisecret",
    "secretfingerprint",
];

/// The header by which Vapi proves to Dialtone that a webhook is ours (facts/vapi.md section 9.5).
pub(crate) const SECRET_HEADER: &str = "X-Dialtone-Secret";

/// Where the fingerprint of that header's value is put once the headers are gone.
pub(crate) const FINGERPRINT: &str = "secretFingerprint";

/// A known secret shorter than this is not looked for in texts: it would be found in ordinary words.
const SHORTEST_SECRET: usize = 16;

const MESSAGE_CHARS: usize = 500;
const MESSAGE_BYTES_READ: usize = 8 << 10;
const REMOVED: &str = "[removed]";

/// The first eight hexadecimal digits of a secret's SHA-256: tells two secrets apart, and nothing else.
pub fn fingerprint(secret: &str) -> String {
    Sha256::digest(secret).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The same for what a provider sends by itself: without every field under a secret's name.
pub fn without_secrets(mut sent: Value) -> Value {
    forget(&mut sent, &[]);
    sent
}

/// Removes every secret from an answer: the fields of the list, and the known secrets wherever they stand.
pub(crate) fn forget(answer: &mut Value, known: &[&SecretString]) {
    match answer {
        Value::Object(fields) => {
            let print = header_fingerprint(fields);
            fields.retain(|name, _| !is_secret_field(name));
            fields.values_mut().for_each(|value| forget(value, known));
            fields.extend(print.map(|print| (FINGERPRINT.to_owned(), Value::String(print))));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| forget(item, known)),
        Value::String(text) => {
            if let Some(clean) = without(text, known) {
                *text = clean;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret_field(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    SECRET_FIELDS.iter().any(|secret| plain.eq_ignore_ascii_case(secret))
}

fn header_fingerprint(fields: &Map<String, Value>) -> Option<String> {
    let headers = fields.get("headers")?.as_object()?;
    let (_, secret) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(SECRET_HEADER))?;
    secret.as_str().map(fingerprint)
}

fn without(text: &str, known: &[&SecretString]) -> Option<String> {
    let secrets = known.iter().map(|secret| secret.expose_secret());
    let present = secrets.filter(|secret| secret.len() >= SHORTEST_SECRET && text.contains(secret));
    present.fold(None, |clean: Option<String>, secret| {
        Some(clean.as_deref().unwrap_or(text).replace(secret, REMOVED))
    })
}

/// What looks like a secret or a phone number, and before them what looks like one and is none.
static SENSITIVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?P<uuid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)",
        r"|(?P<date>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[\d:.]*Z?)?)",
        r#"|(?P<name>\b(?:[\w-]*(?:token|secret|password|api_?key)|authorization)["'`]?\s*[:=]\s*|\bbearer\s+)[^\s,;]+"#,
        r"|(?P<sid>\b(?-i:[A-Z]{2}[0-9a-f]{32})\b)",
        r"|(?P<key>[\w=-]{24,})",
        r"|(?P<phone>\+?\(?\d[\d ().-]{5,}\d)",
    ))
    .expect("the pattern is fixed")
});

/// A provider's message as it may be shown and logged: without secrets, phone numbers with their last four
/// digits, at most 500 characters.
pub(crate) fn message(raw: &str, known: &[&SecretString]) -> String {
    let clean = without(raw, known);
    let mut text = clean.as_deref().unwrap_or(raw).trim();
    if text.len() > MESSAGE_BYTES_READ {
        let cut = (0..=MESSAGE_BYTES_READ).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        // Up to the last whole word: half a secret is not recognised.
        text = text[..cut].rfind(char::is_whitespace).map_or("", |end| &text[..end]);
    }
    let masked = SENSITIVE.replace_all(text, masked);
    match masked.char_indices().nth(MESSAGE_CHARS) {
        Some(_) => masked.chars().take(MESSAGE_CHARS - 1).chain(['…']).collect(),
        None => masked.into_owned(),
    }
}

fn masked(found: &Captures<'_>) -> String {
    let whole = &found[0];
    if let Some(name) = found.name("name") {
        return format!("{}{REMOVED}", name.as_str());
    }
    if found.name("key").is_some() {
        let has = |test: fn(&char) -> bool| whole.chars().any(|c| test(&c));
        let random = has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
        return if random { REMOVED.to_owned() } else { masked_digits(whole) };
    }
    match found.name("phone") {
        Some(_) => masked_digits(whole),
        None => whole.to_owned(),
    }
}

fn masked_digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        ..=6 => text.to_owned(),
        len => format!("…{}", &digits[len - 4..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_keep_what_explains_and_lose_what_identifies() {
        let ac = "AC0123456789abcdef0123456789abcdef";
        let uuid = "01990000-0000-7000-8000-000000000001";
        for (raw, shown) in [
            ("+15005550000 is not available", "…0000 is not available"),
            (
                "To number: +1 (500) 555-0009, is not a mobile number",
                "To number: …0009, is not a mobile number",
            ),
            ("code 21422 on 2026-08-20T10:00:00Z", "code 21422 on 2026-08-20T10:00:00Z"),
            (&format!("Account {ac} is suspended"), &format!("Account {ac} is suspended")),
            (&format!("Existing Phone Number {uuid} Has"), &format!("Existing Phone Number {uuid} Has")),
            ("token 0123456789abcdef0123456789abcdef?", "token [removed]?"),
            (r#"{"authToken": "short"}"#, r#"{"authToken": [removed]"#),
            ("Authorization=abc, Bearer xyz", "Authorization=[removed], Bearer [removed]"),
            ("echo: the-secret-of-this-call", "echo: [removed]"),
            ("call.start.error-get-phone-number-and-more", "call.start.error-get-phone-number-and-more"),
        ] {
            assert_eq!(message(raw, &[&"the-secret-of-this-call".to_owned().into()]), shown);
        }
    }

    #[test]
    fn messages_are_bounded() {
        for raw in ["x ".repeat(1 << 20), "é".repeat(1 << 16), "1".repeat(1 << 16)] {
            assert!(message(&raw, &[]).chars().count() <= MESSAGE_CHARS);
        }
    }

    #[test]
    fn an_answer_forgets_its_secrets_and_keeps_a_fingerprint() {
        let mut answer = json!([{
            "id": 1, "twilioAuthToken": "a", "auth_token": "b", "listenUrl": "c", "note": "see a-long-enough-secret",
            "server": {"url": "https://x", "secret": "d", "headers": {"x-dialtone-secret": "e", "Other": "f"}},
        }]);
        forget(&mut answer, &[&"a-long-enough-secret".to_owned().into(), &"id".to_owned().into()]);
        assert_eq!(
            answer,
            json!([{
                "id": 1, "note": "see [removed]",
                "server": {"url": "https://x", "secretFingerprint": fingerprint("e")},
            }])
        );
    }
}
