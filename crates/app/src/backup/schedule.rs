//! Backups by themselves, from time to time.

use super::{BackupError, Source, create};
use crate::clock::now;
use crate::start::App;
use crate::watch::NewAlert;
use dialtone_domain::{AlertKind, Params, Problem};
use dialtone_store::events;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::sync::watch;

/// How often is looked whether one is due.
const LOOK: Duration = Duration::from_secs(60);
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
        let mut due = match self.last_backup() {
            Some(last) => last.saturating_add(every),
            None => now().saturating_add(FIRST.min(every)),
        }
        .unwrap_or(Timestamp::MAX);
        while !*stop.borrow() {
            if now() >= due {
                due = now().saturating_add(every).unwrap_or(Timestamp::MAX);
                let made = scheduled(self.inner.source.clone(), schedule.keep).await;
                match &made {
                    Ok(()) => tracing::info!("a backup was made"),
                    Err(error) => tracing::error!(%error, "the scheduled backup was not made"),
                }
                if let Err(problem) = self.tell(made.err().map(|error| error.to_string())).await {
                    tracing::warn!(%problem, "nobody can be alerted to it");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK.min(schedule.every)) => (),
                _ = stop.changed() => return,
            }
        }
    }
}

impl App {
    /// Alerts every organisation to a backup that was not made, or that one was made again.
    async fn tell(&self, why: Option<String>) -> Result<(), Problem> {
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
    super::create_backup(source, None).await?;
    create::prune(&folder, keep, now())
}
