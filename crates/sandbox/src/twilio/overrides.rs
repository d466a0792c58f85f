//! Connection overrides in a webhook URL's fragment (T11 [D]): `#ct=2000&rc=3&rp=all`.

use std::time::Duration;

/// Why a try failed, as far as retries tell causes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Client,
    Server,
    Connect,
    Read,
}

impl Cause {
    /// The cause that lies in an answer's status; none when that is fine.
    pub(crate) fn of(status: u16) -> Option<Cause> {
        match status {
            400..=499 => Some(Cause::Client),
            500.. => Some(Cause::Server),
            _ => None,
        }
    }
}

/// The names that causes have in `rp`.
const POLICIES: [(&str, &[Cause]); 5] = [
    ("4xx", &[Cause::Client]),
    ("5xx", &[Cause::Server]),
    ("ct", &[Cause::Connect]),
    ("rt", &[Cause::Read]),
    ("all", &[Cause::Client, Cause::Server, Cause::Connect, Cause::Read]),
];

/// How a URL wants to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Overrides {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) total: Duration,
    pub(crate) retries: u32,
    policy: Vec<Cause>,
}

impl Default for Overrides {
    /// Only a connection that fails is tried again, once.
    fn default() -> Overrides {
        Overrides {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(15),
            total: Duration::from_secs(15),
            retries: 1,
            policy: vec![Cause::Connect],
        }
    }
}

impl Overrides {
    /// Reads a fragment. What is unknown or out of range is as if it were not there [?]; `sni` and `e` say
    /// nothing to a sandbox.
    pub(crate) fn parse(fragment: &str) -> Overrides {
        let mut overrides = Overrides::default();
        for (key, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            let within = |least: u32, most: u32| {
                value.parse::<u32>().ok().filter(|number| (least..=most).contains(number))
            };
            let millis = |most: u32| within(100, most).map(|ms| Duration::from_millis(ms.into()));
            match key {
                "ct" => overrides.connect = millis(10_000).unwrap_or(overrides.connect),
                "rt" => overrides.read = millis(15_000).unwrap_or(overrides.read),
                "tt" => overrides.total = millis(15_000).unwrap_or(overrides.total),
                "rc" => overrides.retries = within(0, 5).unwrap_or(overrides.retries),
                "rp" => overrides.policy = policy(value).unwrap_or(overrides.policy),
                _ => {}
            }
        }
        overrides
    }

    /// Whether a failure of this cause is tried again.
    pub(crate) fn retries_on(&self, cause: Cause) -> bool {
        self.policy.contains(&cause)
    }
}

/// A comma list of policies; none when it names an unknown one.
fn policy(list: &str) -> Option<Vec<Cause>> {
    let causes = |name: &str| POLICIES.iter().find(|(known, _)| *known == name).map(|(_, causes)| *causes);
    let named: Option<Vec<&[Cause]>> = list.split(',').map(causes).collect();
    named.map(|lists| lists.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_within_their_ranges_count() {
        let ms = Duration::from_millis;
        let read = Overrides::parse("ct=2000&rt=100&tt=15000&rc=5&rp=4xx,rt&sni=n&e=dublin,ashburn");
        assert_eq!((read.connect, read.read, read.total, read.retries), (ms(2_000), ms(100), ms(15_000), 5));
        assert!(read.retries_on(Cause::Client) && read.retries_on(Cause::Read));
        assert!(!read.retries_on(Cause::Connect) && !read.retries_on(Cause::Server));
        for ignored in ["", "ct=99", "ct=10001", "rt=15001", "tt=0", "rc=6", "rp=6xx", "x=1", "rc"] {
            assert_eq!(Overrides::parse(ignored), Overrides::default(), "{ignored}");
        }
        let all = Overrides::parse("rp=all");
        assert!(
            [Cause::Client, Cause::Server, Cause::Connect, Cause::Read].map(|c| all.retries_on(c))
                == [true; 4]
        );
    }
}
