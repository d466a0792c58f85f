//! What two looks saw differently (requirement A10): the vocabulary, and what is no difference.

use crate::line::{at_twilio, at_vapi, desired, observed, sid, twilio, vapi};
use dialtone_domain::line::{AccountStatus, Elsewhere, Observed, Reading, Snapshot};
use dialtone_domain::{Code, Problem, Provider};

fn snapshot(observed: &Observed) -> Snapshot {
    Snapshot::of(&desired(), observed)
}

/// The fields that differ after a change, with the value before and after.
fn drifts(change: impl FnOnce(&mut Observed)) -> Vec<(Provider, String, Option<String>, Option<String>)> {
    let before = snapshot(&observed());
    let mut later = observed();
    change(&mut later);
    let after = before.after(snapshot(&later));
    let found = before.drifts(&after);
    assert!(after.drifts(&after).is_empty());
    let mut back = after.drifts(&before);
    back.iter_mut().for_each(|drift| std::mem::swap(&mut drift.from, &mut drift.to));
    assert_eq!(back, found, "the way back is the same");
    found.into_iter().map(|drift| (drift.provider, drift.field, drift.from, drift.to)).collect()
}

type Change = fn(&mut Observed);

#[test]
fn a10_each_field_has_its_providers_name() {
    let rows: [(Provider, &str, Change); 12] = [
        (Provider::Twilio, "voice_url", |o| at_twilio(o).voice.voice_url = Some("https://x.example".into())),
        (Provider::Twilio, "voice_url", |o| at_twilio(o).voice.voice_url = None),
        (Provider::Twilio, "voice_method", |o| {
            at_twilio(o).voice.voice_method = dialtone_domain::line::Method::Get;
        }),
        (Provider::Twilio, "trunk_sid", |o| {
            at_twilio(o).voice.trunk_sid = Some(sid("TK", 1));
        }),
        (Provider::Twilio, "status_callback", |o| {
            at_twilio(o).voice.status_callback = Some("https://y.example".into());
        }),
        (Provider::Twilio, "sms_url", |o| at_twilio(o).sms.sms_url = Some("https://z.example".into())),
        (Provider::Twilio, "capabilities.voice", |o| at_twilio(o).takes_calls ^= true),
        (Provider::Vapi, "name", |o| at_vapi(o).name = "other".into()),
        (Provider::Vapi, "squadId, workflowId", |o| at_vapi(o).has_squad = true),
        (Provider::Vapi, "smsEnabled", |o| at_vapi(o).sms_enabled = Some(true)),
        (Provider::Vapi, "status", |o| at_vapi(o).status = dialtone_domain::line::NumberStatus::Blocked),
        (Provider::Vapi, "twilioAccountSid", |o| {
            at_vapi(o).account_sid = Some(sid("AC", 9));
        }),
    ];
    for (provider, field, change) in rows {
        let found = drifts(change);
        let names: Vec<_> = found.iter().map(|drift| (drift.0, drift.1.as_str())).collect();
        assert_eq!(names, [(provider, field)]);
        assert_ne!(found[0].2, found[0].3);
    }
    let unlinked = drifts(|observed| at_vapi(observed).assistant_id = None);
    let names: Vec<_> = unlinked.iter().map(|drift| drift.1.as_str()).collect();
    assert_eq!(names, ["assistant.name", "assistantId"]);
}

#[test]
fn a10_what_could_not_be_seen_is_no_drift() {
    let failed = || Problem::new(Code::ProviderFailed);
    assert!(drifts(|_| ()).is_empty());
    assert!(drifts(|observed| observed.twilio = Reading::Failed(failed())).is_empty());
    assert!(drifts(|observed| observed.vapi = Reading::Failed(failed())).is_empty());
    assert!(drifts(|observed| observed.vapi = Reading::NotConfigured).is_empty());
    // Without an assistant and a number Vapi does not say whose key it is.
    assert!(drifts(|observed| vapi(observed).org_id = None).is_empty());
    // The time of the last change and the last call tell of no setting.
    assert!(drifts(|observed| at_vapi(observed).updated_at = None).is_empty());
    // Behind an account that does not work nothing else can be seen.
    let inactive = drifts(|observed| {
        twilio(observed).account.status = AccountStatus::Inactive;
        twilio(observed).number = Err(Elsewhere::Unknown);
    });
    assert_eq!(inactive.iter().map(|drift| drift.1.as_str()).collect::<Vec<_>>(), ["account.status"]);
    // Nor with a key of another organisation.
    let other = drifts(|observed| {
        vapi(observed).org_id = Some(crate::line::id(99));
        vapi(observed).numbers.clear();
    });
    assert!(other.iter().all(|drift| drift.1 == "orgId"), "{other:?}");
}

#[test]
fn a10_a_number_that_left_is_a_drift() {
    let left = drifts(|observed| {
        twilio(observed).number = Err(Elsewhere::CallerId);
    });
    assert!(
        left.iter().any(|drift| drift.1 == "elsewhere" && drift.3.as_deref() == Some("caller ID")),
        "{left:?}"
    );
    assert!(left.iter().any(|drift| drift.1 == "sid" && drift.3.is_none()));
    let gone = drifts(|observed| {
        vapi(observed).numbers.clear();
    });
    assert!(gone.iter().any(|drift| drift.1 == "id" && drift.3.is_none()), "{gone:?}");
}

#[test]
fn t26_addresses_are_kept_without_passwords() {
    let found = drifts(|observed| {
        at_twilio(observed).voice.voice_url = Some("https://me:secret@x.example/voice".into());
    });
    assert_eq!(found[0].3.as_deref(), Some("https://…@x.example/voice"));
}
