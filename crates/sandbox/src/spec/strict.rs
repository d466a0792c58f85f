//! Descriptions made strict: what they leave open by habit is closed, so that nothing slips through a check.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http::Object;

/// Fields that tell the alternatives of a union apart, where the description names none itself.
const TELLING_FIELDS: [&str; 5] = ["type", "provider", "role", "kind", "format"];

/// What a document is read for. Properties that are not described are refused everywhere: both providers
/// refuse or ignore such ones in requests (V3.3 [W], T1 [E]), and in answers they are ours alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Request,
    /// Twilio shows every property, but those in `optional`; what is unset is null or empty (T5 [X]).
    TwilioAnswer,
    /// Vapi leaves out what is unset, or shows it as null (V5.4 [W]).
    VapiAnswer,
}

/// The strict form of a description.
pub(crate) fn tighten(document: &Value, reading: Reading) -> Value {
    let mut made = document.clone();
    walk(&mut made, &mut |schema| {
        choose(document, schema);
        close(schema, reading);
        if reading == Reading::TwilioAnswer {
            allow_empty(schema);
            allow_text(schema);
        }
    });
    made
}

/// Applies `change` to every schema object, the innermost first.
fn walk(value: &mut Value, change: &mut impl FnMut(&mut Object)) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(|inner| walk(inner, change));
            change(object);
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| walk(inner, change)),
        _ => {}
    }
}

fn close(schema: &mut Object, reading: Reading) {
    // Parts that are put together by `allOf` describe one object each in part; only a single one is whole.
    let parts = schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
    // A property may be called `properties`: a schema has a type beside them.
    let is_object =
        schema.get("type").is_some_and(|kind| kind == "object" || kind == &json!(["object", "null"]));
    let listed = |field: &str| schema.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let (optional, required) = (listed("optional"), listed("required"));
    let Some(Value::Object(properties)) = schema.get_mut("properties").filter(|_| is_object && parts < 2)
    else {
        return;
    };
    // Nothing is said about what such an object holds.
    if properties.is_empty() {
        return;
    }
    let mut names: Vec<Value> = properties.keys().map(|name| json!(name)).collect();
    if reading == Reading::VapiAnswer {
        let unset = properties.iter_mut().filter(|(name, _)| !required.contains(&json!(name)));
        unset.for_each(|(_, property)| *property = json!({"anyOf": [property.take(), {"type": "null"}]}));
    }
    if reading == Reading::TwilioAnswer {
        names.retain(|name| !optional.contains(name));
        schema.insert("required".to_owned(), Value::Array(names));
    }
    schema.entry("additionalProperties").or_insert(json!(false));
}

/// An unset URL or SID may be the empty text (T5 [X]).
fn allow_empty(schema: &mut Object) {
    if let Some(Value::String(pattern)) = schema.get_mut("pattern") {
        *pattern = format!("^$|{pattern}");
        schema.remove("minLength");
    }
}

/// A union whose alternatives a field tells apart becomes a choice by that field: what is wrong is then said of
/// the alternative that was meant, not of all.
fn choose(document: &Value, schema: &mut Object) {
    let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array) else { return };
    let Some((field, cases)) = telling(document, alternatives) else { return };
    let known: BTreeSet<&String> = cases.iter().flat_map(|(values, _)| values).collect();
    let mut rules = vec![json!({"required": [field], "properties": {field: {"enum": known}}})];
    for (values, alternative) in &cases {
        let meant = json!({"required": [field], "properties": {field: {"enum": values}}});
        rules.push(json!({"if": meant, "then": alternative}));
    }
    schema.remove("anyOf");
    schema.remove("discriminator");
    schema.insert("allOf".to_owned(), Value::Array(rules));
}

type Cases<'d> = Vec<(Vec<String>, &'d Value)>;

fn telling<'d>(document: &Value, alternatives: &'d [Value]) -> Option<(&'static str, Cases<'d>)> {
    if alternatives.len() < 2 {
        return None;
    }
    TELLING_FIELDS.into_iter().find_map(|field| {
        let mut seen = BTreeSet::new();
        let mut cases = Cases::new();
        for alternative in alternatives {
            let values = constants(document, alternative, field)?;
            if !values.iter().all(|value| seen.insert(value.clone())) {
                return None;
            }
            cases.push((values, alternative));
        }
        Some((field, cases))
    })
}

/// The words that `field` may have in this alternative, which must require it.
fn constants(document: &Value, alternative: &Value, field: &str) -> Option<Vec<String>> {
    let schema = resolve(document, alternative);
    let required = schema.get("required")?.as_array()?.iter().any(|name| name == field);
    let words = schema.get("properties")?.get(field)?.get("enum").filter(|_| required)?;
    words.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
}

/// What a reference stands for; a single-part `allOf` is a reference too.
pub(crate) fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let single = schema.get("allOf").and_then(Value::as_array).filter(|parts| parts.len() == 1);
    let target = single.map_or(schema, |parts| &parts[0]).get("$ref").and_then(Value::as_str);
    match target.and_then(|target| document.pointer(target.trim_start_matches('#'))) {
        Some(found) => resolve(document, found),
        None => schema,
    }
}

/// Amounts and coordinates that are described as numbers are texts on the wire (T3 [S], T4 [S], T19 [S]).
fn allow_text(schema: &mut Object) {
    let kinds = match schema.get("type") {
        Some(Value::String(kind)) => vec![json!(kind)],
        Some(Value::Array(kinds)) => kinds.clone(),
        _ => return,
    };
    if kinds.contains(&json!("number")) {
        let kinds: Vec<Value> = kinds.into_iter().chain([json!("string")]).collect();
        schema.insert("type".to_owned(), Value::Array(kinds));
        schema.insert("pattern".to_owned(), json!(r"^-?[0-9]+(\.[0-9]+)?$"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        let dog = json!({"type": "object", "properties": {"type": {"type": "string", "enum": ["dog"]}, "n": {}},
            "required": ["type"]});
        let cat = json!({"type": "object", "properties": {"type": {"type": "string", "enum": ["cat"]}},
            "required": ["type"]});
        json!({"schemas": {"Dog": dog, "Cat": cat, "Pet": {"anyOf": [{"$ref": "#/schemas/Dog"},
            {"$ref": "#/schemas/Cat"}]}}})
    }

    #[test]
    fn objects_are_closed_and_complete() {
        let made = tighten(&document(), Reading::Request);
        assert_eq!(made["schemas"]["Dog"]["additionalProperties"], json!(false));
        assert_eq!(made["schemas"]["Dog"]["required"], json!(["type"]));
        let made = tighten(&document(), Reading::TwilioAnswer);
        assert_eq!(made["schemas"]["Dog"]["required"], json!(["n", "type"]));
        let made = tighten(&document(), Reading::VapiAnswer);
        assert_eq!(made["schemas"]["Dog"]["properties"]["n"], json!({"anyOf": [{}, {"type": "null"}]}));
    }

    #[test]
    fn unions_are_choices_by_the_field_that_tells() {
        let made = tighten(&document(), Reading::Request);
        let rules = made["schemas"]["Pet"]["allOf"].as_array().unwrap();
        assert_eq!(rules[0]["properties"]["type"]["enum"], json!(["cat", "dog"]));
        assert_eq!(rules[2]["then"], json!({"$ref": "#/schemas/Cat"}));
    }
}
