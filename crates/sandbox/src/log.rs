//! The log of provider requests: what arrived, with everything in it, and what was answered.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::http::Request;

const KEPT_MAX: usize = 10_000;
/// Longer bodies are cut in the log, so that a full log stays below 100 MB.
const BODY_BYTES_MAX: usize = 8 * 1024;

/// The most recent provider requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    entries: VecDeque<Value>,
    sequence: u64,
}

impl RequestLog {
    /// Keeps `request`. `status` is null when the connection was cut instead of answered; `unknown` are
    /// the parameters that no handler read.
    pub(crate) fn push(&mut self, at: &str, request: &Request, status: Option<u16>, unknown: &[String]) {
        self.sequence += 1;
        let mut entry = json!({
            "seq": self.sequence,
            "at": at,
            "method": request.method.as_str(),
            "path": request.path,
            "query": pairs(request.query().pairs()),
            "status": status,
            "unknown_parameters": unknown,
        });
        let (key, content) = content(request);
        entry[key] = content;
        if self.entries.len() == KEPT_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// All kept entries, newest last.
    pub(crate) fn show(&self) -> Value {
        json!({"requests": self.entries})
    }
}

/// `form` for form-encoded bodies, `body` for all others (JSON as JSON).
fn content(request: &Request) -> (&'static str, Value) {
    let kept = &request.body[..request.body.len().min(BODY_BYTES_MAX)];
    if request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(kept).into_owned().collect();
        return ("form", pairs(&form));
    }
    if kept.is_empty() {
        return ("body", Value::Null);
    }
    let text = || Value::String(String::from_utf8_lossy(kept).into_owned());
    ("body", serde_json::from_slice(kept).unwrap_or_else(|_| text()))
}

/// An object; a repeated key becomes an array.
fn pairs(pairs: &[(String, String)]) -> Value {
    let mut object = serde_json::Map::new();
    for (key, value) in pairs {
        match object.get_mut(key) {
            None => {
                object.insert(key.clone(), json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(object)
}
