//! Reading a provider's object: lenient about what is missing, and keeping what is not understood.

use serde_json::{Map, Value};
use std::str::FromStr;

/// An object that is taken apart field by field. What is of another type than expected stays.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Of an object; nothing else is one.
    pub(crate) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self(fields)),
            _ => None,
        }
    }

    fn take<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let taken = read(self.0.get(name)?)?;
        self.0.remove(name);
        Some(taken)
    }

    /// A text that is not empty.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, |value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
    }

    /// As `text`, where another type than a text or null makes the whole object unreadable: to take it for unset would
    /// report a change that nobody made.
    pub(crate) fn text_or_null(&mut self, name: &str) -> Option<Option<String>> {
        match self.0.get(name) {
            None | Some(Value::Null | Value::String(_)) => Some(self.text(name)),
            Some(_) => None,
        }
    }

    /// As `parsed`, where what is there and stands for nothing makes the whole object unreadable.
    pub(crate) fn parsed_or_null<T: FromStr>(&mut self, name: &str) -> Option<Option<T>> {
        match self.text_or_null(name)? {
            Some(text) => text.parse().ok().map(Some),
            None => Some(None),
        }
    }

    /// A text that stands for something: an id, a SID, a phone number, an RFC 3339 time.
    pub(crate) fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.take(name, |value| value.as_str()?.parse().ok())
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.take(name, Value::as_bool)
    }

    /// An object inside.
    pub(crate) fn object(&mut self, name: &str) -> Option<Fields> {
        self.take(name, |value| value.as_object().cloned().map(Fields))
    }

    /// An array inside.
    pub(crate) fn array(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.0.get_mut(name)? {
            Value::Array(items) => Some(std::mem::take(items)),
            _ => None,
        }
    }

    /// What is left and is something.
    pub(crate) fn rest(mut self) -> Map<String, Value> {
        self.0.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
        self.0
    }
}
