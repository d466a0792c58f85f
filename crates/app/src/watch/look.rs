//! Keeping what a look saw: the line's health, its diary, its alert. One way for every look: the watch's, a member's,
//! and the last one of an operation.

use super::alerts::{NewAlert, clear, forget_unwatched, raise};
use super::diary::{self, Author};
use crate::clock::now;
use crate::lines::Report;
use crate::start::App;
use dialtone_domain::line::{
    Cause, Check, CheckId, Desired, Fix, Observed, Snapshot, diagnose, first_failing, trouble,
};
use dialtone_domain::{AlertKind, Code, OperationId, Params, Problem, Provider};
use dialtone_store::lines::Line;
use dialtone_store::watch::{self as rows, LineWatch, Seen};
use dialtone_store::{Tenant, Tx, operations};
use jiff::{SignedDuration, Timestamp};

/// What was seen of a line, and when the look began: what it saw is at least as new as that.
#[derive(Clone)]
pub(crate) struct Look {
    pub(crate) desired: Desired,
    pub(crate) observed: Observed,
    pub(crate) at: Timestamp,
}

/// What a look that was kept means.
pub(super) struct Kept {
    /// What was known before it.
    pub(super) before: LineWatch,
    pub(super) checks: Vec<Check>,
}

impl Look {
    /// Why one provider's part could not be seen.
    pub(super) fn trouble(&self, provider: Provider) -> Option<Check> {
        trouble(&self.desired, &self.observed, provider)
    }

    /// Whether both parties could be read at all.
    fn is_whole(&self) -> bool {
        self.observed.twilio.known().is_some() && self.observed.vapi.known().is_some()
    }

    /// Keeps it; `None` where a newer look has been kept, the line is gone, or an operation is changing it (whose own
    /// last look is kept instead).
    pub(crate) fn keep(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        line: &Line,
        operation: Option<OperationId>,
        minute: SignedDuration,
    ) -> Result<Option<()>, Problem> {
        let Some(kept) = self.record(tx, tenant, line, operation)? else { return Ok(None) };
        self.judge(tx, tenant, line, &kept.checks, operation.is_some(), minute)?;
        Ok(Some(()))
    }

    /// The same, and tells what it means.
    pub(super) fn record(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        line: &Line,
        operation: Option<OperationId>,
    ) -> Result<Option<Kept>, Problem> {
        let Some(before) = rows::get(tx, tenant, line.id)? else { return Ok(None) };
        if operation.is_none() && operations::unfinished(tx, tenant, line.id)?.is_some() {
            return Ok(None);
        }
        let checks = diagnose(&self.desired, &self.observed);
        let whole = self.is_whole();
        let old = before.snapshot.clone().and_then(|value| serde_json::from_value(value).ok());
        let old: Snapshot = old.unwrap_or_default();
        let new = old.after(Snapshot::of(&self.desired, &self.observed));
        let failing =
            first_failing(&checks).and_then(|check| check.cause).map(|cause| cause.name().to_owned());
        let cause = if whole { failing } else { before.cause.clone() };
        let last_call = self.observed.vapi.known().and_then(|view| view.last_call.as_ref());
        let seen = Seen {
            looked_at: self.at,
            unknown_since: (!whole).then(|| before.unknown_since.unwrap_or(self.at)),
            snapshot: Some(serde_json::to_value(&new).map_err(|_| Code::Internal)?),
            cause: cause.clone(),
            last_call: last_call.and_then(|call| serde_json::to_value(call).ok()),
        };
        if !rows::record_look(tx, tenant, line.id, &seen, now())? {
            return Ok(None);
        }
        let drifts = old.drifts(&new);
        if whole {
            Report { checks: checks.clone(), at: self.at }.store(tx, tenant, line.id)?;
        }
        // The first whole look has nothing to be compared with.
        let flipped = whole && before.snapshot.is_some() && cause != before.cause;
        if !drifts.is_empty() || flipped {
            let author = Author::of(tx, tenant, line, &before, self, operation, &drifts)?;
            diary::append(tx, tenant, line, &before, self, &cause, drifts, author)?;
        }
        Ok(Some(Kept { before, checks }))
    }

    /// Opens and closes the line's own alerts. What is wrong with credentials or a provider is not the line's. Who
    /// runs an operation is told by it what is wrong: only that the line is well closes alerts then.
    pub(super) fn judge(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        line: &Line,
        checks: &[Check],
        by_operation: bool,
        minute: SignedDuration,
    ) -> Result<(), Problem> {
        if !self.is_whole() {
            return Ok(());
        }
        let failing = first_failing(checks);
        let kind = match failing.and_then(|check| check.cause) {
            Some(cause) if cause.check() == CheckId::Credentials => return Ok(()),
            Some(cause) if cause.fix() == Fix::Wait => None,
            Some(Cause::LastCallFailed) => Some(AlertKind::CallFailed),
            Some(_) => Some(AlertKind::LineBroken),
            None => None,
        };
        let subject = line.id.to_string();
        if let (Some(kind), Some(check), false) = (kind, failing, by_operation) {
            let params = cause_params(check).with("line", label(line)).with("line_id", subject.clone());
            raise(tx, tenant, minute, &NewAlert { kind, subject: subject.clone(), params })?;
        }
        for over in [AlertKind::LineBroken, AlertKind::CallFailed, AlertKind::RepairFight] {
            let of_this = Some(over) == kind || (over == AlertKind::RepairFight && kind.is_some());
            if !of_this {
                clear(tx, tenant, minute, over, &subject)?;
            }
        }
        Ok(())
    }
}

impl App {
    /// Keeps a member's look, with what it tells of the providers.
    pub(crate) async fn keep_look(&self, tenant: &Tenant, line: Line, look: Look) -> Result<(), Problem> {
        let (tenant, minute) = (tenant.clone(), self.inner.minute);
        self.store()
            .write(move |tx| {
                let Some(kept) = look.record(tx, &tenant, &line, None)? else { return Ok(()) };
                look.judge(tx, &tenant, &line, &kept.checks, false, minute)?;
                let seen = super::worker::Verdicts::of([(&look, &kept.before)]);
                seen.store(tx, &tenant, minute)?;
                forget_unwatched(tx, &tenant)
            })
            .await
    }
}

/// How people know a line: its name, and its number where it has another name.
pub(super) fn label(line: &Line) -> String {
    let number = line.phone.international();
    match line.friendly_name == number {
        true => number,
        false => format!("{} ({number})", line.friendly_name),
    }
}

/// What fills the texts of an alert that a check is the reason of.
pub(super) fn cause_params(check: &Check) -> Params {
    let mut params = check.params.clone();
    params.set("found", check.found.clone().unwrap_or_default());
    params.set("cause", check.cause.map(Cause::name).unwrap_or_default());
    params
}
