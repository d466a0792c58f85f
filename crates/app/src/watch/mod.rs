//! The watch (requirement A10): every line is looked at again and again, what changed goes into its diary, people are
//! alerted, and what the organisation chose is repaired. A provider that does not answer says nothing about a line.

mod alerts;
mod deliver;
mod diary;
mod look;
mod mail;
mod pull;
mod repair;
mod settings;
mod webhooks;
mod worker;

pub use alerts::{AlertView, NewAlert};
pub(crate) use alerts::{forget, forget_line, forget_unwatched};
pub use diary::DiaryEntry;
pub(crate) use look::Look;
pub use mail::AlertMail;
pub use settings::{WatchChange, WatchView};
pub use webhooks::{NewWebhook, Told, WebhookView};

use crate::clock::steady;
use crate::operations::working;
use crate::start::App;
use dialtone_domain::Problem;
use dialtone_store::{Tx, events, watch as rows};
use jiff::SignedDuration;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

/// Organisations that this process looks at side by side.
const WATCHERS: usize = 2;
/// Messages that this process sends side by side: a slow receiver holds up few.
const SENDERS: usize = 4;
/// The longest that is waited for a wake-up.
const LOOK: Duration = Duration::from_secs(5);

impl App {
    /// Starts what watches lines and sends messages.
    pub(crate) fn spawn_watch(&self, tasks: &mut JoinSet<()>, stop: &watch::Receiver<bool>) {
        for _ in 0..WATCHERS {
            tasks.spawn(self.clone().watch_lines(stop.clone()).instrument(working("watch")));
        }
        for _ in 0..SENDERS {
            tasks.spawn(self.clone().send_messages(stop.clone()).instrument(working("messages")));
        }
    }

    /// For the only process, at its start: nobody before it holds a line or a message any more, and none waits for
    /// longer than it is made to (case T40): the clock may have been put back meanwhile.
    pub(crate) fn release_watch(&self, tx: &mut Tx) -> Result<(), Problem> {
        let at = steady();
        for tenant in events::of_organisations(tx)? {
            let interval = settings::in_force(tx, &tenant)?.interval_minutes;
            rows::release_all(tx, &tenant, at, at + self.minutes(interval))?;
        }
        deliver::release(tx, self.inner.minute, at)
    }

    /// So many minutes of the watch.
    pub(crate) fn minutes(&self, count: i64) -> SignedDuration {
        minutes(self.inner.minute, count)
    }
}

/// So many minutes of the watch.
fn minutes(minute: SignedDuration, count: i64) -> SignedDuration {
    minute.checked_mul(i32::try_from(count).unwrap_or(i32::MAX)).unwrap_or(SignedDuration::MAX)
}
