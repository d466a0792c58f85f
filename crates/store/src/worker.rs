//! The loop of the threads that own a connection, the same for both engines: take what waits into one
//! transaction with a savepoint per job, commit, and only then answer everyone.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::Span;

use crate::error::Fault;
use crate::origin::Origin;
use crate::queue::Queue;
use crate::tx::{Step, Tx};
use crate::wake::{Topics, Wakeups};
use crate::{Error, Result};

/// A transaction takes no more jobs after this time.
const BATCH_TIME: Duration = Duration::from_millis(5);
/// How often, and for how long, a job is run again that others got in the way of.
const ATTEMPTS: u32 = 50;
const ATTEMPTS_TIME: Duration = Duration::from_secs(10);

/// Gives others time to finish what is in the way.
#[expect(clippy::disallowed_methods, reason = "nobody announces that another process's lock is free")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A closure that waits to be run, whatever its types.
pub(crate) trait Job: Send {
    /// Whether nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Runs the closure and keeps its answer; says whether its changes are to be kept.
    fn run(&mut self, tx: &mut Tx) -> bool;
    /// Sends the answer, or the error that takes its place.
    fn answer(self: Box<Self>, instead: Option<Error>);
}

/// The one job: a closure, its answer and who waits for it.
pub(crate) struct Work<F, T, E> {
    pub(crate) body: F,
    pub(crate) origin: Option<Arc<Origin>>,
    pub(crate) outcome: Option<Result<T, E>>,
    pub(crate) reply: oneshot::Sender<Result<T, E>>,
    /// Who asked: what is logged while the closure runs belongs to them.
    pub(crate) asker: Span,
    /// From now until the answer.
    pub(crate) span: Span,
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: Fn(&mut Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut Tx) -> bool {
        let _asker = self.asker.enter();
        let _span = self.span.enter();
        tx.set_origin(self.origin.clone());
        let outcome = (self.body)(tx);
        self.outcome.insert(outcome).is_ok()
    }

    fn answer(self: Box<Self>, instead: Option<Error>) {
        let not_run = || Error::Internal("a job was answered before it ran".to_owned());
        let outcome = match instead {
            Some(error) => Err(error.into()),
            None => self.outcome.unwrap_or_else(|| Err(not_run().into())),
        };
        // Whoever went away meanwhile does not need the answer.
        let _ = self.reply.send(outcome);
    }
}

/// What the threads have done since the start, for the metrics.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) jobs: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// What the threads of one kind share.
pub(crate) struct Worker {
    pub(crate) queue: Arc<Queue<Box<dyn Job>>>,
    pub(crate) connect: Box<dyn Fn() -> Result<Tx> + Send + Sync>,
    /// How a transaction starts: [`Step::Write`] or [`Step::Read`].
    pub(crate) start: Step,
    /// The most jobs in one transaction.
    pub(crate) batch: usize,
    pub(crate) wakeups: Arc<Wakeups>,
    pub(crate) counters: Arc<Counters>,
    /// Whoever runs a job again holds this, so that the threads of one process do not chase each other.
    pub(crate) again: Arc<Mutex<()>>,
}

/// A job that a transaction has run, and the error that takes the place of its answer.
struct Ran {
    job: Box<dyn Job>,
    instead: Option<Error>,
}

impl From<Box<dyn Job>> for Ran {
    fn from(job: Box<dyn Job>) -> Self {
        Self { job, instead: None }
    }
}

impl Worker {
    /// Serves the queue until it is closed and empty.
    pub(crate) fn run(&self) {
        let mut connection = None;
        while let Some(job) = self.queue.pop() {
            if !job.abandoned() {
                self.serve(&mut connection, job);
            }
        }
    }

    fn serve(&self, connection: &mut Option<Tx>, first: Box<dyn Job>) {
        let mut batch = vec![Ran::from(first)];
        match self.attempt(connection, &mut batch, self.batch) {
            Ok(topics) => self.finish(connection, batch, topics),
            Err(Fault::Retry | Fault::Lost(_)) => {
                batch.into_iter().for_each(|ran| self.serve_again(connection, ran.job));
            }
            Err(fault) => refuse(batch, &fault.into_error()),
        }
    }

    /// Runs a job alone, again and again while others get in the way or the connection is lost.
    fn serve_again(&self, connection: &mut Option<Tx>, job: Box<dyn Job>) {
        let _turn = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        let started = Instant::now();
        let mut batch = vec![Ran::from(job)];
        for attempt in 1..=ATTEMPTS {
            self.counters.retries.fetch_add(1, Relaxed);
            match self.attempt(connection, &mut batch, 1) {
                Ok(topics) => return self.finish(connection, batch, topics),
                Err(Fault::Retry | Fault::Lost(_)) if started.elapsed() < ATTEMPTS_TIME => {
                    pause(Duration::from_millis(u64::from(attempt.min(20))));
                }
                Err(fault) => return refuse(batch, &fault.into_error()),
            }
        }
        refuse(batch, &Error::Busy);
    }

    /// One transaction from beginning to commit, on a connection that is made if there is none.
    fn attempt(
        &self,
        connection: &mut Option<Tx>,
        batch: &mut Vec<Ran>,
        limit: usize,
    ) -> Result<Topics, Fault> {
        let tx = match connection {
            Some(tx) => tx,
            None => connection.insert((self.connect)().map_err(Fault::Over)?),
        };
        let outcome = self.transaction(tx, batch, limit);
        if outcome.is_err() && tx.step(Step::Rollback).is_err() {
            *connection = None;
        }
        outcome
    }

    fn transaction(&self, tx: &mut Tx, batch: &mut Vec<Ran>, limit: usize) -> Result<Topics, Fault> {
        let started = Instant::now();
        tx.begin(self.start)?;
        let mut next = 0;
        loop {
            let ran = &mut batch[next];
            ran.instead = tx.job(|tx| ran.job.run(tx))?;
            next += 1;
            if batch.len() >= limit || started.elapsed() >= BATCH_TIME {
                break;
            }
            // Whoever asked later may have seen what another connection committed after this transaction began.
            match self.queue.pop_from_before(started) {
                Some(job) => batch.push(job.into()),
                None => break,
            }
        }
        tx.commit()
    }

    /// After the commit: answers, then wakes whoever waits for what was done.
    fn finish(&self, connection: &mut Option<Tx>, batch: Vec<Ran>, topics: Topics) {
        self.counters.commits.fetch_add(1, Relaxed);
        self.counters.jobs.fetch_add(batch.len() as u64, Relaxed);
        for ran in batch {
            ran.job.answer(ran.instead);
        }
        topics.iter().for_each(|topic| self.wakeups.wake(topic));
        if let Some(tx) = connection {
            tx.committed(topics);
        }
    }
}

/// Answers everyone with the error that ended their transaction.
fn refuse(batch: Vec<Ran>, error: &Error) {
    for ran in batch {
        ran.job.answer(Some(error.clone()));
    }
}
