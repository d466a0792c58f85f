//! The listener: HTTP/1.1 with limits on header time, body time, body size and connections, and answers
//! that can be cut off in the middle of the wire.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::http::{Reply, Request};
use crate::provider::Delivery;
use crate::state::Shared;
use crate::{control, provider};

/// How long a body may be, by the beginning of its path: the first that fits. Media and documents have up to
/// 10 MB at both providers (T13, T20 [D]), and more in base64.
const BODY_BYTES_MAX: [(&str, usize); 4] = [
    ("/sandbox/snapshot", 1024 * 1024 * 1024),
    ("/sandbox/messages", 16 * 1024 * 1024),
    ("/sandbox/", 2 * 1024 * 1024),
    ("/", 16 * 1024 * 1024),
];
const BODY_READ_MAX: Duration = Duration::from_secs(10);
const HEADER_READ_MAX: Duration = Duration::from_secs(30);
const CONNECTIONS_MAX: usize = 1_024;
/// After a failed accept (no file handles left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Ends a connection without (the rest of) an answer.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for Cut {}

type Body = UnsyncBoxBody<Bytes, Cut>;

/// Accepts connections until it is aborted; all connections end with it.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore is never closed");
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            connection(stream, shared).await;
            drop(slot);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Without it, small answers on a connection that stays open would wait for each other.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_READ_MAX);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// An error from here makes hyper close the connection without writing an answer.
async fn answer(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Response<Body>, Cut> {
    let request = match read(request).await {
        Ok(request) => request,
        Err(refusal) => return Ok(whole(refusal)),
    };
    if request.path == "/sandbox" || request.path.starts_with("/sandbox/") {
        return Ok(whole(control::handle(&shared, &request).await));
    }
    match provider::handle(&shared, &request).await {
        Delivery::Whole(reply) => Ok(whole(reply)),
        Delivery::Half(reply) => Ok(half(&reply)),
        Delivery::Nothing => Err(Cut),
    }
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, Reply> {
    let (head, body) = request.into_parts();
    let refusal = |status, sentence: &str| Reply::json(status, &serde_json::json!({"error": sentence}));
    let fits = |(start, _): &&(&str, usize)| head.uri.path().starts_with(start);
    let most = BODY_BYTES_MAX.iter().find(fits).map_or(0, |(_, most)| *most);
    let body = timeout(BODY_READ_MAX, Limited::new(body, most).collect()).await;
    let body = body.map_err(|_| refusal(408, "the body took too long"))?;
    let body = body.map_err(|_| refusal(413, "the body is too long or broke off"))?;
    Ok(Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
    })
}

fn head(reply: &Reply) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() =
        StatusCode::from_u16(reply.status).expect("statuses are constants or checked when a fault is added");
    if !reply.body.is_empty() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    for (name, value) in &reply.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(*name, value);
        }
    }
    response
}

fn whole(reply: Reply) -> Response<Body> {
    let never = |never: Infallible| match never {};
    head(&reply).map(|()| Full::new(reply.body).map_err(never).boxed_unsync())
}

/// Announces the full length, sends half of it, and breaks off.
fn half(reply: &Reply) -> Response<Body> {
    let mut response = head(reply);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    let sent = reply.body.slice(..reply.body.len() / 2);
    let broken = stream::unfold(Some(sent), |sent| async move {
        match sent {
            Some(bytes) => Some((Ok(Frame::data(bytes)), None)),
            None => {
                // One turn of the scheduler, so that what was sent is flushed before the cut.
                tokio::task::yield_now().await;
                Some((Err(Cut), None))
            }
        }
    });
    response.map(|()| BodyExt::boxed_unsync(StreamBody::new(broken)))
}
