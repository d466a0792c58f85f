//! Requests that the providers make: webhooks, fetches of TwiML and media, `assistant-request`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use hyper::body::Bytes;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::millis;
use crate::faults::webhooks;
use crate::log::Window;
use crate::state::{Shared, World};

const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
const LOG_BODY_BYTES_MAX: usize = 8 * 1024;
const LOG_KEPT_MAX: usize = 10_000;

/// One request that a provider is about to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    /// `twilio` or `vapi`.
    pub(crate) provider: String,
    /// What it tells, for example `message.received`, `call.status`, `assistant-request`.
    pub(crate) event: String,
    /// The resource it is about.
    pub(crate) subject: String,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) connect_timeout: Duration,
    /// From the connection to the whole answer.
    pub(crate) read_timeout: Duration,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// Whether the answer was sent in chunks; an empty chunked body is 11770 at Twilio (T10 [E]).
    pub(crate) chunked: bool,
    pub(crate) location: Option<String>,
    /// What `Set-Cookie` says, one entry per header.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Bytes,
}

impl Answered {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failure {
    /// The URL or a header of it cannot be sent.
    Invalid,
    Dns,
    Connect,
    Tls,
    /// The certificate is for another name.
    TlsName,
    /// The certificate is over.
    TlsExpired,
    /// Nobody that is trusted has signed the certificate.
    TlsUntrusted,
    /// No whole answer in time.
    Timeout,
    /// The connection broke off, or the answer was too long.
    Broken,
}

/// The most recent outgoing requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct OutboundLog {
    entries: VecDeque<Value>,
    sequence: u64,
}

impl OutboundLog {
    fn push(&mut self, mut entry: Value) {
        self.sequence += 1;
        entry["seq"] = json!(self.sequence);
        if self.entries.len() == LOG_KEPT_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The kept entries that are asked for, newest last, and the number of the last one there is.
    pub(crate) fn show(&self, window: Window) -> Value {
        let shown: Vec<&Value> = window.of(&self.entries, self.sequence).collect();
        json!({"webhooks": shown, "last": self.sequence})
    }
}

/// Sends one request, logs it, and returns the answer. Redirects are the caller's business.
pub(crate) async fn send(shared: &Shared, outgoing: &Outgoing) -> Result<Answered, Failure> {
    shared.watch.webhook(outgoing);
    webhooks::send(shared, outgoing).await
}

/// Sends without looking at the faults that are switched on; `fault` is the one that it was subject to.
pub(crate) async fn post(
    shared: &Shared,
    outgoing: &Outgoing,
    fault: Option<&str>,
) -> Result<Answered, Failure> {
    let result = exchange(shared, outgoing).await;
    shared.lock().log_outgoing(outgoing, fault, Some(&result));
    result
}

/// Logs a request that another part of this sandbox answered.
pub(crate) fn note(shared: &Shared, outgoing: &Outgoing, result: &Result<Answered, Failure>) {
    shared.lock().log_outgoing(outgoing, None, Some(result));
}

impl World {
    /// Logs a request that a fault kept from being sent.
    pub(crate) fn log_unsent(&mut self, outgoing: &Outgoing, fault: &str) {
        self.log_outgoing(outgoing, Some(fault), None);
    }

    fn log_outgoing(
        &mut self,
        outgoing: &Outgoing,
        fault: Option<&str>,
        result: Option<&Result<Answered, Failure>>,
    ) {
        let mut entry = entry(&millis(self.clock.now()), outgoing, result);
        if let Some(fault) = fault {
            entry["fault"] = json!(fault);
        }
        self.outbound.push(entry);
    }
}

async fn exchange(shared: &Shared, outgoing: &Outgoing) -> Result<Answered, Failure> {
    let method: reqwest::Method = outgoing.method.parse().map_err(|_| Failure::Invalid)?;
    let mut request = shared.http.with(outgoing.connect_timeout).request(method, &outgoing.url);
    for (name, value) in &outgoing.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Failure::Invalid)?;
        request = request.header(name, HeaderValue::from_str(value).map_err(|_| Failure::Invalid)?);
    }
    if !outgoing.body.is_empty() {
        request = request.body(outgoing.body.clone());
    }
    // When the connection stands cannot be seen: what is read from bounds the whole exchange.
    tokio::time::timeout(outgoing.read_timeout, receive(request)).await.map_err(|_| Failure::Timeout)?
}

