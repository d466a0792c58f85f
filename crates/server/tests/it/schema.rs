//! As much of JSON Schema as our own document uses; a keyword that it does not know is a failure, so that nothing
//! is passed over in silence.

use serde_json::Value;

const TOLD_ONLY: [&str; 9] = [
    "description",
    "format",
    "title",
    "default",
    "example",
    "writeOnly",
    "minLength",
    "maxLength",
    "propertyNames",
];

/// What is wrong with the value, if anything.
pub(crate) fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        return check(document, target.ok_or(format!("no {reference}"))?, value);
    }
    for (keyword, rule) in schema.as_object().into_iter().flatten() {
        let good = match keyword.as_str() {
            "type" => is_of_type(rule, value),
            "enum" => rule.as_array().unwrap().contains(value),
            "oneOf" => {
                rule.as_array().unwrap().iter().filter(|one| check(document, one, value).is_ok()).count() == 1
            }
            "allOf" => {
                rule.as_array().unwrap().iter().try_for_each(|one| check(document, one, value))?;
                true
            }
            "required" => {
                rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(document, schema, value).map_err(|error| format!("{name}: {error}"))?;
                    }
                }
                true
            }
            "items" => {
                for value in value.as_array().into_iter().flatten() {
                    check(document, rule, value)?;
                }
                true
            }
            "additionalProperties" => {
                for value in value.as_object().into_iter().flat_map(|object| object.values()) {
                    check(document, rule, value)?;
                }
                true
            }
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            known if TOLD_ONLY.contains(&known) => true,
            other => return Err(format!("the keyword {other} is not understood")),
        };
        if !good {
            return Err(format!("{keyword} {rule} does not hold for {value}"));
        }
    }
    Ok(())
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    if let Some(types) = rule.as_array() {
        return types.iter().any(|one| is_of_type(one, value));
    }
    match rule.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}
