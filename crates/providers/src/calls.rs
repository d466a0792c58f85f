//! What the calls of this process to both providers are counted in.

use dialtone_domain::Provider;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// The upper ends of the buckets, in seconds.
const BUCKETS: [f64; 8] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    provider: &'static str,
    method: String,
    route: &'static str,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    provider: &'static str,
}

/// Calls by route and status, and how long they took. Clones share the numbers.
#[derive(Debug, Clone)]
pub struct Calls {
    calls: Family<Call, Counter>,
    seconds: Family<Of, Histogram, fn() -> Histogram>,
}

impl Default for Calls {
    fn default() -> Self {
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        Self { calls: Family::default(), seconds }
    }
}

impl Calls {
    /// Shows the numbers in the registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Calls to a provider; the status is `none` where no answer came";
        registry.register("provider_calls", help, self.calls.clone());
        registry.register("provider_call_seconds", "How long calls to a provider took", self.seconds.clone());
    }

    /// Counts a call; `route` is a constant, so that the numbers stay few.
    pub(crate) fn note(
        &self,
        provider: Provider,
        method: &reqwest::Method,
        route: &'static str,
        status: Option<u16>,
        taken: Duration,
    ) {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let (provider, method) = (provider.title(), method.to_string());
        self.seconds.get_or_create(&Of { provider }).observe(taken.as_secs_f64());
        self.calls.get_or_create(&Call { provider, method, route, status }).inc();
    }
}
