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
