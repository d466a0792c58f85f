//! A server with its application and workers, from its start to its graceful end.

use crate::failure::{Failure, Result};
use dialtone_app::{App, Config, Workers};
use dialtone_domain::{Language, Problem};
use dialtone_server::Server;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// How long operations at hand may take to finish when the server stops.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that answers.
pub(crate) struct Running {
    /// The application, for what is done beside HTTP.
    pub(crate) app: App,
    server: Server,
    workers: Workers,
}

impl Running {
    /// Opens the application and answers on the address.
    pub(crate) async fn start(config: Config, listen: SocketAddr) -> Result<Self> {
        let app = App::open(config).await.map_err(|error| Failure::Error(error.to_string()))?;
        let server = Server::start(app.clone(), listen, dialtone_server::Options::default())
            .await
            .map_err(|error| Failure::because(format!("The server cannot listen on {listen}"), error))?;
        let workers = app.start_workers().await.map_err(|problem| told(&problem))?;
        Ok(Self { app, server, workers })
    }

    /// Answers what is being asked, finishes what is at hand, and ends.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.workers.stop(PATIENCE).await;
        self.app.close().await;
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

/// Until the process is asked to end.
pub(crate) async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("a runtime with signals is running");
        tokio::select! {
            _ = tokio::signal::ctrl_c() => (),
            _ = terminate.recv() => (),
        }
    }
    #[cfg(not(unix))]
    // Without signals there is only the end of the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
