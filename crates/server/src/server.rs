//! The listener: limits on connections, on the time that headers take and on idle ones, and a stop that lets
//! answers finish.

use crate::router;
use crate::site::Site;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use dialtone_app::App;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tower::ServiceExt;
use url::Url;

/// How long the head of a request may take, and how long a connection may stay idle.
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);
/// After a failed accept (no file handles left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Requests that one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 100;

/// What can be chosen about a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where browsers reach it; `http://<address>` where it is left out.
    pub public_url: Option<Url>,
    /// How many connections it holds; more of them wait.
    pub connections_max: usize,
    /// How long a stop waits for answers that are on their way.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { public_url: None, connections_max: 1024, patience: Duration::from_secs(10) }
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
        let site = Site::new(app, public_url, stopping.clone());
        let router = router::build(&site)?;
        let task = tokio::spawn(serve(listener, router, options, stopping));
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

fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME_MAX);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(HEADER_TIME_MAX)
        .keep_alive_timeout(HEADER_TIME_MAX);
    http
}

async fn serve(listener: TcpListener, router: Router, options: Options, mut stopping: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(options.connections_max));
    let graceful = GracefulShutdown::new();
    let http = http();
    loop {
        let slot = Arc::clone(&slots).acquire_owned();
        let accepted = tokio::select! {
            accepted = async { (slot.await, listener.accept().await) } => accepted,
            _ = stopping.changed() => break,
        };
        match accepted {
            (Ok(slot), Ok((stream, peer))) => connection(&http, &graceful, &router, stream, peer, slot),
            (_, Err(error)) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (Err(_), _) => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(options.patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("stopped while answers were still on their way");
    }
}

/// Serves one connection in a task of its own, which gives its slot back at the end.
fn connection(
    http: &Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    router: &Router,
    stream: TcpStream,
    peer: SocketAddr,
    slot: OwnedSemaphorePermit,
) {
    // Answers are small and must not wait for more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended at once");
        return;
    }
    let router = router.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let serving = http.serve_connection(TokioIo::new(stream), service).into_owned();
    let serving = graceful.watch(serving);
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(slot);
    });
}
