//! The hash chain (requirement F4, case T48): nothing can be changed, removed, inserted or moved unseen.

use dialtone_store::events::{self, NewEvent};
use dialtone_store::{Break, Flaw, Head, Origin, Result, Store, Tenant, Walk};
use serde_json::json;

use crate::common::{Database, an_organisation, at, on_both, tenant};

fn an_event(number: i64) -> NewEvent {
    NewEvent {
        at: at(number),
        actor: json!({ "kind": "system", "name": "test" }),
        actor_id: "test".to_owned(),
        kind: if number % 2 == 0 { "line.changed" } else { "token.created" }.to_owned(),
        subject_id: format!("subject-{number}"),
        before: (number % 3 == 0).then(|| json!({ "was": number })),
        after: Some(json!({ "is": number })),
    }
}

/// As many events, each in a transaction of its own.
async fn filled(store: &Store, count: i64) -> Tenant {
    let tenant = tenant(store).await;
    for number in 1..=count {
        let tenant = tenant.clone();
        store.write(move |tx| events::append(tx, &tenant, &an_event(number))).await.unwrap();
    }
    tenant
}

async fn head(store: &Store, tenant: &Tenant) -> Head {
    let tenant = tenant.clone();
    store.read(move |tx| events::head(tx, &tenant)).await.unwrap()
}

/// Walks the whole chain as a verification does.
async fn verify(store: &Store, tenant: &Tenant, anchor: Option<Head>) -> std::result::Result<(), Break> {
    let head = head(store, tenant).await;
    let reader = tenant.clone();
    let rows: Result<Vec<_>> = store.read(move |tx| events::after(tx, &reader, i64::MIN, 1_000)).await;
    let mut walk = Walk::new(tenant.org(), anchor)?;
    rows.unwrap().iter().try_for_each(|event| walk.step(event))?;
    walk.end(&head)
}

/// Ways to tamper with a chain of nine events, as statements of SQL, and the first break that each leaves.
const TAMPERED: [(&str, i64, Flaw); 19] = [
    ("UPDATE events SET at = at + 1 WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET actor = '{}' WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET actor_id = 'tesT' WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET kind = 'line.changes' WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET subject_id = 'subject-5' WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET request_id = 'r' WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET address = '::1' WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET before = '' WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET after = '{\"is\": 4}' WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET before = after, after = NULL WHERE seq = 4", 4, Flaw::Changed),
    ("UPDATE events SET hash = (SELECT hash FROM chains) WHERE seq = 1", 1, Flaw::Changed),
    ("DELETE FROM events WHERE seq = 4", 4, Flaw::Missing),
    ("DELETE FROM events WHERE seq = 1", 1, Flaw::Missing),
    ("DELETE FROM events WHERE seq > 6", 7, Flaw::Missing),
    ("DELETE FROM events", 1, Flaw::Missing),
    ("DELETE FROM chains", 1, Flaw::Inserted),
    ("UPDATE chains SET seq = 8", 9, Flaw::Inserted),
    // The neighbours change places.
    (
        "UPDATE events SET seq = -1 WHERE seq = 4; UPDATE events SET seq = 4 WHERE seq = 5; \
         UPDATE events SET seq = 5 WHERE seq = -1",
        4,
        Flaw::Changed,
    ),
    (
        "INSERT INTO events SELECT org_id, 0, at, actor, actor_id, kind, subject_id, request_id, address, before, \
         after, hash FROM events WHERE seq = 4",
        0,
        Flaw::Inserted,
    ),
];

#[test]
fn t48_whatever_is_done_to_the_rows_the_first_broken_one_is_named() {
    on_both(|store, database| async move {
        for (statement, seq, flaw) in TAMPERED {
            let tenant = filled(&store, 9).await;
            assert_eq!(verify(&store, &tenant, None).await, Ok(()), "before {statement}");
            database.batch(statement);
            assert_eq!(verify(&store, &tenant, None).await, Err(Break { seq, flaw }), "{statement}");
            clear(&database);
        }
    });
}

fn clear(database: &Database) {
    database.batch("DELETE FROM events; DELETE FROM chains; DELETE FROM orgs");
}

#[test]
fn t48_every_flipped_byte_is_noticed() {
    on_both(|store, database| async move {
        let tenant = filled(&store, 3).await;
        let reader = tenant.clone();
        let rows = store.read(move |tx| events::after(tx, &reader, 0, 10)).await.unwrap();
        let mut flipped = 0;
        for byte in 0..rows[1].actor.len() {
            let mut broken = rows.clone();
            let mut bytes = broken[1].actor.clone().into_bytes();
            bytes[byte] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            broken[1].actor = text;
            let mut walk = Walk::new(tenant.org(), None).unwrap();
            let found = broken.iter().find_map(|event| walk.step(event).err());
            assert_eq!(found, Some(Break { seq: 2, flaw: Flaw::Changed }), "byte {byte}");
            flipped += 1;
        }
        assert!(flipped > 20);
        drop(database);
    });
}

