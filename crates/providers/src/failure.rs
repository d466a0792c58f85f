//! How a request ends without a usable answer, and which problem that is: the tables of
//! facts/twilio.md sections 2 and 5 and facts/vapi.md section 3.

use dialtone_domain::{Code, Problem, Provider, ProviderDetail};
use serde_json::Value;

/// What a request does at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it may be repeated.
    Read,
    /// A change: without an answer it may have happened.
    Write,
}

/// How a request ended without a usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Its turn did not come in time; nothing was sent.
    NoTurn,
    /// There was no connection; nothing was sent.
    NotSent,
    /// It was sent, and the answer did not come, or not whole.
    Lost(&'static str),
    /// An answer that refuses, or that cannot be used. The message is scrubbed already.
    Answered { status: u16, code: Option<String>, message: String },
}

impl Failure {
    /// Whether the same request may be sent again by itself. A 429 was not processed.
    pub(crate) fn may_repeat(&self, effect: Effect) -> bool {
        match self {
            Failure::NoTurn => false,
            Failure::NotSent | Failure::Lost(_) => effect == Effect::Read,
            Failure::Answered { status: 429, .. } => true,
            Failure::Answered { status, .. } => effect == Effect::Read && is_outage(*status),
        }
    }

    /// The HTTP status, where an answer came.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Failure::Answered { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The problem it is, with what the provider said.
    pub(crate) fn problem(self, provider: Provider, effect: Effect) -> Problem {
        let problem = Problem::new(self.code(provider, effect));
        let (status, code, message) = match self {
            Failure::NoTurn => (None, None, "too many requests are waiting".to_owned()),
            Failure::NotSent => (None, None, "no connection".to_owned()),
            Failure::Lost(why) => (None, None, why.to_owned()),
            Failure::Answered { status, code, message } => (Some(status), code, message),
        };
        problem.said(ProviderDetail { name: provider, status, code, message })
    }

    fn code(&self, provider: Provider, effect: Effect) -> Code {
        match (self, effect) {
            (Failure::NoTurn, _) => Code::ProviderRateLimited,
            (Failure::NotSent, _) | (Failure::Lost(_), Effect::Read) => Code::ProviderUnreachable,
            (Failure::Lost(_), Effect::Write) => Code::ProviderUnclear,
            (Failure::Answered { status, code, message }, _) if is_refusal(*status) => {
                refusal(provider, *status, code.as_deref(), message)
            }
            (Failure::Answered { .. }, Effect::Read) => Code::ProviderFailed,
            (Failure::Answered { .. }, Effect::Write) => Code::ProviderUnclear,
        }
    }
}

/// The provider, or a gateway before it, is out of order; 408 is a gateway's way to say so.
fn is_outage(status: u16) -> bool {
    status >= 500 || status == 408
}

fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && !is_outage(status)
}

/// One row of a table: it holds where everything that it names is so.
struct Rule {
    provider: Provider,
    status: Option<u16>,
    /// Twilio's codes, one of which it must be.
    codes: &'static [&'static str],
    /// Words that must all be in the message, in lower case.
    words: &'static [&'static str],
    is: Code,
}

const fn rule(provider: Provider, is: Code) -> Rule {
    Rule { provider, status: None, codes: &[], words: &[], is }
}

impl Rule {
    const fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    const fn codes(self, codes: &'static [&'static str]) -> Self {
        Self { codes, ..self }
    }

    const fn words(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    fn holds(&self, provider: Provider, status: u16, code: Option<&str>, message: &str) -> bool {
        self.provider == provider
            && self.status.is_none_or(|only| only == status)
            && (self.codes.is_empty() || code.is_some_and(|code| self.codes.contains(&code)))
            && self.words.iter().all(|word| message.contains(word))
    }
}

/// The first row that holds decides. Status 401 is decided by status, because the texts vary.
const RULES: &[Rule] = &[
    rule(Provider::Twilio, Code::ProviderRateLimited).status(429),
    rule(Provider::Twilio, Code::ProviderRateLimited).codes(&["20429"]),
    rule(Provider::Twilio, Code::TwilioAccountInactive).codes(&["10001", "20005", "90010"]),
    rule(Provider::Twilio, Code::TwilioUnauthorized).status(401),
    rule(Provider::Twilio, Code::TwilioForbidden).status(403),
    rule(Provider::Twilio, Code::TwilioRefused),
    rule(Provider::Vapi, Code::ProviderRateLimited).status(429),
    rule(Provider::Vapi, Code::VapiUnauthorized).status(401),
    rule(Provider::Vapi, Code::VapiNumberInOtherOrg).words(&["already in use by another org"]),
    rule(Provider::Vapi, Code::NumberNotInAccount).words(&["number not found on twilio"]),
    rule(Provider::Vapi, Code::AssistantNotFound).words(&["assistant", "does not exist"]),
    rule(Provider::Vapi, Code::TwilioUnauthorized).words(&["authenticate"]),
    rule(Provider::Vapi, Code::VapiForbidden).status(402),
    rule(Provider::Vapi, Code::VapiForbidden).status(403),
    rule(Provider::Vapi, Code::VapiRefused),
];

fn refusal(provider: Provider, status: u16, code: Option<&str>, message: &str) -> Code {
    let message = message.to_lowercase();
    let rule = RULES.iter().find(|rule| rule.holds(provider, status, code, &message));
    rule.expect("the last row of each provider always holds").is
}

