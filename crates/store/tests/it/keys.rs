//! Data keys, the register of sealed columns, and that no value of a key that is to be destroyed gets in.

use dialtone_store::instance::{self, Instance};
use dialtone_store::keys::{self, DataKey, KeyOwner, SEALED_COLUMNS};
use dialtone_store::{Error, Result, Sealed, Store, settings};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

use crate::common::{Database, at, on_both, tenant};
use crate::settings::twilio_settings;

/// Columns of bytes that are not sealed, and what they are instead.
const PLAIN: &[(&str, &str, &str)] = &[
    ("chains", "hash", "a hash"),
    ("codes", "code_hash", "a hash"),
    ("data_keys", "wrapped", "sealed by the master key"),
    ("events", "hash", "a hash"),
    ("invitations", "token_hash", "a hash"),
    ("passkeys", "credential_id", "a name"),
    ("passkeys", "dynamic_state", "a counter"),
    ("passkeys", "static_state", "a public key"),
    ("recovery_codes", "code_hash", "a hash"),
    ("sessions", "token_hash", "a hash"),
    ("tokens", "token_hash", "a hash"),
    ("used_tickets", "ticket_hash", "a hash"),
];

#[test]
fn t28_every_column_of_bytes_is_in_the_register_or_known_to_be_plain() {
    let database = Database::sqlite();
    Store::open(&database.url).unwrap();
    let connection = rusqlite::Connection::open(database.file()).unwrap();
    let columns = "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND c.type = 'BLOB' AND t.name NOT LIKE '%\\_fts%' ESCAPE '\\'";
    let mut statement = connection.prepare(columns).unwrap();
    let found: BTreeSet<(String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(std::result::Result::unwrap)
        .collect();
    let sealed = SEALED_COLUMNS.iter().map(|column| (column.table, column.column));
    let plain = PLAIN.iter().map(|(table, column, _)| (*table, *column));
    let known: BTreeSet<_> =
        sealed.chain(plain).map(|(table, column)| (table.to_owned(), column.to_owned())).collect();
    assert_eq!(found, known);
}

fn an_instance() -> Instance {
    Instance {
        id: "i".to_owned(),
        epoch: 1,
        key_version: 1,
        sealing_from: 1,
        master_key: "m".to_owned(),
        next_master_key: None,
        fenced_at: None,
        created_at: at(0),
    }
}

#[test]
fn there_is_one_instance_whoever_makes_it() {
    on_both(|store, _| async move {
        let mut makers = JoinSet::new();
        for number in 0..8 {
            let (store, new) = (store.clone(), Instance { id: number.to_string(), ..an_instance() });
            makers.spawn(async move { store.write(move |tx| instance::create(tx, &new)).await });
        }
        let made: Vec<Result<bool>> = makers.join_all().await;
        assert_eq!(made.iter().filter(|made| **made == Ok(true)).count(), 1, "{made:?}");
        let kept: Result<Option<Instance>> = store.read(instance::get).await;
        assert!(kept.unwrap().is_some());
    });
}

#[test]
fn t28_a_value_of_a_version_that_a_rotation_has_left_behind_is_refused() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        let put = |version: u32| {
            let (tenant, store) = (tenant.clone(), store.clone());
            let row = settings::TwilioSettings {
                auth_token: Sealed::new(version, b"secret"),
                ..twilio_settings(None)
            };
            async move { store.write(move |tx| settings::put_twilio(tx, &tenant, &row)).await }
        };
        let made: Result<bool> = store.write(|tx| instance::create(tx, &an_instance())).await;
        assert_eq!(made, Ok(true));
        assert_eq!(put(1).await, Ok(()));
        let closed: Result<()> = store
            .write(|tx| {
                instance::set_keys(tx, &Instance { key_version: 2, sealing_from: 2, ..an_instance() })
            })
            .await;
        assert_eq!(closed, Ok(()));
        assert_eq!(put(1).await, Err(Error::Busy), "its key is about to be destroyed");
        assert_eq!(put(2).await, Ok(()), "and others get in");
        let tenant = tenant.clone();
        let empty = settings::TwilioSettings { auth_token: Sealed::default(), ..twilio_settings(None) };
        let refused: Result<()> = store.write(move |tx| settings::put_twilio(tx, &tenant, &empty)).await;
        assert_eq!(refused, Err(Error::Busy), "nothing is not sealed");
    });
}

#[test]
fn a_sealed_value_is_found_and_swapped_only_as_it_was() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        let result: Result<()> = store
            .write(move |tx| {
                let row =
                    settings::TwilioSettings { auth_token: Sealed::new(1, b"one"), ..twilio_settings(None) };
                settings::put_twilio(tx, &tenant, &row)?;
                let column = SEALED_COLUMNS
                    .iter()
                    .find(|column| (column.table, column.column) == ("twilio_settings", "auth_token"))
                    .unwrap();
                let found = column.page(tx, "", 10)?;
                assert_eq!(found.len(), 1);
                assert_eq!(found[0].owner, KeyOwner::Org(tenant.org()));
                assert_eq!(column.page(tx, &found[0].row, 10)?, vec![]);
                assert!(column.swap(tx, &found[0], &Sealed::new(2, b"two"))?);
                assert!(!column.swap(tx, &found[0], &Sealed::new(2, b"three"))?, "it was swapped before");
                assert_eq!(column.page(tx, "", 10)?[0].value, Sealed::new(2, b"two"));
                Ok(())
            })
            .await;
        assert_eq!(result, Ok(()));
    });
}

#[test]
fn data_keys_are_rewrapped_as_they_were_and_destroyed_by_version() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        let result: Result<()> = store
            .write(move |tx| {
                let owner = KeyOwner::Org(tenant.org());
                let key = |version| DataKey {
                    owner,
                    version,
                    wrapped: vec![1],
                    master_key: "m".to_owned(),
                    created_at: at(0),
                };
                assert!(keys::add(tx, &key(1))? && keys::add(tx, &key(2))?);
                assert!(!keys::add(tx, &key(2))?, "it is there");
                let versions: Vec<_> = keys::of(tx, owner)?.iter().map(|key| key.version).collect();
                assert_eq!(versions, [2, 1]);
                assert!(keys::rewrap(tx, &key(1), &[2], "n")?);
                assert!(!keys::rewrap(tx, &key(1), &[3], "n")?, "it was rewrapped before");
                let after = (owner.to_string(), 1);
                assert_eq!(keys::page(tx, (&after.0, after.1), 10)?, vec![key(2)]);
                assert_eq!(keys::destroy_before(tx, owner, 2)?, 1);
                assert_eq!(keys::of(tx, owner)?, vec![key(2)]);
                assert_eq!(keys::of(tx, KeyOwner::Instance)?, vec![]);
                Ok(())
            })
            .await;
        assert_eq!(result, Ok(()));
    });
}
