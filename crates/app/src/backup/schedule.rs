//! Backups by themselves, from time to time.

use super::{BackupError, Source, create};
use crate::clock::now;
use crate::start::App;
use crate::watch::{NewAlert, forget};
use dialtone_domain::{AlertKind, Params, Problem};
use dialtone_store::{Tx, events};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::sync::watch;

/// How often is looked whether one is due.
const LOOK: Duration = Duration::from_secs(60);
/// After a failure the next try comes so many minutes later, or after the whole time where that is shorter.
const AGAIN_MINUTES: i64 = 15;
/// Where there is none yet, the first one is made so long after the start.
const FIRST: SignedDuration = SignedDuration::from_hours(1);

/// What the alert is about.
const SUBJECT: &str = "backup";

/// How often a backup is made, and how many are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The time from one to the next.
    pub every: Duration,
    /// How many of the newest are kept.
    pub keep: usize,
}

impl App {
    /// When the last backup in the data directory was made, by the schedule or by hand; `None` where there is none.
    pub fn last_backup(&self) -> Option<Timestamp> {
        let found = super::list_backups(&self.inner.source.data_dir).ok()?;
        found.into_iter().map(|backup| backup.made_at).max()
    }

    /// Until stopped: makes a backup whenever one is due.
    pub(crate) async fn keep_backups(self, schedule: Schedule, mut stop: watch::Receiver<bool>) {
        let every = SignedDuration::try_from(schedule.every).unwrap_or(SignedDuration::MAX);
        let again = every.min(self.minutes(AGAIN_MINUTES));
        let after = |at: Timestamp, pause| at.saturating_add(pause).unwrap_or(Timestamp::MAX);
        let (mut due, mut known) = (after(now(), FIRST.min(every)), None);
        while !*stop.borrow() {
            let last = self.last_backup();
            // One that was made by hand counts, too. One of tomorrow was made by a clock that has been put back since.
            if let Some(made) = last.filter(|_| last != known) {
                due = after(made.min(now()), every);
                if due > now() {
                    self.tell(None).await;
                }
            }
            known = last;
            if now() >= due {
                let made = scheduled(self.inner.source.clone(), schedule.keep).await;
                due = after(now(), if made.is_ok() { every } else { again });
                known = self.last_backup();
                self.tell(made.err()).await;
            }
            let wait = Duration::try_from(due - now()).unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(wait.clamp(Duration::from_millis(10), LOOK)) => (),
                _ = stop.changed() => return,
            }
        }
    }

    /// Without a schedule none is missed: closes what one before told.
    pub(crate) async fn forget_schedule(&self) -> Result<(), Problem> {
        let forget = |tx: &mut Tx| {
            let mut tenants = events::of_organisations(tx)?.into_iter();
            tenants.try_for_each(|tenant| forget(tx, &tenant, AlertKind::BackupFailed, SUBJECT))
        };
        self.store().write(forget).await
    }

    /// Tells of a backup that was not made, or that there is one.
    async fn tell(&self, failure: Option<BackupError>) {
        if let Some(error) = &failure {
            tracing::error!(%error, "the scheduled backup was not made");
        }
        if let Err(problem) = self.alert(failure.map(|error| error.to_string())).await {
            tracing::warn!(%problem, "nobody can be alerted to it");
        }
    }

    /// Alerts every organisation to a backup that was not made, or that one was made again.
    async fn alert(&self, why: Option<String>) -> Result<(), Problem> {
        for tenant in self.store().read(events::of_organisations).await? {
            match &why {
                None => self.clear_alert(&tenant, AlertKind::BackupFailed, SUBJECT).await?,
                Some(why) => {
                    let params = Params::default().with("why", why.clone());
                    let new = NewAlert { kind: AlertKind::BackupFailed, subject: SUBJECT.to_owned(), params };
                    self.raise_alert(&tenant, new).await?;
                }
            }
        }
        Ok(())
    }
}

async fn scheduled(source: Source, keep: usize) -> Result<(), BackupError> {
    let folder = create::folder(&source.data_dir);
    let made = super::create_backup(source, None).await?;
    tracing::info!("a backup was made");
    // It is there, whatever else cannot be thrown away.
    if let Err(error) = create::prune(&folder, &made.path, keep, now()) {
        tracing::warn!(%error, "old backups were not thrown away");
    }
    Ok(())
}
