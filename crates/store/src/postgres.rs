//! PostgreSQL: the twin of the SQLite writer. Several threads each own a connection; transactions that
//! write are SERIALIZABLE and are run again when they collide; other nodes are woken by NOTIFY.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error as _;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bytes::BytesMut;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};

use crate::error::Fault;
use crate::schema::Table;
use crate::sql::{Sql, sql};
use crate::tx::{Connection, Step, Tx};
use crate::value::{Row, Value, params};
use crate::wake::{Topic, Topics, Wakeups};
use crate::worker::pause;
use crate::{Engine, Error, Result, Sealed};

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the listener looks whether it shall end, and waits before it connects again.
const LISTEN_PAUSE: Duration = Duration::from_millis(200);

/// Settings of every connection: no statement or lock is waited for without end, and a commit that is
/// answered is flushed, even if the server's default says otherwise.
const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '60s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// One connection to the server.
pub(crate) struct Postgres {
    client: Client,
    /// Prepared statements by their text.
    statements: HashMap<&'static str, Statement>,
}

/// Reads the URL and sets what every connection has.
pub(crate) fn config(url: &str) -> Result<Config> {
    let mut config: Config = url.parse().map_err(|_| Error::Url("it cannot be read"))?;
    config.application_name("dialtone").keepalives_idle(Duration::from_secs(30));
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    Ok(config)
}

fn connect(config: &Config) -> Result<Client> {
    let unreachable = |error: postgres::Error| {
        let reason = match (error.code(), error.source()) {
            (Some(code), _) => refused(code.code()),
            (None, Some(source)) => format!("the server cannot be reached: {source}"),
            (None, None) => "the server cannot be reached".to_owned(),
        };
        Error::Unreachable(reason)
    };
    let mut client = config.connect(NoTls).map_err(unreachable)?;
    client.batch_execute(SESSION).map_err(unreachable)?;
    Ok(client)
}

/// Why the server refused a connection.
fn refused(code: &str) -> String {
    match code {
        "3D000" => "the server has no database of this name: make it first".to_owned(),
        "28P01" => "the server refused the user or the password".to_owned(),
        code => format!("the server refused the connection with SQLSTATE {code}"),
    }
}

/// How many connections of other Dialtones the database has.
pub(crate) fn others_connected(config: &Config) -> Result<i64> {
    let mut tx = Tx::new(Box::new(Postgres::connect(config)?));
    let others: Sql = sql!(only Postgres: "SELECT COUNT(*) FROM pg_catalog.pg_stat_activity \
        WHERE application_name = 'dialtone' AND datname = current_database() AND pid <> pg_backend_pid()");
    tx.one(others, params![]).map(|(others,)| others)
}

impl Postgres {
    /// A connection with its settings made.
    pub(crate) fn connect(config: &Config) -> Result<Self> {
        Ok(Self { client: connect(config)?, statements: HashMap::new() })
    }

    fn prepare(&mut self, sql: Sql) -> Result<Statement, Fault> {
        Ok(match self.statements.entry(sql.text) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => {
                let statement =
                    self.client.prepare(&sql.for_postgres()).map_err(|error| fault(&error, sql))?;
                entry.insert(statement).clone()
            }
        })
    }
}

/// How far an error reaches. The server's own messages may quote rows, so only codes are kept.
fn fault(error: &postgres::Error, place: &dyn std::fmt::Display) -> Fault {
    let Some(code) = error.code() else {
        let broken = error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
        return match broken {
            true => Fault::Lost("the connection was lost".to_owned()),
            false => Fault::Statement(Error::Internal(format!("a wrong parameter at {place}"))),
        };
    };
    let unreachable = |reason: &str| Fault::Over(Error::Unreachable(reason.to_owned()));
    match (code.code(), &code.code()[..2]) {
        ("40001" | "40P01", _) => Fault::Retry,
        // A prepared statement that no longer fits the schema, or is not known (a pooler between us):
        // a new connection prepares it again.
        ("0A000" | "26000", _) | (_, "08") | ("57P01" | "57P02" | "57P03", _) => {
            Fault::Lost(format!("the server ended the connection with SQLSTATE {}", code.code()))
        }
        ("53100", _) => unreachable("the server's disk is full"),
        (_, "53" | "58") => unreachable("the server lacks resources"),
        ("25006", _) => unreachable("the server only reads"),
        ("55P03" | "57014", _) => Fault::Over(Error::Busy),
        (_, "XX") => Fault::Over(Error::Corrupt("the server reports a damaged database".to_owned())),
        (_, "23") => Fault::Statement(Error::Conflict(place.to_string())),
        (code, _) => Fault::Statement(Error::Internal(format!("SQLSTATE {code} at {place}"))),
    }
}

/// NULL of whatever type the statement wants.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn parameter(value: &Value) -> &(dyn ToSql + Sync) {
    match value {
        Value::Null => &Null,
        Value::Int(number) => number,
        Value::Bool(flag) => flag,
        Value::Text(text) => text,
        Value::Bytes(bytes) | Value::Sealed(Sealed(bytes)) => bytes,
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(parameter).collect()
}

/// Appends a row in the text format of COPY.
fn copy_line(row: &[Value], line: &mut String) {
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            line.push('\t');
        }
        match value {
            Value::Null => line.push_str("\\N"),
            Value::Int(number) => line.push_str(&number.to_string()),
            Value::Bool(flag) => line.push(if *flag { 't' } else { 'f' }),
            Value::Text(text) => text.chars().for_each(|char| match char {
                '\\' => line.push_str("\\\\"),
                '\t' => line.push_str("\\t"),
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                char => line.push(char),
            }),
            Value::Bytes(bytes) | Value::Sealed(Sealed(bytes)) => {
                line.push_str("\\\\x");
                bytes.iter().for_each(|byte| line.push_str(&format!("{byte:02x}")));
            }
        }
    }
    line.push('\n');
}

