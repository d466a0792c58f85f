//! The only wall clock and the only source of identifiers.

use jiff::Timestamp;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Now, in microseconds: what the database keeps.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
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

/// A fresh identifier: UUID version 7, so that rows made later sort later.
pub fn new_id<T: From<Uuid>>() -> T {
    T::from(Uuid::now_v7())
}
