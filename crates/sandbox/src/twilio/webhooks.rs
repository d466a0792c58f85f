//! The one way in which Twilio calls a URL (T11 [D]): signed, retried, redirected, with a fallback, and with
//! an alert when it fails. Private addresses, which Twilio refuses, are allowed here: tests live on them.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::alerts;
use super::overrides::{Cause, Overrides};
use super::signature;
use crate::outbound::{self, Answered, Failure, Outgoing};
use crate::state::Shared;
use crate::vapi::region::Region;

const REDIRECTS_MAX: usize = 10;
/// Answers that Twilio's demo URL gives to texts; the wording is ours [?].
const DEMO_SMS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message>Thanks for the message. \
    Configure your number's SMS URL to change this message.</Message></Response>";

/// Something that Twilio tells, or asks, the owner of a number.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Whose primary token signs: the account that owns the number, which may be a subaccount (T17 [D]).
    pub(crate) account: String,
    /// For the log, for example `message.received`.
    pub(crate) event: &'static str,
    /// The SID of the message or call that it is about.
    pub(crate) subject: String,
    pub(crate) url: String,
    pub(crate) method: String,
    pub(crate) params: Vec<(String, String)>,
    /// Another URL with its method, for when the first fails.
    pub(crate) fallback: Option<(String, String)>,
    /// What makes an answer useless although it came, such as broken TwiML.
    pub(crate) judge: fn(&Answered) -> Result<(), Trouble>,
}

/// For callbacks, whose answers nobody reads.
pub(crate) fn any(_: &Answered) -> Result<(), Trouble> {
    Ok(())
}

/// Why a call failed: an error code of the dictionary, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) code: u32,
    pub(crate) text: String,
}

impl Trouble {
    pub(crate) fn new(code: u32, text: impl Into<String>) -> Trouble {
        Trouble { code, text: text.into() }
    }
}

/// One URL that was called, tries counted one by one.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) url: String,
    pub(crate) result: Result<u16, Failure>,
}

