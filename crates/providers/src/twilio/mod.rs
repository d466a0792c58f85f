//! Twilio's 2010 API: accounts, incoming numbers, caller IDs (facts/twilio.md sections 1–6).

mod signature;
mod twiml;
mod types;

pub use signature::Signed;
pub use twiml::Twiml;
pub use types::{Account, AccountKind, AccountStatus, Alert, Capabilities, IncomingNumber, NumberUpdate};

use crate::Listed;
use crate::channel::{Channel, Payload, Request, status};
use crate::fields::Fields;
use dialtone_domain::{AccountSid, Code, NumberSid, Phone, Problem};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;
use url::Url;

const API: &str = "2010-04-01";

/// Items of one page: a quarter of what Twilio allows, so that an answer stays well below its size limit.
const PAGE_SIZE: &str = "250";

/// One Twilio account. Every call may end in the problems of the credentials (`twilio_unauthorized`,
/// `twilio_forbidden`, `twilio_account_inactive`) and of the connection (`provider_*`).
#[derive(Debug, Clone)]
pub struct Twilio {
    channel: Channel,
    base: Url,
    monitor: Url,
    account: AccountSid,
}

impl Twilio {
    pub(crate) fn new(channel: Channel, [base, monitor]: [Url; 2], account: AccountSid) -> Self {
        Self { channel, base, monitor, account }
    }

    /// The account itself: proves the credentials, and tells trial from paid.
    pub async fn account(&self) -> Result<Account, Problem> {
        let url = self.url(&["Accounts", &format!("{}.json", self.account)], &[]);
        self.channel.fetch(&Request::get(url, "/Accounts/{sid}.json"), Account::read).await
    }

    /// The accounts below this one; empty for a subaccount.
    pub async fn subaccounts(&self) -> Result<Listed<Account>, Problem> {
        let url = self.url(&["Accounts.json"], &[("PageSize", PAGE_SIZE)]);
        let mut all = self.list(url, "/Accounts.json", "accounts", Account::read).await?;
        all.items.retain(|account| account.sid != self.account);
        Ok(all)
    }

    /// The account's numbers with all their settings.
    pub async fn numbers(&self) -> Result<Listed<IncomingNumber>, Problem> {
        let path = ["Accounts", self.account.as_str(), "IncomingPhoneNumbers.json"];
        let route = "/Accounts/{sid}/IncomingPhoneNumbers.json";
        let url = self.url(&path, &[("PageSize", PAGE_SIZE)]);
        self.list(url, route, "incoming_phone_numbers", IncomingNumber::read).await
    }

    /// The newest errors that Twilio noticed after that time, newest first, at most a page of them.
    pub async fn alerts_after(&self, after: Timestamp) -> Result<Vec<Alert>, Problem> {
        let mut url = monitor_url(&self.monitor, &["Alerts"]);
        let from = after.to_string();
        url.query_pairs_mut().extend_pairs([("LogLevel", "error"), ("StartDate", &from), ("PageSize", "50")]);
        let items = |body| Fields::of(body)?.array("alerts");
        let items = self.channel.fetch(&Request::get(url, "/v1/Alerts"), items).await?;
        Ok(items.into_iter().filter_map(Alert::read).filter(|alert| alert.at > after).collect())
    }

    /// One of them with what was sent.
    pub async fn alert(&self, sid: &str) -> Result<Alert, Problem> {
        let url = monitor_url(&self.monitor, &["Alerts", sid]);
        self.channel.fetch(&Request::get(url, "/v1/Alerts/{sid}"), Alert::read).await
    }

    /// The number with all its settings, where this account owns it.
    pub async fn number(&self, phone: &Phone) -> Result<Option<IncomingNumber>, Problem> {
        self.number_in(&self.account, phone).await
    }

    /// The same in a subaccount, with the parent's credentials.
    pub async fn number_in(
        &self,
        account: &AccountSid,
        phone: &Phone,
    ) -> Result<Option<IncomingNumber>, Problem> {
        let route = "/Accounts/{sid}/IncomingPhoneNumbers.json";
        let url = self.filtered(account, "IncomingPhoneNumbers.json", phone);
        let mut found = self.list(url, route, "incoming_phone_numbers", IncomingNumber::read).await?;
        // The filter also finds numbers that contain this one.
        found.items.retain(|number| &number.phone == phone);
        self.certain(found)
    }

    /// Whether the number is a verified caller ID: one that the account may show, and does not own.
    pub async fn is_caller_id(&self, phone: &Phone) -> Result<bool, Problem> {
        let url = self.filtered(&self.account, "OutgoingCallerIds.json", phone);
        let number = |item| Fields::of(item)?.parsed::<Phone>("phone_number");
        let route = "/Accounts/{sid}/OutgoingCallerIds.json";
        let mut found = self.list(url, route, "outgoing_caller_ids", number).await?;
        found.items.retain(|found| found == phone);
        Ok(self.certain(found)?.is_some())
    }

