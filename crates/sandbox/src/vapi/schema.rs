//! Vapi's own schemas, from the description in `specs/`: walked by `validate`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::http::Object;
use crate::spec::document;

/// The description's schemas by name, with what is known to differ.
fn schemas() -> &'static Object {
    static SCHEMAS: LazyLock<&Object> =
        LazyLock::new(|| document::vapi()["schemas"].as_object().expect("a test reads the description"));
    &SCHEMAS
}

/// The description's patterns, each compiled once.
static PATTERNS: LazyLock<BTreeMap<&str, Regex>> = LazyLock::new(|| {
    let mut patterns = BTreeMap::new();
    schemas().values().for_each(|schema| collect_patterns(schema, &mut patterns));
    patterns
});

fn collect_patterns<'s>(schema: &'s Value, into: &mut BTreeMap<&'s str, Regex>) {
    match schema {
        Value::Object(members) => {
            if let Some(pattern) = members.get("pattern").and_then(Value::as_str) {
                into.insert(pattern, Regex::new(pattern).expect("a test compiles every pattern"));
            }
            members.values().for_each(|member| collect_patterns(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, into)),
        _ => {}
    }
}

/// Whether `text` fits a pattern of the description.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    PATTERNS.get(pattern).is_some_and(|regex| regex.is_match(text))
}

/// A schema behind its references. `name` is empty where it has none.
#[derive(Clone, Copy)]
pub(super) struct Resolved<'s> {
    pub(super) name: &'s str,
    pub(super) schema: &'s Value,
    /// Whether it stands for a part of itself, of which nothing is required.
    pub(super) partial: bool,
}

/// Every schema with its name.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static Value)> {
    schemas().iter().map(|(name, schema)| (name.as_str(), schema))
}

/// The name, if the description has a schema of it.
pub(super) fn name_of(name: &str) -> Option<&'static str> {
    schemas().get_key_value(name).map(|(name, _)| name.as_str())
}

/// The schema of this name: a constant of this program, which the tests of its handler look up.
pub(super) fn named(name: &str) -> Resolved<'static> {
    let (name, schema) = schemas().get_key_value(name).expect("the description has every schema asked for");
    resolve_from(name, schema)
}

/// Follows references, and lists of conditions with a single one, which is how the description says
/// "this class".
pub(super) fn resolve(schema: &Value) -> Resolved<'_> {
    resolve_from("", schema)
}

fn resolve_from<'s>(mut name: &'s str, mut schema: &'s Value) -> Resolved<'s> {
    loop {
        let all = schema.get("allOf").and_then(Value::as_array).filter(|_| schema.get("anyOf").is_none());
        let reference = schema.get("$ref").and_then(Value::as_str);
        let found = reference.and_then(|to| schemas().get_key_value(to.trim_start_matches("#/schemas/")));
        match (found, all.map(Vec::as_slice)) {
            (Some((key, target)), _) => (name, schema) = (key, target),
            (None, Some([only])) => schema = only,
            _ => return Resolved { name, schema, partial: false },
        }
    }
}

impl<'s> Resolved<'s> {
    /// The JSON type that is asked for, null aside; empty when any will do.
    pub(super) fn kind(&self) -> &'s str {
        match self.schema.get("type") {
            Some(Value::String(kind)) => kind,
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
            }
            _ if self.schema.get("properties").is_some() => "object",
            _ => "",
        }
    }

    pub(super) fn nullable(&self) -> bool {
        let lists_null = |name: &str, null: &Value| {
            self.schema.get(name).and_then(Value::as_array).is_some_and(|items| items.contains(null))
        };
        lists_null("type", &Value::from("null"))
            || self.schema.get("type").is_some_and(|kind| kind == "null")
            || self.all_variants().any(|variant| variant.nullable())
    }

    pub(super) fn requires(&self, property: &str) -> bool {
        let required = self.schema.get("required").and_then(Value::as_array);
        !self.partial && required.is_some_and(|names| names.iter().any(|name| name == property))
    }

    fn all_variants(&self) -> impl Iterator<Item = Resolved<'s>> {
        self.schema.get("anyOf").and_then(Value::as_array).into_iter().flatten().map(resolve)
    }

    /// What it may be instead, null aside.
    pub(super) fn variants(&self) -> Vec<Resolved<'s>> {
        self.all_variants().filter(|variant| variant.schema["type"] != "null").collect()
    }

    /// The one value of each property that tells this class from its like.
    fn tags(&self) -> impl Iterator<Item = (&'s str, &'s Value)> {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().filter_map(|(name, property)| {
            let values = property.get("enum")?.as_array()?.as_slice();
            if let [only] = values { Some((name.as_str(), only)) } else { None }
        })
    }

    /// Whether an object with these tags can mean this class.
    pub(super) fn may_be(&self, given: &Object) -> bool {
        let fits = |(name, value): (&str, &Value)| match given.get(name) {
            Some(given) => given == value,
            None => !self.requires(name),
        };
        (self.kind() == "object" || self.schema.get("anyOf").is_some()) && self.tags().all(fits)
    }

    /// The tag that all of these classes share, and its values.
    pub(super) fn shared_tag(variants: &[Resolved<'s>]) -> Option<(&'s str, Vec<&'s Value>)> {
        let of = |variant: &Resolved<'s>, tag: &str| variant.tags().find(|(name, _)| *name == tag);
        variants.first()?.tags().find_map(|(tag, _)| {
            let values: Option<Vec<_>> = variants.iter().map(|variant| Some(of(variant, tag)?.1)).collect();
            Some((tag, values?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(PATTERNS.len() > 3, "{PATTERNS:?}");
        assert!(matches("^[a-zA-Z0-9_-]{1,64}$", "book_table"));
        assert!(!matches("^[a-zA-Z0-9_-]{1,64}$", "book a table"));
    }
}
