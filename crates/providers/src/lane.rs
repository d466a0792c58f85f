//! Turns: how often and how many at once one account is asked.

use crate::limits::{Lane as LaneLimits, Limits};
use dialtone_domain::{ExposeSecret, Provider, SecretString};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The turns of one account.
#[derive(Debug)]
pub(crate) struct Lane {
    slots: Semaphore,
    rate: DefaultDirectRateLimiter,
}

impl Lane {
    fn new(limits: LaneLimits) -> Self {
        let positive = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(positive(limits.per_minute)).allow_burst(positive(limits.burst));
        Self { slots: Semaphore::new(limits.concurrent.max(1)), rate: RateLimiter::direct(quota) }
    }

    /// Waits for a turn, in the order of asking; the turn lasts until the permit is dropped.
    pub(crate) async fn turn(&self) -> SemaphorePermit<'_> {
        let permit = self.slots.acquire().await.expect("the semaphore is never closed");
        let clock = DefaultClock::default();
        while let Err(early) = self.rate.check() {
            tokio::time::sleep(early.wait_time_from(clock.now())).await;
        }
        permit
    }
}

type Key = [u8; 32];

/// The lanes of all accounts in use.
#[derive(Debug)]
pub(crate) struct Lanes {
    limits: Limits,
    lanes: Mutex<HashMap<Key, Arc<Lane>>>,
}

impl Lanes {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, lanes: Mutex::default() }
    }

    /// The lane of these credentials. The secret is part of the key, so that who only knows an account's SID
    /// cannot use up its turns.
    pub(crate) fn of(&self, provider: Provider, account: &str, secret: &SecretString) -> Arc<Lane> {
        let mut hasher = Sha256::new();
        for part in [provider.title(), account, secret.expose_secret()] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let limits = match provider {
            Provider::Twilio => self.limits.twilio,
            Provider::Vapi => self.limits.vapi,
        };
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = hasher.finalize().into();
        if let Some(lane) = lanes.get(&key) {
            return lane.clone();
        }
        if lanes.len() >= self.limits.accounts {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        let lane = Arc::new(Lane::new(limits));
        // With that many in use at once this one goes uncounted rather than unserved.
        if lanes.len() < self.limits.accounts {
            lanes.insert(key, lane.clone());
        }
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(accounts: usize) -> Lanes {
        Lanes::new(Limits { accounts, ..Limits::default() })
    }

    #[test]
    fn the_same_credentials_share_a_lane_and_others_do_not() {
        let lanes = lanes(10);
        let of = |account: &str, secret: &str| lanes.of(Provider::Twilio, account, &secret.to_owned().into());
        let first = of("a", "b");
        assert!(Arc::ptr_eq(&first, &of("a", "b")));
        for other in [of("a", "c"), of("ab", ""), lanes.of(Provider::Vapi, "a", &"b".to_owned().into())] {
            assert!(!Arc::ptr_eq(&first, &other));
        }
    }

    #[test]
    fn the_map_is_bounded_and_keeps_the_lanes_in_use() {
        let lanes = lanes(3);
        let kept = lanes.of(Provider::Vapi, "", &"kept".to_owned().into());
        for n in 0..100 {
            lanes.of(Provider::Vapi, "", &n.to_string().into());
            assert!(lanes.lanes.lock().unwrap().len() <= 3);
        }
        assert!(Arc::ptr_eq(&kept, &lanes.of(Provider::Vapi, "", &"kept".to_owned().into())));
    }
}
