//! What the engine promises: all or nothing, nothing lost, one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use dialtone_store::accounts::{self, Organisation};
use dialtone_store::events::{self, NewEvent};
use dialtone_store::{Error, Result, Sealed, Store, Tenant, Topic, Tx, idempotency};
use serde_json::json;
use tokio::task::JoinSet;

use crate::common::{a_user, an_organisation, at, is_postgres, on_both, tenant};

fn an_event(kind: String) -> NewEvent {
    NewEvent {
        at: at(0),
        actor: json!({"user": "x"}),
        actor_id: "x".to_owned(),
        kind,
        subject_id: "s".to_owned(),
        before: None,
        after: Some(json!({"a": 1})),
    }
}

fn note(tx: &mut Tx, tenant: &Tenant, key: &str) -> Result<idempotency::Begin> {
    idempotency::begin(tx, tenant, key, &Sealed::new(1, b"print"), at(0))
}

#[test]
fn of_many_queued_jobs_those_that_fail_leave_nothing_and_the_others_everything() {
    on_both(|store, database| async move {
        let tenant = tenant(&store).await;
        let mut jobs = JoinSet::new();
        for number in 0..2000 {
            let (store, tenant) = (store.clone(), tenant.clone());
            jobs.spawn(async move {
                store
                    .write(move |tx| {
                        note(tx, &tenant, &number.to_string())?;
                        if number % 10 == 3 { Err(Error::Internal("wanted".to_owned())) } else { Ok(()) }
                    })
                    .await
            });
        }
        let failed = jobs.join_all().await.into_iter().filter(Result::is_err).count();
        assert_eq!(failed, 200);
        assert_eq!(database.count("idempotency"), 1800);
        let stats = store.stats();
        assert!(stats.commits < stats.jobs / 2, "jobs should share commits: {stats:?}");
    });
}

#[test]
fn a_panic_takes_back_its_own_job_only() {
    on_both(|store, database| async move {
        let tenant = tenant(&store).await;
        let (t1, t2) = (tenant.clone(), tenant.clone());
        let (panicking, fine) = tokio::join!(
            store.write(move |tx| -> Result<()> {
                note(tx, &t1, "panics")?;
                panic!("wanted by the test");
            }),
            store.write(move |tx| note(tx, &t2, "fine")),
        );
        assert!(matches!(panicking, Err(Error::Internal(_))), "{panicking:?}");
        assert_eq!(fine, Ok(idempotency::Begin::Started));
        assert_eq!(database.count("idempotency"), 1);
    });
}

#[test]
fn a_job_that_passes_over_a_failed_statement_is_not_kept() {
    on_both(|store, database| async move {
        let org = an_organisation("Twice");
        let passed_over = org.clone();
        let result: Result<()> = store
            .write(move |tx| {
                accounts::create_organisation(tx, &passed_over)?;
                assert!(matches!(accounts::create_organisation(tx, &passed_over), Err(Error::Conflict(_))));
                Ok(())
            })
            .await;
        assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
        assert_eq!(database.count("orgs"), 0);
        assert!(store.write(move |tx| accounts::create_organisation(tx, &org)).await.is_ok());
    });
}

#[test]
fn a_closure_may_fail_in_its_own_way() {
    #[derive(Debug, PartialEq)]
    enum Refusal {
        Wanted,
        Store(Error),
    }
    impl From<Error> for Refusal {
        fn from(error: Error) -> Self {
            Self::Store(error)
        }
    }
    on_both(|store, database| async move {
        let wanted: Result<(), Refusal> = store
            .write(move |tx| {
                accounts::create_organisation(tx, &an_organisation("No"))?;
                Err(Refusal::Wanted)
            })
            .await;
        assert_eq!(wanted, Err(Refusal::Wanted));
        let nul: Result<(), Refusal> = store
            .write(move |tx| {
                accounts::create_organisation(tx, &an_organisation("a\0b"))?;
                Ok(())
            })
            .await;
        assert_eq!(nul, Err(Refusal::Store(Error::Nul)));
        assert_eq!(database.count("orgs"), 0);
    });
}

#[test]
fn a_full_queue_is_busy_and_an_emptied_one_works_again() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        // One job for each thread that writes holds it until the test lets go.
        let threads = if is_postgres(&store) { 4 } else { 1 };
        let (running, started) = mpsc::sync_channel(threads);
        let release = Arc::new(AtomicBool::new(false));
        let mut held = JoinSet::new();
        for _ in 0..threads {
            let (store, running, release) = (store.clone(), running.clone(), release.clone());
            held.spawn(async move {
                let hold = move |_: &mut Tx| -> Result<()> {
                    let _ = running.try_send(());
                    while !release.load(Ordering::Relaxed) {
                        std::thread::yield_now();
                    }
                    Ok(())
                };
                store.write(hold).await
            });
            let started = &started;
            tokio::task::block_in_place(|| started.recv().unwrap());
        }
        let mut waiting = JoinSet::new();
        for number in 0..4097 {
            let (store, tenant) = (store.clone(), tenant.clone());
            waiting.spawn(async move { store.write(move |tx| note(tx, &tenant, &number.to_string())).await });
        }
        let refused = loop {
            let first = waiting.join_next().await.unwrap().unwrap();
            if first.is_err() {
                break first;
            }
        };
        assert_eq!(refused, Err(Error::Busy));
        assert_eq!(store.stats().refused, 1);
        release.store(true, Ordering::Relaxed);
        assert!(waiting.join_all().await.into_iter().all(|answer| answer == Ok(idempotency::Begin::Started)));
        assert!(held.join_all().await.into_iter().all(|answer| answer == Ok(())));
    });
}

