//! Cookies that a webhook's server sets: kept for four hours per pair of numbers (T10 [D]).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

const KEPT: SignedDuration = SignedDuration::from_hours(4);

/// What one server has set for one pair of numbers.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Jar {
    until: Timestamp,
    cookies: BTreeMap<String, String>,
}

/// All of them, by pair and host.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Cookies(BTreeMap<String, Jar>);

/// Whose cookies are sent to `url`: both numbers and the host; none for a request that is not about two.
fn owner(params: &[(String, String)], url: &str) -> Option<String> {
    let field = |name: &str| params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let url = Url::parse(url).ok()?;
    Some(format!("{} {} {}", field("From")?, field("To")?, url.host_str()?))
}

impl Cookies {
    /// The `Cookie` header of a request.
    pub(crate) fn header(&self, params: &[(String, String)], url: &str, now: Timestamp) -> Option<String> {
        let jar =
            self.0.get(&owner(params, url)?).filter(|jar| jar.until > now && !jar.cookies.is_empty())?;
        let pairs: Vec<String> = jar.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(pairs.join("; "))
    }

    /// Keeps what an answer's `Set-Cookie` headers say; their attributes are not looked at.
    pub(crate) fn keep(&mut self, params: &[(String, String)], url: &str, set: &[String], now: Timestamp) {
        let pairs = set.iter().filter_map(|line| line.split(';').next()?.trim().split_once('='));
        let pairs: Vec<(String, String)> =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let Some(owner) = owner(params, url).filter(|_| !pairs.is_empty()) else { return };
        let jar = self.0.entry(owner).or_default();
        if jar.until <= now {
            jar.cookies.clear();
        }
        jar.until = now.saturating_add(KEPT).expect("a signed duration has no calendar units");
        jar.cookies.extend(pairs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_last_four_hours_for_one_pair_and_host() {
        let pair = |from: &str| {
            [("From", from), ("To", "+2")].map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let at = |hours: i64| Timestamp::from_second(hours * 3_600).unwrap();
        let mut cookies = Cookies::default();
        let set = ["b=2; Path=/; HttpOnly".to_owned(), "a=1".to_owned(), "nothing".to_owned()];
        cookies.keep(&pair("+1"), "http://a.example/x", &set, at(0));
        let sent = |from: &str, url: &str, hours| cookies.header(&pair(from), url, at(hours));
        assert_eq!(sent("+1", "http://a.example/y", 3).as_deref(), Some("a=1; b=2"));
        assert_eq!(sent("+1", "http://a.example/y", 4), None);
        assert_eq!(sent("+3", "http://a.example/y", 3), None);
        assert_eq!(sent("+1", "http://b.example/y", 3), None);
    }
}
