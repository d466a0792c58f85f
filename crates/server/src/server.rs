//! The listener: what HTTP may bring, who gets a connection, and a stop that lets answers finish.

use crate::connections::{ConnectionLimits, Connections, Ending, Place, Seat};
use crate::router;
use crate::site::Site;
use crate::wire::{Arriving, Leaving, Watched};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use dialtone_app::App;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use ipnet::IpNet;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tower::ServiceExt;
use url::Url;

/// After a failed accept (no file handles left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The head of a request: its line, its headers, and what of its body came with them.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Requests that one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 100;
/// HTTP/2 requests that were taken back before they were looked at; one more ends the connection.
const RESETS_MAX: usize = 20;
/// Bytes of an HTTP/2 request that may arrive before somebody reads them, and of an answer that wait to leave.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
/// How often an HTTP/2 peer is asked whether it lives.
const ALIVE: Duration = Duration::from_secs(30);
/// At a stop: how long a connection that has just come may take to say what it wants.
const LAST_WORD: Duration = Duration::from_millis(500);

/// What can be chosen about a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where browsers reach it; `http://<address>` where it is left out.
    pub public_url: Option<Url>,
    /// How many connections it holds, and how slow they may be.
    pub connections: ConnectionLimits,
    /// Proxies: who they say that they speak for is believed, and their connections are those of many people.
    pub trusted_proxies: Vec<IpNet>,
    /// How many requests one member or one address may make a minute, and how many of them at once.
    pub requests_per_minute: u32,
    /// How long a stop waits for answers that are on their way.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: None,
            connections: ConnectionLimits::default(),
            trusted_proxies: Vec::new(),
            requests_per_minute: 12_000,
            patience: Duration::from_secs(8),
        }
    }
}

/// A server that listens. Dropping it closes its port; [`Server::stop`] lets it finish first.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts to listen; port 0 takes a free one.
    ///
    /// # Errors
    /// The port is taken, or the routes and the access table do not fit each other.
    pub async fn start(app: App, listen: SocketAddr, options: Options) -> io::Result<Server> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let here = || Url::parse(&format!("http://{addr}")).map_err(io::Error::other);
        let public_url = options.public_url.clone().map_or_else(here, Ok)?;
        let site = Site::new(app, public_url, &options, stopping.clone());
        let router = router::build(&site)?;
        let trusted = &options.trusted_proxies;
        let connections = Connections::new(options.connections, trusted, site.metrics.connections.clone());
        let door = Arc::new(Door { http: http(), router, connections, stopping });
        let task = tokio::spawn(serve(listener, door, options.patience));
        Ok(Server { addr, stop, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes no more connections, lets answers finish for as long as the options say, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // It ends by itself within the options' patience; a panic of it has nothing left to end.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The time of heads and of silence is kept by [`Place`]: hyper's own clock starts only with the first byte that is
/// HTTP/1, and cannot tell a slow head from a quiet connection.
fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(RESETS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_WINDOW as usize)
        .keep_alive_interval(ALIVE)
        .keep_alive_timeout(ALIVE);
    http
}

/// What every connection needs.
struct Door {
    http: Builder<TokioExecutor>,
    router: Router,
    connections: Connections,
    stopping: watch::Receiver<bool>,
}

async fn serve(listener: TcpListener, door: Arc<Door>, patience: Duration) {
    let mut stopping = door.stopping.clone();
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => door.open(&mut tasks, stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    door.connections.give_way();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = tasks.join_next() => (),
            _ = stopping.changed() => break,
        }
    }
    accept_waiting(listener, &door, &mut tasks);
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, all).await.is_err() {
        tracing::warn!("stopped while answers were still on their way");
    }
}

/// Takes whoever has connected already, and then nobody any more. The system is asked itself: the runtime may not have
/// heard of them yet.
fn accept_waiting(listener: TcpListener, door: &Arc<Door>, tasks: &mut JoinSet<()>) {
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        if let Ok(stream) = stream {
            door.open(tasks, stream, peer);
        }
    }
}

impl Door {
    /// Serves a connection in a task of its own, if there is a place for it.
    fn open(self: &Arc<Self>, tasks: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
        let Some(place) = self.connections.admit(peer.ip()) else { return };
        // Answers are small and must not wait for more.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended at once");
            return;
        }
        let id = place.id();
        let task = tasks.spawn(Arc::clone(self).connection(stream, peer, place));
        self.connections.served_by(id, task);
    }

    /// Until the connection ends, is too slow, or the server stops.
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: Place) {
        let io = TokioIo::new(Watched { stream, seat: place.seat.clone() });
        let (door, seat) = (Arc::clone(&self), Arc::clone(&place.seat));
        let service = service_fn(move |request| Arc::clone(&door).answer(request, peer, Arc::clone(&seat)));
        let mut serving = pin!(self.http.serve_connection(io, service));
        let mut overdue = pin!(place.overdue());
        let mut last_word = pin!(self.last_word(&place));
        let mut told = false;
        loop {
            tokio::select! {
                ended = serving.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                () = &mut overdue => return,
                () = &mut last_word, if !told => {
                    told = true;
                    serving.as_mut().graceful_shutdown();
                }
            }
        }
    }

    /// Until the server stops, and a moment longer for a connection that has not asked anything yet.
    async fn last_word(&self, place: &Place) {
        // An error means that the server is gone, which is a stop as well.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
        if place.seat.is_fresh() {
            tokio::time::sleep(LAST_WORD).await;
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: hyper::Request<Incoming>,
        peer: SocketAddr,
        seat: Arc<Seat>,
    ) -> Result<axum::response::Response, Infallible> {
        let version = request.version();
        let asked = seat.begin(version == Version::HTTP_2);
        let ending = Ending(asked.clone());
        let end = Instant::now() + self.connections.limits.body;
        let mut request: Request = request.map(|body| Body::new(Arriving::new(body, asked, end)));
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut response = self.router.clone().oneshot(request).await?;
        // What is left of the body would be read as the next request: the connection ends, and says so.
        if version != Version::HTTP_2 && !ending.0.is_whole() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Body::new(Leaving { body, _ending: ending })))
    }
}
