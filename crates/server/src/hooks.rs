//! How a provider's request is taken: in a pool of its own, so that a busy API does not keep it waiting, within limits
//! of size and time, and handed on byte for byte.

use crate::extract::read_body;
use crate::problem::Failure;
use crate::site::Site;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use dialtone_app::{Incoming, clock};
use dialtone_domain::inbound::Hook;
use dialtone_domain::{Code, Provider};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Requests that are taken at the same time.
const SLOTS: usize = 128;
/// How long a request waits for its turn; the provider comes again.
const TURN_TIME_MAX: Duration = Duration::from_secs(2);
/// How long it may take from the last byte to the answer: both providers wait longer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// A form of Twilio's has a few kilobytes.
const FORM_BYTES_MAX: usize = 64 << 10;
/// A report of Vapi's holds the whole conversation.
const MESSAGE_BYTES_MAX: usize = 2 << 20;

/// The turns of providers' requests.
pub(crate) struct Slots(Semaphore);

impl Default for Slots {
    fn default() -> Self {
        Self(Semaphore::new(SLOTS))
    }
}

impl Slots {
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Code> {
        match timeout(TURN_TIME_MAX, self.0.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Code::Busy),
        }
    }
}

/// Takes a request that came to that address; `named` is what its path names.
///
/// # Errors
/// What the application says, or [`Code::Busy`] where it does not say it in time; then the provider comes again, and what was
/// stored meanwhile is known.
pub(crate) async fn take(
    site: &Site,
    hook: Hook,
    named: String,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let (bytes_max, kind) = match hook.provider() {
        Provider::Twilio => (FORM_BYTES_MAX, "text/xml"),
        Provider::Vapi => (MESSAGE_BYTES_MAX, "application/json"),
    };
    let body = read_body(body, bytes_max).await?.to_vec();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let incoming = Incoming { hook, named, target, headers, body, at: clock::now() };
    let _turn = site.slots.turn().await?;
    let reply = timeout(ANSWER_TIME_MAX, site.app.receive(incoming)).await.map_err(|_| Code::Busy)??;
    Ok(([(header::CONTENT_TYPE, kind)], reply).into_response())
}
