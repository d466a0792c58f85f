//! From any state: plans end, change only what they may, and lead back.

use crate::arbitrary::{self, region, sms, voice};
use crate::line::{self, OUR_SECRET, at_vapi, id, sid, vapi, wish};
use crate::model::{World, essence};
use dialtone_domain::line::{
    Change, CheckId, Desired, Fix, Observed, Reading, Region, Status, VapiNumber, Wish, blocker, diagnose,
    first_failing, is_healthy, plan, previous,
};
use proptest::{option, prelude::*};

fn world(observed: Observed, region: Region, (patches_rewrite, tells_sms): (bool, bool)) -> World {
    World { observed, region, patches_rewrite, tells_sms }
}

/// A wish as an import or a repair has it: an assistant that exists, and the calls to Vapi.
fn repair(mut desired: Desired) -> Desired {
    desired.vapi.get_or_insert_with(|| line::desired().vapi.expect("a record is wished for"));
    wish(&mut desired).assistant = Some(id(1));
    Desired { vapi_org_id: None, voice: Wish::AsIs, ..desired }
}

fn with_assistant(mut observed: Observed) -> Observed {
    if let Reading::Known(view) = &mut observed.vapi {
        view.assistants = vec![line::assistant(1), line::assistant(2)];
    }
    observed
}

/// A record that nothing of is lost when it is changed: no squad, and no secret.
fn record() -> impl Strategy<Value = Option<VapiNumber>> {
    option::of(arbitrary::record(1)).prop_map(|record| {
        record.map(|mut record| {
            record.account_sid = Some(sid("AC", 1));
            record.has_squad = false;
            record.sms_enabled = Some(record.sms_enabled == Some(true));
            if let Some(server) = &mut record.server {
                server.secret_fingerprint = None;
            }
            record
        })
    })
}

prop_compose! {
    /// A state that can be gone back to.
    fn reversible()(record in record(), mut voice in voice(), sms in sms()) -> Observed {
        let mut observed = line::observed();
        vapi(&mut observed).numbers = record.into_iter().collect();
        voice.application_sid = voice.application_sid.filter(|_| voice.trunk_sid.is_none());
        line::at_twilio(&mut observed).voice = voice;
        line::at_twilio(&mut observed).sms = sms;
        observed
    }
}

proptest! {
    #![proptest_config(arbitrary::config())]

    #[test]
    fn every_plan_ends_and_deletes_only_what_is_ours(
        desired in arbitrary::wished(),
        observed in arbitrary::observed(),
        unknown in any::<(bool, bool)>(),
    ) {
        let mut world = world(observed, desired.region, unknown);
        for change in world.settle(&desired) {
            prop_assert!(!change.fields().is_empty(), "a preview shows nothing of {change:?}");
            match change {
                Change::DeleteVapiNumber { number, .. } => {
                    prop_assert!(desired.vapi.is_none() && Some(number) == desired.ours);
                }
                Change::SetVoiceRouting { to, .. } => {
                    prop_assert!(to.trunk_sid.is_none() || to.application_sid.is_none());
                }
                _ => (),
            }
        }
    }

    #[test]
    fn nothing_is_planned_without_credentials_that_work(
        desired in arbitrary::wished(),
        observed in arbitrary::observed(),
    ) {
        let checks = diagnose(&desired, &observed);
        if checks[CheckId::Credentials as usize].status != Status::Ok {
            prop_assert_eq!(plan(&desired, &observed), []);
            prop_assert!(blocker(&checks).is_some());
        }
    }

    #[test]
    fn a_healthy_line_is_left_alone_save_for_its_texts(
        desired in arbitrary::wished().prop_map(repair),
        mut observed in arbitrary::observed().prop_map(with_assistant),
    ) {
        let texts = |change: &Change| {
            matches!(change, Change::SetSmsOwner { .. } | Change::SetSmsRouting { .. })
        };
        if is_healthy(&diagnose(&desired, &observed)) {
            prop_assert!(plan(&desired, &observed).iter().all(texts));
            let record = vapi(&mut observed).numbers.iter_mut();
            record.for_each(|record| record.sms_enabled = None);
            prop_assert_eq!(plan(&Desired { sms: Wish::AsIs, ..desired }, &observed), []);
        }
    }

    #[test]
    fn a6_what_is_called_repairable_is_repaired(
        desired in arbitrary::wished().prop_map(repair),
        observed in arbitrary::observed().prop_map(with_assistant),
        unknown in any::<(bool, bool)>(),
    ) {
        let repairable = |observed: &Observed| {
            let checks = diagnose(&desired, observed);
            first_failing(&checks).and_then(|check| check.cause).filter(|cause| cause.fix() == Fix::Repair)
        };
        if let Some(cause) = repairable(&observed) {
            prop_assert!(!plan(&desired, &observed).is_empty(), "{cause:?} without a repair");
        }
        let mut world = world(observed, desired.region, unknown);
        world.settle(&desired);
        prop_assert_eq!(repairable(&world.observed), None);
    }

    #[test]
    fn undo_leads_back_to_where_a_plan_began(
        mut desired in arbitrary::wished(),
        mut start in reversible(),
        patches_rewrite in any::<bool>(),
    ) {
        desired.vapi_org_id = None;
        let mut back = previous(&desired, &start);
        let mut world = world(start.clone(), desired.region, (patches_rewrite, true));
        let steps = world.settle(&desired);
        if steps.iter().any(|change| matches!(change, Change::ImportNumber { .. })) {
            back.ours = Some(World::imported());
        }
        world.settle(&back);
        prop_assert_eq!(essence(&mut world.observed), essence(&mut start), "{:#?}", steps);
    }

    #[test]
    fn undo_before_anything_was_done_does_nothing(
        mut desired in arbitrary::wished(),
        start in reversible(),
    ) {
        desired.vapi_org_id = None;
        prop_assert_eq!(plan(&previous(&desired, &start), &start), []);
    }

    #[test]
    fn undo_ends_also_where_something_cannot_be_brought_back(
        desired in arbitrary::wished(),
        mut start in arbitrary::observed(),
        unknown in any::<(bool, bool)>(),
    ) {
        if let (None, Reading::Known(view)) = (&desired.vapi, &mut start.vapi) {
            // The secret of a record that is removed is ours, and known when it is made again.
            let servers = view.numbers.iter_mut().filter_map(|record| record.server.as_mut());
            servers.for_each(|server| server.secret_fingerprint = Some(OUR_SECRET.to_owned()));
        }
        let back = previous(&desired, &start);
        let mut world = world(start, desired.region, unknown);
        world.settle(&desired);
        world.settle(&back);
    }

    #[test]
    fn removing_and_importing_again_gives_the_same_line(region in region(), patches_rewrite in any::<bool>()) {
        let mut start = line::observed();
        line::at_twilio(&mut start).voice.voice_url = Some(region.voice_url());
        line::at_twilio(&mut start).voice.status_callback = Some(region.status_url());
        let wished = Desired { region, ..line::desired() };
        let mut world = world(start.clone(), region, (patches_rewrite, true));
        world.settle(&Desired { vapi: None, ..wished.clone() });
        prop_assert!(vapi(&mut world.observed).numbers.is_empty());
        world.settle(&wished);
        prop_assert_eq!(essence(&mut world.observed), essence(&mut start));
        prop_assert_eq!(at_vapi(&mut world.observed).id, World::imported());
        prop_assert!(is_healthy(&diagnose(&wished, &world.observed)));
    }
}