impl Delivery {
    /// As the control API tells it.
    pub(crate) fn show(&self) -> Value {
        match self.result {
            Ok(status) => json!({"url": self.url, "status": status}),
            Err(failure) => json!({"url": self.url, "status": null, "failure": failure}),
        }
    }
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Called {
    /// Every request that was made, in order.
    pub(crate) deliveries: Vec<Delivery>,
    /// The URL that answered last; relative links in the answer start from it.
    pub(crate) url: String,
    pub(crate) answer: Result<Answered, Trouble>,
}

/// Calls the URL, and the fallback when that fails. Each failure raises an alert.
pub(crate) async fn call(shared: &Arc<Shared>, call: &Call) -> Called {
    let mut deliveries = Vec::new();
    let first = reach(shared, call, &call.url, &call.method, &call.params, &mut deliveries).await;
    let failed = match first {
        Ok((url, answered)) => return Called { deliveries, url, answer: Ok(answered) },
        Err(trouble) => trouble,
    };
    let Some((url, method)) = &call.fallback else {
        return Called { deliveries, url: call.url.clone(), answer: Err(failed) };
    };
    // The same fields, and what went wrong where (T11 [D]).
    let mut params = call.params.clone();
    params.push(("ErrorCode".to_owned(), failed.code.to_string()));
    params.push(("ErrorUrl".to_owned(), call.url.clone()));
    match reach(shared, call, url, method, &params, &mut deliveries).await {
        Ok((url, answered)) => Called { deliveries, url, answer: Ok(answered) },
        Err(trouble) => Called { deliveries, url: url.clone(), answer: Err(trouble) },
    }
}

/// One URL with its tries: where the answer came from, and the answer.
async fn reach(
    shared: &Arc<Shared>,
    call: &Call,
    url: &str,
    method: &str,
    params: &[(String, String)],
    deliveries: &mut Vec<Delivery>,
) -> Result<(String, Answered), Trouble> {
    // The fragment is for Twilio only: neither sent nor signed (T11 [D]).
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    let overrides = Overrides::parse(fragment);
    let deadline = Instant::now() + overrides.total;
    let mut tries = Tries { call, overrides, deadline, token: shared.lock().ids.uuid(), deliveries };
    let mut retries = tries.overrides.retries;
    let outcome = loop {
        let outcome = tries.once(shared, url, method, params).await;
        let cause = outcome.as_ref().map_or_else(Missed::cause, |(_, answered)| Cause::of(answered.status));
        let again = cause.is_some_and(|cause| tries.overrides.retries_on(cause));
        if !again || retries == 0 || Instant::now() >= deadline {
            break outcome;
        }
        retries -= 1;
    };
    let answered = outcome.as_ref().ok().map(|(_, answered)| answered.clone());
    let judged = match outcome {
        Err(missed) => Err(missed.trouble()),
        Ok((_, answered)) if answered.status >= 400 => {
            Err(Trouble::new(11200, format!("Got HTTP {} response to {url}", answered.status)))
        }
        Ok((at, answered)) => (call.judge)(&answered).map(|()| (at, answered)),
    };
    if let Err(trouble) = &judged {
        let alert = alerts::Trouble {
            code: trouble.code,
            text: trouble.text.clone(),
            resource_sid: call.subject.clone(),
            request_url: url.to_owned(),
            request_method: method.to_owned(),
            request_variables: encode(params),
            response_body: answered.as_ref().map(Answered::text).unwrap_or_default(),
            response_headers: answered.map(|it| encode_headers(&it)).unwrap_or_default(),
        };
        shared.lock().alert(&call.account, "error", alert);
    }
    judged
}

fn encode(params: &[(String, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(params).finish()
}

fn encode_headers(answered: &Answered) -> String {
    encode(&[("Content-Type".to_owned(), answered.content_type.clone())])
}

/// Why a try brought no answer.
#[derive(Debug)]
enum Missed {
    Failed(Failure),
    Redirects,
}

impl Missed {
    fn cause(&self) -> Option<Cause> {
        match self {
            Missed::Failed(Failure::Timeout | Failure::Broken) => Some(Cause::Read),
            Missed::Failed(Failure::Invalid) | Missed::Redirects => None,
            Missed::Failed(_) => Some(Cause::Connect),
        }
    }

    /// The codes of T11 [E]; that a connection that breaks off is 11200 is [?].
    fn trouble(&self) -> Trouble {
        match self {
            Missed::Failed(Failure::Timeout | Failure::Broken) => {
                Trouble::new(11200, "HTTP retrieval failure")
            }
            Missed::Failed(Failure::Connect) => Trouble::new(11205, "HTTP connection failure"),
            Missed::Failed(Failure::Dns | Failure::Invalid) => Trouble::new(11210, "HTTP bad host name"),
            Missed::Failed(Failure::Tls) => Trouble::new(11220, "SSL/TLS Handshake Error"),
            Missed::Failed(Failure::TlsName) => Trouble::new(11235, "Certificate Invalid - Domain Mismatch"),
            Missed::Failed(Failure::TlsExpired) => {
                Trouble::new(11236, "Certificate Invalid - Certificate Expired")
            }
            Missed::Failed(Failure::TlsUntrusted) => {
                Trouble::new(11237, "Certificate Invalid - Could not find path to certificate")
            }
            Missed::Redirects => Trouble::new(11215, "HTTP too many redirects"),
        }
    }
}

/// The tries of one delivery: they share a token and a deadline.
struct Tries<'c> {
    call: &'c Call,
    overrides: Overrides,
    deadline: Instant,
    token: String,
    deliveries: &'c mut Vec<Delivery>,
}

impl Tries<'_> {
    /// One try: redirects are followed, and a challenge is answered with the URL's user and password.
    async fn once(
        &mut self,
        shared: &Arc<Shared>,
        url: &str,
        method: &str,
        params: &[(String, String)],
    ) -> Result<(String, Answered), Missed> {
        let (mut at, mut credentials) = without_credentials(url);
        let (mut method, mut params) = (method, params);
        let mut authorization = None;
        let mut redirects = 0;
        loop {
            let answered = self.request(shared, &at, method, params, authorization.as_deref()).await;
            let answered = answered.map_err(Missed::Failed)?;
            if answered.status == 401 && authorization.is_none() && credentials.is_some() {
                authorization.clone_from(&credentials);
                continue;
            }
            let Some(next) = redirect(&at, &answered) else { return Ok((at, answered)) };
            redirects += 1;
            if redirects > REDIRECTS_MAX {
                return Err(Missed::Redirects);
            }
            // 307 and 308 keep the method and the form, the others become a bare GET [?].
            if !matches!(answered.status, 307 | 308) {
                (method, params) = ("GET", &[]);
            }
            let (next, own) = without_credentials(&next);
            // A password is for the host that it was given for.
            if own.is_some() || authority(&next) != authority(&at) {
                (credentials, authorization) = (own, None);
            }
            at = next;
        }
    }

    async fn request(
        &mut self,
        shared: &Arc<Shared>,
        url: &str,
        method: &str,
        params: &[(String, String)],
        authorization: Option<&str>,
    ) -> Result<Answered, Failure> {
        let outgoing = self.outgoing(shared, url, method, params, authorization);
        let result = match inside(url) {
            Some(site) => Ok(site.answer(shared, &outgoing, params).await),
            None => outbound::send(shared, &outgoing).await,
        };
        let status = result.as_ref().map(|answered| answered.status).map_err(|failure| *failure);
        if let Ok(answered) = &result {
            let world = &mut *shared.lock();
            let now = world.clock.now();
            world.twilio.cookies.keep(&self.call.params, url, &answered.cookies, now);
        }
        self.deliveries.push(Delivery { url: url.to_owned(), result: status });
        result
    }

    /// Signed with the owner's primary token (T17), with the captured headers (T10 [X]). `Accept-Encoding` is
    /// missing among them, since nothing here could unpack the answer.
    fn outgoing(
        &self,
        shared: &Shared,
        url: &str,
        method: &str,
        params: &[(String, String)],
        authorization: Option<&str>,
    ) -> Outgoing {
        let get = method == "GET";
        let mut url = if get { with_query(url, params) } else { url.to_owned() };
        let (signature, cookie) = {
            let world = shared.lock();
            let cookie = world.twilio.cookies.header(&self.call.params, &url, world.clock.now());
            if world.settings.messaging.default_port_in_url {
                url = with_port(&url);
            }
            let token = world.twilio.account(&self.call.account).map(|account| account.auth_token.as_str());
            let form = if get { &[] } else { params };
            (signature::form(token.unwrap_or_default(), &url, form), cookie)
        };
        let mut headers = vec![
            ("User-Agent", "TwilioProxy/1.1".to_owned()),
            ("Accept", "*/*".to_owned()),
            ("X-Twilio-Signature", signature),
            ("I-Twilio-Idempotency-Token", self.token.clone()),
        ];
        if !get {
            let form = "application/x-www-form-urlencoded; charset=utf-8";
            headers.push(("Content-Type", form.to_owned()));
        }
        headers.extend(cookie.map(|value| ("Cookie", value)));
        headers.extend(authorization.map(|value| ("Authorization", value.to_owned())));
        let left = self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        Outgoing {
            provider: "twilio".to_owned(),
            event: self.call.event.to_owned(),
            subject: self.call.subject.clone(),
            method: method.to_owned(),
            url,
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            body: if get { String::new() } else { encode(params) },
            connect_timeout: self.overrides.connect.min(left),
            read_timeout: self.overrides.read.min(left),
        }
    }
}

/// GET carries the fields in the query (T10 [D]).
fn with_query(url: &str, params: &[(String, String)]) -> String {
    match (params.is_empty(), url.contains('?')) {
        (true, _) => url.to_owned(),
        (false, true) => format!("{url}&{}", encode(params)),
        (false, false) => format!("{url}?{}", encode(params)),
    }
}

/// The URL with its scheme's own port where it has none (T17, T23.9).
fn with_port(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let bare = !authority.rsplit(']').next().unwrap_or_default().contains(':');
    let port = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{authority}{}{path}", if bare { port } else { "" })
}

/// The URL without `user:password@`, which is removed before signing, and the header to answer a challenge
/// with: Twilio sends it only after a 401 (T11, T17 [D]).
fn without_credentials(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        None => (url.to_owned(), None),
        Some((user, host)) => {
            let header = format!("Basic {}", STANDARD.encode(user));
            (format!("{scheme}://{host}{path}"), Some(header))
        }
    }
}

