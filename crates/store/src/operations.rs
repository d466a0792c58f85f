//! Durable operations on lines: claimed by a lease, and fenced, so that who lost the lease cannot write.

use dialtone_domain::{LineId, OperationId, OrgId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sql::sql;
use crate::value::{FromRow, Row, named, params, record};
use crate::{Cursor, Result, Tenant, Topic, Tx};

named! {
    /// How far an operation is.
    pub enum OperationState {
        /// Waits for a worker.
        Pending = "pending",
        /// A worker has it, or had it when it died.
        Running = "running",
        /// Done.
        Succeeded = "succeeded",
        /// Not done, and what was done for it is undone.
        Failed = "failed",
        /// It cannot be told.
        Unclear = "unclear",
    }
}

named! {
    /// How far a step is.
    pub enum StepState {
        /// About to be done, or interrupted.
        Started = "started",
        /// Done.
        Done = "done",
        /// Not done.
        Failed = "failed",
        /// It cannot be told.
        Unclear = "unclear",
    }
}

record! {
    /// An operation.
    pub struct Operation as operation_columns {
        /// Its id.
        pub id: OperationId,
        /// The line, which may have been removed since.
        pub line_id: LineId,
        /// What kind of operation.
        pub kind: String,
        /// How far it is.
        pub state: OperationState,
        /// What is to be reached.
        pub desired: Value,
        /// What was there before, for the way back.
        pub previous: Option<Value>,
        /// Why it failed.
        pub problem: Option<Value>,
        /// How many workers have taken it up.
        pub attempt: i64,
        /// Grows whenever a worker takes it up.
        pub fence: i64,
        /// The worker that has it.
        pub lease_owner: Option<String>,
        /// Until when.
        pub lease_until: Timestamp,
        /// Not before.
        pub run_at: Timestamp,
        /// The last step before it began to lead back, once it does.
        pub back_from: Option<i64>,
        /// The operation that this one takes back.
        pub undo_of: Option<OperationId>,
        /// The operation that took this one back.
        pub undone_by: Option<OperationId>,
        /// Who asked for it.
        pub created_by: Value,
        /// When.
        pub created_at: Timestamp,
        /// When it last moved.
        pub updated_at: Timestamp,
        /// When it ended.
        pub finished_at: Option<Timestamp>,
    }
}

record! {
    /// One change of an operation.
    pub struct Step as step_columns {
        /// Its number in the operation.
        pub seq: i64,
        /// How far it is.
        pub state: StepState,
        /// What is changed.
        pub change: Value,
        /// Why it failed.
        pub problem: Option<Value>,
        /// When it was begun.
        pub started_at: Timestamp,
        /// When it ended.
        pub finished_at: Option<Timestamp>,
    }
}

/// What every write of a worker demands: parameters 1 to 3 name an operation that it still holds.
macro_rules! held {
    () => {
        "org_id = ?1 AND id = ?2 AND fence = ?3 AND finished_at IS NULL AND lease_owner IS NOT NULL"
    };
}

/// An operation to be done.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// Its id.
    pub id: OperationId,
    /// The line.
    pub line_id: LineId,
    /// What kind of operation.
    pub kind: String,
    /// What is to be reached.
    pub desired: Value,
    /// What was there before, if it is known already.
    pub previous: Option<Value>,
    /// Not before.
    pub run_at: Timestamp,
    /// The operation that this one takes back.
    pub undo_of: Option<OperationId>,
    /// Who asks for it.
    pub created_by: Value,
    /// Now.
    pub created_at: Timestamp,
}

/// An operation that a worker has claimed. Its fence proves the claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Whose it is.
    pub tenant: Tenant,
    /// The operation.
    pub operation: Operation,
}

impl FromRow for Claimed {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let tenant = Tenant::new(row.take::<OrgId>()?);
        Ok(Self { tenant, operation: Operation::from_row(row)? })
    }
}

/// Adds an operation and wakes the workers; false if the line has an unfinished one.
///
/// # Errors
/// As all queries.
pub fn insert(tx: &mut Tx, tenant: &Tenant, new: &NewOperation) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO operations (org_id, id, line_id, kind, state, desired, previous, attempt, fence, \
             lease_until, run_at, undo_of, created_by, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6, 0, 0, 0, ?7, ?8, ?9, ?10, ?10) \
             ON CONFLICT (line_id) WHERE finished_at IS NULL DO NOTHING"
        ),
        params![
            tenant.org(),
            new.id,
            new.line_id,
            new.kind,
            new.desired,
            new.previous,
            new.run_at,
            new.undo_of,
            new.created_by,
            new.created_at
        ],
    )?;
    tx.wake(Topic::Operations);
    Ok(added == 1)
}

