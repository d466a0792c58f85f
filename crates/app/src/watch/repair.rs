//! Repair by itself: an ordinary operation of the engine, for the causes that the organisation chose. It stops where
//! somebody outside keeps changing the line back, and never touches what is not recorded as ours.

use super::alerts::{NewAlert, raise};
use super::look::{Look, label};
use super::minutes;
use crate::clock::now;
use crate::events::Actor;
use crate::operations::{Kind, NewOperation, start};
use dialtone_domain::line::{
    Assistants, Cause, Check, Desired, Fix, choose_assistant, first_failing, our_number, plan,
};
use dialtone_domain::{AlertKind, AssistantId, Params, Problem};
use dialtone_store::lines::Line;
use dialtone_store::{Tenant, Tx, operations, watch};
use jiff::SignedDuration;

/// How many minutes pass between one repair of a line and the next, as many repairs as there were within a day. After
/// the last of them the line is left alone, and people are alerted.
const PAUSES: [i64; 3] = [0, 10, 60];
const DAY_MINUTES: i64 = 24 * 60;

/// What a repair by itself may do.
pub(super) struct Permit<'a> {
    /// The causes that are repaired without asking.
    pub(super) causes: &'a [Cause],
    /// What answers where the line's own assistant is gone.
    pub(super) default: Option<AssistantId>,
    pub(super) minute: SignedDuration,
}

/// Starts a repair where one is wanted and may be; answers whether it did.
pub(super) fn repair(
    tx: &mut Tx,
    tenant: &Tenant,
    line: &Line,
    look: &Look,
    checks: &[Check],
    permit: &Permit<'_>,
) -> Result<bool, Problem> {
    let cause = first_failing(checks).and_then(|check| check.cause);
    let wanted = cause.is_some_and(|cause| cause.fix() == Fix::Repair && permit.causes.contains(&cause));
    if !wanted || !is_ours(look) || operations::unfinished(tx, tenant, line.id)?.is_some() {
        return Ok(false);
    }
    let Some(desired) = desired(line, look, permit.default) else { return Ok(false) };
    if plan(&desired, &look.observed).is_empty() {
        return Ok(false);
    }
    let at = now();
    let kind = Kind::SelfRepair;
    let since = at - minutes(permit.minute, DAY_MINUTES);
    let (count, last) = watch::repairs_since(tx, tenant, line.id, kind.name(), since)?;
    let Some(pause) = usize::try_from(count).ok().and_then(|count| PAUSES.get(count)) else {
        let subject = line.id.to_string();
        let params = Params::default().with("line", label(line)).with("line_id", subject.clone());
        raise(tx, tenant, permit.minute, &NewAlert { kind: AlertKind::RepairFight, subject, params })?;
        return Ok(false);
    };
    if last.is_some_and(|last| last + minutes(permit.minute, *pause) > at) {
        return Ok(false);
    }
    start(
        tx,
        tenant,
        &Actor::system("watch"),
        &NewOperation { line: line.id, kind, desired, undo_of: None },
    )?;
    Ok(true)
}

/// Whether the record at Vapi that a plan would change is the one that we recorded, or there is none at all.
fn is_ours(look: &Look) -> bool {
    let Some(view) = look.observed.vapi.known() else { return false };
    match our_number(look.desired.ours, Some(&look.desired.account_sid), &view.numbers) {
        Some(number) => Some(number.id) == look.desired.ours,
        None => true,
    }
}

/// What the line should be, with another assistant where its own is gone.
fn desired(line: &Line, look: &Look, default: Option<AssistantId>) -> Option<Desired> {
    let mut desired = look.desired.clone();
    let listed = &look.observed.vapi.known()?.assistants;
    let wish = desired.vapi.as_mut()?;
    if let Some(current) = line.assistant_id {
        let from = Assistants { requested: None, current: Some(current), default, listed };
        wish.assistant = Some(choose_assistant(from).ok()?.assistant.id);
    }
    Some(desired)
}
