//! Operations: one at a time per line, claimed once, and fenced.

use dialtone_domain::{LineId, OperationId};
use dialtone_store::operations::{self, NewOperation, OperationState, StepState};
use dialtone_store::{Cursor, Error, Result, Store, Tenant, Topic};
use jiff::SignedDuration;
use serde_json::json;
use tokio::task::JoinSet;

use crate::common::{at, id, on_both, tenant};

const LEASE: SignedDuration = SignedDuration::from_secs(30);

fn an_operation(line_id: LineId) -> NewOperation {
    NewOperation {
        id: id(),
        line_id,
        kind: "import".to_owned(),
        desired: json!({"vapi": {}}),
        previous: None,
        run_at: at(0),
        undo_of: None,
        created_by: json!({"user": "u"}),
        created_at: at(0),
    }
}

/// Runs a body of queries as one job; what it asserts, it asserts inside.
async fn in_one(store: &Store, body: impl Fn(&mut dialtone_store::Tx) -> Result<()> + Send + 'static) {
    store.write(body).await.unwrap();
}

#[test]
fn a_line_has_one_unfinished_operation_and_its_story_is_kept() {
    on_both(|store, _| async move {
        let (ours, theirs) = (tenant(&store).await, tenant(&store).await);
        in_one(&store, move |tx| {
            let new = an_operation(id());
            assert!(operations::insert(tx, &ours, &new)?);
            assert!(!operations::insert(tx, &ours, &an_operation(new.line_id))?);
            let found = operations::unfinished(tx, &ours, new.line_id)?.unwrap();
            assert_eq!((found.id, found.state, found.fence), (new.id, OperationState::Pending, 0));
            assert_eq!(operations::get(tx, &theirs, new.id)?, None);

            let claimed = operations::claim(tx, "w1", at(1), LEASE)?.unwrap();
            assert_eq!(claimed.tenant, ours);
            assert_eq!(claimed.operation.state, OperationState::Running);
            assert_eq!(claimed.operation.desired, new.desired);
            let fence = claimed.operation.fence;
            let change = json!({"change": "import"});
            assert!(operations::begin_step(tx, &ours, new.id, fence, 1, &change, at(2))?);
            assert!(operations::end_step(tx, &ours, new.id, fence, 1, StepState::Done, None, at(3))?);
            assert!(operations::set_previous(tx, &ours, new.id, fence, &json!({"was": 1}))?);
            let problem = json!({"code": "x"});
            let failed = OperationState::Failed;
            assert!(operations::finish(tx, &ours, new.id, fence, failed, Some(&problem), at(4))?);

            let ended = operations::get(tx, &ours, new.id)?.unwrap();
            assert_eq!((ended.state, ended.problem, ended.finished_at), (failed, Some(problem), Some(at(4))));
            assert_eq!(ended.previous, Some(json!({"was": 1})));
            let steps = operations::steps(tx, &ours, new.id)?;
            assert_eq!(
                (steps.len(), steps[0].state, steps[0].finished_at),
                (1, StepState::Done, Some(at(3)))
            );
            assert_eq!(operations::steps(tx, &theirs, new.id)?, []);

            let undo = NewOperation { undo_of: Some(new.id), created_at: at(5), ..an_operation(new.line_id) };
            assert!(operations::insert(tx, &ours, &undo)?);
            assert!(operations::set_undone_by(tx, &ours, new.id, undo.id)?);
            assert!(!operations::set_undone_by(tx, &ours, new.id, undo.id)?);
            let all = operations::page(tx, &ours, None, None, 10)?;
            assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [undo.id, new.id]);
            let after = Some(Cursor { created_at: all[0].created_at, id: all[0].id });
            assert_eq!(operations::page(tx, &ours, Some(new.line_id), after, 10)?.len(), 1);
            assert_eq!(operations::page(tx, &ours, Some(id()), None, 10)?, []);
            assert_eq!(operations::page(tx, &theirs, None, None, 10)?, []);
            Ok(())
        })
        .await;
    });
}