/// An operation by id.
///
/// # Errors
/// As all queries.
pub fn get(tx: &mut Tx, tenant: &Tenant, id: OperationId) -> Result<Option<Operation>> {
    tx.opt(
        sql!("SELECT ", operation_columns!(), " FROM operations WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id],
    )
}

/// The line's unfinished operation.
///
/// # Errors
/// As all queries.
pub fn unfinished(tx: &mut Tx, tenant: &Tenant, line: LineId) -> Result<Option<Operation>> {
    tx.opt(
        sql!(
            "SELECT ",
            operation_columns!(),
            " FROM operations WHERE org_id = ?1 AND line_id = ?2 AND finished_at IS NULL"
        ),
        params![tenant.org(), line],
    )
}

/// The operations after the cursor (or from the start), the newest first; of one line, or of all.
///
/// # Errors
/// As all queries.
pub fn page(
    tx: &mut Tx,
    tenant: &Tenant,
    line: Option<LineId>,
    after: Option<Cursor<OperationId>>,
    limit: i64,
) -> Result<Vec<Operation>> {
    let (at, id) = Cursor::bounds(after);
    match line {
        Some(line) => tx.all(
            sql!(
                "SELECT ",
                operation_columns!(),
                " FROM operations WHERE org_id = ?1 AND line_id = ?2 AND (created_at, id) < (?3, ?4) \
                 ORDER BY created_at DESC, id DESC LIMIT ?5"
            ),
            params![tenant.org(), line, at, id, limit],
        ),
        None => tx.all(
            sql!(
                "SELECT ",
                operation_columns!(),
                " FROM operations WHERE org_id = ?1 AND (created_at, id) < (?2, ?3) \
                 ORDER BY created_at DESC, id DESC LIMIT ?4"
            ),
            params![tenant.org(), at, id, limit],
        ),
    }
}

/// The steps of an operation, in order.
///
/// # Errors
/// As all queries.
pub fn steps(tx: &mut Tx, tenant: &Tenant, id: OperationId) -> Result<Vec<Step>> {
    tx.all(
        sql!(
            "SELECT ",
            step_columns!(),
            " FROM operation_steps WHERE org_id = ?1 AND operation_id = ?2 ORDER BY seq"
        ),
        params![tenant.org(), id],
    )
}

/// For the worker: claims the operation that has been due for longest, also one whose worker let its lease run
/// out. The claim raises the fence, so that the worker before can write no more.
///
/// # Errors
/// As all queries.
pub fn claim(tx: &mut Tx, owner: &str, now: Timestamp, lease: SignedDuration) -> Result<Option<Claimed>> {
    tx.opt(
        sql!(
            "UPDATE operations SET state = 'running', attempt = attempt + 1, fence = fence + 1, lease_owner = ?1, \
             lease_until = ?3, updated_at = ?2 WHERE id = (SELECT id FROM operations \
             WHERE finished_at IS NULL AND run_at <= ?2 AND lease_until <= ?2 ORDER BY run_at, id LIMIT 1) \
             RETURNING org_id, ",
            operation_columns!()
        ),
        params![owner, now, now + lease],
    )
}

/// Keeps a claim until then; false if it was lost.
///
/// # Errors
/// As all queries.
pub fn renew(tx: &mut Tx, tenant: &Tenant, id: OperationId, fence: i64, until: Timestamp) -> Result<bool> {
    let kept = tx.exec(
        sql!("UPDATE operations SET lease_until = ?4 WHERE ", held!()),
        params![tenant.org(), id, fence, until],
    )?;
    Ok(kept == 1)
}

/// Records that a step is about to be done; false, and it must not be done, if the claim was lost or has run out.
///
/// # Errors
/// As all queries; [`crate::Error::Conflict`] if the number is taken.
pub fn begin_step(
    tx: &mut Tx,
    tenant: &Tenant,
    id: OperationId,
    fence: i64,
    seq: i64,
    change: &Value,
    now: Timestamp,
) -> Result<bool> {
    let begun = tx.exec(
        sql!(
            "INSERT INTO operation_steps (org_id, operation_id, seq, state, change, started_at) \
             SELECT org_id, id, ?4, 'started', ?5, ?6 FROM operations WHERE ",
            held!(),
            " AND lease_until > ?6"
        ),
        params![tenant.org(), id, fence, seq, change, now],
    )?;
    Ok(begun == 1)
}

/// Records how a step ended; false if the claim was lost meanwhile.
///
/// # Errors
/// As all queries.
#[expect(clippy::too_many_arguments, reason = "a claim, a step of it, and how it ended")]
pub fn end_step(
    tx: &mut Tx,
    tenant: &Tenant,
    id: OperationId,
    fence: i64,
    seq: i64,
    state: StepState,
    problem: Option<&Value>,
    now: Timestamp,
) -> Result<bool> {
    let ended = tx.exec(
        sql!(
            "UPDATE operation_steps SET state = ?5, problem = ?6, finished_at = ?7 \
             WHERE org_id = ?1 AND operation_id = ?2 AND seq = ?4 AND EXISTS (SELECT 1 FROM operations WHERE ",
            held!(),
            ")"
        ),
        params![tenant.org(), id, fence, seq, state, problem, now],
    )?;
    Ok(ended == 1)
}

/// Records what was there before; false if the claim was lost.
///
/// # Errors
/// As all queries.
pub fn set_previous(
    tx: &mut Tx,
    tenant: &Tenant,
    id: OperationId,
    fence: i64,
    previous: &Value,
) -> Result<bool> {
    let changed = tx.exec(
        sql!("UPDATE operations SET previous = ?4 WHERE ", held!()),
        params![tenant.org(), id, fence, previous],
    )?;
    Ok(changed == 1)
}

/// Ends an operation in one of the three final states; false if the claim was lost.
///
/// # Errors
/// As all queries.
pub fn finish(
    tx: &mut Tx,
    tenant: &Tenant,
    id: OperationId,
    fence: i64,
    state: OperationState,
    problem: Option<&Value>,
    now: Timestamp,
) -> Result<bool> {
    let ended = tx.exec(
        sql!(
            "UPDATE operations SET state = ?4, problem = ?5, updated_at = ?6, finished_at = ?6, lease_owner = NULL, \
             lease_until = 0 WHERE ",
            held!()
        ),
        params![tenant.org(), id, fence, state, problem, now],
    )?;
    Ok(ended == 1)
}

/// Gives a claim back, to be taken up again at that time; false if it was lost.
///
/// # Errors
/// As all queries.
pub fn postpone(
    tx: &mut Tx,
    tenant: &Tenant,
    id: OperationId,
    fence: i64,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let changed = tx.exec(
        sql!(
            "UPDATE operations SET state = 'pending', run_at = ?4, updated_at = ?5, lease_owner = NULL, \
             lease_until = 0 WHERE ",
            held!()
        ),
        params![tenant.org(), id, fence, run_at, now],
    )?;
    tx.wake(Topic::Operations);
    Ok(changed == 1)
}

/// Notes which operation takes this one back; false if another one did already.
///
/// # Errors
/// As all queries.
pub fn set_undone_by(tx: &mut Tx, tenant: &Tenant, id: OperationId, by: OperationId) -> Result<bool> {
    let changed = tx.exec(
        sql!("UPDATE operations SET undone_by = ?3 WHERE org_id = ?1 AND id = ?2 AND undone_by IS NULL"),
        params![tenant.org(), id, by],
    )?;
    Ok(changed == 1)
}

/// From here on, behind step `back_from`, the operation leads back: its desired state is the one before, it will
/// end as failed for this reason, and its tries are counted anew. False if the claim was lost.
///
/// # Errors
/// As all queries.
pub fn fall_back(
    tx: &mut Tx,
    tenant: &Tenant,
    id: OperationId,
    fence: i64,
    desired: &Value,
    problem: &Value,
    back_from: i64,
) -> Result<bool> {
    let changed = tx.exec(
        sql!(
            "UPDATE operations SET desired = ?4, problem = ?5, back_from = ?6, attempt = 1 \
             WHERE ",
            held!()
        ),
        params![tenant.org(), id, fence, desired, problem, back_from],
    )?;
    Ok(changed == 1)
}

/// Ends all claims at once, and all waiting that a clock before this one asked for: for a process that knows that
/// it is the only one, at its start.
///
/// # Errors
/// As all queries.
pub fn release_all(tx: &mut Tx, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE operations SET lease_until = 0, run_at = CASE WHEN run_at > ?1 THEN ?1 ELSE run_at END \
             WHERE finished_at IS NULL"
        ),
        params![now],
    )?;
    tx.wake(Topic::Operations);
    Ok(())
}

