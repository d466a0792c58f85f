//! Problem documents (RFC 9457), and problems inside other answers.

use super::provider;
use dialtone_domain::{Language, Params, Problem, Provider, text};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, what was not changed, and what to do (RFC 9457 with `success`, `message`, `remedy`).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document {
    /// Where this kind of problem is described.
    #[serde(rename = "type")]
    kind: String,
    /// A few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What failed, and what was not changed.
    detail: String,
    /// The stable name of the problem.
    code: &'static str,
    /// The request, by its `X-Request-Id`.
    instance: String,
    /// Always false.
    success: bool,
    /// Detail and remedy in one paragraph.
    message: String,
    /// What to do.
    remedy: String,
    /// The fields of the request that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
    /// What Twilio or Vapi itself said.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderProblem>,
}

/// One wrong field.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Its name; empty for the request as a whole.
    field: String,
    /// What is wrong with it.
    message: String,
}

/// What a provider said, as it said it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderProblem {
    /// Which one.
    #[schema(schema_with = provider)]
    name: Provider,
    /// The HTTP status, where an answer came.
    #[schema(required)]
    status: Option<u16>,
    /// The provider's own code.
    #[schema(required)]
    code: Option<String>,
    /// The provider's words.
    message: String,
}

/// Why an operation or a step of it failed.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepProblem {
    /// The stable name of the problem.
    code: &'static str,
    /// What failed, what was not changed, and what to do.
    message: String,
    /// What Twilio or Vapi itself said.
    #[schema(required)]
    provider: Option<ProviderProblem>,
}

fn said(problem: &Problem) -> Option<ProviderProblem> {
    let detail = problem.provider.clone()?;
    Some(ProviderProblem {
        name: detail.name,
        status: detail.status,
        code: detail.code,
        message: detail.message,
    })
}

impl Document {
    /// The document in that language, of the request with that id.
    pub(crate) fn of(problem: &Problem, language: Language, request: &str) -> Self {
        let code = problem.code.name();
        // The application names texts of fields by their keys; what came from a reader is said already.
        let tell = |message: &String| {
            text::find(language, message, &Params::default()).unwrap_or_else(|| message.clone())
        };
        let errors = problem.fields.iter();
        Self {
            kind: format!("/api/docs/problems#{code}"),
            title: problem.title(language),
            status: problem.code.status(),
            detail: problem.detail(language),
            code,
            instance: format!("urn:dialtone:request:{request}"),
            success: false,
            message: problem.message(language),
            remedy: problem.remedy(language),
            errors: errors
                .map(|e| FieldProblem { field: e.field.clone(), message: tell(&e.message) })
                .collect(),
            provider: said(problem),
        }
    }
}

impl StepProblem {
    pub(crate) fn of(problem: &Problem, language: Language) -> Self {
        Self { code: problem.code.name(), message: problem.message(language), provider: said(problem) }
    }
}
