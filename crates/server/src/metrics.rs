//! Numbers for Prometheus: requests by route, method and status, how long they took, and what the store did.

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// The content type of what [`Metrics::text`] gives.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The upper ends of the buckets, in seconds: long work answers within 25.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 25.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    what: &'static str,
}

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    store: Family<Of, Gauge>,
    /// Event streams that are open now.
    pub(crate) streams: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// Any word can stand for a method; only the known ones get a line of their own.
fn method_name(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) { method.as_str() } else { "other" }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("dialtone");
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let (store, streams) = (Family::default(), Gauge::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "How long requests took", seconds.clone());
        registry.register("store", "What the database was asked to do since the start", store.clone());
        registry.register("event_streams", "Live event streams that are open", streams.clone());
        Self { registry, requests, seconds, store, streams }
    }

    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, taken: Duration) {
        let (method, route) = (method_name(method).to_owned(), route.to_owned());
        self.seconds.get_or_create(&Route { route: route.clone() }).observe(taken.as_secs_f64());
        self.requests.get_or_create(&Labels { method, route, status }).inc();
    }

    /// Everything as text, with the store's numbers of this moment.
    pub(crate) fn text(&self, store: &[(&'static str, u64)]) -> String {
        for (what, value) in store {
            self.store.get_or_create(&Of { what }).set(i64::try_from(*value).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}
