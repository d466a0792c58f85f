//! A transaction, as queries see it: one connection of either engine, and what has happened so far.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::Fault;
use crate::origin::Origin;
use crate::schema::Table;
use crate::sql::Sql;
use crate::value::{FromRow, Row, Value};
use crate::wake::{Topic, Topics};
use crate::{Engine, Error, Result, Sealed, instance};

/// A step of a transaction's life; each engine has its own words for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// Starts a transaction that changes the schema, alone.
    Migrate,
    /// Starts a transaction that writes, with a savepoint for its first job.
    Write,
    /// Starts a transaction that sees one committed state.
    Read,
    /// Keeps what the last job did, and sets the next one's savepoint.
    Keep,
    /// Takes back what the last job did; its savepoint serves the next one.
    Undo,
    Commit,
    Rollback,
}

/// One connection of an engine.
pub(crate) trait Connection {
    fn engine(&self) -> Engine;

    /// The engine's words for a step.
    fn words(&self, step: Step) -> &'static str;

    /// Runs statements without parameters.
    fn batch(&mut self, text: &str) -> Result<(), Fault>;

    /// Runs one statement; answers how many rows it changed.
    fn exec(&mut self, sql: Sql, params: &[Value]) -> Result<u64, Fault>;

    /// Runs one statement and hands over its rows.
    fn query(
        &mut self,
        sql: Sql,
        params: &[Value],
        each: &mut dyn FnMut(&mut Row<'_>) -> Result<()>,
    ) -> Result<(), Fault>;

    /// Keeps a copy of the whole database before it is brought to that version, where the engine can. Outside of a
    /// transaction.
    fn copy_before(&mut self, version: i64) -> Result<()>;

    /// Adds many rows to a table.
    fn fill(
        &mut self,
        table: &Table,
        rows: &mut dyn Iterator<Item = Result<Vec<Value>>>,
    ) -> Result<(), Fault>;

    /// What the engine does beside after a commit, when everyone has been answered.
    fn committed(&mut self, topics: Topics);
}

/// A transaction in progress. What a closure does with it is kept as a whole or not at all.
pub struct Tx {
    connection: Box<dyn Connection>,
    topics: Topics,
    /// Whose request the running job serves.
    origin: Option<Arc<Origin>>,
    /// Whether a job since the last savepoint is to be kept.
    kept: bool,
    /// Whether a statement of the running job failed.
    failed: bool,
    /// Why the transaction is over, once it is.
    over: Option<Fault>,
    /// The oldest version of the data keys that may seal, once the running job has asked.
    sealing_from: Option<i64>,
}

impl Tx {
    pub(crate) fn new(connection: Box<dyn Connection>) -> Self {
        Self {
            connection,
            topics: Topics::default(),
            origin: None,
            kept: false,
            failed: false,
            over: None,
            sealing_from: None,
        }
    }

    /// The engine below.
    pub(crate) fn engine(&self) -> Engine {
        self.connection.engine()
    }

