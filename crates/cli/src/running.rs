//! A server with its application and workers, from its start to its graceful end.

use crate::failure::{Failure, Result};
use dialtone_app::{App, Config, Workers};
use dialtone_domain::{Language, Problem};
use dialtone_server::{Options, Server};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// At a stop: how long answers and steps at hand may take to finish, and the database after them. Together they
/// stay below the ten seconds after which containers are killed.
const PATIENCE: Duration = Duration::from_secs(8);
const CLOSING: Duration = Duration::from_millis(1500);

/// A server that answers.
pub(crate) struct Running {
    /// The application, for what is done beside HTTP.
    pub(crate) app: App,
    server: Server,
    workers: Workers,
}

impl Running {
    /// Opens the application and answers on the address.
    pub(crate) async fn start(config: Config, options: Options, listen: SocketAddr) -> Result<Self> {
        let options = Options { public_url: config.public_url.parse().ok(), ..options };
        let app = App::serve(config).await.map_err(|error| Failure::Error(error.to_string()))?;
        let server = Server::start(app.clone(), listen, options)
            .await
            .map_err(|error| Failure::because(format!("The server cannot listen on {listen}"), error))?;
        let workers = app.start_workers().await.map_err(|problem| told(&problem))?;
        Ok(Self { app, server, workers })
    }

    /// Says that it will stop, goes on for `drain` so that load balancers notice, answers what is being asked, finishes
    /// what is at hand, and ends.
    pub(crate) async fn stop(self, drain: Duration) {
        self.app.begin_stop();
        tokio::time::sleep(drain).await;
        tokio::join!(self.server.stop(), self.workers.stop(PATIENCE));
        if tokio::time::timeout(CLOSING, self.app.close()).await.is_err() {
            tracing::warn!("stopped before the database had finished");
        }
    }
}

/// A problem of the application, as a command tells it.
pub(crate) fn told(problem: &Problem) -> Failure {
    Failure::Error(problem.message(Language::En))
}

/// The address with a free port in the place of port 0: what the server is called by has to be known before
/// it starts.
pub(crate) fn with_port(listen: SocketAddr) -> Result<SocketAddr> {
    if listen.port() != 0 {
        return Ok(listen);
    }
    let free = TcpListener::bind(listen).and_then(|listener| listener.local_addr());
    free.map_err(|error| Failure::because(format!("Nothing can listen on {listen}"), error))
}

/// Listens for what asks the process to end: Ctrl-C, SIGTERM. Made before anybody is told that the process
/// runs, so that it ends gracefully however early it is asked to.
pub(crate) struct StopSignal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignal {
    /// Begins to listen.
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen =
            |kind| signal(kind).map_err(|error| Failure::because("Signals cannot be listened for", error));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Until the process is asked to end.
    #[cfg(unix)]
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
        }
    }

    /// Begins to listen.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {})
    }

    /// Until the process is asked to end.
    #[cfg(not(unix))]
    pub(crate) async fn asked(&mut self) {
        // Where Ctrl-C cannot be listened for, the system ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
