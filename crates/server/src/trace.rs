//! The outermost layer: a request's id, its span and its numbers. Log lines name the route, never the path or
//! the query, which may hold phone numbers.

use crate::address::ClientAddress;
use crate::site::Site;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use dialtone_app::{Origin, clock};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use std::collections::HashMap;
use std::net::SocketAddr;
use tracing::{Instrument, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

/// The header that names a request, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const ID_LENGTH_MAX: usize = 64;
/// Where no route matched: the pages of the web UI, and what does not exist.
const NO_ROUTE: &str = "(none)";

/// A request's id: the caller's own where it is harmless, else a new one.
#[derive(Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    fn of(request: &Request) -> Self {
        let harmless = |value: &&HeaderValue| {
            let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
            (1..=ID_LENGTH_MAX).contains(&value.len()) && value.as_bytes().iter().all(good)
        };
        let given = request.headers().get(REQUEST_ID).filter(harmless).cloned();
        Self(given.unwrap_or_else(|| {
            let id: Uuid = clock::new_id();
            HeaderValue::from_str(&id.to_string()).expect("an id is ASCII")
        }))
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// Makes the span a part of the caller's trace, where it says that it has one (W3C `traceparent`).
fn follow(span: &Span, headers: &HeaderMap) {
    let Some(parent) = headers.get("traceparent").and_then(|value| value.to_str().ok()) else { return };
    let context = TraceContextPropagator::new()
        .extract(&HashMap::from([("traceparent".to_owned(), parent.to_owned())]));
    // Without a collector there is no trace to be a part of.
    let _ = span.set_parent(context);
}

/// Names the request, logs how it went, and counts it.
pub(crate) async fn observe(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    let method = request.method().clone();
    // At the level of errors, so that every line has its request, whatever the log leaves out.
    let span = tracing::error_span!("request", request_id = %id, %method, route = field::Empty,
        status = field::Empty, otel.kind = "server");
    follow(&span, request.headers());
    request.extensions_mut().insert(id.clone());
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let client = peer.map(|peer| ClientAddress::of(peer.ip(), request.headers(), &site.trusted_proxies));
    client.map(|client| request.extensions_mut().insert(client));
    let begun = clock::monotonic();
    let origin = Origin { request_id: id.to_string(), address: client.map(|ClientAddress(address)| address) };
    let mut response = origin.scope(next.run(request)).instrument(span.clone()).await;
    let taken = begun.elapsed();
    let matched = response.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let status = response.status().as_u16();
    span.record("status", status);
    // Which route it is was not known when the span began.
    span.context().span().update_name(format!("{method} {route}"));
    span.in_scope(|| tracing::info!(route, status, ms = taken.as_millis(), "answered"));
    site.metrics.answered(&method, route, status, taken);
    response.headers_mut().insert(REQUEST_ID, id.0);
    response
}
