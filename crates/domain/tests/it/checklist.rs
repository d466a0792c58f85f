//! The shape of every checklist (requirement A7).

use crate::{arbitrary, line};
use dialtone_domain::Language;
use dialtone_domain::line::{
    Cause, CheckId, Fix, Status, blocker, diagnose, first_failing, is_healthy, plan,
};
use proptest::prelude::*;

#[test]
fn a7_a_healthy_line_is_ok_in_all_six_and_nothing_is_planned() {
    let (desired, observed) = (line::desired(), line::observed());
    let checks = diagnose(&desired, &observed);
    assert!(is_healthy(&checks) && first_failing(&checks).is_none() && blocker(&checks).is_none());
    assert_eq!(checks.iter().map(|check| check.id).collect::<Vec<_>>(), CheckId::ALL);
    assert_eq!(plan(&desired, &observed), []);
}

#[test]
fn a7_only_what_a_plan_cannot_mend_blocks() {
    for &cause in Cause::ALL {
        assert!(cause.check() != CheckId::Credentials || cause.fix() != Fix::Repair, "{cause:?}");
    }
    let (desired, mut observed) = (line::desired(), line::observed());
    line::at_vapi(&mut observed).assistant_id = None;
    assert!(blocker(&diagnose(&desired, &observed)).is_none());
    line::twilio(&mut observed).number = Err(dialtone_domain::line::Elsewhere::Unknown);
    line::at_vapi(&mut observed).assistant_id = Some(line::id(1));
    let checks = diagnose(&desired, &observed);
    assert_eq!(blocker(&checks).and_then(|check| check.cause), Some(Cause::NumberLeftAccount));
}

proptest! {
    #![proptest_config(arbitrary::config())]

    #[test]
    fn a7_any_state_gives_six_checks_that_stop_at_the_first_cause(
        desired in arbitrary::wished(),
        observed in arbitrary::observed(),
    ) {
        let checks = diagnose(&desired, &observed);
        prop_assert_eq!(checks.iter().map(|check| check.id).collect::<Vec<_>>(), CheckId::ALL);
        let failing = checks.iter().position(|check| check.status != Status::Ok).unwrap_or(checks.len());
        for (place, check) in checks.iter().enumerate() {
            let expected = match place.cmp(&failing) {
                std::cmp::Ordering::Less => Status::Ok,
                std::cmp::Ordering::Equal => Status::Failing,
                std::cmp::Ordering::Greater => Status::NotReached,
            };
            prop_assert_eq!(check.status, expected);
            prop_assert_eq!(check.cause.map(Cause::check), (place == failing).then_some(check.id));
            for language in [Language::En, Language::Fr] {
                prop_assert!(!check.summary(language).is_empty());
                prop_assert_eq!(check.fix(language).is_some(), place == failing);
            }
        }
        prop_assert_eq!(is_healthy(&checks), failing == checks.len());
    }
}