    /// Changes settings of a number and returns it as it is now. A number that has left the account is
    /// `number_not_in_account`; a setting that Twilio does not accept is `twilio_refused`.
    pub async fn update_number(
        &self,
        sid: &NumberSid,
        update: &NumberUpdate,
    ) -> Result<IncomingNumber, Problem> {
        let route = "/Accounts/{sid}/IncomingPhoneNumbers/{sid}.json";
        let path = ["Accounts", self.account.as_str(), "IncomingPhoneNumbers", &format!("{sid}.json")];
        let form = Payload::Form(update.form());
        let request = Request::with(Method::POST, self.url(&path, &[]), route, form);
        let result = self.channel.fetch(&request, IncomingNumber::read).await;
        result.map_err(|problem| match status(&problem) {
            Some(404) => {
                Problem { code: Code::NumberNotInAccount, ..problem }.with("account", self.account.as_str())
            }
            _ => problem,
        })
    }

    /// The one item, or none; not to have read all of it is no proof that there is none.
    fn certain<T>(&self, found: Listed<T>) -> Result<Option<T>, Problem> {
        match found.items.into_iter().next() {
            None if !found.complete || found.skipped > 0 => Err(self.channel.endless()),
            item => Ok(item),
        }
    }

    async fn list<T>(
        &self,
        first: Url,
        route: &'static str,
        key: &'static str,
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Listed<T>, Problem> {
        let mut listed = Listed::new();
        let mut next = Some(first);
        for _ in 0..self.channel.limits.pages {
            let Some(url) = next.take() else { break };
            let request = Request::get(url, route);
            // A link that leads elsewhere makes the page unusable: to stop there would hide the rest.
            let follow = |body| {
                let (items, link) = page(body, key)?;
                let link = link.map(|link| follow(&self.base, &link).ok_or(())).transpose().ok()?;
                Some((items, link))
            };
            let (items, link) = self.channel.fetch(&request, follow).await?;
            items.into_iter().for_each(|item| listed.add(read(item)));
            next = link;
        }
        listed.complete = next.is_none();
        Ok(listed)
    }

    fn filtered(&self, account: &AccountSid, resource: &str, phone: &Phone) -> Url {
        let path = ["Accounts", account.as_str(), resource];
        self.url(&path, &[("PhoneNumber", phone.as_str()), ("PageSize", PAGE_SIZE)])
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        let mut segments = url.path_segments_mut().expect("an http address has a path");
        segments.pop_if_empty().push(API).extend(path);
        drop(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

fn monitor_url(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    url.path_segments_mut().expect("an http address has a path").pop_if_empty().push("v1").extend(path);
    url
}

/// One page of a list: its items, and the link to the next.
fn page(body: Value, key: &str) -> Option<(Vec<Value>, Option<String>)> {
    let mut fields = Fields::of(body)?;
    Some((fields.array(key)?, fields.text("next_page_uri")))
}

/// The address of the next page. Its link is relative to the host, or absolute; it is followed verbatim, and
/// only within the API that it came from. A base with a path of its own is kept in front.
fn follow(base: &Url, link: &str) -> Option<Url> {
    let mut url = base.join(link).ok().filter(|url| url.origin() == base.origin())?;
    let prefix = base.path().trim_end_matches('/');
    let api = format!("/{API}/");
    if url.path().starts_with(&api) {
        let path = format!("{prefix}{}", url.path());
        url.set_path(&path);
    }
    let inside = url.path().strip_prefix(prefix).is_some_and(|path| path.starts_with(&api));
    let plain = url.username().is_empty() && url.password().is_none();
    (inside && plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_on_the_same_host_only() {
        let link = "/2010-04-01/Accounts/AC1/Calls.json?Page=1&PageToken=PA%2B1";
        for (base, link, expected) in [
            ("https://api.twilio.com", link, Some(format!("https://api.twilio.com{link}"))),
            ("http://x:8090/twilio/api", link, Some(format!("http://x:8090/twilio/api{link}"))),
            (
                "http://x/twilio/api",
                "/twilio/api/2010-04-01/A.json?Page=1",
                Some("http://x/twilio/api/2010-04-01/A.json?Page=1".to_owned()),
            ),
            (
                "https://a.com",
                "https://a.com/2010-04-01/A.json",
                Some("https://a.com/2010-04-01/A.json".into()),
            ),
            ("https://a.com", "http://a.com/2010-04-01/A.json", None),
            ("https://a.com", "https://a.com:8443/2010-04-01/A.json", None),
            ("https://a.com", "https://evil.example/2010-04-01/A.json", None),
            ("https://a.com", "//evil.example/2010-04-01/A.json", None),
            ("https://a.com", "https://user@a.com/2010-04-01/A.json", None),
            ("https://a.com", "/2010-04-01/../admin", None),
            ("https://a.com", "/elsewhere", None),
            ("https://a.com/api", "/2010-04-01/../admin", None),
        ] {
            let url = follow(&Url::parse(base).unwrap(), link);
            assert_eq!(url.as_ref().map(Url::as_str), expected.as_deref(), "{base} {link}");
        }
    }
}
