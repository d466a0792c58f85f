//! `Idempotency-Key`: the same request again gets the answer of the first one, and does nothing.

use crate::auth::Caller;
use crate::extract::{BODY_BYTES_MAX, read_body};
use crate::problem::{self, Failure};
use crate::site::Site;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dialtone_app::{Begin, Origin};
use dialtone_domain::{Code, Problem};
use sha2::{Digest, Sha256};
use tracing::Instrument;

/// The header's name.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key.
pub(crate) const KEY_LENGTH_MAX: usize = 200;
/// Answers are small; a larger one is a defect.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The request's key, where it has one.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get(KEY) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let good = (1..=KEY_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    match good {
        true => Ok(Some(text.to_owned())),
        false => Err(Problem::field("Idempotency-Key", "validation.type").into()),
    }
}

fn fingerprint(request: &Request, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [request.method().as_str().as_bytes(), request.uri().path().as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(body);
    hash.finalize().into()
}

/// Runs a request once per key. It goes on when the client goes away, so that its answer can be fetched with
/// the same key. Only what succeeded is kept; a failure that changed nothing gives the key back.
pub(crate) async fn once(
    site: Site,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let Some(key) = key_of(request.headers())? else {
        return Ok(next.run(request).await);
    };
    let (parts, body) = request.into_parts();
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let request = Request::from_parts(parts, Body::from(body.clone()));
    match site.app.idempotency_begin(&caller, &key, fingerprint(&request, &body)).await? {
        Begin::Started => {}
        Begin::InFlight => return Err(Code::IdempotencyInFlight.into()),
        Begin::OtherRequest => return Err(Code::IdempotencyKeyReused.into()),
        Begin::Done { status, body } => return Ok(replay(status, body)),
    }
    let work = async move {
        let response = next.run(request).await;
        keep(&site, &caller, &key, response).await
    };
    match tokio::spawn(Origin::carry(work.in_current_span())).await {
        Ok(response) => response,
        Err(_) => Err(Code::Internal.into()),
    }
}

fn replay(status: i64, body: String) -> Response {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    (status.unwrap_or(StatusCode::OK), headers, body).into_response()
}

async fn keep(site: &Site, caller: &Caller, key: &str, response: Response) -> Result<Response, Failure> {
    // What may have happened must not be done again by the next try: its key stays taken for some minutes.
    let unclear = [Code::ProviderUnclear, Code::StorageUnavailable, Code::Internal];
    if !response.status().is_success() {
        if !problem::code_of(&response).is_some_and(|code| unclear.contains(&code)) {
            site.app.idempotency_abandon(caller, key).await?;
        }
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body: Bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|_| Code::Internal)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    // What was done is done: that its answer could not be kept is no reason to say that it failed.
    if let Err(problem) = site.app.idempotency_finish(caller, key, parts.status.as_u16(), text).await {
        tracing::error!(%problem, "an answer was not kept for its idempotency key");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}
