//! Guessing is slowed: each account and each source has a delay that grows with every try. A browser that
//! signed this very person in before has a delay of its own, so that who exhausts the account's locks nobody out.

use crate::accounts::Device;
use crate::clock::since_start;
use crate::throttle::{Backoff, Pace, source};
use dialtone_domain::{Code, Problem, UserId};
use std::time::Duration;

/// For one account or known device: a person mistypes less often than this, and at the longest delay a stranger
/// has about a hundred guesses a day.
const ACCOUNT: Pace = Pace { free: 10, delay_max: Duration::from_secs(15 * 60) };
/// For one source, which many people may share.
const SOURCE: Pace = Pace { free: 20, delay_max: Duration::from_secs(60) };
/// For the second step: six digits are few.
const FACTOR: Pace = Pace { free: 5, delay_max: Duration::from_secs(15 * 60) };

/// What is remembered of tries.
pub(crate) struct SignInLimits {
    accounts: Backoff,
    sources: Backoff,
    factors: Backoff,
}

/// A try that was let in.
pub(super) struct Try {
    account: String,
    source: Option<String>,
    /// The how manieth it is in a row.
    pub(super) number: u32,
}

impl Try {
    /// Whether it came from a known device.
    pub(super) fn is_known(&self) -> bool {
        self.source.is_none()
    }

    /// Whether a failure of it belongs into the audit trail: the first, the tenth, the hundredth… in a row, so
    /// that a flood does not fill it.
    pub(super) fn is_told(&self) -> bool {
        self.number == 10_u32.pow(self.number.ilog10())
    }
}

impl SignInLimits {
    pub(crate) fn new() -> Self {
        Self { accounts: Backoff::new(ACCOUNT), sources: Backoff::new(SOURCE), factors: Backoff::new(FACTOR) }
    }

    /// Lets a password be tried, by a known device's own measure where there is one.
    pub(super) fn try_password(
        &self,
        device: &Device,
        email: &str,
        known: Option<&str>,
    ) -> Result<Try, Problem> {
        let source = known.is_none().then(|| self.try_source(device)).transpose()?;
        let account = match known {
            Some(name) => format!("device|{name}"),
            None => format!("account|{email}"),
        };
        let number = self.accounts.admit(&account, since_start()).map_err(too_many)?;
        Ok(Try { account, source, number })
    }

    /// Lets a source try anything that is guessed or costs work.
    pub(super) fn try_source(&self, device: &Device) -> Result<String, Problem> {
        let source = source(device.address).to_string();
        self.sources.admit(&source, since_start()).map_err(too_many)?;
        Ok(source)
    }

    /// The try succeeded.
    pub(super) fn password_fits(&self, tried: &Try) {
        self.accounts.forgive(&tried.account);
        tried.source.iter().for_each(|source| self.source_is_good(source));
    }

    /// What the source tried was right.
    pub(super) fn source_is_good(&self, source: &str) {
        self.sources.refund(source);
    }

    /// Lets a second factor be tried, by a known device's own measure where there is one.
    pub(super) fn try_factor(&self, user: UserId, known: Option<&str>) -> Result<Try, Problem> {
        let account = format!("{user}|{}", known.unwrap_or_default());
        let number = self.factors.admit(&account, since_start()).map_err(too_many)?;
        Ok(Try { account, source: None, number })
    }

    /// The second factor was right.
    pub(super) fn factor_fits(&self, tried: &Try) {
        self.factors.forgive(&tried.account);
    }
}

/// With the time to wait, in whole seconds.
fn too_many(wait: Duration) -> Problem {
    Problem::new(Code::TooManyAttempts).with("retry_after", (wait.as_secs() + 1).to_string())
}
