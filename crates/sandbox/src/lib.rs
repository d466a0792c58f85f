//! A Twilio and a Vapi of our own on one port.
//!
//! It speaks the two providers' wire formats over real HTTP, so that Dialtone can be tried without an
//! account and tested from outside. It knows none of the other crates of the workspace: it is a witness,
//! and shares no code and no assumption with the clients it tests.
//!
//! Every simulated behaviour names the section of the facts file it comes from (`T` Twilio, `V` Vapi) and
//! the confidence letter given there: `[S]` specification, `[D]` documentation, `[C]` client source,
//! `[E]` error dictionary, `[X]`/`[W]` seen on the wire, `[I]`/`[R]` reports, `[?]` not verified.

#![allow(rustdoc::broken_intra_doc_links, reason = "[S], [D], … are marks of confidence, not links")]

mod calling_codes;
mod calls;
mod clock;
mod control;
mod faults;
mod geo;
mod http;
mod ids;
mod jobs;
mod limits;
mod log;
mod multipart;
mod outbound;
mod page;
mod phones;
mod provider;
mod routes;
mod rows;
mod save;
mod scenario;
mod server;
mod settings;
mod spec;
mod state;
mod storage;
mod twilio;
mod vapi;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use spec::watch::Strict;

/// How a sandbox starts. By default: in the state that the README describes, at the real time.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Makes a run repeatable: the ids follow from it, and time stands until it is moved.
    pub seed: Option<u64>,
    /// How many times as fast as the real time the virtual one runs.
    pub speed: Option<f64>,
    /// A file that the state is loaded from, when there is one already, and saved to (see [`Sandbox::save`]).
    pub state: Option<PathBuf>,
    /// A file with a scenario, which is played from the start, unless a state was loaded.
    pub scenario: Option<PathBuf>,
    /// Whether requests and answers are held against the official descriptions.
    pub strict: Strict,
}

/// A running sandbox. Dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Sandbox {
    addr: SocketAddr,
    shared: Arc<state::Shared>,
    task: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox in its default state on `addr`; port 0 takes a free port (see [`Sandbox::url`]).
    /// Must be called on a Tokio runtime with I/O and time enabled. Fails when the port cannot be bound.
    pub async fn start(addr: SocketAddr) -> io::Result<Sandbox> {
        Sandbox::open(addr, Options::default()).await
    }

    /// Starts a sandbox as the options say. Fails also when a saved state cannot be loaded.
    pub async fn open(addr: SocketAddr, options: Options) -> io::Result<Sandbox> {
        let loaded = options.state.as_deref().map(save::load).transpose()?.flatten();
        let fresh = loaded.is_none();
        let mut world = loaded.unwrap_or_else(|| state::World::new(options.seed));
        if let Some(speed) = options.speed {
            world.clock.set_speed(speed);
        }
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(state::Shared::new(world, addr.to_string(), options.state));
        if let Some(path) = options.scenario.filter(|_| fresh) {
            let text = std::fs::read_to_string(path)?;
            scenario::open(&shared, &text).await.map_err(io::Error::other)?;
        }
        shared.watch.set_mode(options.strict);
        let (serving, driver) = (Arc::clone(&shared), jobs::drive(Arc::clone(&shared)));
        let task = async move {
            tokio::select! {
                () = server::serve(listener, serving) => {}
                () = driver => {}
            }
        };
        Ok(Sandbox { addr, shared, task: tokio::spawn(task) })
    }

    /// Saves the state in the file that the sandbox was started with; without one, nothing happens.
    pub fn save(&self) -> io::Result<()> {
        match &self.shared.state_file {
            Some(path) => save::store(&self.shared.lock(), path),
            None => Ok(()),
        }
    }

    /// Where it listens, for example `http://127.0.0.1:8090`. Twilio's products are below
    /// `/twilio/{product}`, Vapi is below `/vapi`, the control API below `/sandbox`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops it and waits until its port is closed.
    pub async fn stop(mut self) {
        self.task.abort();
        // The only way out of the accept loop is the abort just asked for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}
