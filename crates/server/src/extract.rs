//! What handlers take from a request: who asks, a checked body or query, ids.

use crate::address::ClientAddress;
use crate::auth::Caller;
use crate::cookies;
use crate::input::{self, Fault, Input};
use crate::problem::Failure;
use crate::wire::TooSlow;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use dialtone_app::{Device, LineRef};
use dialtone_domain::{Code, Language, Problem, text};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use std::error::Error;
use std::str::FromStr;

/// The largest body that is read.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// The most fields that a form or a query is read to.
pub(crate) const PAIRS_MAX: usize = 200;

/// How much of a body that is too large is read on: whoever still sends does not hear the answer.
const DISCARDED_MAX: usize = 2 << 20;

/// The whole body, within the limit of size; the connection keeps its time.
///
/// # Errors
/// [`Code::TooLarge`], [`Code::RequestTimeout`], [`Code::InvalidRequest`] where it broke off.
pub(crate) async fn read_body(body: axum::body::Body, bytes_max: usize) -> Result<Bytes, Failure> {
    let mut body = Limited::new(body, DISCARDED_MAX);
    let (mut read, mut bytes) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error {
            error if error.is::<LengthLimitError>() => Code::TooLarge,
            error if is_too_slow(&*error) => Code::RequestTimeout,
            // There is hardly anyone left to tell.
            _ => Code::InvalidRequest,
        })?;
        let data = frame.into_data().unwrap_or_default();
        read += data.len();
        if read <= bytes_max {
            bytes.extend_from_slice(&data);
        }
    }
    if read > bytes_max { Err(Code::TooLarge.into()) } else { Ok(bytes.into()) }
}

fn is_too_slow(error: &(dyn Error + 'static)) -> bool {
    error.is::<TooSlow>() || error.source().is_some_and(is_too_slow)
}

/// The pairs of a form or a query, of which nobody sends more than [`PAIRS_MAX`] in good faith.
///
/// # Errors
/// [`Code::TooLarge`].
pub(crate) fn pairs(text: &[u8]) -> Result<Vec<(String, String)>, Code> {
    let pairs = url::form_urlencoded::parse(text).take(PAIRS_MAX + 1);
    let pairs: Vec<_> = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    if pairs.len() > PAIRS_MAX { Err(Code::TooLarge) } else { Ok(pairs) }
}

/// Who asks, and the language to answer in.
pub(crate) struct Me {
    pub(crate) caller: Caller,
    pub(crate) language: Language,
}

impl<S: Sync> FromRequestParts<S> for Me {
    type Rejection = Failure;

    /// The access table lets nobody in here without a caller; a route that it calls public has none.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let caller = parts.extensions.get::<Caller>().cloned().ok_or(Code::NotSignedIn)?;
        Ok(Self { caller, language: language(parts) })
    }
}

/// Where the request comes from.
pub(crate) struct Visitor(pub(crate) Device);

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        // The outermost layer puts it into every request.
        let ClientAddress(address) = parts.extensions.get().copied().ok_or(Code::Internal)?;
        let user_agent = parts.headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let user_agent = user_agent.unwrap_or_default().into_owned();
        let (known, ceremony) = (cookies::known(&parts.headers), cookies::ceremony(&parts.headers));
        Ok(Self(Device { address, user_agent, known, ceremony }))
    }
}

fn language(parts: &Parts) -> Language {
    parts.extensions.get().copied().unwrap_or_default()
}

fn whole(language: Language, fault: &'static str) -> Failure {
    Problem::field("", text::text(language, fault, &Fault::of(fault).1)).into()
}

/// A checked JSON body. None at all is read as `{}`.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Sync, T: Input> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(body, BODY_BYTES_MAX).await?;
        let language = language(&parts);
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let json = kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json");
        let fields = match (bytes.is_empty(), json) {
            (true, _) => Map::new(),
            (false, false) => return Err(Code::UnsupportedMediaType.into()),
            (false, true) => match serde_json::from_slice(&bytes) {
                Ok(Value::Object(fields)) => fields,
                _ => return Err(whole(language, "validation.type")),
            },
        };
        input::read(&fields, language).map(Self).map_err(Failure::fields)
    }
}

/// A checked query. A field that is there twice, or that nobody knows, is a fault.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync, T: Input> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let language = language(parts);
        let mut fields = Map::new();
        for (name, value) in pairs(parts.uri.query().unwrap_or_default().as_bytes())? {
            if fields.insert(name.clone(), Value::from(value)).is_some() {
                let message = text::text(language, "validation.type", &Fault::of("validation.type").1);
                return Err(Problem::field(&name, message).into());
            }
        }
        input::read(&fields, language).map(Self).map_err(Failure::fields)
    }
}

/// The line that the path names, by its id or by its number as the caller's country writes it.
pub(crate) struct NamedLine(pub(crate) LineRef);

impl<S: Sync + Send> FromRequestParts<S> for NamedLine {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Id(text) = Id::<String>::from_request_parts(parts, state).await?;
        // Whoever names a line was let in by a rule of the access table.
        let caller = parts.extensions.get::<Caller>().ok_or(Code::NotSignedIn)?;
        Ok(Self(LineRef::parse(&text, caller.organisation.country)?))
    }
}

/// The one parameter of the path; what cannot be an id is answered as what does not exist.
pub(crate) struct Id<T>(pub(crate) T);

impl<S: Sync + Send, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let found: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        let id = found.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| Code::NotFound.into())
    }
}
