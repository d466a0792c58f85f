//! The operations of a description: which one a request means, and whether request and answer are as described.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use hyper::Method;
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use super::document;
use super::finding::{Finding, findings};
use super::strict::{Reading, tighten};
use crate::routes::decoded;

/// One operation of a provider.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    /// Twilio's product; none at Vapi.
    pub(crate) product: Option<String>,
    pub(crate) method: Method,
    pub(crate) path: String,
    segments: Vec<Segment>,
    pub(crate) described: &'static Value,
}

/// One part of a path: `Accounts`, `{Sid}`, or `{Sid}.json`.
#[derive(Debug)]
enum Segment {
    Fixed(String),
    Id { name: String, suffix: String },
}

impl Segment {
    fn of(text: &str) -> Segment {
        match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, suffix)) => Segment::Id { name: name.to_owned(), suffix: suffix.to_owned() },
            None => Segment::Fixed(text.to_owned()),
        }
    }
}

impl Operation {
    fn of(name: &str, described: &'static Value) -> Operation {
        let text = |field: &str| described[field].as_str().unwrap_or_default().to_owned();
        let path = text("path");
        Operation {
            name: name.to_owned(),
            product: described["product"].as_str().map(str::to_owned),
            method: text("method").parse().unwrap_or_default(),
            segments: path.split('/').map(Segment::of).collect(),
            path,
            described,
        }
    }

    /// The ids in `path`, when it is one of this operation.
    fn capture(&self, path: &str) -> Option<Vec<(&str, String)>> {
        let given: Vec<&str> = path.split('/').collect();
        if given.len() != self.segments.len() {
            return None;
        }
        let mut ids = Vec::new();
        for (segment, part) in self.segments.iter().zip(given) {
            match segment {
                Segment::Fixed(text) if text == part => {}
                Segment::Id { name, suffix } => {
                    let id = part.strip_suffix(suffix.as_str()).filter(|id| !id.is_empty())?;
                    ids.push((name.as_str(), decoded(id)));
                }
                Segment::Fixed(_) => return None,
            }
        }
        Some(ids)
    }

    /// How many ids are in its path.
    pub(crate) fn ids(&self) -> usize {
        self.segments.iter().filter(|segment| matches!(segment, Segment::Id { .. })).count()
    }

    /// A path of this operation, with something in the place of each id.
    pub(crate) fn example_path(&self) -> String {
        let part = |segment: &Segment| match segment {
            Segment::Fixed(text) => text.clone(),
            Segment::Id { suffix, .. } => format!("0{suffix}"),
        };
        self.segments.iter().map(part).collect::<Vec<_>>().join("/")
    }
}

/// One provider's operations, and the checks of what they say.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) spec: &'static str,
    pub(crate) document: &'static Value,
    /// Sorted by name.
    pub(crate) operations: Vec<Operation>,
    requests: Checks,
    answers: Checks,
}

/// Which half of an exchange is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Request,
    Answer,
}

/// Twilio's book.
pub(crate) fn twilio() -> &'static Book {
    static BOOK: LazyLock<Book> =
        LazyLock::new(|| Book::new("twilio", document::twilio(), Reading::TwilioAnswer));
    &BOOK
}

/// Vapi's book.
pub(crate) fn vapi() -> &'static Book {
    static BOOK: LazyLock<Book> = LazyLock::new(|| Book::new("vapi", document::vapi(), Reading::VapiAnswer));
    &BOOK
}

impl Book {
    fn new(spec: &'static str, document: &'static Value, answers: Reading) -> Book {
        let described = document["operations"].as_object().into_iter().flatten();
        let mut operations: Vec<Operation> =
            described.map(|(name, described)| Operation::of(name, described)).collect();
        operations.sort_by(|a, b| a.name.cmp(&b.name));
        Book {
            spec,
            document,
            operations,
            requests: Checks::new(document, Reading::Request),
            answers: Checks::new(document, answers),
        }
    }

