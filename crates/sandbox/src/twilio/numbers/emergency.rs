//! The emergency address of a number: registered and unregistered in the course of a minute (T5 [S]).

use std::time::Duration;

use serde_json::{Value, json};

use super::super::Ctx;
use super::super::errors::Problem;
use crate::http::{Object, text};
use crate::jobs::Job;
use crate::state::World;

/// How long the authorities take [?].
const TAKES: Duration = Duration::from_secs(60);

/// What the form says about the emergency address. An address that the account does not have, and an active
/// status without one, are refused; with which code is [?].
pub(super) fn apply(ctx: &Ctx<'_>, number: &mut Object) -> Result<(), Problem> {
    if let Some(sid) = ctx.form.get("EmergencyAddressSid") {
        let address = ctx.world.twilio.addresses.get(sid).filter(|address| ctx.owns(address));
        let enabled = address.is_some_and(|address| address.get("emergency_enabled") == Some(&json!(true)));
        if !sid.is_empty() && !enabled {
            let text = format!("EmergencyAddressSid {sid} is not an address for emergencies of this account");
            return Err(Problem::new(20422, text));
        }
        let had = text(number, "emergency_address_status") != Some("unregistered");
        let status = match (sid.is_empty(), had) {
            (true, false) => "unregistered",
            (true, true) => "pending-unregistration",
            (false, _) => "pending-registration",
        };
        number.insert("emergency_address_status".to_owned(), json!(status));
        if sid.is_empty() {
            number.insert("emergency_status".to_owned(), json!("Inactive"));
        }
    }
    if ctx.form.get("EmergencyStatus") == Some("Active") && text(number, "emergency_address_sid").is_none() {
        return Err(Problem::new(20422, "EmergencyStatus Active needs an EmergencyAddressSid"));
    }
    Ok(())
}

/// Lets a pending status come to its end.
pub(super) fn follow(world: &mut World, number: &Object) {
    let pending =
        text(number, "emergency_address_status").is_some_and(|status| status.starts_with("pending"));
    if let Some(sid) = text(number, "sid").filter(|_| pending) {
        world.schedule(TAKES, Job::EmergencyAddress(sid.to_owned()));
    }
}

/// The job: what was pending is done.
pub(crate) fn settle(world: &mut World, sid: &str) {
    let Some(number) = world.twilio.numbers.get_mut(sid) else { return };
    let settled = match text(number, "emergency_address_status") {
        Some("pending-registration") => "registered",
        Some("pending-unregistration") => "unregistered",
        _ => return,
    };
    number.insert("emergency_address_status".to_owned(), json!(settled));
    if settled == "unregistered" {
        number.insert("emergency_address_sid".to_owned(), Value::Null);
    }
}
