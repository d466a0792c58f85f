//! Migrations: together, forward only, and never over what is not ours.

use std::os::unix::fs::PermissionsExt;

use dialtone_store::{Error, Result, Store, accounts};

use crate::common::{Database, on_both};

fn both() -> impl Iterator<Item = Database> {
    [Some(Database::sqlite()), Database::postgres()].into_iter().flatten()
}

#[test]
fn several_nodes_may_start_together_on_an_empty_database() {
    for database in both() {
        let opened: Vec<Result<Store>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| Store::open(&database.url))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for store in opened {
            store.unwrap();
        }
        assert_eq!(database.count("schema_version"), 1);
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_not_touched() {
    for database in both() {
        Store::open(&database.url).unwrap();
        database.batch("INSERT INTO schema_version (version, name) VALUES (99, 'of the future')");
        let error = Store::open(&database.url).err().unwrap();
        assert_eq!(error, Error::Newer { found: 99, known: 1 });
        let text = error.to_string();
        for part in ["newer version", "99", "up to 1", "restore a backup"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(database.count("schema_version"), 2);
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_not_touched() {
    for database in both() {
        database.batch("CREATE TABLE customers (id INTEGER)");
        let error = Store::open(&database.url).err().unwrap();
        assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
        assert!(error.to_string().contains("not Dialtone's"), "{error}");
        assert_eq!(database.count("customers"), 0);
    }
    for database in both() {
        database.batch("CREATE TABLE schema_version (id TEXT)");
        assert!(matches!(Store::open(&database.url), Err(Error::Corrupt(_))));
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_not_touched() {
    let database = Database::sqlite();
    let text = "my diary, which happens to lie here. ".repeat(100);
    std::fs::write(database.file(), &text).unwrap();
    let error = Store::open(&database.url).err().unwrap();
    assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
    assert_eq!(std::fs::read_to_string(database.file()).unwrap(), text);
}

#[test]
fn a_new_file_is_its_owners_alone() {
    let database = Database::sqlite();
    let store = Store::open(&database.url).unwrap();
    for suffix in ["", "-wal"] {
        let file = format!("{}{suffix}", database.file());
        if let Ok(file) = std::fs::metadata(&file) {
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{suffix}");
        } else {
            assert_ne!(suffix, "");
        }
    }
    drop(store);
}

#[test]
fn a_wrong_address_or_an_absent_server_is_said_in_a_sentence() {
    for url in ["", "dialtone.db", "mysql://root@localhost/x", "sqlite://", "postgres://u:secret@h:port/x"] {
        let error = Store::open(url).err().unwrap();
        assert!(matches!(error, Error::Url(_)), "{url}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    for url in ["sqlite:///nowhere/at/all.db", "postgres://u:secret@127.0.0.1:1/x"] {
        let error = Store::open(url).err().unwrap();
        assert!(matches!(error, Error::Unreachable(_)), "{url}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn a_database_is_opened_again_with_what_was_in_it() {
    on_both(|store, database| async move {
        let user = crate::common::a_user("a@example.com");
        assert_eq!(store.write(move |tx| accounts::create_user(tx, &user)).await, Ok(true));
        store.close().await;
        let again = Store::open(&database.url).unwrap();
        assert_eq!(again.read(accounts::any_user).await, Ok(true));
        again.close().await;
    });
}

/// Not a test of its own: the process that the tests below kill while it migrates.
#[test]
fn child() {
    if let Ok(url) = std::env::var("DIALTONE_MIGRATED_URL") {
        Store::open(&url).unwrap();
    }
}

fn migrating(url: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "migrations::child"]).env("DIALTONE_MIGRATED_URL", url);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command
}

/// The tables and indexes of the schema.
fn objects(database: &Database) -> i64 {
    match database.url.starts_with("sqlite") {
        true => database.count("sqlite_schema WHERE sql IS NOT NULL"),
        false => {
            database.count("pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')")
        }
    }
}

fn whole(database: &Database, objects_of_whole: i64, case: &str) {
    Store::open(&database.url).unwrap_or_else(|error| panic!("{case}: {error}")).close_blocking();
    assert_eq!((objects(database), database.count("schema_version")), (objects_of_whole, 1), "{case}");
}

#[test]
fn t45_killed_at_any_write_a_migration_of_sqlite_is_completed_by_the_next_start() {
    let reference = Database::sqlite();
    Store::open(&reference.url).unwrap().close_blocking();
    let all = objects(&reference);
    let step = if std::env::var_os("DIALTONE_TEST_LONG").is_some() { 1 } else { 12 };
    let (mut killed, mut blocks) = (0, 0);
    loop {
        // The system kills whoever writes beyond the limit: at every block of every file in turn.
        let database = Database::sqlite();
        let child = migrating(&database.url);
        let program = child.get_program().to_owned();
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", &format!("ulimit -c 0; ulimit -f {blocks}; exec \"$0\" --exact migrations::child")]);
        limited.arg(program).env("DIALTONE_MIGRATED_URL", &database.url);
        limited.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        if limited.status().unwrap().success() {
            whole(&database, all, "not killed");
            break;
        }
        killed += 1;
        whole(&database, all, &format!("killed at block {blocks}"));
        blocks += step;
    }
    eprintln!("killed at {killed} places");
    assert!(killed > 20);
}

#[test]
fn t45_killed_at_any_statement_a_migration_of_postgres_is_completed_by_the_next_start() {
    let Some(reference) = Database::postgres() else { return };
    Store::open(&reference.url).unwrap().close_blocking();
    let all = objects(&reference);
    let names = reference.names(
        "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind IN ('r', 'i') AND oid NOT IN (SELECT conindid FROM pg_constraint) ORDER BY oid",
    );
    let step = if std::env::var_os("DIALTONE_TEST_LONG").is_some() { 1 } else { 8 };
    for name in names.iter().step_by(step) {
        let database = Database::postgres().unwrap();
        let url = database.url.clone();
        let (name, case) = (name.clone(), name.clone());
        crate::common::off_runtime(move || {
            // Whoever makes something of this name waits for us, who have not said yet whether it is there.
            let mut holder = crate::common::connect(&url);
            holder.batch_execute(&format!("BEGIN; CREATE TABLE {name} (held BIGINT)")).unwrap();
            let mut child = migrating(&url).spawn().unwrap();
            let mut watcher = crate::common::connect(&url);
            let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND application_name = 'dialtone' AND wait_event_type = 'Lock'";
            while watcher.query_one(waits, &[]).unwrap().get::<_, i64>(0) == 0 {
                assert!(child.try_wait().unwrap().is_none(), "it went past {name}");
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
            holder.batch_execute("ROLLBACK").unwrap();
        });
        whole(&database, all, &case);
    }
}