fn column(row: &postgres::Row, index: usize, sql: Sql) -> Result<Value> {
    let kind = row.columns().get(index).map(postgres::Column::type_);
    let value = match kind {
        Some(&Type::INT8) => row.try_get(index).map(|number: Option<i64>| number.map(Value::Int)),
        Some(&Type::BOOL) => row.try_get(index).map(|flag: Option<bool>| flag.map(Value::Bool)),
        Some(&Type::TEXT) => row.try_get(index).map(|text: Option<String>| text.map(Value::Text)),
        Some(&Type::BYTEA) => row.try_get(index).map(|bytes: Option<Vec<u8>>| bytes.map(Value::Bytes)),
        _ => return Err(Error::Internal(format!("no such column {index} at {sql}"))),
    };
    match value {
        Ok(value) => Ok(value.unwrap_or(Value::Null)),
        Err(_) => Err(Error::Internal(format!("column {index} cannot be read at {sql}"))),
    }
}

impl Connection for Postgres {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn words(&self, step: Step) -> &'static str {
        match step {
            // Nodes that start together migrate one after the other.
            Step::Migrate => {
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
                 SELECT pg_advisory_xact_lock(4910017215837)"
            }
            Step::Write => "BEGIN ISOLATION LEVEL SERIALIZABLE; SAVEPOINT job",
            Step::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SAVEPOINT job",
            Step::Keep => "RELEASE job; SAVEPOINT job",
            Step::Undo => "ROLLBACK TO job",
            Step::Commit => "COMMIT",
            Step::Rollback => "ROLLBACK",
        }
    }

    fn batch(&mut self, text: &str) -> Result<(), Fault> {
        self.client.batch_execute(text).map_err(|error| fault(&error, &"a step of the transaction"))
    }

    fn exec(&mut self, sql: Sql, params: &[Value]) -> Result<u64, Fault> {
        let statement = self.prepare(sql)?;
        self.client.execute(&statement, &parameters(params)).map_err(|error| fault(&error, sql))
    }

    fn query(
        &mut self,
        sql: Sql,
        params: &[Value],
        each: &mut dyn FnMut(&mut Row<'_>) -> Result<()>,
    ) -> Result<(), Fault> {
        let statement = self.prepare(sql)?;
        let failed = |error: postgres::Error| fault(&error, sql);
        let mut rows = self.client.query_raw(&statement, parameters(params)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(&mut Row::new(&|index| column(&row, index, sql))).map_err(Fault::Statement)?;
        }
        Ok(())
    }

    /// Who runs a server has its own ways.
    fn copy_before(&mut self, _: i64) -> Result<()> {
        Ok(())
    }

    fn fill(
        &mut self,
        table: &Table,
        rows: &mut dyn Iterator<Item = Result<Vec<Value>>>,
    ) -> Result<(), Fault> {
        let failed = |error: postgres::Error| fault(&error, &table.name);
        let lost = |_| Fault::Lost("the connection was lost".to_owned());
        let mut copy = self.client.copy_in(&table.copy()).map_err(failed)?;
        let mut line = String::new();
        for row in rows {
            line.clear();
            copy_line(&row.map_err(Fault::Statement)?, &mut line);
            copy.write_all(line.as_bytes()).map_err(lost)?;
        }
        copy.finish().map(drop).map_err(failed)
    }

    /// Wakes the other nodes. Not inside the transaction, where NOTIFY would make commits wait for each
    /// other, and without a flush: a lost wake-up costs no more than the time to the next look.
    fn committed(&mut self, topics: Topics) {
        let notify: String =
            topics.iter().map(|topic| format!("NOTIFY dialtone, '{}';", topic.name())).collect();
        if !notify.is_empty() {
            // If the connection is lost here, its next use will notice.
            let _ = self
                .client
                .batch_execute(&format!("BEGIN; SET LOCAL synchronous_commit = off; {notify} COMMIT"));
        }
    }
}

/// The thread that hears the other nodes. It ends soon after `closed` is set.
pub(crate) struct Listener {
    pub(crate) config: Config,
    pub(crate) wakeups: Arc<Wakeups>,
    pub(crate) closed: Arc<AtomicBool>,
}

impl Listener {
    pub(crate) fn run(&self) {
        while !self.closed.load(Relaxed) {
            if let Ok(mut client) = connect(&self.config) {
                // A lost connection is made again below.
                let _ = self.listen(&mut client);
            }
            if !self.closed.load(Relaxed) {
                pause(LISTEN_PAUSE);
            }
        }
    }

    fn listen(&self, client: &mut Client) -> Result<(), postgres::Error> {
        client.batch_execute("LISTEN dialtone")?;
        // Whatever happened while nobody listened is looked at now.
        Topic::ALL.into_iter().for_each(|topic| self.wakeups.wake(topic));
        while !self.closed.load(Relaxed) && !client.is_closed() {
            let mut notifications = client.notifications();
            let mut heard = notifications.timeout_iter(LISTEN_PAUSE);
            while let Some(notification) = heard.next()? {
                Topic::ALL
                    .into_iter()
                    .filter(|topic| topic.name() == notification.payload())
                    .for_each(|topic| self.wakeups.wake(topic));
            }
        }
        Ok(())
    }
}
