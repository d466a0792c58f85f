//! The watch's clock: what was dated by one that has been put back since holds up nothing (case T40).

use dialtone_store::watch::{self, Seen};
use dialtone_store::{Tenant, Tx, deliveries, lines};
use jiff::SignedDuration;
use serde_json::json;

use crate::common::{at, id, on_both, tenant};
use crate::lines::a_line;

const DAY: i64 = 86_400;

fn seen(seconds: i64) -> Seen {
    Seen { looked_at: at(seconds), unknown_since: None, snapshot: None, cause: None, last_call: None }
}

/// A line that is watched, and due then.
fn a_watched_line(tx: &mut Tx, tenant: &Tenant, due: i64) -> dialtone_store::Result<dialtone_domain::LineId> {
    let line = a_line("+33612345678");
    lines::insert(tx, tenant, &line)?;
    watch::begin(tx, tenant, line.id, at(due))?;
    Ok(line.id)
}

#[test]
fn t40_a_look_of_tomorrow_gives_way_and_a_later_one_does_not() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        store
            .write(move |tx| {
                let line = a_watched_line(tx, &tenant, 0)?;
                assert!(watch::record_look(tx, &tenant, line, &seen(DAY), at(DAY))?);
                assert!(watch::record_look(tx, &tenant, line, &seen(10), at(12))?, "the clock was put back");
                assert!(
                    !watch::record_look(tx, &tenant, line, &seen(9), at(13))?,
                    "a look that began before"
                );

                watch::put_settings(tx, &tenant, 15, &json!([]))?;
                assert!(watch::claim_pull(tx, &tenant, at(DAY - 900), at(DAY))?);
                assert!(watch::claim_pull(tx, &tenant, at(-900), at(0))?, "the clock was put back");
                assert!(!watch::claim_pull(tx, &tenant, at(-899), at(1))?, "read a second ago");
                Ok::<_, dialtone_store::Error>(())
            })
            .await
            .unwrap();
    });
}

#[test]
fn t40_what_a_clock_before_left_waiting_is_due_at_the_start() {
    on_both(|store, _| async move {
        let tenant = tenant(&store).await;
        store
            .write(move |tx| {
                let line = a_watched_line(tx, &tenant, DAY)?;
                let lease = SignedDuration::from_secs(60);
                assert!(watch::claim(tx, at(DAY), at(DAY), lease, 1)?.is_some());
                watch::release_all(tx, &tenant, at(0), at(900))?;
                assert_eq!(watch::get(tx, &tenant, line)?.unwrap().due_at, at(0));
                assert!(watch::claim(tx, at(0), at(0), lease, 1)?.is_some(), "the claim of before is ended");
                watch::release(tx, &tenant, line, at(0), at(800))?;
                watch::release_all(tx, &tenant, at(0), at(900))?;
                assert_eq!(watch::get(tx, &tenant, line)?.unwrap().due_at, at(800), "in its time");

                deliveries::add(tx, &tenant, &a_message(0, DAY))?;
                deliveries::add(tx, &tenant, &a_message(2, 300))?;
                deliveries::release_all(tx, 0, at(0), at(180))?;
                deliveries::release_all(tx, 2, at(0), at(360))?;
                assert_eq!(deliveries::claim(tx, at(0), lease)?.unwrap().delivery.attempt, 1);
                assert_eq!(deliveries::next_due(tx, at(0))?, Some(at(300)), "in its time");
                Ok::<_, dialtone_store::Error>(())
            })
            .await
            .unwrap();
    });
}

/// One that was tried so often, and is due then.
fn a_message(attempt: i64, due: i64) -> deliveries::Delivery {
    deliveries::Delivery {
        id: id(),
        channel: deliveries::Channel::Webhook,
        target: "t".to_owned(),
        topic: "alert.opened".to_owned(),
        subject_id: format!("{attempt}"),
        change: 1,
        payload: json!({}),
        attempt,
        run_at: at(due),
        lease_until: at(due + 60),
        last_error: None,
        created_at: at(0),
        finished_at: None,
        delivered: false,
    }
}
