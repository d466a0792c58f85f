//! Texts that the service checks harder than its schemas say.

use jiff::Timestamp;
use url::Url;

use crate::ids::{is_e164, is_uuid};

/// What a text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    E164,
    /// Instead of E.164, when its check is off (V5.3 [S]).
    LettersAndDigits,
    Uuid,
    Url,
    Date,
}

/// By schema (any, when empty) and property. UUIDs and E.164 are seen on the wire for calls, numbers and
/// customers (V3.3 [W]); that it is so wherever these names occur is [?].
const WIRE: &[(&str, &str, Rule)] = &[
    ("", "number", Rule::E164),
    ("", "twilioPhoneNumber", Rule::E164),
    ("", "assistantId", Rule::Uuid),
    ("", "credentialId", Rule::Uuid),
    ("", "credentialIds", Rule::Uuid),
    ("", "customerId", Rule::Uuid),
    ("", "phoneNumberId", Rule::Uuid),
    ("", "previousChatId", Rule::Uuid),
    ("", "sessionId", Rule::Uuid),
    ("", "squadId", Rule::Uuid),
    ("", "structuredOutputIds", Rule::Uuid),
    ("", "toolIds", Rule::Uuid),
    ("", "workflowId", Rule::Uuid),
    ("Server", "url", Rule::Url),
    ("OAuth2AuthenticationPlan", "url", Rule::Url),
];

/// The harder rule for a text property of a schema, where there is one.
pub(super) fn wire_rule(schema: &str, property: &str) -> Option<Rule> {
    WIRE.iter()
        .find(|(of, name, _)| *name == property && (of.is_empty() || *of == schema))
        .map(|(_, _, rule)| *rule)
}

impl Rule {
    /// The rule of a JSON Schema format; unknown ones ask for nothing.
    pub(super) fn of_format(format: &str) -> Option<Rule> {
        match format {
            "uuid" => Some(Rule::Uuid),
            "uri" => Some(Rule::Url),
            "date-time" => Some(Rule::Date),
            _ => None,
        }
    }

    pub(super) fn holds(self, text: &str) -> bool {
        match self {
            Rule::E164 => is_e164(text),
            Rule::LettersAndDigits => {
                let bare = text.strip_prefix('+').unwrap_or(text);
                !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }
            Rule::Uuid => is_uuid(text),
            Rule::Url => Url::parse(text).is_ok_and(|url| url.has_host()),
            Rule::Date => text.parse::<Timestamp>().is_ok(),
        }
    }

    /// The wire's words where they are known (V3.3 [W]), else class-validator's own [?].
    pub(super) fn complaint(self) -> &'static str {
        match self {
            Rule::E164 => {
                "must be a valid phone number in the E.164 format. Hot tip, you may be missing the country \
                 code (Eg. US: +1)."
            }
            Rule::LettersAndDigits => "must match /^\\+?[a-zA-Z0-9]+$/ regular expression",
            Rule::Uuid => "must be a UUID",
            Rule::Url => "must be a URL address",
            Rule::Date => "must be a valid ISO 8601 date string",
        }
    }
}