/// Reads the name as a number and writes the next one: two of them at once must not read the same.
fn increment(tx: &mut Tx, tenant: &Tenant) -> Result<()> {
    let org = accounts::organisation(tx, tenant)?;
    let next = org.name.parse::<u64>().unwrap() + 1;
    accounts::update_organisation(tx, tenant, &Organisation { name: next.to_string(), ..org })
}

#[test]
fn who_reads_and_then_writes_loses_no_update_of_another_even_from_two_nodes() {
    on_both(|store, database| async move {
        let new = an_organisation("0");
        let tenant: Tenant = store.write(move |tx| accounts::create_organisation(tx, &new)).await.unwrap();
        let second = Store::open(&database.url).unwrap();
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut clients = JoinSet::new();
        for client in 0..8 {
            let store = if client % 2 == 0 { store.clone() } else { second.clone() };
            let (tenant, acknowledged) = (tenant.clone(), acknowledged.clone());
            clients.spawn(async move {
                for _ in 0..25 {
                    let tenant = tenant.clone();
                    match store.write(move |tx| increment(tx, &tenant)).await {
                        Ok(()) => acknowledged.fetch_add(1, Ordering::Relaxed),
                        Err(Error::Busy) => continue,
                        Err(error) => panic!("{error}"),
                    };
                }
            });
        }
        clients.join_all().await;
        let org = store.read(move |tx| accounts::organisation(tx, &tenant)).await.unwrap();
        assert_eq!(org.name, acknowledged.load(Ordering::Relaxed).to_string());
        assert!(acknowledged.load(Ordering::Relaxed) > 150, "most should get through: {acknowledged:?}");
        second.close().await;
    });
}

#[test]
fn events_are_numbered_without_gaps_in_the_order_of_their_commits() {
    on_both(|store, database| async move {
        let tenant = tenant(&store).await;
        let second = Store::open(&database.url).unwrap();
        let mut writers = JoinSet::new();
        for number in 0..100 {
            let store = if number % 2 == 0 { store.clone() } else { second.clone() };
            let tenant = tenant.clone();
            writers.spawn(async move {
                store
                    .write(move |tx| {
                        let seq = events::append(tx, &tenant, &an_event(number.to_string()))?;
                        if number % 7 == 0 { Err(Error::Internal("wanted".to_owned())) } else { Ok(seq) }
                    })
                    .await
            });
        }
        // A reader beside the writers sees a beginning of the sequence without holes, at any moment.
        let mut seen = 0;
        let mut expected = 0;
        while expected < 85 {
            if let Some(answer) = writers.try_join_next() {
                expected += u64::from(answer.unwrap().is_ok());
            }
            let reader = tenant.clone();
            let new = store.read(move |tx| events::after(tx, &reader, seen, 1000)).await.unwrap();
            for event in new {
                seen += 1;
                assert_eq!(event.seq, seen);
            }
        }
        writers.join_all().await;
        let last = store.read(move |tx| events::last_seq(tx, &tenant)).await.unwrap();
        assert_eq!((last, database.count("events")), (85, 85));
        second.close().await;
    });
}

#[test]
fn a_read_cannot_write() {
    on_both(|store, database| async move {
        let result: Result<Tenant> =
            store.read(|tx| accounts::create_organisation(tx, &an_organisation("No"))).await;
        assert!(result.is_err());
        assert_eq!(database.count("orgs"), 0);
        assert!(!store.read(accounts::any_user).await.unwrap());
    });
}

#[test]
fn a_committed_event_wakes_this_node_and_the_others() {
    on_both(|store, database| async move {
        let tenant = tenant(&store).await;
        let second = Store::open(&database.url).unwrap();
        let elsewhere = if is_postgres(&store) { &second } else { &store };
        let mut here = store.wakeups(Topic::Events);
        let mut there = elsewhere.wakeups(Topic::Events);
        here.mark_unchanged();
        // The listener wakes everyone once when it begins to listen: from then on it hears.
        if is_postgres(&store) {
            there.changed().await.unwrap();
        }
        there.mark_unchanged();
        let failing = tenant.clone();
        let failed: Result<()> = store
            .write(move |tx| {
                events::append(tx, &failing, &an_event("never".to_owned()))?;
                Err(Error::Internal("wanted".to_owned()))
            })
            .await;
        assert!(failed.is_err());
        store.write(move |tx| events::append(tx, &tenant, &an_event("made".to_owned()))).await.unwrap();
        here.changed().await.unwrap();
        there.changed().await.unwrap();
        second.close().await;
    });
}

