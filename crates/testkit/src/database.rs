//! A fresh database of either engine for each test, gone afterwards.

use postgres::{Client, NoTls};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use url::Url;

/// The two databases that Dialtone runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of its own on the server that `DIALTONE_TEST_POSTGRES` names.
    Postgres,
}

/// A database that is gone when it is dropped.
pub struct Database {
    url: String,
    server: Option<(String, String)>,
    _dir: Option<TempDir>,
}

impl Database {
    /// A new one; `None` for PostgreSQL where there is no server, which in CI is a failure.
    pub fn create(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => {
                let dir = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}/dialtone.db", dir.path().display());
                Some(Self { url, server: None, _dir: Some(dir) })
            }
            Engine::Postgres => Self::postgres(),
        }
    }

    fn postgres() -> Option<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let Ok(server) = std::env::var("DIALTONE_TEST_POSTGRES") else {
            let in_ci = std::env::var("CI").as_deref() == Ok("true");
            assert!(!in_ci, "DIALTONE_TEST_POSTGRES is not set, and in CI no test is skipped");
            eprintln!("skipped: no PostgreSQL (set DIALTONE_TEST_POSTGRES to a superuser's URL)");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("dialtone_server_{}_{number}", std::process::id());
        on_server(&server, &[format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")]);
        let mut url = Url::parse(&server).unwrap();
        url.set_path(&name);
        Some(Self { url: url.into(), server: Some((server, name)), _dir: None })
    }

    /// Every row of every table, by the table's name: each row as its columns by name.
    pub fn rows(&self) -> BTreeMap<String, Vec<Value>> {
        rows_of(&self.url)
    }

    /// Runs statements beside the server, as somebody who can write the database.
    pub fn tamper(&self, statements: &str) {
        match &self.server {
            Some(_) => on_server(&self.url, &[statements.to_owned()]),
            None => {
                let path = self.url.strip_prefix("sqlite://").unwrap();
                rusqlite::Connection::open(path).unwrap().execute_batch(statements).unwrap();
            }
        }
    }

    /// Where it is, as `DIALTONE_DATABASE_URL` takes it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.server {
            on_server(server, &[format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]);
        }
    }
}

/// Every row of every table of the database at this address, as [`Database::rows`].
pub fn rows_of(url: &str) -> BTreeMap<String, Vec<Value>> {
    match url.strip_prefix("sqlite://") {
        None => postgres_rows(url),
        Some(path) => sqlite_rows(path),
    }
}

fn sqlite_rows(path: &str) -> BTreeMap<String, Vec<Value>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let names = |text: &str| -> Vec<String> {
        let mut statement = connection.prepare(text).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let tables = names(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    );
    let rows = |table: &String| {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let fields: Vec<String> = columns
            .iter()
            .map(|name| format!("'{name}', IIF(TYPEOF({name}) = 'blob', HEX({name}), {name})"))
            .collect();
        let rows = names(&format!("SELECT json_object({}) FROM {table} ORDER BY 1", fields.join(", ")));
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    };
    tables.into_iter().map(|table| (table.clone(), rows(&table))).collect()
}

fn postgres_rows(url: &str) -> BTreeMap<String, Vec<Value>> {
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let mut client = Client::connect(url, NoTls).unwrap();
            let mut texts = |query: &str| -> Vec<String> {
                client.query(query, &[]).unwrap().iter().map(|row| row.get(0)).collect()
            };
            let tables =
                texts("SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
            tables
                .into_iter()
                .map(|table| {
                    let rows =
                        texts(&format!("SELECT CAST(row_to_json(t) AS TEXT) FROM {table} t ORDER BY 1"));
                    let rows = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
                    (table, rows)
                })
                .collect()
        });
        work.join().unwrap()
    })
}

/// The synchronous client must not run on a thread of the async runtime.
fn on_server(server: &str, statements: &[String]) {
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let mut client = Client::connect(server, NoTls).unwrap();
            for statement in statements {
                client.batch_execute(statement).unwrap();
            }
        });
        work.join().unwrap();
    });
}
