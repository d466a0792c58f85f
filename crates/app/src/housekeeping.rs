//! What is thrown away by age, from one table: each row is a query that forgets, and how long its rows are kept.

use crate::clock::steady;
use crate::start::App;
use dialtone_store::{
    Result, Tx, accounts, alerts, deliveries, diary, factors, idempotency, previous_tokens, tape,
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::sync::watch;

/// How often it is done; on every node, which does no harm.
const EVERY: Duration = Duration::from_secs(600);

/// What is forgotten: the name, how old it may become, and the query, which gets the moment before which
/// something is too old and answers how many rows it removed.
type Rule = (&'static str, SignedDuration, fn(&mut Tx, Timestamp) -> Result<u64>);

const RULES: &[Rule] = &[
    ("sessions and codes", SignedDuration::ZERO, accounts::delete_expired),
    ("used tickets", SignedDuration::ZERO, factors::forget_tickets),
    ("auth tokens from before", SignedDuration::ZERO, previous_tokens::delete_expired),
    ("kept answers", crate::idempotency::KEPT, idempotency::forget),
    ("diary entries", SignedDuration::from_hours(400 * 24), diary::forget),
    ("alerts that are over", SignedDuration::from_hours(90 * 24), alerts::forget),
    ("sent messages", SignedDuration::from_hours(30 * 24), deliveries::forget),
    // Each organisation says for itself how old its requests may become.
    ("requests of providers", SignedDuration::ZERO, tape::forget),
];

impl App {
    /// Until stopped: forgets what has become too old.
    pub(crate) async fn keep_house(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            for (what, age, forget) in RULES {
                match self.store().write(move |tx| forget(tx, steady() - *age)).await {
                    Ok(0) => (),
                    Ok(rows) => tracing::debug!(what, rows, "forgotten"),
                    Err(error) => tracing::warn!(what, %error, "what is too old could not be forgotten"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => (),
                _ = stop.changed() => return,
            }
        }
    }
}
