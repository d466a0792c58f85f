//! The store: opens the database, and carries closures to the threads that own its connections.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tracing::Span;

use crate::lock::{Lock, Share};
use crate::migrate::migrate;
use crate::origin::Origin;
use crate::postgres::{Listener, Postgres, config};
use crate::queue::{Queue, Refused};
use crate::sqlite::{Checkpointer, Keeper, Sqlite, create_file};
use crate::tx::{Step, Tx};
use crate::wake::{Topic, Wakeups};
use crate::worker::{Counters, Job, Work, Worker};
use crate::{Error, Result};

/// How many jobs may wait; the next one is answered with [`Error::Busy`].
const QUEUE: usize = 4096;
/// The most jobs in one SQLite transaction.
const SQLITE_BATCH: usize = 512;
/// How long a server waits for a command that has the database for a moment.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const SQLITE_READERS: usize = 4;
/// The most jobs in one PostgreSQL transaction: it keeps up to 64 savepoints in fast memory.
const POSTGRES_BATCH: usize = 60;
const POSTGRES_WRITERS: usize = 4;
const POSTGRES_READERS: usize = 4;

/// The two kinds of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file, one node.
    Sqlite,
    /// A server, several nodes.
    Postgres,
}

/// What the store has done since it was opened, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Closures that were run and answered, reads and writes.
    pub jobs: u64,
    /// Transactions that were committed, reads and writes.
    pub commits: u64,
    /// Closures that were run again, since another transaction got in the way or the connection was lost.
    pub retries: u64,
    /// Closures that were refused because too many were waiting.
    pub refused: u64,
}

/// An open database. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    writes: Arc<Queue<Box<dyn Job>>>,
    reads: Arc<Queue<Box<dyn Job>>>,
    wakeups: Arc<Wakeups>,
    counters: Arc<Counters>,
    closed: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where the database is.
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres(Box<::postgres::Config>),
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self> {
        match url.split_once("://") {
            Some(("sqlite", "")) => Err(Error::Url("the path is empty")),
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Box::new(config(url)?))),
            _ => Err(Error::Url("it starts with neither")),
        }
    }

    /// What keeps others from moving it away.
    fn share(&self) -> Result<Option<Share>> {
        match self {
            Self::Sqlite(path) => Share::take(path).map(Some),
            Self::Postgres(_) => Ok(None),
        }
    }

    pub(crate) fn connect_to_read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite(path) => Tx::new(Box::new(Sqlite::reader(path)?)),
            Self::Postgres(config) => Tx::new(Box::new(Postgres::connect(config)?)),
        })
    }

    pub(crate) fn connect(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite(path) => Tx::new(Box::new(Sqlite::writer(path, None)?)),
            Self::Postgres(config) => Tx::new(Box::new(Postgres::connect(config)?)),
        })
    }
}

impl Store {
    /// Opens the database, makes it if it is not there, and brings its schema up to date; also beside a server.
    /// Blocks.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Unreachable`], [`Error::Newer`], [`Error::Corrupt`]; [`Error::InUse`] while it is
    /// moved to another database; the text is a sentence for whoever starts the program.
    pub fn open(url: &str) -> Result<Self> {
        let target = Target::parse(url)?;
        let share = target.share()?;
        let lock = match &target {
            // Whoever has the lock looks after the file; else this is one more that uses it.
            Target::Sqlite(path) => match Lock::take(path, Duration::ZERO) {
                Err(Error::InUse(_)) => None,
                lock => Some(lock?),
            },
            Target::Postgres(_) => None,
        };
        Self::open_with(target, share, lock)
    }

    /// As [`Store::open`], for a server: of a SQLite database there is one at a time. Blocks.
    ///
    /// # Errors
    /// [`Error::InUse`] names the process that serves it; as [`Store::open`].
    pub fn serve(url: &str) -> Result<Self> {
        let target = Target::parse(url)?;
        let share = target.share()?;
        let lock = match &target {
            Target::Sqlite(path) => Some(Lock::take(path, LOCK_PATIENCE)?),
            Target::Postgres(_) => None,
        };
        Self::open_with(target, share, lock)
    }

    fn open_with(target: Target, share: Option<Share>, lock: Option<Lock>) -> Result<Self> {
        let mut keeper = match (&target, lock) {
            (Target::Sqlite(path), Some(lock)) => Some(Keeper::open(path, lock)?),
            (Target::Sqlite(path), None) => create_file(path).map(|()| None)?,
            (Target::Postgres(_), _) => None,
        };
        // On a thread of its own: the PostgreSQL client must not be used on an async runtime's thread.
        std::thread::scope(|scope| scope.spawn(|| migrate(&mut target.connect()?)).join())
            .unwrap_or_else(|_| Err(Error::Internal("the migration panicked".to_owned())))?;
        if let Some(keeper) = &mut keeper {
            keeper.begin()?;
        }
        let store = Self::new(&target);
        match target {
            Target::Sqlite(path) => store.start_sqlite(path, share, keeper),
            Target::Postgres(config) => store.start_postgres(*config),
        }
        .map_err(|error| Error::Unreachable(format!("no thread can be started: {error}")))?;
        Ok(store)
    }

