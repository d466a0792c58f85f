//! The log of provider requests: what arrived, with everything in it, and what was answered.

use std::collections::VecDeque;

use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Reply, Request};

const KEPT_MAX: usize = 10_000;
/// Longer bodies, and longer addresses, are cut in the log.
const BODY_BYTES_MAX: usize = 8 * 1024;

/// The most recent provider requests, oldest first. Bodies are kept as they came and only made readable
/// when somebody looks: the log must not slow the providers down.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    entries: VecDeque<Entry>,
    sequence: u64,
}

#[derive(Debug)]
struct Entry {
    sequence: u64,
    at: String,
    method: String,
    path: String,
    query: String,
    content_type: String,
    body: Bytes,
    /// None when the connection was cut instead of answered.
    answer: Option<(u16, Bytes)>,
    unknown: Vec<String>,
}

impl RequestLog {
    /// Keeps `request` and its answer; `unknown` are the parameters that no handler read.
    /// Returns the entry's number.
    pub(crate) fn push(
        &mut self,
        at: String,
        request: &Request,
        reply: Option<&Reply>,
        unknown: Vec<String>,
    ) -> u64 {
        self.sequence += 1;
        if self.entries.len() == KEPT_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            sequence: self.sequence,
            at,
            method: request.method.to_string(),
            path: beginning(&request.path),
            query: beginning(&request.query),
            content_type: beginning(request.header("content-type").unwrap_or_default()),
            body: kept(&request.body),
            answer: reply.map(|reply| (reply.status, kept(&reply.body))),
            unknown,
        });
        self.sequence
    }

    /// The kept entries that are asked for, newest last, and the number of the last one there is.
    pub(crate) fn show(&self, window: Window) -> Value {
        let shown: Vec<Value> = window.of(&self.entries, self.sequence).map(show).collect();
        json!({"requests": shown, "last": self.sequence})
    }
}

/// Which entries of a log somebody wants: those after a number, at most so many. Without a number to start
/// after, the newest.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    after: Option<u64>,
    limit: Option<usize>,
}

impl Window {
    /// The entries wanted of a log whose newest one is number `last`.
    pub(crate) fn of<T>(self, kept: &VecDeque<T>, last: u64) -> impl Iterator<Item = &T> {
        let limit = self.limit.unwrap_or(KEPT_MAX);
        let newer = self.after.map_or(kept.len(), |after| {
            usize::try_from(last.saturating_sub(after)).unwrap_or(usize::MAX).min(kept.len())
        });
        let skipped =
            if self.after.is_some() { kept.len() - newer } else { kept.len().saturating_sub(limit) };
        kept.iter().skip(skipped).take(limit)
    }
}

/// The beginning of a body, in a buffer of its own: a slice would keep all that was read with it.
fn kept(body: &Bytes) -> Bytes {
    Bytes::copy_from_slice(&body[..body.len().min(BODY_BYTES_MAX)])
}

/// The beginning of an address or a header.
fn beginning(text: &str) -> String {
    text[..text.floor_char_boundary(BODY_BYTES_MAX)].to_owned()
}

fn show(entry: &Entry) -> Value {
    let mut shown = json!({
        "seq": entry.sequence,
        "at": entry.at,
        "method": entry.method,
        "path": entry.path,
        "query": parameters(entry.query.as_bytes()),
        "status": entry.answer.as_ref().map(|(status, _)| *status),
        "answer": entry.answer.as_ref().map(|(_, body)| readable(body)),
        "unknown_parameters": entry.unknown,
    });
    if entry.content_type.starts_with("application/x-www-form-urlencoded") {
        shown["form"] = parameters(&entry.body);
    } else {
        shown["body"] = readable(&entry.body);
    }
    shown
}

/// JSON as JSON, everything else as text.
fn readable(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    serde_json::from_slice(body).unwrap_or_else(|_| text())
}

/// An object; a repeated key becomes an array.
fn parameters(encoded: &[u8]) -> Value {
    let mut object = serde_json::Map::new();
    for (key, value) in url::form_urlencoded::parse(encoded).into_owned() {
        match object.get_mut(&key) {
            None => {
                object.insert(key, json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_after_a_number_or_ends_at_the_newest() {
        // Entries 4 to 8 are still there.
        let kept = VecDeque::from([4, 5, 6, 7, 8]);
        let seen = |after, limit| Window { after, limit }.of(&kept, 8).copied().collect::<Vec<u64>>();
        assert_eq!(seen(None, None), [4, 5, 6, 7, 8]);
        assert_eq!(seen(None, Some(2)), [7, 8]);
        assert_eq!(seen(Some(5), None), [6, 7, 8]);
        assert_eq!(seen(Some(5), Some(2)), [6, 7]);
        assert_eq!(seen(Some(0), Some(1)), [4]);
        assert_eq!(seen(Some(8), None), [] as [u64; 0]);
        assert_eq!(seen(Some(99), Some(9)), [] as [u64; 0]);
    }
}