/// The line's first operation that knows what was there before it.
///
/// # Errors
/// As all queries.
pub fn first_with_previous(tx: &mut Tx, tenant: &Tenant, line: LineId) -> Result<Option<Operation>> {
    tx.opt(
        sql!(
            "SELECT ",
            operation_columns!(),
            " FROM operations WHERE org_id = ?1 AND line_id = ?2 AND previous IS NOT NULL \
             ORDER BY created_at, id LIMIT 1"
        ),
        params![tenant.org(), line],
    )
}

/// Says that the operation that took this one back did not succeed: it may be taken back again.
///
/// # Errors
/// As all queries.
pub fn forget_undo(tx: &mut Tx, tenant: &Tenant, id: OperationId, by: OperationId) -> Result<()> {
    tx.exec(
        sql!("UPDATE operations SET undone_by = NULL WHERE org_id = ?1 AND id = ?2 AND undone_by = ?3"),
        params![tenant.org(), id, by],
    )?;
    Ok(())
}

/// Whether a later operation on the line changed something that still stands.
///
/// # Errors
/// As all queries.
pub fn changed_since(tx: &mut Tx, tenant: &Tenant, operation: &Operation) -> Result<bool> {
    let later: Option<(OperationId,)> = tx.opt(
        sql!(
            "SELECT o.id FROM operations o WHERE o.org_id = ?1 AND o.line_id = ?2 \
             AND (o.created_at, o.id) > (?3, ?4) AND o.kind <> 'undo' AND o.undone_by IS NULL \
             AND EXISTS (SELECT 1 FROM operation_steps s WHERE s.operation_id = o.id AND s.state = 'done') LIMIT 1"
        ),
        params![tenant.org(), operation.line_id, operation.created_at, operation.id],
    )?;
    Ok(later.is_some())
}