/// Code and message of an error's body, as they stand there: Twilio's `{code, message}` and problem
/// documents, Vapi's `{message: text or texts, error}`. Empty where the body is none of them.
pub(crate) fn said(body: &Value) -> (Option<String>, String) {
    let text = |name: &str| match &body[name] {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(texts) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        _ => None,
    };
    let code = match &body["code"] {
        Value::Number(code) => Some(code.to_string()),
        Value::String(code) if code.len() <= 40 => Some(code.clone()),
        _ => None,
    };
    (code, ["message", "detail", "title", "error"].into_iter().find_map(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(provider: Provider, effect: Effect, status: u16, body: &Value) -> Code {
        let (code, message) = said(body);
        Failure::Answered { status, code, message }.problem(provider, effect).code
    }

    #[test]
    fn twilio_refusals_are_told_apart() {
        for (status, body, expected) in [
            (401, json!({"code": 20003, "message": "Authenticate"}), Code::TwilioUnauthorized),
            (401, Value::Null, Code::TwilioUnauthorized),
            (403, json!({"code": 20003, "message": "Permission denied"}), Code::TwilioForbidden),
            (403, json!({"code": 20008}), Code::TwilioForbidden),
            (403, json!({"code": 20005, "message": "Account not active"}), Code::TwilioAccountInactive),
            (401, json!({"code": "10001"}), Code::TwilioAccountInactive),
            (400, json!({"code": 90010}), Code::TwilioAccountInactive),
            (400, json!({"code": 20429}), Code::ProviderRateLimited),
            (429, Value::Null, Code::ProviderRateLimited),
            (400, json!({"code": 21402, "message": "VoiceUrl is not valid"}), Code::TwilioRefused),
            (404, json!({"status": 404, "message": "not found"}), Code::TwilioRefused),
        ] {
            assert_eq!(code(Provider::Twilio, Effect::Write, status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn vapi_refusals_are_told_apart() {
        let org = "Phone number +15005550006 already in use by another org.";
        let gone =
            "Couldn't Get Assistant. `assistantId` 01990000-0000-7000-8000-000000000001 Does Not Exist.";
        for (status, body, expected) in [
            (401, json!({"message": "Invalid Key. Hot tip, …", "statusCode": 401}), Code::VapiUnauthorized),
            (401, json!({"message": "Authenticate"}), Code::VapiUnauthorized),
            (402, json!({"message": "Purchase credits to use chat."}), Code::VapiForbidden),
            (403, Value::Null, Code::VapiForbidden),
            (400, json!({"message": org}), Code::VapiNumberInOtherOrg),
            (400, json!({"message": "Number Not Found on Twilio."}), Code::NumberNotInAccount),
            (400, json!({"message": gone}), Code::AssistantNotFound),
            (400, json!({"message": "Twilio Error: Authenticate"}), Code::TwilioUnauthorized),
            (400, json!({"message": ["name must be shorter", "number must be"]}), Code::VapiRefused),
            (409, json!({"error": "assistant_pinned", "message": "…"}), Code::VapiRefused),
            (429, Value::Null, Code::ProviderRateLimited),
        ] {
            assert_eq!(code(Provider::Vapi, Effect::Write, status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn what_is_no_refusal_failed_for_a_read_and_is_unclear_for_a_write() {
        for status in [200, 201, 301, 302, 408, 500, 502, 503] {
            for provider in [Provider::Twilio, Provider::Vapi] {
                assert_eq!(code(provider, Effect::Read, status, &Value::Null), Code::ProviderFailed);
                assert_eq!(code(provider, Effect::Write, status, &Value::Null), Code::ProviderUnclear);
            }
        }
        for (failure, read, write) in [
            (Failure::NoTurn, Code::ProviderRateLimited, Code::ProviderRateLimited),
            (Failure::NotSent, Code::ProviderUnreachable, Code::ProviderUnreachable),
            (Failure::Lost("x"), Code::ProviderUnreachable, Code::ProviderUnclear),
        ] {
            assert_eq!(failure.clone().problem(Provider::Vapi, Effect::Read).code, read);
            assert_eq!(failure.problem(Provider::Vapi, Effect::Write).code, write);
        }
    }

    #[test]
    fn only_a_429_repeats_a_write() {
        let answered = |status| Failure::Answered { status, code: None, message: String::new() };
        for (failure, read, write) in [
            (Failure::NoTurn, false, false),
            (Failure::NotSent, true, false),
            (Failure::Lost("x"), true, false),
            (answered(429), true, true),
            (answered(500), true, false),
            (answered(408), true, false),
            (answered(400), false, false),
            (answered(404), false, false),
            (answered(200), false, false),
        ] {
            assert_eq!((failure.may_repeat(Effect::Read), failure.may_repeat(Effect::Write)), (read, write));
        }
    }

    #[test]
    fn the_body_may_be_of_any_of_the_known_shapes() {
        for (body, expected) in [
            (json!({"code": 20404, "message": "m"}), (Some("20404".to_owned()), "m")),
            (json!({"message": ["a", 1, "b"]}), (None, "a; b")),
            (json!({"title": "t", "detail": "d", "code": 1}), (Some("1".to_owned()), "d")),
            (json!({"error": "assistant_pinned"}), (None, "assistant_pinned")),
            (json!({"message": {"deep": 1}, "code": []}), (None, "")),
            (json!([1]), (None, "")),
            (json!("text"), (None, "")),
        ] {
            assert_eq!(said(&body), (expected.0, expected.1.to_owned()), "{body}");
        }
    }
}
