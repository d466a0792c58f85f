//! A delay that grows with every try and is forgiven with time: slows guessing and never locks for ever.

use super::table::Table;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The delay after the first try that is not free; it doubles with each one more.
const DELAY: Duration = Duration::from_secs(1);

/// How patient a backoff is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Tries without any delay.
    pub(crate) free: u32,
    /// The longest delay, and the time after which one try is forgiven.
    pub(crate) delay_max: Duration,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tries {
    count: u32,
    /// When the next one is let in.
    until: Duration,
    /// When the last one was.
    last: Duration,
}

/// Counts tries by key. A try counts when it begins, so that many at once are not all the first.
pub(crate) struct Backoff {
    pace: Pace,
    tries: Mutex<Table<Tries>>,
}

impl Backoff {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, tries: Mutex::default() }
    }

    /// Lets a try in and says which one it is, or says how long to wait.
    ///
    /// # Errors
    /// The time until the next try is let in.
    pub(crate) fn admit(&self, key: &str, now: Duration) -> Result<u32, Duration> {
        let mut table = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = table.get(key);
        if now < tries.until {
            return Err(tries.until - now);
        }
        // Whoever looked at the clock first may come here second.
        let forgiven = now.saturating_sub(tries.last).as_secs() / self.pace.delay_max.as_secs().max(1);
        let count = tries.count.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX)) + 1;
        let delay = self.delay(count);
        let until = if delay.is_zero() { Duration::ZERO } else { now + delay };
        table.set(key, Tries { count, until, last: now });
        Ok(count)
    }

    fn delay(&self, count: u32) -> Duration {
        match count.checked_sub(self.pace.free) {
            None => Duration::ZERO,
            Some(more) => DELAY.saturating_mul(1 << more.min(20)).min(self.pace.delay_max),
        }
    }

    /// Who tried proved to be who they say: nothing is held against the key any more.
    pub(crate) fn forgive(&self, key: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).forget(key);
    }

    /// The last try was a good one and does not count; those before it do.
    pub(crate) fn refund(&self, key: &str) {
        let mut table = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = table.get(key);
        table.set(key, Tries { count: tries.count.saturating_sub(1), until: Duration::ZERO, ..tries });
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::KEYS_MAX;
    use super::*;

    const PACE: Pace = Pace { free: 10, delay_max: Duration::from_secs(900) };

    fn admitted(backoff: &Backoff, keys: impl Fn(u32) -> String, every: Duration) -> usize {
        (0..100_000).filter(|guess| backoff.admit(&keys(*guess), every * *guess).is_ok()).count()
    }

    #[test]
    fn t16_of_a_hundred_thousand_guesses_few_get_in() {
        let one = |_| "owner@example.com".to_owned();
        for (every, at_most) in [(1, 17), (100, 32), (1_000, 140)] {
            let count = admitted(&Backoff::new(PACE), one, Duration::from_millis(every));
            assert!((10..=at_most).contains(&count), "one guess every {every} ms: {count}");
        }
    }

    #[test]
    fn t16_nobody_is_locked_out_for_ever_and_tries_are_forgiven() {
        let backoff = Backoff::new(PACE);
        let mut now = Duration::ZERO;
        for _ in 0..200 {
            now += backoff.admit("key", now).err().unwrap_or_default();
        }
        assert!(backoff.admit("key", now).err().unwrap_or_default() <= PACE.delay_max);
        now += PACE.delay_max * 300;
        assert_eq!(
            (1..=10).map(|_| backoff.admit("key", now)).collect::<Vec<_>>(),
            (1..=10).map(Ok).collect::<Vec<_>>()
        );
        backoff.forgive("key");
        assert_eq!(backoff.admit("key", now), Ok(1), "a success forgives all");
    }

    #[test]
    fn t16_tries_at_the_same_time_come_in_any_order() {
        let backoff = Backoff::new(PACE);
        for now in [5, 4, 6, 3] {
            assert!(backoff.admit("key", Duration::from_micros(now)).is_ok());
        }
    }

    #[test]
    fn t16_a_good_try_is_not_held_against_its_source() {
        let backoff = Backoff::new(PACE);
        for _ in 0..1_000 {
            backoff.admit("192.0.2.7", Duration::ZERO).unwrap();
            backoff.refund("192.0.2.7");
        }
    }

    #[test]
    fn t54_a_million_sources_are_not_all_remembered_and_evict_no_one_who_tried_much() {
        let backoff = Backoff::new(PACE);
        let mut now = Duration::ZERO;
        for _ in 0..12 {
            now += backoff.admit("victim", now).err().unwrap_or_default();
        }
        for source in 0..1_000_000_u32 {
            backoff.admit(&source.to_string(), now).unwrap();
        }
        assert!(backoff.tries.lock().unwrap().len() <= KEYS_MAX);
        assert!(backoff.admit("victim", now).is_err());
    }
}