    /// Runs one statement; answers how many rows it changed.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the schema refuses the row; after any error the closure cannot be kept.
    pub(crate) fn exec(&mut self, sql: Sql, params: &[Value]) -> Result<u64> {
        self.run(params, |connection| connection.exec(sql, params))
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// As [`Tx::exec`].
    pub(crate) fn all<R: FromRow>(&mut self, sql: Sql, params: &[Value]) -> Result<Vec<R>> {
        self.run(params, |connection| {
            let mut rows = Vec::new();
            connection.query(sql, params, &mut |row| {
                rows.push(R::from_row(row)?);
                Ok(())
            })?;
            Ok(rows)
        })
    }

    /// Hands over the rows of a statement one by one, however many there are.
    ///
    /// # Errors
    /// As [`Tx::exec`], and whatever `each` answers.
    pub(crate) fn each(
        &mut self,
        sql: Sql,
        params: &[Value],
        each: &mut dyn FnMut(&mut Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.run(params, |connection| connection.query(sql, params, each))
    }

    /// Adds many rows to a table.
    ///
    /// # Errors
    /// As [`Tx::exec`], and the first error among the rows.
    pub(crate) fn fill(
        &mut self,
        table: &Table,
        rows: &mut dyn Iterator<Item = Result<Vec<Value>>>,
    ) -> Result<()> {
        self.run(&[], |connection| connection.fill(table, rows))
    }

    /// The first row of a statement, if it has one.
    ///
    /// # Errors
    /// As [`Tx::exec`].
    pub(crate) fn opt<R: FromRow>(&mut self, sql: Sql, params: &[Value]) -> Result<Option<R>> {
        Ok(self.all(sql, params)?.into_iter().next())
    }

    /// The first row of a statement that always has one.
    ///
    /// # Errors
    /// [`Error::Internal`] if it has none; else as [`Tx::exec`].
    pub(crate) fn one<R: FromRow>(&mut self, sql: Sql, params: &[Value]) -> Result<R> {
        self.opt(sql, params)?.ok_or_else(|| Error::Internal(format!("no row at {sql}")))
    }

    pub(crate) fn set_origin(&mut self, origin: Option<Arc<Origin>>) {
        self.origin = origin;
    }

    /// The request that the running closure serves, if it serves one.
    pub(crate) fn origin(&self) -> Option<Arc<Origin>> {
        self.origin.clone()
    }

    /// Wakes those who wait for the topic, here and on other nodes, once the transaction is committed.
    pub fn wake(&mut self, topic: Topic) {
        self.topics.add(topic);
    }

    /// Refuses a value of a data key that is about to be destroyed: it was sealed before a rotation got so far. Read
    /// in this transaction, so that no rotation can pass between the look and the write.
    fn check_version(&mut self, value: &Sealed) -> Result<()> {
        let sealing_from = match self.sealing_from {
            Some(version) => version,
            None => instance::get(self)?.map_or(0, |instance| instance.sealing_from),
        };
        self.sealing_from = Some(sealing_from);
        if value.parts().is_none_or(|(version, _)| version < sealing_from) {
            self.failed = true;
            return Err(Error::Busy);
        }
        Ok(())
    }

    fn run<T>(
        &mut self,
        params: &[Value],
        statement: impl FnOnce(&mut dyn Connection) -> Result<T, Fault>,
    ) -> Result<T> {
        if params.iter().any(|value| matches!(value, Value::Text(text) if text.contains('\0'))) {
            self.failed = true;
            return Err(Error::Nul);
        }
        if self.over.is_some() {
            return Err(Error::Busy);
        }
        for value in params {
            if let Value::Sealed(value) = value {
                self.check_version(value)?;
            }
        }
        let fault = match statement(&mut *self.connection) {
            Ok(value) => return Ok(value),
            Err(fault) => fault,
        };
        self.failed = true;
        match fault {
            Fault::Statement(error) => Err(error),
            fault => {
                self.over = Some(fault);
                Err(Error::Busy)
            }
        }
    }

    pub(crate) fn step(&mut self, step: Step) -> Result<(), Fault> {
        self.connection.batch(self.connection.words(step))
    }

    pub(crate) fn batch(&mut self, text: &str) -> Result<(), Fault> {
        self.connection.batch(text)
    }

    /// Keeps a copy of the whole database before it is brought to that version, where the engine can.
    pub(crate) fn copy_before(&mut self, version: i64) -> Result<()> {
        self.connection.copy_before(version)
    }

    /// Starts a transaction.
    pub(crate) fn begin(&mut self, step: Step) -> Result<(), Fault> {
        (self.topics, self.kept, self.failed, self.over) = (Topics::default(), false, false, None);
        self.step(step)
    }

    /// Runs one job of a transaction, which says whether it is to be kept; else it has done nothing.
    /// Answers with the error that takes the place of the job's own answer, if there is one.
    pub(crate) fn job(&mut self, job: impl FnOnce(&mut Tx) -> bool) -> Result<Option<Error>, Fault> {
        if std::mem::take(&mut self.kept) {
            self.step(Step::Keep)?;
        }
        (self.failed, self.sealing_from) = (false, None);
        let topics = self.topics;
        let outcome = catch_unwind(AssertUnwindSafe(|| job(self)));
        if let Some(fault) = self.over.take() {
            return Err(fault);
        }
        let instead = match outcome {
            Ok(true) if !self.failed => {
                self.kept = true;
                return Ok(None);
            }
            Ok(true) => Some(Error::Internal("a statement failed, and the closure went on".to_owned())),
            Ok(false) => None,
            Err(_) => Some(Error::Internal("a closure panicked".to_owned())),
        };
        self.topics = topics;
        self.step(Step::Undo)?;
        Ok(instead)
    }

    /// Commits; from here on a lost connection leaves open whether it happened.
    pub(crate) fn commit(&mut self) -> Result<Topics, Fault> {
        match self.step(Step::Commit) {
            Ok(()) => Ok(std::mem::take(&mut self.topics)),
            Err(Fault::Lost(_)) => Err(Fault::Over(Error::Unclear)),
            Err(fault) => Err(fault),
        }
    }

    pub(crate) fn committed(&mut self, topics: Topics) {
        self.connection.committed(topics);
    }
}
