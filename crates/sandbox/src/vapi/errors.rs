//! Vapi's errors: NestJS bodies, `message` an array for validation and a string for domain failures (V3.1 [W]).

use serde_json::{Value, json};

use crate::http::Reply;

/// An error answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    status: u16,
    message: Value,
    error: Option<&'static str>,
}

impl Problem {
    /// 400 with a sentence: a domain failure.
    pub(crate) fn refused(message: impl Into<String>) -> Problem {
        Problem { status: 400, message: json!(message.into()), error: Some("Bad Request") }
    }

    /// 400 with a list: the body or query failed validation.
    pub(crate) fn invalid(messages: &[String]) -> Problem {
        Problem { status: 400, message: json!(messages), error: Some("Bad Request") }
    }

    /// Missing, unknown and public keys alike (V3.2 [W]; other wordings were reported [R]).
    pub(crate) fn unauthorized() -> Problem {
        let text = "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa.";
        Problem { status: 401, message: json!(text), error: Some("Unauthorized") }
    }

    /// An unknown route (V3.2 [W]).
    pub(crate) fn no_route(method: &str, target: &str) -> Problem {
        Problem { status: 404, message: json!(format!("Cannot {method} {target}")), error: Some("Not Found") }
    }

    /// A resource that does not exist in this org: the status is certain, the text is not [?] (V3.2).
    pub(crate) fn not_found() -> Problem {
        Problem { status: 404, message: json!("Not Found"), error: None }
    }

    /// The org has to pay first (V3.2 [D]).
    pub(crate) fn payment_required(message: &str) -> Problem {
        Problem { status: 402, message: json!(message), error: Some("Payment Required") }
    }

    /// The sentence, or the sentences one after the other.
    pub(crate) fn text(&self) -> String {
        match &self.message {
            Value::String(text) => text.clone(),
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        }
    }

    /// Something else holds on to the resource ([S]).
    pub(crate) fn conflict(error: &'static str, message: &str) -> Problem {
        Problem { status: 409, message: json!(message), error: Some(error) }
    }

    /// Over the rate limit; the body is presumably Nest's (V4 [?]).
    pub(crate) fn too_many_requests() -> Problem {
        Problem { status: 429, message: json!("Too Many Requests"), error: None }
    }

    /// The wire form; some answers leave `error` out (V3.1 [W]), conflicts have no `statusCode` (V3.1 [S]).
    pub(crate) fn reply(&self) -> Reply {
        let mut body = json!({"message": self.message});
        if let Some(error) = self.error {
            body["error"] = json!(error);
        }
        if self.status != 409 {
            body["statusCode"] = json!(self.status);
        }
        Reply::json(self.status, &body)
    }
}
