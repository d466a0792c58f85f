//! What the application counts. Each number is counted where it happens; what the database knows is asked when
//! somebody looks.

use crate::clock::now;
use crate::start::App;
use dialtone_domain::Problem;
use dialtone_store::counts;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    kind: &'static str,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Waiting {
    kind: String,
    state: String,
}

/// The application's numbers. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    ended: Family<Ended, Counter>,
    unfinished: Family<Waiting, Gauge>,
    oldest: Gauge,
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("operations", "Operations that ended in this process", self.ended.clone());
        registry.register("operations_unfinished", "Operations that wait or run", self.unfinished.clone());
        let help = "How long the oldest operation that is due has waited";
        registry.register_with_unit("operations_oldest_due", help, Unit::Seconds, self.oldest.clone());
    }

    /// An operation has ended.
    pub(crate) fn operation_ended(&self, kind: &'static str, state: &'static str) {
        self.ended.get_or_create(&Ended { kind, state }).inc();
    }
}

impl App {
    /// Shows everything that the application and the providers' clients count in the registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.inner.metrics.register(registry);
        self.inner.providers.calls().register(registry);
    }

    /// Asks the database for the numbers that it knows, of all organisations together.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn refresh_metrics(&self) -> Result<(), Problem> {
        let at = now();
        let backlog = self.store().read(counts::backlog).await?;
        let metrics = &self.inner.metrics;
        metrics.unfinished.clear();
        for row in &backlog {
            let waiting = Waiting { kind: row.kind.clone(), state: row.state.clone() };
            metrics.unfinished.get_or_create(&waiting).set(row.count);
        }
        let oldest = backlog.iter().map(|row| row.oldest).min().unwrap_or(at);
        metrics.oldest.set(at.duration_since(oldest).as_secs().max(0));
        Ok(())
    }
}
