//! What the end of an operation leaves in our own record.

use crate::clock::now;
use crate::events::{Actor, record};
use crate::lines::details;
use crate::operations::Kind;
use crate::start::App;
use crate::watch::{self, Look};
use dialtone_domain::line::{VapiWish, Wish};
use dialtone_domain::{Code, OperationId, Problem, SecretString};
use dialtone_store::lines::{self, Line, LineDetails};
use dialtone_store::operations::{self as rows, OperationState};
use dialtone_store::{Tenant, Tx, settings};
use serde_json::json;

/// The end of an operation, to be written in one transaction.
pub(super) struct Ending {
    pub(super) tenant: Tenant,
    pub(super) id: OperationId,
    pub(super) fence: i64,
    pub(super) kind: Kind,
    pub(super) state: OperationState,
    pub(super) problem: Option<Problem>,
    pub(super) line: Line,
    /// What was seen last.
    pub(super) look: Look,
    /// What the line is meant to be again, where the operation led back.
    pub(super) restored: Option<VapiWish>,
    pub(super) undo_of: Option<OperationId>,
    pub(super) app: App,
    /// The auth token that the operation worked with.
    pub(super) token: SecretString,
}

impl Ending {
    /// Writes it; false if the operation is somebody else's by now.
    pub(super) fn store(&self, tx: &mut Tx) -> Result<bool, Problem> {
        let Self { tenant, id, fence, state, line, .. } = self;
        let problem = self.problem.as_ref().and_then(|problem| serde_json::to_value(problem).ok());
        if !rows::finish(tx, tenant, *id, *fence, *state, problem.as_ref(), now())? {
            return Ok(false);
        }
        let succeeded = *state == OperationState::Succeeded;
        if self.kind == Kind::Remove && succeeded {
            remove_row(tx, tenant, line, &Actor::system("engine"))?;
        } else {
            self.restore_row(tx)?;
            self.look.keep(tx, tenant, line, Some(*id), self.app.inner.minute)?;
        }
        if self.kind == Kind::Undo && succeeded && line.vapi_phone_id.is_none() {
            // An import that was undone must not come back by itself with the next thing that is saved.
            settings::forget_phone(tx, tenant, &line.phone)?;
        }
        let code = self.problem.as_ref().map(|problem| problem.code);
        tell_end(tx, tenant, *id, self.kind.name(), *state, code, self.undo_of)?;
        self.tell_vapi(tx)?;
        Ok(true)
    }

    /// A token that was changed while this operation ran goes to Vapi now; one that was just refused does not.
    fn tell_vapi(&self, tx: &mut Tx) -> Result<(), Problem> {
        let tried = Some(&self.token).filter(|_| self.kind == Kind::Credentials);
        let engine = Actor::system("engine");
        match self.app.tell_vapi(tx, &self.tenant, &engine, self.line.id, tried) {
            // The line's check tells of a secret that was damaged.
            Err(problem) if problem.code == Code::Sealed => Ok(()),
            told => told,
        }
    }

    fn restore_row(&self, tx: &mut Tx) -> Result<(), Problem> {
        let (Some(wish), Some(row)) = (&self.restored, lines::get(tx, &self.tenant, self.line.id)?) else {
            return Ok(());
        };
        let mut back =
            LineDetails { assistant_id: wish.assistant, sms_owner: wish.sms_owner, ..details(&row) };
        if let Wish::Exactly(server) = &wish.server {
            back.server_url = server.as_ref().map(|server| server.url.clone());
            back.server_secret = back.server_secret.filter(|_| back.server_url == row.server_url);
        }
        lines::update_details(tx, &self.tenant, self.line.id, &back, now())?;
        Ok(())
    }
}

/// What every end of an operation has: what it was to take back can be taken back again where that did not come to
/// pass, and the end is told.
pub(super) fn tell_end(
    tx: &mut Tx,
    tenant: &Tenant,
    id: OperationId,
    kind: &str,
    state: OperationState,
    problem: Option<Code>,
    undo_of: Option<OperationId>,
) -> Result<(), Problem> {
    if let Some(undone) = undo_of.filter(|_| state != OperationState::Succeeded) {
        rows::forget_undo(tx, tenant, undone, id)?;
    }
    let told = json!({ "operation": id, "kind": kind, "state": state.name(), "problem": problem });
    record(tx, tenant, &Actor::system("engine"), "operation.finished", id, None, Some(told))
}

/// Removes a line's row. The number is no longer one to import by itself, or it would come back at once.
pub(crate) fn remove_row(tx: &mut Tx, tenant: &Tenant, line: &Line, actor: &Actor) -> Result<(), Problem> {
    lines::remove(tx, tenant, line.id)?;
    watch::forget_line(tx, tenant, line.id)?;
    settings::forget_phone(tx, tenant, &line.phone)?;
    let told = json!({ "phone": line.phone.to_string() });
    record(tx, tenant, actor, "line.removed", line.id, Some(told), None)
}
