//! What a check found, as sentences.

use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

/// Values are shown up to this length.
const SHOWN_CHARS_MAX: usize = 120;

/// Something that is not as described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// For example `answer/messages/0/price`, `form/To`.
    pub(crate) place: String,
    pub(crate) sentence: String,
}

impl Finding {
    pub(crate) fn new(place: &str, sentence: impl Into<String>) -> Finding {
        Finding { place: place.to_owned(), sentence: sentence.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.place, self.sentence)
    }
}

/// Everything that `validator` has against `value`.
pub(crate) fn findings(validator: &Validator, place: &str, value: &Value) -> Vec<Finding> {
    if validator.is_valid(value) {
        return Vec::new();
    }
    validator.iter_errors(value).flat_map(|error| told(&error, place)).collect()
}

fn told(error: &ValidationError<'_>, place: &str) -> Vec<Finding> {
    let here = format!("{place}{}", error.instance_path());
    let one = |sentence: String| vec![Finding::new(&here, sentence)];
    let shown = shown(error.instance());
    match error.kind() {
        // Of several alternatives the one that fits best is what was meant.
        ValidationErrorKind::AnyOf { context } => {
            let best = context.iter().min_by_key(|errors| (errors.iter().any(is_of_type), errors.len()));
            best.into_iter().flatten().flat_map(|error| told(error, place)).collect()
        }
        ValidationErrorKind::Required { property } => one(format!("lacks {property}")),
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| Finding::new(&format!("{here}/{name}"), "is not in the description"))
            .collect(),
        ValidationErrorKind::Enum { options } => one(format!("is {shown}, not one of {options}")),
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => one(format!("is {shown}, not {kind}")),
        ValidationErrorKind::Type { kind: TypeKind::Multiple(kinds) } => {
            let kinds: Vec<String> = kinds.iter().map(|kind| kind.to_string()).collect();
            one(format!("is {shown}, not {}", kinds.join(" or ")))
        }
        ValidationErrorKind::Pattern { pattern } => {
            one(format!("is {shown}, which does not match {pattern}"))
        }
        ValidationErrorKind::Format { format } => one(format!("is {shown}, not a {format}")),
        _ => one(cut(&error.to_string())),
    }
}

fn is_of_type(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { .. })
}

fn shown(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
