//! How many requests a minute (requirement F3): per address before anybody is recognised, then per member and per
//! organisation. Generous: it stops who runs wild, not who works fast.

use crate::address::ClientAddress;
use crate::auth::Caller;
use dialtone_app::{Quota, Rate, source};
use dialtone_domain::{Code, Problem};
use std::time::Duration;

/// An organisation has as many people and programs as this, working at full speed.
const MEMBERS_AT_ONCE: u32 = 5;

/// The three limits.
pub(crate) struct Rates {
    addresses: Rate,
    members: Rate,
    organisations: Rate,
}

impl Rates {
    pub(crate) fn new(per_minute: u32) -> Self {
        let rate = |per_minute: u32| {
            Rate::new(Quota { every: Duration::from_secs(60) / per_minute.max(1), burst: per_minute.max(1) })
        };
        let organisations = rate(per_minute.saturating_mul(MEMBERS_AT_ONCE));
        Self { addresses: rate(per_minute), members: rate(per_minute), organisations }
    }

    /// Lets a request of the address in. Programs on this machine, and proxies on it that nobody named, are not
    /// one client.
    pub(crate) fn admit_address(&self, ClientAddress(address): ClientAddress) -> Result<(), Problem> {
        match address.is_loopback() {
            true => Ok(()),
            false => self.addresses.admit(&source(address).to_string()).map_err(limited),
        }
    }

    /// Lets a request of the caller in.
    pub(crate) fn admit_caller(&self, caller: &Caller) -> Result<(), Problem> {
        let (org, user) = (caller.tenant.org(), caller.user_id);
        self.members.admit(&user.to_string()).map_err(limited)?;
        self.organisations.admit(&org.to_string()).map_err(limited)
    }
}

/// With the time to wait, in whole seconds.
fn limited(wait: Duration) -> Problem {
    Problem::new(Code::RateLimited).with("retry_after", (wait.as_secs() + 1).to_string())
}
