//! The only wall clock and the only source of identifiers.

use jiff::Timestamp;
use uuid::Uuid;

/// Now, in microseconds: what the database keeps.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// A point on the clock that is never set: for durations.
pub fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}

/// A fresh identifier: UUID version 7, so that rows made later sort later.
pub fn new_id<T: From<Uuid>>() -> T {
    T::from(Uuid::now_v7())
}
