//! A fresh database of either engine for each test, gone afterwards.

use postgres::{Client, NoTls};
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
