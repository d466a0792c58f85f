//! Strict mode: every request and every answer is held against the descriptions, and what is found is kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::book::{self, Book, Half};
use super::document;
use super::exchange::{self, Exchange};
use super::finding::Finding;
use crate::http::{Reply, Request};
use crate::outbound::Outgoing;
use crate::{twilio, vapi};

const KEPT_MAX: usize = 1_000;
/// What names a client, and how it is shown. The official ones first: they are made with general ones.
const CLIENTS: [(&str, &str); 4] = [
    ("twilio-python", "twilio-python"),
    ("twilio-node", "twilio-node"),
    ("vapi_server_sdk", "vapi-python"),
    ("@vapi-ai/server-sdk", "vapi-node"),
];
const OTHER_CLIENT: &str = "other";
/// Messages that are sent and have no schema (V9.2 [?]).
const UNDESCRIBED: [&str; 1] = ["assistant.started"];
/// On answers of the sandbox that are not as described.
const VIOLATION_HEADER: &str = "sandbox-violation";

/// What strict mode does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strict {
    /// Nothing is looked at.
    #[default]
    Off,
    /// What is found is kept.
    Report,
    /// And requests that are not as described are refused.
    Refuse,
}

/// What strict mode has seen. It is no part of the state of the world: a reset leaves it alone.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    mode: AtomicU8,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    violations: VecDeque<Value>,
    operations: BTreeMap<&'static str, Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    called: u64,
    clients: BTreeMap<&'static str, u64>,
    checked: u64,
    failed: u64,
}

impl Watch {
    pub(crate) fn mode(&self) -> Strict {
        match self.mode.load(Ordering::Relaxed) {
            0 => Strict::Off,
            1 => Strict::Report,
            _ => Strict::Refuse,
        }
    }

    pub(crate) fn set_mode(&self, mode: Strict) {
        self.mode.store(mode as u8, Ordering::Relaxed);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request that strict mode refuses.
    pub(crate) fn refusal(&self, request: &Request) -> Option<Reply> {
        if self.mode() != Strict::Refuse || !exchange::concerns(request) {
            return None;
        }
        let Some(exchange) = exchange::of(request) else {
            return Some(refused(request, &unknown_operation(request)));
        };
        let found = exchange.request();
        let sentences: Vec<String> = found.iter().map(Finding::to_string).collect();
        let text = format!("{}: {}", exchange.operation.name, sentences.join("; "));
        (!found.is_empty()).then(|| refused(request, &text))
    }

    /// Looks at an exchange that has taken place, and at the answer where it is the sandbox's own and not the
    /// text of a fault; `seq` is the request's number in the log. An answer that is not as described gets the
    /// header returned, which says why.
    pub(crate) fn observe(
        &self,
        request: &Request,
        reply: Option<&Reply>,
        seq: u64,
    ) -> Option<(&'static str, String)> {
        if self.mode() == Strict::Off || !exchange::concerns(request) {
            return None;
        }
        let about = |half: Half, operation: Option<&str>, finding: &Finding| {
            json!({
                "seq": seq,
                "of": if half == Half::Request { "request" } else { "answer" },
                "operation": operation,
                "method": request.method.as_str(),
                "path": request.path,
                "status": reply.map(|reply| reply.status),
                "place": finding.place,
                "sentence": finding.sentence,
            })
        };
        let Some(exchange) = exchange::of(request) else {
            let finding = Finding::new("path", unknown_operation(request));
            self.seen().keep([about(Half::Request, None, &finding)]);
            return None;
        };
        let operation = Some(exchange.operation.name.as_str());
        let asked = exchange.request();
        let answer = reply.and_then(|reply| exchange.answer(reply));
        let mut seen = self.seen();
        seen.count(&exchange, request, answer.as_deref());
        seen.keep(asked.iter().map(|finding| about(Half::Request, operation, finding)));
        seen.keep(answer.iter().flatten().map(|finding| about(Half::Answer, operation, finding)));
        drop(seen);
        let found = answer.filter(|found| !found.is_empty())?;
        let sentences: Vec<String> = found.iter().map(Finding::to_string).collect();
        let text = format!("{}: {}", exchange.operation.name, sentences.join("; "));
        let ascii = |letter: char| if (' '..='~').contains(&letter) { letter } else { '?' };
        Some((VIOLATION_HEADER, text.chars().map(ascii).collect()))
    }

    /// Looks at what one of the providers is about to send: Vapi's messages are described, Twilio's are not.
    pub(crate) fn webhook(&self, outgoing: &Outgoing) {
        if self.mode() == Strict::Off || outgoing.provider != "vapi" {
            return;
        }
        let Ok(body) = serde_json::from_str::<Value>(&outgoing.body) else { return };
        let Some(kind) = body["message"]["type"].as_str().filter(|kind| !UNDESCRIBED.contains(kind)) else {
            return;
        };
        let mut found = match book::vapi().message(kind) {
            Some(pointer) => book::vapi().check(Half::Answer, &pointer, "webhook", &body["message"]),
            None => vec![Finding::new("webhook/type", format!("is {kind}, which is not described"))],
        };
        // Gone from the schema, and still kept in old objects (V9.5 [D]).
        found.retain(|finding| !finding.place.ends_with("/server/secret"));
        let about = |finding: &Finding| {
            json!({"of": "webhook", "operation": outgoing.event, "method": outgoing.method, "path": outgoing.url,
                "place": finding.place, "sentence": finding.sentence})
        };
        self.seen().keep(found.iter().map(about));
    }

    /// The answer to `GET /sandbox/violations`, oldest first.
    pub(crate) fn show_violations(&self) -> Value {
        json!({"violations": self.seen().violations})
    }

    /// The answer to `GET /sandbox/operations`, in the order of their names, and where the descriptions are
    /// known to be wrong.
    pub(crate) fn show_operations(&self) -> Value {
        let seen = self.seen();
        let shown = [book::twilio(), book::vapi()].into_iter().flat_map(|book| seen.show(book));
        let known = document::deviations().iter();
        let known = known.map(|it| json!({"provider": it.spec, "at": it.at, "reason": it.reason}));
        json!({"operations": shown.collect::<Vec<_>>(), "deviations": known.collect::<Vec<_>>()})
    }
}

impl Seen {
    fn count(&mut self, exchange: &Exchange<'_>, request: &Request, answer: Option<&[Finding]>) {
        let tally = self.operations.entry(exchange.operation.name.as_str()).or_default();
        tally.called += 1;
        *tally.clients.entry(client(request)).or_default() += 1;
        if let Some(found) = answer {
            tally.checked += 1;
            tally.failed += u64::from(!found.is_empty());
        }
    }