async fn receive(request: reqwest::RequestBuilder) -> Result<Answered, Failure> {
    let mut response = request.send().await.map_err(|error| reason(&error))?;
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let content_type = header("content-type").unwrap_or_default();
    let chunked = header("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
    let location = header("location");
    let set = response.headers().get_all("set-cookie").iter();
    let cookies = set.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect();
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(Failure::Broken);
        }
    }
    Ok(Answered { status, content_type, chunked, location, cookies, body: body.into() })
}

/// reqwest tells these apart only in the texts of the causes.
fn reason(error: &reqwest::Error) -> Failure {
    let mut causes = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push_str(&cause.to_string());
        source = cause.source();
    }
    let causes = causes.to_lowercase();
    match () {
        () if error.is_builder() => Failure::Invalid,
        () if error.is_timeout() && !error.is_connect() => Failure::Timeout,
        () if causes.contains("dns") => Failure::Dns,
        () if causes.contains("certificate") || causes.contains("tls") => tls(&causes),
        () if error.is_connect() => Failure::Connect,
        () => Failure::Broken,
    }
}

/// What is wrong with TLS, by the text that names it.
fn tls(causes: &str) -> Failure {
    const TEXTS: [(&str, Failure); 6] = [
        ("not valid for name", Failure::TlsName),
        ("notvalidforname", Failure::TlsName),
        ("expired", Failure::TlsExpired),
        ("unknownissuer", Failure::TlsUntrusted),
        ("unknown issuer", Failure::TlsUntrusted),
        ("self-signed", Failure::TlsUntrusted),
    ];
    TEXTS.iter().find(|(text, _)| causes.contains(text)).map_or(Failure::Tls, |(_, failure)| *failure)
}

fn entry(at: &str, outgoing: &Outgoing, result: Option<&Result<Answered, Failure>>) -> Value {
    let headers: serde_json::Map<String, Value> =
        outgoing.headers.iter().map(|(name, value)| (name.to_lowercase(), json!(value))).collect();
    let mut entry = json!({
        "at": at,
        "provider": outgoing.provider,
        "event": outgoing.event,
        "subject": outgoing.subject,
        "method": outgoing.method,
        "url": outgoing.url,
        "headers": headers,
        "body": shown(outgoing.body.as_bytes()),
    });
    match result {
        Some(Ok(answered)) => {
            entry["status"] = json!(answered.status);
            entry["answer"] = json!({"content_type": answered.content_type, "body": shown(&answered.body)});
        }
        Some(Err(failure)) => entry["failure"] = json!(failure),
        None => {}
    }
    entry
}

/// Text as text, everything else in base64; cut where it is long.
fn shown(body: &[u8]) -> Value {
    let kept = &body[..body.len().min(LOG_BODY_BYTES_MAX)];
    match std::str::from_utf8(kept) {
        Ok(text) => json!(text),
        Err(error) if error.error_len().is_none() => {
            json!(String::from_utf8_lossy(&kept[..error.valid_up_to()]))
        }
        Err(_) => json!({"base64": base64::engine::general_purpose::STANDARD.encode(kept)}),
    }
}

/// What sends them all: a client has one connect timeout for all its requests, so there is one for each.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<BTreeMap<u64, reqwest::Client>>);

impl Clients {
    /// The client with this connect timeout, to a tenth of a second; zero is none.
    fn with(&self, connect: Duration) -> reqwest::Client {
        let tenths = u64::try_from(connect.as_millis()).unwrap_or(u64::MAX).div_ceil(100);
        let clients = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients
            .entry(tenths)
            .or_insert_with(|| client(Duration::from_millis(tenths.saturating_mul(100))))
            .clone()
    }
}

/// No proxy, no redirects, no cookies.
fn client(connect: Duration) -> reqwest::Client {
    // reqwest is built without a TLS provider of its own; one that is installed already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let builder = if connect.is_zero() { builder } else { builder.connect_timeout(connect) };
    builder.build().expect("a client without files or environment")
}
