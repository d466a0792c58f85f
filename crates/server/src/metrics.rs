//! Numbers for Prometheus: what the server counts, beside what the application and the process tell. Every label
//! has few values: routes, never paths.

use crate::connections::ConnectionMetrics;
use axum::http::Method;
use dialtone_app::App;
use dialtone_domain::Code;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Problem {
    code: &'static str,
}

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    process: Process,
    requests: Family<Labels, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    problems: Family<Problem, Counter>,
    store: Family<Of, Gauge>,
    /// Event streams that are open now.
    pub(crate) streams: Gauge,
    /// Connections that are open now, and those that were cut.
    pub(crate) connections: ConnectionMetrics,
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
    /// What the server counts, and what the application does.
    pub(crate) fn new(app: &App) -> Self {
        let mut whole = Registry::default();
        let process = Process::default();
        process.register(&mut whole);
        let registry = whole.sub_registry_with_prefix("dialtone");
        registry.register("build", "This program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let problems = Family::default();
        let (store, streams) = (Family::default(), Gauge::default());
        let connections = ConnectionMetrics::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "How long requests took", seconds.clone());
        let help = "Requests that were answered with a problem, such as sign_in_failed";
        registry.register("problems", help, problems.clone());
        registry.register("store", "What the database was asked to do since the start", store.clone());
        registry.register("event_streams", "Live event streams that are open", streams.clone());
        connections.register(registry);
        app.register_metrics(registry);
        Self { registry: whole, process, requests, seconds, problems, store, streams, connections }
    }

    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, taken: Duration) {
        let (method, route) = (method_name(method).to_owned(), route.to_owned());
        self.seconds.get_or_create(&Route { route: route.clone() }).observe(taken.as_secs_f64());
        self.requests.get_or_create(&Labels { method, route, status }).inc();
    }

    /// A request was answered with that problem.
    pub(crate) fn problem(&self, code: Code) {
        self.problems.get_or_create(&Problem { code: code.name() }).inc();
    }

    /// Everything as text, with the process's and the store's numbers of this moment.
    pub(crate) fn text(&self, store: &[(&'static str, u64)]) -> String {
        self.process.refresh();
        for (what, value) in store {
            self.store.get_or_create(&Of { what }).set(i64::try_from(*value).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

/// The process itself, by the names that every Prometheus client uses.
#[derive(Default)]
struct Process {
    memory: Gauge,
    files: Gauge,
    threads: Gauge,
}

impl Process {
    fn register(&self, registry: &mut Registry) {
        registry.register("process_resident_memory_bytes", "Memory in use", self.memory.clone());
        registry.register("process_open_fds", "File handles that are open", self.files.clone());
        registry.register("process_threads", "Threads", self.threads.clone());
    }

    /// Reads what Linux tells; elsewhere the numbers stay 0.
    fn refresh(&self) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.split_whitespace().next()?.parse::<i64>().ok()
        };
        self.memory.set(field("VmRSS:").unwrap_or_default() * 1024);
        self.threads.set(field("Threads:").unwrap_or_default());
        let files = std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or_default();
        self.files.set(i64::try_from(files).unwrap_or(i64::MAX));
    }
}
