//! What the application counts. Each number is counted where it happens; what the database knows is asked when
//! somebody looks.

use crate::clock::now;
use crate::start::App;
use dialtone_domain::{Problem, Provider};
use dialtone_store::{counts, watch};
use jiff::Timestamp;
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Inbound {
    provider: &'static str,
    outcome: &'static str,
}

/// The application's numbers. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    ended: Family<Ended, Counter>,
    unfinished: Family<Waiting, Gauge>,
    oldest: Gauge,
    alerts: Family<Kind, Gauge>,
    lag: Gauge,
    deliveries: Gauge,
    inbound: Family<Inbound, Counter>,
    backup: Gauge,
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("operations", "Operations that ended in this process", self.ended.clone());
        registry.register("operations_unfinished", "Operations that wait or run", self.unfinished.clone());
        let help = "Requests of providers by what became of them; refused_unkept were too many to keep";
        registry.register("inbound", help, self.inbound.clone());
        let help = "How long the oldest operation that is due has waited";
        registry.register_with_unit("operations_oldest_due", help, Unit::Seconds, self.oldest.clone());
        registry.register("alerts_open", "Alerts that are open", self.alerts.clone());
        let help = "How late the line is that should have been looked at first";
        registry.register_with_unit("watch_lag", help, Unit::Seconds, self.lag.clone());
        registry.register(
            "deliveries_waiting",
            "Mails and webhooks not delivered yet",
            self.deliveries.clone(),
        );
        let help =
            "When the newest backup in the data directory was made, in seconds since 1970; 0 without one";
        registry.register_with_unit("last_backup_timestamp", help, Unit::Seconds, self.backup.clone());
    }

    /// A request of a provider had that end.
    pub(crate) fn inbound(&self, provider: Provider, outcome: &'static str) {
        self.inbound.get_or_create(&Inbound { provider: provider.name(), outcome }).inc();
    }

    /// An operation has ended.
    pub(crate) fn operation_ended(&self, kind: &'static str, state: &'static str) {
        self.ended.get_or_create(&Ended { kind, state }).inc();
    }
}

/// What an installation tells about itself to who helps with it.
#[derive(Debug)]
pub struct About {
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// The number of the newest migration.
    pub schema_version: i64,
    /// How many rows each table has.
    pub rows: Vec<(&'static str, i64)>,
    /// Why the last operations did not succeed: times, kinds and codes, nobody's data.
    pub problems: Vec<String>,
}

impl App {
    /// The installation in numbers.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn about(&self) -> Result<About, Problem> {
        let engine = if self.is_alone() { "sqlite" } else { "postgres" };
        let (schema_version, rows, failed) = self
            .store()
            .read(|tx| {
                Ok::<_, Problem>((counts::schema_version(tx)?, counts::rows(tx)?, counts::failed(tx)?))
            })
            .await?;
        let told = |failed: counts::Failed| {
            let code = failed.problem["code"].as_str().unwrap_or("unknown").to_owned();
            let counts::Failed { created_at, kind, state, .. } = failed;
            format!("{created_at} {kind} {state}: {code}")
        };
        Ok(About { engine, schema_version, rows, problems: failed.into_iter().map(told).collect() })
    }

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
        let (backlog, alerts, due, deliveries) = self
            .store()
            .read(move |tx| {
                let (backlog, alerts) = (counts::backlog(tx)?, counts::open_alerts(tx)?);
                Ok::<_, Problem>((backlog, alerts, watch::next_due(tx, at)?, counts::waiting_deliveries(tx)?))
            })
            .await?;
        let late =
            |since: Option<Timestamp>| since.map_or(0, |since| at.duration_since(since).as_secs().max(0));
        let metrics = &self.inner.metrics;
        metrics.lag.set(late(due));
        metrics.deliveries.set(deliveries);
        metrics.backup.set(self.last_backup().map_or(0, Timestamp::as_second));
        metrics.alerts.clear();
        for counts::Count { kind, count } in alerts {
            metrics.alerts.get_or_create(&Kind { kind }).set(count);
        }
        metrics.unfinished.clear();
        for row in &backlog {
            let waiting = Waiting { kind: row.kind.clone(), state: row.state.clone() };
            metrics.unfinished.get_or_create(&waiting).set(row.count);
        }
        metrics.oldest.set(late(backlog.iter().map(|row| row.oldest).min()));
        Ok(())
    }
}