#[test]
fn t48_a_chain_that_was_written_anew_does_not_fit_the_head_that_was_noted_elsewhere() {
    on_both(|store, database| async move {
        let tenant = filled(&store, 5).await;
        let anchor = head(&store, &tenant).await;
        for number in 6..=8 {
            let tenant = tenant.clone();
            store.write(move |tx| events::append(tx, &tenant, &an_event(number))).await.unwrap();
        }
        assert_eq!(verify(&store, &tenant, Some(anchor.clone())).await, Ok(()), "the trail has grown since");
        // Whoever can write the database writes all of it anew, with right hashes and without the third event.
        database.batch("DELETE FROM events; DELETE FROM chains");
        for number in [1, 2, 4, 5, 6, 7, 8] {
            let tenant = tenant.clone();
            store.write(move |tx| events::append(tx, &tenant, &an_event(number))).await.unwrap();
        }
        assert_eq!(verify(&store, &tenant, None).await, Ok(()), "by itself it is a chain");
        let rewritten = Break { seq: 5, flaw: Flaw::Rewritten };
        assert_eq!(verify(&store, &tenant, Some(anchor.clone())).await, Err(rewritten));
        database.batch("DELETE FROM events; DELETE FROM chains");
        let cut = Break { seq: 1, flaw: Flaw::Missing };
        assert_eq!(verify(&store, &tenant, Some(anchor)).await, Err(cut), "and an empty one is too short");
        let other = an_organisation("Other").id;
        let foreign = Head { org: tenant.org(), seq: 0, hash: dialtone_store::genesis(other) };
        let rewritten = Break { seq: 0, flaw: Flaw::Rewritten };
        assert_eq!(
            verify(&store, &tenant, Some(foreign)).await,
            Err(rewritten),
            "every chain begins as its own"
        );
    });
}

#[test]
fn f4_an_event_knows_the_request_that_it_happened_in() {
    on_both(|store, database| async move {
        let tenant = tenant(&store).await;
        let (writer, other) = (tenant.clone(), tenant.clone());
        let origin = Origin { request_id: "r-1".to_owned(), address: Some("192.0.2.7".parse().unwrap()) };
        let beside = store.clone();
        origin
            .scope(async {
                store.write(move |tx| events::append(tx, &writer, &an_event(1))).await.unwrap();
                let spawned = Origin::carry(async move {
                    beside.write(move |tx| events::append(tx, &other, &an_event(2))).await.unwrap();
                });
                tokio::spawn(spawned).await.unwrap();
            })
            .await;
        let writer = tenant.clone();
        store.write(move |tx| events::append(tx, &writer, &an_event(3))).await.unwrap();
        let rows = store.read(move |tx| events::after(tx, &tenant, 0, 10)).await.unwrap();
        let origins: Vec<_> =
            rows.iter().map(|row| (row.request_id.as_deref(), row.address.as_deref())).collect();
        let known = (Some("r-1"), Some("192.0.2.7"));
        assert_eq!(origins, [known, known, (None, None)]);
        drop(database);
    });
}

#[test]
fn f4_the_filter_lets_through_what_it_names() {
    on_both(|store, database| async move {
        let tenant = filled(&store, 9).await;
        let any = events::Filter::default;
        let text = |text: &str| Some(text.to_owned());
        for (filter, expected) in [
            (any(), vec![9, 8, 7, 6, 5, 4, 3, 2, 1]),
            (events::Filter { kind: text("line."), ..any() }, vec![8, 6, 4, 2]),
            (events::Filter { kind: text("line.changed"), ..any() }, vec![8, 6, 4, 2]),
            (events::Filter { kind: text("line.change_"), ..any() }, vec![]),
            (events::Filter { kind: text("%"), ..any() }, vec![]),
            (events::Filter { subject_id: text("subject-3"), ..any() }, vec![3]),
            (events::Filter { actor_id: text("test"), kind: text("token"), ..any() }, vec![9, 7, 5, 3, 1]),
            (events::Filter { actor_id: text("other"), ..any() }, vec![]),
            (events::Filter { from: Some(at(4)), to: Some(at(6)), ..any() }, vec![6, 5, 4]),
        ] {
            let (reader, asked) = (tenant.clone(), filter.clone());
            let found =
                store.read(move |tx| events::filtered(tx, &reader, (1, 9), &asked, 50)).await.unwrap();
            let found: Vec<_> = found.iter().map(|event| event.seq).collect();
            assert_eq!(found, expected, "{filter:?}");
        }
        let page = store.read(move |tx| events::filtered(tx, &tenant, (3, 7), &any(), 2)).await.unwrap();
        assert_eq!(page.iter().map(|event| event.seq).collect::<Vec<_>>(), [7, 6]);
        drop(database);
    });
}
