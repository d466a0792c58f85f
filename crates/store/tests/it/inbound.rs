//! What providers tell us: once and for ever; the tape, bounded and aged out.

use dialtone_domain::TapeId;
use dialtone_domain::inbound::Hook;
use dialtone_domain::{Provider, inbound::Refusal};
use dialtone_store::tape::{self, Filter, Outcome, Stranger, Taped};
use dialtone_store::{Cursor, Result, inbound};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::common::{at, id, on_both, tenant};

fn taped(received_at: Timestamp, refusal: Option<Refusal>) -> Taped {
    Taped {
        id: id(),
        line_id: None,
        provider: Provider::Twilio,
        hook: Hook::Sms,
        outcome: if refusal.is_some() { Outcome::Refused } else { Outcome::Accepted },
        refusal,
        status: if refusal.is_some() { 403 } else { 200 },
        about: json!({ "to": "…2671" }),
        request: None,
        bytes: 3,
        is_whole: true,
        repeats: 0,
        repeated_at: None,
        received_at,
    }
}

#[test]
fn t04_what_was_told_once_is_known_for_ever_also_when_the_tape_has_forgotten_it() {
    on_both(|store, database| async move {
        let (ours, theirs) = (tenant(&store).await, tenant(&store).await);
        let result: Result<()> = store
            .write(move |tx| {
                let first = taped(at(0), None);
                assert!(inbound::note(tx, &ours, "twilio/AC1/message/SM1", "SM1", first.id, at(0))?);
                tape::insert(tx, &ours, &first)?;
                for (day, repeats) in [(1, Some(1)), (29, Some(2)), (31, None), (3650, None)] {
                    let later = at(day * 86_400);
                    tape::forget(tx, later)?;
                    assert!(
                        !inbound::note(tx, &ours, "twilio/AC1/message/SM1", "SM1", id(), later)?,
                        "day {day}"
                    );
                    tape::repeated(tx, &ours, "twilio/AC1/message/SM1", later)?;
                    assert_eq!(
                        tape::get(tx, &ours, first.id)?.map(|kept| kept.repeats),
                        repeats,
                        "day {day}"
                    );
                }
                assert!(!inbound::note(tx, &theirs, "twilio/AC1/message/SM1", "SM1", id(), at(1))?);
                assert!(inbound::is_anothers(tx, &theirs, "SM1")?);
                assert!(!inbound::is_anothers(tx, &ours, "SM1")? && !inbound::is_anothers(tx, &ours, "SM2")?);
                Ok(())
            })
            .await;
        result.unwrap();
        assert_eq!((database.count("inbound"), database.count("tape")), (1, 0));
    });
}

#[test]
fn the_tape_is_paged_for_one_organisation_and_kept_as_long_as_it_wants() {
    on_both(|store, database| async move {
        let (ours, theirs) = (tenant(&store).await, tenant(&store).await);
        let result: Result<()> = store
            .write(move |tx| {
                let all: Vec<Taped> = (0..5).map(|hour| taped(at(hour * 3600), None)).collect();
                all.iter().try_for_each(|row| tape::insert(tx, &ours, row))?;
                tape::insert(tx, &theirs, &taped(at(0), None))?;
                let page = tape::page(tx, &ours, &Filter::default(), None, 2)?;
                assert_eq!(page, [all[4].clone(), all[3].clone()]);
                let after = Cursor { created_at: all[3].received_at, id: all[3].id };
                assert_eq!(tape::page(tx, &ours, &Filter::default(), Some(after), 9)?.len(), 3);
                let narrow = Filter { from: Some(at(3600)), to: Some(at(7200)), ..Filter::default() };
                assert_eq!(tape::page(tx, &ours, &narrow, None, 9)?, [all[1].clone()]);
                assert_eq!(tape::get(tx, &theirs, all[0].id)?, None);
                assert!(!tape::settle(tx, &theirs, all[0].id, None, Some(Refusal::Malformed))?);
                assert_eq!(tape::days(tx, &ours)?, tape::DAYS);
                tape::set_days(tx, &ours, 3)?;
                tape::set_days(tx, &ours, 2)?;
                assert_eq!((tape::days(tx, &ours)?, tape::days(tx, &theirs)?), (2, tape::DAYS));
                assert_eq!(tape::forget(tx, at(2 * 86_400 + 3600))?, 1);
                Ok(())
            })
            .await;
        result.unwrap();
        assert_eq!(database.count("tape"), 5);
    });
}

#[test]
fn t01_refused_requests_and_strangers_make_room_for_the_next() {
    on_both(|store, database| async move {
        let ours = tenant(&store).await;
        let result: Result<()> = store
            .write(move |tx| {
                let good = taped(at(0), None);
                tape::insert(tx, &ours, &good)?;
                let signed = taped(at(0), Some(Refusal::SignatureWrong));
                tape::insert(tx, &ours, &signed)?;
                for number in 0..620 {
                    let received_at = at(0) + SignedDuration::from_secs(number);
                    tape::insert(tx, &ours, &taped(received_at, Some(Refusal::SignatureMissing)))?;
                    let stranger = Stranger {
                        id: id::<TapeId>(),
                        hook: Hook::Voice,
                        refusal: Refusal::AccountUnknown,
                        about: json!({}),
                        received_at,
                    };
                    tape::insert_stranger(tx, &stranger)?;
                }
                assert!(tape::get(tx, &ours, good.id)?.is_some(), "what was believed stays");
                assert!(
                    tape::get(tx, &ours, signed.id)?.is_some(),
                    "T57: nor does what anybody can send crowd it out"
                );
                let newest = &tape::strangers(tx, 3)?[0];
                assert_eq!(newest.received_at, at(619));
                Ok(())
            })
            .await;
        result.unwrap();
        assert_eq!((database.count("tape"), database.count("tape_strangers")), (252, 500));
    });
}
