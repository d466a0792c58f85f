//! The providers' official descriptions, with what is known to differ (`specs/README.md`).

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

const TWILIO: &str = include_str!("../../specs/twilio.json");
const VAPI: &str = include_str!("../../specs/vapi.json");
const DEVIATIONS: &str = include_str!("../../specs/deviations.json");

/// Where a real service differs from its description, and how that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deviation {
    pub(crate) spec: String,
    /// `operations/NAME` or `schemas/NAME`; what does not exist is added.
    pub(crate) at: Vec<String>,
    /// A merge patch (RFC 7396).
    patch: Value,
    pub(crate) reason: String,
}

/// All known deviations.
pub(crate) fn deviations() -> &'static [Deviation] {
    static ALL: LazyLock<Vec<Deviation>> =
        LazyLock::new(|| serde_json::from_str(DEVIATIONS).expect("the file is part of the program"));
    &ALL
}

/// Twilio's description: `operations` and `schemas`, by name.
pub(crate) fn twilio() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| corrected("twilio", TWILIO));
    &DOCUMENT
}

/// Vapi's description: `operations` and `schemas`, by name.
pub(crate) fn vapi() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| corrected("vapi", VAPI));
    &DOCUMENT
}

fn corrected(spec: &str, text: &str) -> Value {
    let mut document: Value = serde_json::from_str(text).expect("the file is part of the program");
    for deviation in deviations().iter().filter(|deviation| deviation.spec == spec) {
        for (part, name) in deviation.at.iter().filter_map(|at| at.split_once('/')) {
            merge(&mut document[part][name], &deviation.patch);
        }
    }
    document
}

/// RFC 7396: objects merge, null removes, everything else replaces.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (name, change) in changes {
        match (change, target.as_object_mut()) {
            (Value::Null, Some(object)) => {
                object.remove(name);
            }
            _ => merge(&mut target[name.as_str()], change),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_deviation_names_what_it_changes() {
        for deviation in deviations() {
            assert!(["twilio", "vapi"].contains(&deviation.spec.as_str()), "{deviation:?}");
            let known = |at: &String| at.starts_with("operations/") || at.starts_with("schemas/");
            assert!(!deviation.at.is_empty() && deviation.at.iter().all(known), "{deviation:?}");
            assert!(deviation.reason.contains(['(']), "no source: {deviation:?}");
        }
    }

    #[test]
    fn patches_merge() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": [1, 2]});
        merge(&mut target, &json!({"a": {"b": null, "e": 3}, "d": [3], "f": {"g": 1}}));
        assert_eq!(target, json!({"a": {"c": 2, "e": 3}, "d": [3], "f": {"g": 1}}));
    }

    #[test]
    fn references_lead_somewhere() {
        fn check(document: &Value, value: &Value) {
            match value {
                Value::Object(object) => {
                    if let Some(target) = object.get("$ref").and_then(Value::as_str) {
                        let pointer = target.trim_start_matches('#');
                        assert!(document.pointer(pointer).is_some(), "{target}");
                    }
                    object.values().for_each(|inner| check(document, inner));
                }
                Value::Array(items) => items.iter().for_each(|inner| check(document, inner)),
                _ => {}
            }
        }
        for document in [twilio(), vapi()] {
            check(document, document);
        }
    }
}