    fn keep(&mut self, violations: impl IntoIterator<Item = Value>) {
        self.violations.extend(violations);
        let surplus = self.violations.len().saturating_sub(KEPT_MAX);
        self.violations.drain(..surplus);
    }

    fn show(&self, book: &'static Book) -> Vec<Value> {
        let none = Tally::default();
        let shown = book.operations.iter().map(|operation| {
            let tally = self.operations.get(operation.name.as_str()).unwrap_or(&none);
            let path = operation.example_path();
            let implemented = match &operation.product {
                Some(product) => twilio::answers(product, &operation.method, &path, operation.ids()),
                None => vapi::answers(&operation.method, &path, operation.ids()),
            };
            json!({
                "provider": book.spec,
                "operation": operation.name,
                "method": operation.method.as_str(),
                "path": operation.path,
                "implemented": implemented,
                "called": tally.called,
                "clients": tally.clients,
                "answers_checked": tally.checked,
                "answers_failed": tally.failed,
            })
        });
        shown.collect()
    }
}

fn client(request: &Request) -> &'static str {
    let named = ["user-agent", "x-fern-sdk-name"].map(|name| request.header(name).unwrap_or_default());
    let known = CLIENTS.iter().find(|(sign, _)| named.iter().any(|name| name.contains(sign)));
    known.map_or(OTHER_CLIENT, |(_, shown)| shown)
}

fn unknown_operation(request: &Request) -> String {
    format!("the description has no {} {}", request.method, request.path)
}

/// Like the provider's own refusals (T2 [D], V3.1 [W]); 20001 is Twilio's code for unknown parameters (T2 [E]).
fn refused(request: &Request, text: &str) -> Reply {
    if request.path.starts_with("/twilio/") {
        return Reply::json(400, &twilio::errors::Problem::new(20001, text).body());
    }
    Reply::json(400, &json!({"message": [text], "error": "Bad Request", "statusCode": 400}))
}
