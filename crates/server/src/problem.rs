//! The one place where a problem becomes an answer: an RFC 9457 document in the language of the request.

use crate::site::Site;
use crate::trace::RequestId;
use crate::views::{self, problem::Document};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dialtone_domain::{Code, FieldError, Language, Problem};

/// The content type of every problem.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// What a handler or a layer gives up with.
#[derive(Debug)]
pub(crate) struct Failure(Box<Problem>);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Problem::new(code).into()
    }
}

impl Failure {
    /// A request that is wrong in these fields.
    pub(crate) fn fields(fields: Vec<FieldError>) -> Self {
        Problem { fields, ..Problem::new(Code::InvalidRequest) }.into()
    }
}

/// The code of a problem on its way out.
pub(crate) fn code_of(response: &Response) -> Option<Code> {
    response.extensions().get::<Raised>().map(|Raised(problem)| problem.code)
}

/// A problem on its way out, until [`render`] writes it down.
#[derive(Clone)]
struct Raised(Box<Problem>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).expect("a table of constants");
        let mut response = status.into_response();
        response.extensions_mut().insert(Raised(self.0));
        response
    }
}

/// The layer that writes problems down: in the language that was found for the caller, else the one that the
/// request's header asks for.
pub(crate) async fn render(State(site): State<Site>, request: Request, next: Next) -> Response {
    let asked = views::asked_language(request.headers());
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let mut response = next.run(request).await;
    let Some(Raised(problem)) = response.extensions_mut().remove() else {
        return response;
    };
    site.metrics.problem(problem.code);
    let language = response.extensions().get::<Language>().copied().unwrap_or(asked);
    match problem.code {
        Code::Internal => tracing::error!(%problem, "a defect"),
        _ => tracing::info!(%problem, "refused"),
    }
    let body = serde_json::to_vec(&Document::of(&problem, language, &id)).expect("plain strings and numbers");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if problem.code.status() == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = problem.params.get("retry_after").and_then(|text| text.parse().ok()) {
        headers.insert(header::RETRY_AFTER, seconds);
    }
    headers.remove(header::CONTENT_LENGTH);
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, body.into())
}
