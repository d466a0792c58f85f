//! The headers that every answer carries, pages and problems alike, and the one that no request may.

use crate::problem::Failure;
use crate::site::Site;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dialtone_domain::Code;

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Put into a page's answer: the nonce that its style elements carry.
#[derive(Clone)]
pub(crate) struct StyleNonce(pub(crate) String);

/// Nothing but what we serve ourselves runs, styles or frames a page.
fn policy(nonce: Option<&StyleNonce>) -> HeaderValue {
    let nonce = nonce.map(|StyleNonce(nonce)| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    let text = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'{nonce}; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    );
    HeaderValue::from_str(&text).expect("a nonce is ASCII")
}

/// Adds them; HSTS only where browsers reach us by https, or they would be locked out.
pub(crate) async fn secure(State(site): State<Site>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = policy(response.extensions().get());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Answers of the API are a caller's own; pages and documents say for themselves how long they keep.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if site.is_https() {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Refuses compressed bodies unread: a few bytes of one can unpack to more than the memory holds.
pub(crate) async fn uncompressed(request: Request, next: Next) -> Response {
    let mut codings = request.headers().get_all(header::CONTENT_ENCODING).iter();
    match codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        true => next.run(request).await,
        false => Failure::from(Code::UnsupportedMediaType).into_response(),
    }
}
