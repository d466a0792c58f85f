//! The only clock and the only source of identifiers.
//!
//! Where several nodes share a database server, its clock is theirs (case T40): what one of them thinks the time is, or
//! is told by whoever sets its clock, moves no lease and ends no session.

use jiff::{SignedDuration, Timestamp};
use std::sync::{LazyLock, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What the database server's clock said, and when that was asked.
static SERVER: RwLock<Option<(Timestamp, Instant)>> = RwLock::new(None);

/// Now, in microseconds: what the database keeps.
pub fn now() -> Timestamp {
    by_server().unwrap_or_else(|| {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    })
}

/// A point on the clock that is never set: for durations.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// How long the process has asked for this, which is as good as its start.
pub(crate) fn since_start() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// The time that leases and waiting are measured by: now, except that setting the clock does not move it. Without a
/// server it goes on from when this process first asked.
pub(crate) fn steady() -> Timestamp {
    static START: OnceLock<(Timestamp, Instant)> = OnceLock::new();
    by_server().unwrap_or_else(|| since(*START.get_or_init(|| (now(), monotonic()))))
}

/// From here on the time is what the database server says it is.
pub(crate) fn follow(server: Timestamp) {
    *SERVER.write().unwrap_or_else(PoisonError::into_inner) = Some((server, monotonic()));
}

fn by_server() -> Option<Timestamp> {
    SERVER.read().unwrap_or_else(PoisonError::into_inner).map(since)
}

fn since((start, at): (Timestamp, Instant)) -> Timestamp {
    let passed = SignedDuration::try_from(at.elapsed()).unwrap_or(SignedDuration::MAX);
    let now = start.saturating_add(passed).unwrap_or(Timestamp::MAX);
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// A fresh identifier: UUID version 7, so that rows made later sort later.
pub fn new_id<T: From<Uuid>>() -> T {
    T::from(Uuid::now_v7())
}
