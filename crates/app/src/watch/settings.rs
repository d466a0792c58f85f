//! How an organisation's lines are watched, and how far the watch is.

use crate::accounts::Caller;
use crate::clock::steady;
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::line::{Cause, Fix};
use dialtone_domain::{LineId, Problem};
use dialtone_store::watch::{self as rows, WatchSettings};
use dialtone_store::{Tenant, Tx, alerts};
use jiff::Timestamp;
use serde_json::json;

/// How often a line is looked at where nobody chose otherwise.
const INTERVAL_MINUTES: i64 = 15;

/// How the watch is set and how far it is.
#[derive(Debug, Clone)]
pub struct WatchView {
    /// How often each line is looked at.
    pub interval_minutes: i64,
    /// The causes that are repaired without asking.
    pub repair: Vec<Cause>,
    /// How many lines are watched.
    pub lines: i64,
    /// How many of them cannot be read.
    pub unknown: i64,
    /// How many alerts are open.
    pub open_alerts: i64,
    /// The look that is due first.
    pub next_due: Option<Timestamp>,
    /// The look that is longest ago.
    pub oldest_look: Option<Timestamp>,
}

/// What to change of the watch; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct WatchChange {
    /// How often each line is looked at.
    pub interval_minutes: Option<i64>,
    /// The causes that are repaired without asking; others than those that a plan mends are left out.
    pub repair: Option<Vec<Cause>>,
}

/// The settings in force; written down at first, so that the rest of the row has its place.
pub(super) fn in_force(tx: &mut Tx, tenant: &Tenant) -> Result<WatchSettings, Problem> {
    let unset = WatchSettings {
        interval_minutes: INTERVAL_MINUTES,
        repair: json!([]),
        pulled_at: Timestamp::UNIX_EPOCH,
        calls_after: None,
        alerts_after: None,
    };
    Ok(rows::settings(tx, tenant)?.unwrap_or(unset))
}

/// The causes that are repaired without asking.
pub(super) fn repaired(settings: &WatchSettings) -> Vec<Cause> {
    let names: Vec<String> = serde_json::from_value(settings.repair.clone()).unwrap_or_default();
    Cause::ALL.iter().copied().filter(|cause| names.iter().any(|name| name == cause.name())).collect()
}

fn view(tx: &mut Tx, tenant: &Tenant) -> Result<WatchView, Problem> {
    let settings = in_force(tx, tenant)?;
    let progress = rows::progress(tx, tenant)?;
    Ok(WatchView {
        interval_minutes: settings.interval_minutes,
        repair: repaired(&settings),
        lines: progress.lines,
        unknown: progress.unknown,
        open_alerts: alerts::open_count(tx, tenant)?,
        next_due: progress.next_due,
        oldest_look: progress.oldest_look,
    })
}

impl App {
    /// How the watch is set and how far it is.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn watch(&self, caller: &Caller) -> Result<WatchView, Problem> {
        let tenant = caller.tenant.clone();
        self.store().read(move |tx| view(tx, &tenant)).await
    }

    /// Changes how the lines are watched. A shorter interval holds at once.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn change_watch(&self, caller: &Caller, change: WatchChange) -> Result<WatchView, Problem> {
        let (tenant, actor, app) = (caller.tenant.clone(), Actor::of(caller), self.clone());
        self.store()
            .write(move |tx| {
                let before = in_force(tx, &tenant)?;
                let interval = change.interval_minutes.unwrap_or(before.interval_minutes);
                let repair = change.repair.clone().unwrap_or_else(|| repaired(&before));
                let repair: Vec<_> = repair
                    .iter()
                    .filter(|cause| cause.fix() == Fix::Repair)
                    .map(|cause| cause.name())
                    .collect();
                rows::put_settings(tx, &tenant, interval, &json!(repair))?;
                rows::all_sooner(tx, &tenant, steady() + app.minutes(interval))?;
                let was = json!({ "interval_minutes": before.interval_minutes, "repair": before.repair });
                let told = json!({ "interval_minutes": interval, "repair": repair });
                record(tx, &tenant, &actor, "watch.changed", tenant.org(), Some(was), Some(told))?;
                view(tx, &tenant)
            })
            .await
    }

    /// Has a line looked at soon: a call failed, or a provider said so. Several such reasons at once are one look.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn look_sooner(
        &self,
        tenant: &Tenant,
        line: LineId,
        reason: &'static str,
    ) -> Result<(), Problem> {
        tracing::info!(%line, reason, "a line is looked at sooner");
        let (tenant, at) = (tenant.clone(), steady());
        Ok(self.store().write(move |tx| rows::sooner(tx, &tenant, line, at)).await?)
    }
}