    /// The operation that a request means, and the ids in its path. A fixed part is meant before an id.
    pub(crate) fn find(
        &'static self,
        product: Option<&str>,
        method: &Method,
        path: &str,
    ) -> Option<(&'static Operation, Value)> {
        let here =
            |operation: &&Operation| operation.product.as_deref() == product && operation.method == *method;
        let fitting = self.operations.iter().filter(here);
        let fitting = fitting.filter_map(|operation| Some((operation, operation.capture(path)?)));
        let (operation, ids) = fitting.min_by_key(|(_, ids)| ids.len())?;
        Some((operation, ids.into_iter().map(|(name, id)| (name.to_owned(), json!(id))).collect()))
    }

    /// Where a server message of this type is described.
    pub(crate) fn message(&self, kind: &str) -> Option<String> {
        let all = self.document["schemas"]["ServerMessage"]["properties"]["message"]["anyOf"].as_array()?;
        let targets = all.iter().filter_map(|schema| schema["$ref"].as_str());
        let mut pointers = targets.map(|target| target.trim_start_matches('#'));
        let types = |pointer: &str| self.document.pointer(pointer)?["properties"]["type"]["enum"].as_array();
        pointers.find(|at| types(at).is_some_and(|all| all.contains(&json!(kind)))).map(str::to_owned)
    }

    /// What is wrong with `value`, which stands at `place` and is described at `pointer` of the document.
    pub(crate) fn check(&self, half: Half, pointer: &str, place: &str, value: &Value) -> Vec<Finding> {
        let checks = match half {
            Half::Request => &self.requests,
            Half::Answer => &self.answers,
        };
        match checks.validator(pointer, half) {
            Ok(validator) => findings(&validator, place, value),
            Err(error) => vec![Finding::new(place, format!("cannot be checked: {error}"))],
        }
    }
}

/// Validators of one document, each compiled when it is needed first.
struct Checks {
    registry: Registry<'static>,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl std::fmt::Debug for Checks {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Checks").finish_non_exhaustive()
    }
}

const ADDRESS: &str = "urn:description";

impl Checks {
    fn new(document: &Value, reading: Reading) -> Checks {
        let strict = tighten(document, reading);
        let registry = Registry::new().add(ADDRESS, strict).and_then(|builder| builder.prepare());
        Checks { registry: registry.expect("a test prepares both documents"), compiled: Mutex::default() }
    }

    fn validator(&self, pointer: &str, half: Half) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = compiled.get(pointer) {
            return Ok(Arc::clone(validator));
        }
        let schema = json!({"$ref": format!("{ADDRESS}#{pointer}")});
        let validator = jsonschema::options()
            .with_registry(&self.registry)
            // Twilio takes dates in several forms (T7 [C]); what it answers has one (T1 [S]).
            .should_validate_formats(half == Half::Answer)
            .with_format("date-time-rfc-2822", |text| jiff::fmt::rfc2822::parse(text).is_ok())
            // Relative and empty addresses are on the wire (T1 [S], T5 [X]).
            .with_format("uri", |_| true)
            .build(&schema)
            .map_err(|error| error.to_string())?;
        let validator = Arc::new(validator);
        compiled.insert(pointer.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_part_is_meant_before_an_id() {
        let base = "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers";
        let meant = |path: &str| {
            let (operation, ids) = twilio().find(Some("api"), &Method::GET, &format!("{base}{path}"))?;
            Some((operation.name.clone(), ids))
        };
        let (name, ids) = meant("/Local.json").unwrap();
        assert_eq!(
            (name.as_str(), ids),
            ("api.2010-04-01.ListIncomingPhoneNumberLocal", json!({"AccountSid": "AC1"}))
        );
        let (name, ids) = meant("/PN1.json").unwrap();
        assert_eq!(name, "api.2010-04-01.FetchIncomingPhoneNumber");
        assert_eq!(ids, json!({"AccountSid": "AC1", "Sid": "PN1"}));
        assert!(meant("/PN1/x.json").is_none());
    }

    #[test]
    fn every_operation_finds_itself_and_can_be_checked() {
        for book in [twilio(), vapi()] {
            for operation in &book.operations {
                let path = operation.example_path();
                let (found, _) = book.find(operation.product.as_deref(), &operation.method, &path).unwrap();
                assert_eq!(found.name, operation.name);
            }
        }
    }
}