#[test]
fn who_lost_the_lease_can_write_no_more() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        in_one(&store, move |tx| {
            let new = an_operation(id());
            operations::insert(tx, &tenant, &new)?;
            let first = operations::claim(tx, "paused", at(0), LEASE)?.unwrap().operation.fence;
            assert_eq!(operations::claim(tx, "other", at(29), LEASE)?, None);
            assert!(operations::renew(tx, &tenant, new.id, first, at(40))?);
            assert_eq!(operations::claim(tx, "other", at(39), LEASE)?, None);
            assert!(operations::begin_step(tx, &tenant, new.id, first, 1, &json!(1), at(39))?);
            // The lease has run out: nothing new may be begun, even if nobody else has come yet.
            assert!(!operations::begin_step(tx, &tenant, new.id, first, 2, &json!(2), at(40))?);

            let second = operations::claim(tx, "other", at(41), LEASE)?.unwrap().operation;
            assert_eq!((second.fence, second.attempt), (first + 1, 2));
            assert!(!operations::renew(tx, &tenant, new.id, first, at(99))?);
            assert!(!operations::begin_step(tx, &tenant, new.id, first, 2, &json!(2), at(42))?);
            assert!(!operations::end_step(tx, &tenant, new.id, first, 1, StepState::Done, None, at(42))?);
            assert!(!operations::set_previous(tx, &tenant, new.id, first, &json!(0))?);
            assert!(!operations::postpone(tx, &tenant, new.id, first, at(99), at(42))?);
            let succeeded = OperationState::Succeeded;
            assert!(!operations::finish(tx, &tenant, new.id, first, succeeded, None, at(42))?);
            assert_eq!(operations::steps(tx, &tenant, new.id)?[0].state, StepState::Started);

            assert!(operations::finish(tx, &tenant, new.id, second.fence, succeeded, None, at(43))?);
            assert!(!operations::renew(tx, &tenant, new.id, second.fence, at(99))?);
            assert!(!operations::finish(tx, &tenant, new.id, second.fence, succeeded, None, at(44))?);
            assert_eq!(operations::claim(tx, "other", at(999), LEASE)?, None);
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_postponed_operation_comes_back_in_its_time_with_a_higher_fence() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        in_one(&store, move |tx| {
            let new = an_operation(id());
            operations::insert(tx, &tenant, &new)?;
            let fence = operations::claim(tx, "w", at(0), LEASE)?.unwrap().operation.fence;
            assert!(operations::postpone(tx, &tenant, new.id, fence, at(10), at(1))?);
            assert!(!operations::begin_step(tx, &tenant, new.id, fence, 1, &json!(1), at(1))?);
            assert_eq!(operations::claim(tx, "w", at(9), LEASE)?, None);
            assert_eq!(operations::claim(tx, "w", at(10), LEASE)?.unwrap().operation.fence, fence + 1);
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_step_has_its_number_once() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        let result: Result<()> = store
            .write(move |tx| {
                let new = an_operation(id());
                operations::insert(tx, &tenant, &new)?;
                let fence = operations::claim(tx, "w", at(0), LEASE)?.unwrap().operation.fence;
                operations::begin_step(tx, &tenant, new.id, fence, 1, &json!(1), at(1))?;
                operations::begin_step(tx, &tenant, new.id, fence, 1, &json!(1), at(1)).map(drop)
            })
            .await;
        assert!(matches!(result, Err(Error::Conflict(_))), "{result:?}");
    });
}

#[test]
fn many_workers_on_two_nodes_claim_each_operation_once() {
    on_both(|store, database| async move {
        let tenant: Tenant = tenant(&store).await;
        let mut woken = store.wakeups(Topic::Operations);
        woken.mark_unchanged();
        in_one(&store, move |tx| {
            (0..30).try_for_each(|_| operations::insert(tx, &tenant, &an_operation(id())).map(drop))
        })
        .await;
        woken.changed().await.unwrap();
        let second = Store::open(&database.url).unwrap();
        let mut workers = JoinSet::new();
        for worker in 0..6 {
            let store = if worker % 2 == 0 { store.clone() } else { second.clone() };
            workers.spawn(async move {
                let mut claimed: Vec<OperationId> = Vec::new();
                loop {
                    match store.write(move |tx| operations::claim(tx, "w", at(1), LEASE)).await {
                        Ok(Some(operation)) => claimed.push(operation.operation.id),
                        Ok(None) => return claimed,
                        Err(Error::Busy) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        let mut claimed = workers.join_all().await.concat();
        claimed.sort();
        claimed.dedup();
        assert_eq!(claimed.len(), 30);
        second.close().await;
    });
}
