//! Request bodies as tables of properties, checked like Vapi's class-validator does (V3.3 [W]).

use serde_json::Value;
use url::Url;

use super::errors::Problem;
use crate::http::Object;
use crate::ids::{is_e164, is_uuid};

/// What a property may hold. Null passes everywhere: optional properties may be null.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    Any,
    /// At most so many characters.
    Text(usize),
    E164,
    Uuid,
    Bool,
    Url,
    Object,
    Array,
    /// A number in this range.
    Number(f64, f64),
    OneOf(&'static [&'static str]),
    /// An object with exactly these properties; the names given are required.
    Nested(Table, &'static [&'static str]),
}

/// A body's known properties. All others are refused (V3.3 [W]).
pub(crate) type Table = &'static [(&'static str, Rule)];

/// Checks `body`; the error lists everything that is wrong with it.
pub(crate) fn check(table: Table, required: &[&str], body: &Object) -> Result<(), Problem> {
    let mut wrong = Vec::new();
    collect("", table, required, body, &mut wrong);
    if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(&wrong)) }
}

fn collect(prefix: &str, table: Table, required: &[&str], body: &Object, wrong: &mut Vec<String>) {
    for name in body.keys().filter(|name| !table.iter().any(|(known, _)| known == name)) {
        wrong.push(format!("{prefix}property {name} should not exist"));
    }
    for (name, rule) in table {
        match body.get(*name) {
            None | Some(Value::Null) if required.contains(name) => {
                wrong.push(format!("{prefix}{name}{}", complaint(*rule)));
            }
            None | Some(Value::Null) => {}
            Some(Value::Object(inner)) if matches!(rule, Rule::Nested(..)) => {
                if let Rule::Nested(inner_table, inner_required) = rule {
                    collect(&format!("{prefix}{name}."), inner_table, inner_required, inner, wrong);
                }
            }
            Some(value) if !holds(*rule, value) => wrong.push(format!("{prefix}{name}{}", complaint(*rule))),
            Some(_) => {}
        }
    }
}

fn holds(rule: Rule, value: &Value) -> bool {
    let text = value.as_str();
    match rule {
        Rule::Any => true,
        Rule::Text(most) => text.is_some_and(|text| text.chars().count() <= most),
        Rule::E164 => text.is_some_and(is_e164),
        Rule::Uuid => text.is_some_and(is_uuid),
        Rule::Bool => value.is_boolean(),
        Rule::Url => text.is_some_and(|text| Url::parse(text).is_ok_and(|url| url.has_host())),
        Rule::Object | Rule::Nested(..) => value.is_object(),
        Rule::Array => value.is_array(),
        Rule::Number(least, most) => value.as_f64().is_some_and(|number| (least..=most).contains(&number)),
        Rule::OneOf(allowed) => text.is_some_and(|text| allowed.contains(&text)),
    }
}

/// The wire texts of V3.3 where they are known [W], else class-validator's own wording [?].
fn complaint(rule: Rule) -> String {
    match rule {
        Rule::Any => " should not be empty".to_owned(),
        Rule::Text(usize::MAX) => " must be a string".to_owned(),
        Rule::Text(most) => format!(" must be shorter than or equal to {most} characters"),
        Rule::E164 => {
            " must be a valid phone number in the E.164 format. Hot tip, you may be missing the country \
                       code (Eg. US: +1)."
                .to_owned()
        }
        Rule::Uuid => " must be a UUID".to_owned(),
        Rule::Bool => " must be a boolean value".to_owned(),
        Rule::Url => " must be a URL address".to_owned(),
        Rule::Object | Rule::Nested(..) => " must be an object".to_owned(),
        Rule::Array => " must be an array".to_owned(),
        Rule::Number(least, most) => format!(" must be a number between {least} and {most}"),
        Rule::OneOf(allowed) => format!(" must be one of the following values: {}", allowed.join(", ")),
    }
}

/// Where webhooks go (V9 [S]); there is no `secret` in the schema any more (V7, V9.5).
const SERVER: Table = &[
    ("url", Rule::Url),
    ("headers", Rule::Object),
    ("credentialId", Rule::Uuid),
    ("timeoutSeconds", Rule::Number(1.0, 300.0)),
    ("staticIpAddressesEnabled", Rule::Bool),
    ("encryptedPaths", Rule::Array),
    ("backoffPlan", Rule::Nested(BACKOFF_PLAN, &["type", "maxRetries", "baseDelaySeconds"])),
];

const BACKOFF_PLAN: Table = &[
    ("type", Rule::OneOf(&["fixed", "exponential"])),
    ("maxRetries", Rule::Number(0.0, 10.0)),
    ("baseDelaySeconds", Rule::Number(0.0, 10.0)),
    ("excludedStatusCodes", Rule::Array),
];

/// The rule for every `server` property.
pub(crate) const SERVER_RULE: Rule = Rule::Nested(SERVER, &[]);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: Table = &[("name", Rule::Text(40)), ("number", Rule::E164), ("server", SERVER_RULE)];

    fn messages(body: &Value) -> Value {
        let body = body.as_object().cloned().unwrap_or_default();
        match check(TABLE, &["number"], &body) {
            Ok(()) => json!([]),
            Err(problem) => serde_json::from_slice::<Value>(&problem.reply().body)
                .map(|b| b["message"].clone())
                .unwrap_or_default(),
        }
    }

    #[test]
    fn lists_everything_that_is_wrong() {
        let e164 = "number must be a valid phone number in the E.164 format. Hot tip, you may be missing the country code (Eg. US: +1).";
        assert_eq!(messages(&json!({"number": "+14155552671", "name": null})), json!([]));
        assert_eq!(messages(&json!({})), json!([e164]));
        assert_eq!(
            messages(&json!({"number": "4155552671", "x": 1, "name": "a".repeat(41)})),
            json!([
                "property x should not exist",
                "name must be shorter than or equal to 40 characters",
                e164
            ])
        );
    }

    #[test]
    fn nested_objects_name_their_path() {
        let body = json!({"number": "+14155552671",
            "server": {"url": "https://a.example/x", "secret": "s", "backoffPlan": {"type": "fixed"}}});
        assert_eq!(
            messages(&body),
            json!([
                "server.property secret should not exist",
                "server.backoffPlan.maxRetries must be a number between 0 and 10",
                "server.backoffPlan.baseDelaySeconds must be a number between 0 and 10",
            ])
        );
    }
}