/// Where an answer sends the request on to.
fn redirect(at: &str, answered: &Answered) -> Option<String> {
    let location =
        answered.location.as_deref().filter(|_| matches!(answered.status, 301..=303 | 307 | 308))?;
    let mut next = Url::parse(at).ok()?.join(location).ok()?;
    next.set_fragment(None);
    Some(next.to_string())
}

/// Scheme, host and port of a URL.
fn authority(url: &str) -> Option<url::Origin> {
    Some(Url::parse(url).ok()?.origin())
}

/// Hosts that this sandbox plays itself: no request leaves it for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    VapiSms(Region),
    /// Another address of Vapi, which takes what Twilio tells it.
    Vapi,
    Demo,
}

fn inside(url: &str) -> Option<Site> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    match Region::of_host(host) {
        Some(region) if url.path() == "/twilio/sms" => Some(Site::VapiSms(region)),
        Some(_) => Some(Site::Vapi),
        None => (host == "demo.twilio.com").then_some(Site::Demo),
    }
}

impl Site {
    async fn answer(
        self,
        shared: &Arc<Shared>,
        outgoing: &Outgoing,
        params: &[(String, String)],
    ) -> Answered {
        if let Site::VapiSms(region) = self {
            crate::vapi::texts::receive(shared, params, region).await;
        }
        let body = match self {
            Site::VapiSms(_) | Site::Vapi => "",
            Site::Demo => DEMO_SMS,
        };
        let answered = Answered {
            status: 200,
            content_type: "text/xml".to_owned(),
            chunked: false,
            location: None,
            cookies: Vec::new(),
            body: body.into(),
        };
        outbound::note(shared, outgoing, &Ok(answered.clone()));
        answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_leave_the_url() {
        for (url, bare, header) in [
            ("https://user:pass@a.example/x?y=z", "https://a.example/x?y=z", Some("Basic dXNlcjpwYXNz")),
            ("https://a.example/x@y", "https://a.example/x@y", None),
            ("http://u@a.example:8080", "http://a.example:8080", Some("Basic dQ==")),
        ] {
            let expected = (bare.to_owned(), header.map(str::to_owned));
            assert_eq!(without_credentials(url), expected, "{url}");
        }
    }

    #[test]
    fn every_failure_has_its_code() {
        for (failure, code) in [
            (Failure::Timeout, 11200),
            (Failure::Broken, 11200),
            (Failure::Connect, 11205),
            (Failure::Dns, 11210),
            (Failure::Tls, 11220),
            (Failure::TlsName, 11235),
            (Failure::TlsExpired, 11236),
            (Failure::TlsUntrusted, 11237),
        ] {
            assert_eq!(Missed::Failed(failure).trouble().code, code, "{failure:?}");
        }
    }

    #[test]
    fn default_ports_can_be_written_out() {
        for (url, expected) in [
            ("https://a.example/x?y=z:1", "https://a.example:443/x?y=z:1"),
            ("http://a.example", "http://a.example:80"),
            ("http://a.example:8080/x", "http://a.example:8080/x"),
        ] {
            assert_eq!(with_port(url), expected);
        }
    }

    #[test]
    fn hosts_that_are_played_here() {
        for (url, expected) in [
            ("https://api.vapi.ai/twilio/sms", Some(Site::VapiSms(Region::Us))),
            ("https://api.eu.vapi.ai/twilio/sms", Some(Site::VapiSms(Region::Eu))),
            ("https://api.vapi.ai/twilio/status", Some(Site::Vapi)),
            ("https://demo.twilio.com/welcome/sms/reply/", Some(Site::Demo)),
            ("https://api.vapi.ai.example/twilio/sms", None),
        ] {
            assert_eq!(inside(url), expected, "{url}");
        }
    }
}
