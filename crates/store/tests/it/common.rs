//! A fresh database of either engine for each test, and the rows that most tests begin with.

use std::sync::atomic::{AtomicU64, Ordering};

use dialtone_store::accounts::{self, Organisation, User};
use dialtone_store::{Engine, Result, Store, Tenant};
use jiff::Timestamp;
use postgres::{Client, NoTls};
use tempfile::TempDir;
use uuid::Uuid;

/// A database that is gone when the test is over.
pub(crate) struct Database {
    pub(crate) url: String,
    _dir: Option<TempDir>,
    server: Option<String>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/dialtone.db", dir.path().display());
        Self { url, _dir: Some(dir), server: None }
    }

    /// A database on the server that DIALTONE_TEST_POSTGRES names; none without it, except in CI.
    pub(crate) fn postgres() -> Option<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let Ok(server) = std::env::var("DIALTONE_TEST_POSTGRES") else {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "DIALTONE_TEST_POSTGRES is not set, and in CI no test is skipped"
            );
            eprintln!("skipped: no PostgreSQL (set DIALTONE_TEST_POSTGRES to a superuser's URL)");
            return None;
        };
        let name = format!("dialtone_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        on_server(&server, &format!("DROP DATABASE IF EXISTS {name}"));
        on_server(&server, &format!("CREATE DATABASE {name}"));
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Some(Self { url: url.into(), _dir: None, server: Some(format!("{server}\n{name}")) })
    }

    /// The file of a SQLite database.
    pub(crate) fn file(&self) -> &str {
        self.url.strip_prefix("sqlite://").unwrap()
    }

    /// As a command beside a server: the log is moved into the file by the server alone.
    fn connect_beside(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.file()).unwrap();
        let setting = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        connection.set_db_config(setting, true).unwrap();
        connection
    }

    /// The texts that a query on PostgreSQL gives.
    pub(crate) fn names(&self, text: &str) -> Vec<String> {
        let (url, text) = (self.url.clone(), text.to_owned());
        off_runtime(move || connect(&url).query(&text, &[]).unwrap().iter().map(|row| row.get(0)).collect())
    }

    /// Runs statements beside the store.
    pub(crate) fn batch(&self, text: &str) {
        match self.server {
            None => self.connect_beside().execute_batch(text).unwrap(),
            Some(_) => on_server(&self.url, text),
        }
    }

    /// Counts rows beside the store.
    pub(crate) fn count(&self, from: &str) -> i64 {
        let text = format!("SELECT COUNT(*) FROM {from}");
        match self.server {
            None => self.connect_beside().query_row(&text, [], |row| row.get(0)).unwrap(),
            Some(_) => {
                let (url, text) = (self.url.clone(), text);
                off_runtime(move || connect(&url).query_one(&text, &[]).unwrap().get(0))
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = self.server.as_deref().and_then(|both| both.split_once('\n')) {
            on_server(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

pub(crate) fn connect(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap()
}

/// The client of PostgreSQL must not be used on a thread of the async runtime.
pub(crate) fn off_runtime<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(body).join().unwrap()
}

fn on_server(url: &str, text: &str) {
    let (url, text) = (url.to_owned(), text.to_owned());
    off_runtime(move || connect(&url).batch_execute(&text).unwrap());
}

/// Runs a test on a fresh database of each engine.
pub(crate) fn on_both<F: Future<Output = ()>>(test: impl Fn(Store, std::sync::Arc<Database>) -> F) {
    for database in [Some(Database::sqlite()), Database::postgres()].into_iter().flatten() {
        let database = std::sync::Arc::new(database);
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let store = Store::open(&database.url).unwrap();
            test(store.clone(), database.clone()).await;
            store.close().await;
        });
    }
}

/// A time: so many seconds after some beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A new id of any kind.
pub(crate) fn id<T: From<Uuid>>() -> T {
    Uuid::now_v7().into()
}

pub(crate) fn an_organisation(name: &str) -> Organisation {
    Organisation {
        id: id(),
        name: name.to_owned(),
        country: "FR".parse().unwrap(),
        language: "fr".parse().unwrap(),
        default_assistant_id: None,
        created_at: at(0),
        updated_at: at(0),
        factors_required_at: None,
    }
}

pub(crate) fn a_user(email: &str) -> User {
    User {
        id: id(),
        email: email.to_owned(),
        name: "Zoë".to_owned(),
        password_hash: "$argon2id$".to_owned(),
        language: None,
        time_zone: None,
        proved_at: Some(at(0)),
        created_at: at(0),
        updated_at: at(0),
    }
}

/// An organisation of its own.
pub(crate) async fn tenant(store: &Store) -> Tenant {
    let new = an_organisation("Acme");
    let made: Result<Tenant> = store.write(move |tx| accounts::create_organisation(tx, &new)).await;
    made.unwrap()
}

pub(crate) fn is_postgres(store: &Store) -> bool {
    store.engine() == Engine::Postgres
}
