//! Requests and answers as plain values: what the providers' handlers work on.

use std::cell::RefCell;
use std::collections::BTreeSet;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::Value;

use crate::multipart::{self, Part};

/// A JSON object, the form in which provider resources are kept.
pub(crate) type Object = serde_json::Map<String, Value>;

/// A complete request. The body is bounded before it gets here.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// A header as text; absent and non-ASCII headers are the same.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query string's parameters.
    pub(crate) fn query(&self) -> Params {
        Params::parse(self.query.as_bytes())
    }

    /// The parameters of a form-encoded body, or the fields beside the files of an upload. JSON is no form.
    pub(crate) fn form(&self) -> Params {
        if self.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            return Params::default();
        }
        let Some(parts) = self.parts() else { return Params::parse(&self.body) };
        let fields = parts.into_iter().filter(|part| part.file_name.is_none());
        let pairs = fields.map(|part| (part.name, String::from_utf8_lossy(part.body).into_owned()));
        Params { pairs: pairs.collect(), read: RefCell::default() }
    }

    /// The parts of an upload; none when the body is no such form.
    pub(crate) fn parts(&self) -> Option<Vec<Part<'_>>> {
        multipart::parse(self.header("content-type")?, &self.body)
    }

    /// The path with its query string, as it was requested.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// Form or query parameters. Remembers which were asked for, so that the request log can name those that
/// nobody read: Twilio ignores unknown parameters, and a misspelt one must not go unnoticed in a test.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
    read: RefCell<BTreeSet<String>>,
}

impl Params {
    /// The pairs of a form or a query.
    pub(crate) fn parse(text: &[u8]) -> Params {
        Params { pairs: url::form_urlencoded::parse(text).into_owned().collect(), read: RefCell::default() }
    }

    /// The last value given for `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.read.borrow_mut().insert(name.to_owned());
        self.pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value given for `name`, unless it is empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Every value given for `name`, in order: arrays repeat their key (T1 [C]).
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.read.borrow_mut().insert(name.to_owned());
        self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// All pairs as they came.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The names that no handler asked for.
    pub(crate) fn unread(&self) -> Vec<String> {
        let read = self.read.borrow();
        let names: BTreeSet<&String> = self.pairs.iter().map(|(key, _)| key).collect();
        names.into_iter().filter(|name| !read.contains(*name)).cloned().collect()
    }
}

/// An answer before it is written to the wire.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// A JSON answer.
    pub(crate) fn json(status: u16, value: &Value) -> Reply {
        Reply::new(status, "application/json", value.to_string())
    }

    /// An answer with any other content.
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
        Reply { status, content_type, body: body.into(), headers: Vec::new() }
    }

    /// The same answer with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
}

/// Text of a field of a JSON object; absent, null and empty are the same (T5 [X], V5.4 [W]).
pub(crate) fn text<'o>(object: &'o Object, field: &str) -> Option<&'o str> {
    object.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A whole number of a field of a JSON object. The official Python client writes 30 as 30.0 [C].
#[expect(clippy::cast_possible_truncation, reason = "a float is cut to the range of integers")]
pub(crate) fn whole(object: &Object, field: &str) -> Option<i64> {
    let number = object.get(field)?;
    number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))
}
