//! Servers that answer what a test says, and remember what they were asked.

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use dialtone_domain::SecretString;
use dialtone_providers::{Addresses, Gate, LaneLimits, Limits, Providers, Twilio, Vapi};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "fedcba9876543210fedcba9876543210";
pub(crate) const KEY: &str = "0f0e0d0c-0000-4000-8000-00000000cafe";
pub(crate) const PHONE: &str = "+14155552671";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) authorization: String,
    pub(crate) agent: String,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn query(&self, name: &str) -> Option<String> {
        pairs(self.uri.query().unwrap_or_default().as_bytes())
            .into_iter()
            .find(|pair| pair.0 == name)
            .map(|p| p.1)
    }

    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// An answer of JSON.
pub(crate) fn json(status: u16, body: &Value) -> Response {
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

/// A server of HTTP.
pub(crate) struct Stub {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    limits: Limits,
}

impl Stub {
    /// Answers each request by `answer`, which also gets its place in the sequence, from 0.
    pub(crate) async fn start(
        answer: impl Fn(&Seen, usize) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let log = seen.clone();
        let handler = move |request: Request| async move {
            let (parts, body) = request.into_parts();
            let header = |name: &str| {
                parts.headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
            };
            let seen = Seen {
                authorization: header("authorization"),
                agent: header("user-agent"),
                method: parts.method,
                uri: parts.uri,
                body: to_bytes(body, 1 << 20).await.unwrap(),
            };
            let place = {
                let mut log = log.lock().unwrap();
                log.push(seen.clone());
                log.len() - 1
            };
            answer(&seen, place)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(handler);
        #[expect(clippy::disallowed_methods, reason = "only this test's own client connects")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen, limits: quick() }
    }

    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(crate) fn twilio(&self) -> Twilio {
        twilio(&self.url, self.limits.clone())
    }

    pub(crate) fn vapi(&self) -> Vapi {
        vapi(&self.url, self.limits.clone())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// A server that writes these bytes after each request's head and closes; and how often it was asked.
/// Nothing to write: it closes at once. `None`: it never answers.
pub(crate) async fn bytes(answer: Option<Vec<u8>>) -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<usize>> = Arc::default();
    let count = asked.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 16 << 10];
            if stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                *count.lock().unwrap() += 1;
            }
            match &answer {
                Some(bytes) => drop(stream.write_all(bytes).await),
                None => open.push(stream),
            }
        }
    });
    (url, asked)
}

/// Limits that do not hold a test up.
pub(crate) fn quick() -> Limits {
    let lane = LaneLimits { concurrent: 64, per_minute: 1_000_000, burst: 10_000 };
    Limits { backoff: Duration::from_millis(2), twilio: lane, vapi: lane, ..Limits::default() }
}

pub(crate) fn providers(url: &str, limits: Limits) -> Providers {
    let addresses = Addresses { twilio: format!("{url}/twilio/{{product}}"), vapi: format!("{url}/vapi") };
    Providers::new(addresses, limits, Gate::default()).unwrap()
}

pub(crate) fn twilio(url: &str, limits: Limits) -> Twilio {
    providers(url, limits).twilio(&ACCOUNT.parse().unwrap(), &SecretString::from(TOKEN))
}

pub(crate) fn vapi(url: &str, limits: Limits) -> Vapi {
    providers(url, limits).vapi(&SecretString::from(KEY)).unwrap()
}