#[test]
fn a_lost_connection_is_made_again() {
    on_both(|store, database| async move {
        if !is_postgres(&store) {
            return;
        }
        let tenant = tenant(&store).await;
        for number in 0..8 {
            database.batch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
            let (writer, reader) = (tenant.clone(), tenant.clone());
            let kept = store.write(move |tx| note(tx, &writer, &number.to_string())).await;
            assert_eq!(kept, Ok(idempotency::Begin::Started));
            assert!(store.read(move |tx| accounts::organisation(tx, &reader)).await.is_ok());
        }
    });
}

#[test]
fn a_second_process_writes_beside_the_store() {
    on_both(|store, database| async move {
        let mut writers = JoinSet::new();
        for number in 0..40 {
            let database = database.clone();
            let store = store.clone();
            writers.spawn(async move {
                let user = a_user(&format!("u{number}@example.com"));
                match number % 10 {
                    0 => {
                        let second = Store::open(&database.url).unwrap();
                        let made: Result<bool> =
                            second.write(move |tx| accounts::create_user(tx, &user)).await;
                        second.close().await;
                        made
                    }
                    _ => store.write(move |tx| accounts::create_user(tx, &user)).await,
                }
            });
        }
        assert!(writers.join_all().await.into_iter().all(|made| made == Ok(true)));
        assert_eq!(database.count("users"), 40);
    });
}

#[test]
fn a_closed_store_finishes_what_is_queued_and_takes_no_more() {
    on_both(|store, database| async move {
        let tenant = tenant(&store).await;
        let mut jobs = JoinSet::new();
        for number in 0..50 {
            let (store, tenant) = (store.clone(), tenant.clone());
            jobs.spawn(async move { store.write(move |tx| note(tx, &tenant, &number.to_string())).await });
        }
        jobs.join_next().await.unwrap().unwrap().unwrap();
        store.close().await;
        let answered = 1 + jobs.join_all().await.into_iter().filter(Result::is_ok).count() as i64;
        assert_eq!(database.count("idempotency"), answered);
        let late: Result<bool> = store.read(accounts::any_user).await;
        assert!(matches!(late, Err(Error::Unreachable(_))));
    });
}

#[test]
fn keys_of_requests_are_claimed_once_and_taken_over_when_interrupted() {
    use idempotency::{Begin, Request, begin, finish, forget, release, take_over};
    on_both(|store, database| async move {
        let tenant = tenant(&store).await;
        let result: Result<()> = store
            .write(move |tx| {
                let print = Sealed::new(1, b"a");
                assert_eq!(begin(tx, &tenant, "k", &print, at(0))?, Begin::Started);
                let known =
                    Request { fingerprint: print.clone(), status: None, body: None, created_at: at(0) };
                let other = Sealed::new(1, b"b");
                assert_eq!(begin(tx, &tenant, "k", &other, at(1))?, Begin::Known(known.clone()));
                assert!(!take_over(tx, &tenant, "k", at(299))?, "it may be running");
                assert!(take_over(tx, &tenant, "k", at(301))?);
                assert!(!take_over(tx, &tenant, "k", at(302))?, "another one took it over");
                let body = Sealed::new(1, b"ok");
                finish(tx, &tenant, "k", 201, &body)?;
                assert!(!take_over(tx, &tenant, "k", at(900))?, "it is answered");
                let done = Request { status: Some(201), body: Some(body), created_at: at(301), ..known };
                assert_eq!(begin(tx, &tenant, "k", &print, at(900))?, Begin::Known(done));
                assert_eq!(begin(tx, &tenant, "free", &print, at(900))?, Begin::Started);
                release(tx, &tenant, "free")?;
                assert_eq!(begin(tx, &tenant, "free", &print, at(901))?, Begin::Started);
                assert_eq!(forget(tx, at(500))?, 1);
                Ok(())
            })
            .await;
        assert_eq!(result, Ok(()));
        assert_eq!(database.count("idempotency"), 1);
    });
}

#[test]
fn the_log_of_sqlite_is_moved_into_its_file_while_the_store_is_open() {
    on_both(|store, database| async move {
        if is_postgres(&store) {
            return;
        }
        let tenant = tenant(&store).await;
        let size = || std::fs::metadata(database.file()).unwrap().len();
        assert!(size() < 1 << 20);
        for number in 0.. {
            let tenant = tenant.clone();
            let write = move |tx: &mut Tx| {
                idempotency::begin(tx, &tenant, &number.to_string(), &Sealed::new(1, &[0; 100_000]), at(0))
            };
            store.write(write).await.unwrap();
            if size() > 4 << 20 {
                break;
            }
            assert!(number < 1000, "nothing was moved");
        }
    });
}
