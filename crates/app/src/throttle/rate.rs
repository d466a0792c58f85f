//! So many requests in a time, with a reserve for bursts: the generic cell rate algorithm.

use super::table::Table;
use crate::clock::since_start;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many requests in the long run, and how many of them at once.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// One in this time.
    pub every: Duration,
    /// At once, after a pause.
    pub burst: u32,
}

/// Limits how often each key asks.
pub struct Rate {
    interval: Duration,
    tolerance: Duration,
    /// When each key would have used up what it asked for, at the even pace.
    due: Mutex<Table<Duration>>,
}

impl Rate {
    /// A limit of that size.
    pub fn new(quota: Quota) -> Self {
        Self { interval: quota.every, tolerance: quota.every * quota.burst, due: Mutex::default() }
    }

    /// Lets a request of the key in, or says how long to wait.
    ///
    /// # Errors
    /// The time until one is let in again.
    pub fn admit(&self, key: &str) -> Result<(), Duration> {
        self.admit_at(key, since_start())
    }

    fn admit_at(&self, key: &str, now: Duration) -> Result<(), Duration> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let next = due.get(key).max(now) + self.interval;
        match (next - now).checked_sub(self.tolerance) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                due.set(key, next);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::KEYS_MAX;
    use super::*;

    #[test]
    fn f3_a_burst_then_an_even_pace_and_nobody_pays_for_another() {
        let rate = Rate::new(Quota { every: Duration::from_secs(1), burst: 5 });
        let at = Duration::from_secs(100);
        assert_eq!((0..8).filter(|_| rate.admit_at("a", at).is_ok()).count(), 5);
        assert_eq!(rate.admit_at("a", at), Err(Duration::from_secs(1)));
        assert_eq!(rate.admit_at("b", at), Ok(()));
        assert_eq!(rate.admit_at("a", at + Duration::from_secs(1)), Ok(()));
        assert!(rate.admit_at("a", at + Duration::from_secs(1)).is_err());
    }

    #[test]
    fn t54_a_million_keys_are_not_all_remembered() {
        let rate = Rate::new(Quota { every: Duration::from_secs(1), burst: 5 });
        for key in 0..1_000_000_u32 {
            rate.admit_at(&key.to_string(), Duration::from_secs(1)).unwrap();
        }
        assert!(rate.due.lock().unwrap().len() <= KEYS_MAX);
    }
}
