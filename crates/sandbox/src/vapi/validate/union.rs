//! Bodies of several classes that a tag tells apart, such as a phone number's `provider`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{check, check_part};
use crate::http::{Object, text};
use crate::vapi::errors::Problem;
use crate::vapi::schema;

/// The classes `Create{…}{suffix}` and `Update{…}{suffix}` of the description, by their tag's value.
pub(crate) struct Union {
    tag: &'static str,
    classes: BTreeMap<&'static str, Class>,
}

struct Class {
    create: &'static str,
    /// A few classes have none.
    update: Option<&'static str>,
}

impl Union {
    pub(crate) fn new(suffix: &str, tag: &'static str) -> Union {
        let class = |(create, schema): (&'static str, &'static Value)| {
            let stem = create.strip_prefix("Create")?.strip_suffix(suffix)?;
            let value = schema["properties"][tag]["enum"][0].as_str()?;
            Some((value, Class { create, update: schema::name_of(&format!("Update{stem}{suffix}")) }))
        };
        Union { tag, classes: schema::all().filter_map(class).collect() }
    }

    /// Checks the body of a POST.
    pub(crate) fn check_new(&self, body: &Object) -> Result<(), Problem> {
        match text(body, self.tag).and_then(|value| self.classes.get(value)) {
            Some(class) => check(class.create, body),
            None => {
                let values: Vec<&str> = self.classes.keys().copied().collect();
                let values = values.join(", ");
                Err(Problem::invalid(&[format!(
                    "{} must be one of the following values: {values}",
                    self.tag
                )]))
            }
        }
    }

    /// Checks the body of a PATCH. Its class is the one found's: bodies without the tag work (V5.5 [D]).
    pub(crate) fn check_change(&self, found: &Object, body: &Object) -> Result<(), Problem> {
        match text(found, self.tag).and_then(|value| self.classes.get(value)) {
            Some(Class { update: Some(update), .. }) => check(update, body),
            Some(Class { create, update: None }) => check_part(create, body),
            None => Ok(()),
        }
    }
}