    fn new(target: &Target) -> Self {
        let engine = match target {
            Target::Sqlite(_) => Engine::Sqlite,
            Target::Postgres(_) => Engine::Postgres,
        };
        let shared = Shared {
            engine,
            writes: Arc::new(Queue::new(QUEUE)),
            reads: Arc::new(Queue::new(QUEUE)),
            wakeups: Arc::new(Wakeups::new()),
            counters: Arc::default(),
            closed: Arc::default(),
            threads: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    fn start_sqlite(
        &self,
        path: PathBuf,
        share: Option<Share>,
        keeper: Option<Keeper>,
    ) -> std::io::Result<()> {
        let mut signal = None;
        if let Some(keeper) = keeper {
            let (sender, checkpointer) = Checkpointer::new(keeper);
            self.spawn("store-checkpoint", move || checkpointer.run())?;
            signal = Some(sender);
        }
        let file = path.clone();
        let waker = signal.clone();
        let writer = move || {
            // As long as somebody may write.
            let _ = &share;
            Ok(Tx::new(Box::new(Sqlite::writer(&file, waker.clone())?)))
        };
        self.start(Step::Write, 1, SQLITE_BATCH, writer)?;
        let reader = move || {
            // The checkpointer ends after the readers, too: only then it may be the last one.
            let _ = &signal;
            Ok(Tx::new(Box::new(Sqlite::reader(&path)?)))
        };
        self.start(Step::Read, SQLITE_READERS, 1, reader)
    }

    fn start_postgres(&self, config: ::postgres::Config) -> std::io::Result<()> {
        let (wakeups, closed) = (Arc::clone(&self.shared.wakeups), Arc::clone(&self.shared.closed));
        let listener = Listener { config: config.clone(), wakeups, closed };
        self.spawn("store-listen", move || listener.run())?;
        let connect = move || Ok(Tx::new(Box::new(Postgres::connect(&config)?)));
        self.start(Step::Write, POSTGRES_WRITERS, POSTGRES_BATCH, connect.clone())?;
        self.start(Step::Read, POSTGRES_READERS, 1, connect)
    }

    /// Starts the threads of one queue.
    fn start(
        &self,
        start: Step,
        threads: usize,
        batch: usize,
        connect: impl Fn() -> Result<Tx> + Send + Sync + 'static,
    ) -> std::io::Result<()> {
        let (queue, name) = match start {
            Step::Read => (&self.shared.reads, "store-read"),
            _ => (&self.shared.writes, "store-write"),
        };
        let worker = Arc::new(Worker {
            queue: Arc::clone(queue),
            connect: Box::new(connect),
            start,
            batch,
            wakeups: Arc::clone(&self.shared.wakeups),
            counters: Arc::clone(&self.shared.counters),
            again: Arc::default(),
        });
        (0..threads).try_for_each(|_| {
            let worker = Arc::clone(&worker);
            self.spawn(name, move || worker.run())
        })
    }

    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body)?;
        self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        self.shared.engine
    }

    /// Runs the closure in a transaction that changes data, and answers after the commit is on the disk. If
    /// the closure answers an error or panics, it has changed nothing. It may be run more than once, and only
    /// its last run counts.
    ///
    /// # Errors
    /// The closure's own; [`Error::Busy`] if too many are waiting; [`Error::Unreachable`], [`Error::Unclear`].
    pub async fn write<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.queue(&self.shared.writes, body).await
    }

    /// Runs the closure on one committed state of the data, beside all others; writing in it is an error.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn read<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.queue(&self.shared.reads, body).await
    }

    async fn queue<T, E, F>(&self, queue: &Queue<Box<dyn Job>>, body: F) -> Result<T, E>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let closed = || Error::Unreachable("it is being closed".to_owned());
        let (asker, span) = (Span::current(), tracing::debug_span!("store"));
        queue
            .push(Box::new(Work { body, origin: Origin::current(), outcome: None, reply, asker, span }))
            .map_err(|refused| match refused {
                Refused::Closed => closed(),
                Refused::Full => {
                    self.shared.counters.refused.fetch_add(1, Relaxed);
                    Error::Busy
                }
            })?;
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    /// Is marked changed whenever a transaction that called [`Tx::wake`] with the topic has been committed, here or
    /// (PostgreSQL) on another node. Only a hint: look from time to time without it, too.
    pub fn wakeups(&self, topic: Topic) -> watch::Receiver<()> {
        self.shared.wakeups.subscribe(topic)
    }

    /// What has been done since the start.
    pub fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        Stats {
            jobs: counters.jobs.load(Relaxed),
            commits: counters.commits.load(Relaxed),
            retries: counters.retries.load(Relaxed),
            refused: counters.refused.load(Relaxed),
        }
    }

    /// Takes no more work, finishes what is queued and closes the connections.
    pub async fn close(&self) {
        let store = self.clone();
        // A thread that panicked has nothing left to close.
        let _ = tokio::task::spawn_blocking(move || store.close_blocking()).await;
    }

    /// As [`Store::close`], on a thread that may block.
    pub fn close_blocking(&self) {
        self.shared.close();
        let threads =
            std::mem::take(&mut *self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }
}

impl Shared {
    fn close(&self) {
        self.closed.store(true, Relaxed);
        self.writes.close();
        self.reads.close();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}
