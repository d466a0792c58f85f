//! A line's diary: what changed between which two looks, and by whom where that is known.

use super::look::Look;
use crate::accounts::Caller;
use crate::clock::new_id;
use crate::events::{Actor, record};
use crate::lines::{Health, LineRef, Page, PageRequest, page_of};
use crate::start::App;
use dialtone_domain::line::{Cause, Drift, diagnose, our_number};
use dialtone_domain::{Code, EntryId, OperationId, Problem, Provider};
use dialtone_store::diary::{self as rows, Entry};
use dialtone_store::lines::Line;
use dialtone_store::watch::LineWatch;
use dialtone_store::{Cursor, Tenant, Tx, operations};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What one look saw differently from the look before.
#[derive(Debug, Clone)]
pub struct DiaryEntry {
    /// Its id.
    pub id: EntryId,
    /// When the look before began.
    pub seen_before: Option<Timestamp>,
    /// When the look that saw it began.
    pub seen_at: Timestamp,
    /// The fields that differ.
    pub changes: Vec<Drift>,
    /// The cause that failed before.
    pub cause_before: Option<Cause>,
    /// The cause that fails now.
    pub cause_after: Option<Cause>,
    /// How the line is now.
    pub health: String,
    /// By whom; `{"kind": "outside"}` where it was not one of our operations.
    pub actor: Value,
    /// The operation of ours that did it.
    pub operation_id: Option<OperationId>,
    /// When the provider says that its part was changed last.
    pub changed_at: Option<Timestamp>,
}

/// Who made a change.
pub(super) struct Author {
    actor: Value,
    operation: Option<OperationId>,
    /// When the provider says that it happened.
    at: Option<Timestamp>,
}

impl Author {
    /// The operation whose last look this is, else one that changed something since the look before and could not look
    /// itself, else somebody outside.
    pub(super) fn of(
        tx: &mut Tx,
        tenant: &Tenant,
        line: &Line,
        before: &LineWatch,
        look: &Look,
        operation: Option<OperationId>,
        drifts: &[Drift],
    ) -> Result<Self, Problem> {
        let ours = match operation {
            Some(id) => operations::get(tx, tenant, id)?,
            None => {
                let last = operations::page(tx, tenant, Some(line.id), None, 1)?.pop();
                let steps = last.as_ref().map(|last| operations::steps(tx, tenant, last.id)).transpose()?;
                let changed = steps.into_iter().flatten().filter_map(|step| step.finished_at).max();
                last.filter(|_| changed > before.looked_at)
            }
        };
        let at = drifts.iter().filter_map(|drift| updated_at(look, drift.provider)).max();
        Ok(match ours {
            Some(ours) => Self { actor: ours.created_by, operation: Some(ours.id), at },
            None => Self { actor: json!({ "kind": "outside" }), operation: None, at },
        })
    }
}

/// When a provider says that its part of the line was changed last.
fn updated_at(look: &Look, provider: Provider) -> Option<Timestamp> {
    match provider {
        Provider::Twilio => look.observed.twilio.known()?.number.as_ref().ok()?.updated_at,
        Provider::Vapi => {
            let view = look.observed.vapi.known()?;
            our_number(look.desired.ours, Some(&look.desired.account_sid), &view.numbers)?.updated_at
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "an entry is two looks, what differs and by whom")]
pub(super) fn append(
    tx: &mut Tx,
    tenant: &Tenant,
    line: &Line,
    before: &LineWatch,
    look: &Look,
    cause: &Option<String>,
    drifts: Vec<Drift>,
    author: Author,
) -> Result<(), Problem> {
    let health = Health::of(&diagnose(&look.desired, &look.observed));
    // The names alone: values may hold addresses with secrets in them, and events go far.
    let fields: Vec<_> = drifts.iter().map(|drift| drift.field.clone()).collect();
    let entry = Entry {
        id: new_id(),
        line_id: line.id,
        seen_before: before.looked_at,
        created_at: look.at,
        changes: serde_json::to_value(drifts).map_err(|_| Code::Internal)?,
        cause_before: before.cause.clone(),
        cause_after: cause.clone(),
        health: health.name().to_owned(),
        actor: author.actor,
        operation_id: author.operation,
        changed_at: author.at,
    };
    rows::append(tx, tenant, &entry)?;
    if entry.operation_id.is_some() {
        // The operation's own events tell of it.
        return Ok(());
    }
    let told = json!({ "entry": entry.id, "fields": fields, "cause": cause, "health": health.name() });
    let was = json!({ "cause": before.cause });
    record(tx, tenant, &Actor::system("watch"), "line.drifted", line.id, Some(was), Some(told))
}

impl App {
    /// A line's diary, the newest first.
    ///
    /// # Errors
    /// [`Code::NotFound`]
    pub async fn diary(
        &self,
        caller: &Caller,
        line: &LineRef,
        page: PageRequest,
    ) -> Result<Page<DiaryEntry>, Problem> {
        let line = self.line_row(&caller.tenant, line).await?.ok_or(Code::NotFound)?.id;
        let (tenant, limit) = (caller.tenant.clone(), page.limit());
        let after: Option<Cursor<EntryId>> = page.after()?;
        let found = self.store().read(move |tx| rows::page(tx, &tenant, line, after, limit + 1)).await?;
        let items = found.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
        Ok(page_of(items, limit, |entry| (entry.seen_at, entry.id.0)))
    }
}

fn view(entry: Entry) -> Result<DiaryEntry, Problem> {
    let cause =
        |name: Option<String>| name.and_then(|name| Cause::ALL.iter().copied().find(|c| c.name() == name));
    Ok(DiaryEntry {
        id: entry.id,
        seen_before: entry.seen_before,
        seen_at: entry.created_at,
        changes: serde_json::from_value(entry.changes).map_err(|_| Code::Internal)?,
        cause_before: cause(entry.cause_before),
        cause_after: cause(entry.cause_after),
        health: entry.health,
        actor: entry.actor,
        operation_id: entry.operation_id,
        changed_at: entry.changed_at,
    })
}
