//! Durable operations: how they are started, followed, undone, and worked on.

use crate::accounts::Caller;
use crate::clock::{new_id, now, steady};
use crate::engine::LEASE;
use crate::events::{Actor, record};
use crate::fence::refuse_if_fenced;
use crate::lines::{LineRef, Page, PageRequest, page_of};
use crate::start::App;
use dialtone_domain::line::{Cause, Change, Check, Desired};
use dialtone_domain::{Code, LineId, OperationId, Phone, Problem, Provider};
use dialtone_store::operations::{self as rows, OperationState, StepState};
use dialtone_store::{Cursor, Tenant, Topic, Tx, lines};
use futures::FutureExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

/// How long a request waits for its operation; it goes on without the request.
const PATIENCE: Duration = Duration::from_secs(25);
/// Operations that this process works on at the same time.
const WORKERS: usize = 4;
/// How often is looked for work and news that no wake-up told of: another node's, or an expired lease's.
const LOOK: Duration = Duration::from_secs(1);

/// Why an operation exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A member imports a number.
    Import,
    /// The last missing thing arrived (requirement A5).
    AutoImport,
    /// A member repairs a line.
    Repair,
    /// The watch repairs a line, where the organisation chose so (requirement A10).
    SelfRepair,
    /// A member changed what a line should be.
    Change,
    /// The account's auth token was changed, and Vapi is given the new one; whatever else differs stays.
    Credentials,
    /// A member removes a line.
    Remove,
    /// A member takes an operation back.
    Undo,
}

impl Kind {
    /// Its name in the API and in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Import => "import",
            Kind::AutoImport => "auto_import",
            Kind::Repair => "repair",
            Kind::SelfRepair => "self_repair",
            Kind::Change => "change",
            Kind::Credentials => "credentials",
            Kind::Remove => "remove",
            Kind::Undo => "undo",
        }
    }

    /// Whether it wants a working line, rather than taking something down.
    pub(crate) fn puts_up(self) -> bool {
        !matches!(self, Kind::Credentials | Kind::Remove | Kind::Undo)
    }

    /// Whether the state before can be gone back to. A token from before may be dead, and nobody wants it back there.
    fn can_be_undone(name: &str) -> bool {
        ![Kind::Credentials, Kind::Remove, Kind::Undo].iter().any(|kind| kind.name() == name)
    }

    /// Whether this change is its matter.
    pub(crate) fn does(self, change: &Change) -> bool {
        self != Kind::Credentials || matches!(change, Change::SetVapiCredentials { .. })
    }
}

/// One change of an operation.
#[derive(Debug, Clone)]
pub struct StepView {
    /// Its place, from 1.
    pub seq: i64,
    /// How far it is.
    pub state: StepState,
    /// What it changes, from and to.
    pub change: Change,
    /// Why it failed or is unclear.
    pub problem: Option<Problem>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// An operation with its steps.
#[derive(Debug, Clone)]
pub struct OperationView {
    /// Its id.
    pub id: OperationId,
    /// The line.
    pub line_id: LineId,
    /// The number.
    pub phone: Phone,
    /// Why it exists.
    pub kind: String,
    /// How far it is.
    pub state: OperationState,
    /// What it did, in order.
    pub steps: Vec<StepView>,
    /// Why it did not succeed.
    pub problem: Option<Problem>,
    /// Whether it can be taken back.
    pub can_undo: bool,
    /// The operation that took it back.
    pub undone_by: Option<OperationId>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl OperationView {
    pub(crate) fn is_finished(&self) -> bool {
        self.finished_at.is_some()
    }
}

/// What came of something that may take long.
#[derive(Debug)]
pub enum Started<T> {
    /// It is done.
    Finished(T),
    /// It goes on; follow the operation.
    Running(Box<OperationView>),
}

/// An operation to start.
pub(crate) struct NewOperation {
    pub(crate) line: LineId,
    pub(crate) kind: Kind,
    pub(crate) desired: Desired,
    pub(crate) undo_of: Option<OperationId>,
}

/// Starts an operation in the transaction that gives the reason for it.
///
/// # Errors
/// [`Code::LineBusy`] while another one runs on the line; [`Code::Fenced`].
pub(crate) fn start(
    tx: &mut Tx,
    tenant: &Tenant,
    actor: &Actor,
    new: &NewOperation,
) -> Result<OperationId, Problem> {
    refuse_if_fenced(tx)?;
    let (id, at) = (new_id(), now());
    let row = rows::NewOperation {
        id,
        line_id: new.line,
        kind: new.kind.name().to_owned(),
        desired: serde_json::to_value(&new.desired).map_err(|_| Code::Internal)?,
        previous: None,
        run_at: steady(),
        undo_of: new.undo_of,
        created_by: serde_json::to_value(actor).map_err(|_| Code::Internal)?,
        created_at: at,
    };
    if !rows::insert(tx, tenant, &row)? {
        return Err(Code::LineBusy.into());
    }
    record(
        tx,
        tenant,
        actor,
        "operation.started",
        id,
        None,
        Some(json!({ "line": new.line, "kind": new.kind })),
    )?;
    Ok(id)
}

impl App {
    /// One operation.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn operation(&self, caller: &Caller, id: OperationId) -> Result<OperationView, Problem> {
        self.operation_of(&caller.tenant, id).await
    }

    pub(crate) async fn operation_of(
        &self,
        tenant: &Tenant,
        id: OperationId,
    ) -> Result<OperationView, Problem> {
        let tenant = tenant.clone();
        self.store()
            .read(move |tx| {
                let row = rows::get(tx, &tenant, id)?.ok_or(Code::NotFound)?;
                view(tx, &tenant, row)
            })
            .await
    }

    /// The line's last operation.
    pub(crate) async fn last_operation(
        &self,
        tenant: &Tenant,
        line: LineId,
    ) -> Result<Option<OperationView>, Problem> {
        let tenant = tenant.clone();
        self.store()
            .read(move |tx| {
                let last = rows::page(tx, &tenant, Some(line), None, 1)?.pop();
                last.map(|row| view(tx, &tenant, row)).transpose()
            })
            .await
    }

    /// Operations, the newest first: a line's, or all.
    ///
    /// # Errors
    /// [`Code::NotFound`] for an unknown line.
    pub async fn operations(
        &self,
        caller: &Caller,
        line: Option<&LineRef>,
        page: PageRequest,
    ) -> Result<Page<OperationView>, Problem> {
        let line = match line {
            Some(line) => Some(self.line_row(&caller.tenant, line).await?.ok_or(Code::NotFound)?.id),
            None => None,
        };
        let (tenant, limit) = (caller.tenant.clone(), page.limit());
        let after: Option<Cursor<OperationId>> = page.after()?;
        let items = self
            .store()
            .read(move |tx| {
                let found = rows::page(tx, &tenant, line, after, limit + 1)?;
                found.into_iter().map(|row| view(tx, &tenant, row)).collect::<Result<Vec<_>, Problem>>()
            })
            .await?;
        Ok(page_of(items, limit, |operation| (operation.created_at, operation.id.0)))
    }

    /// Takes an operation back: the desired state is the one before it.
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::CannotUndo`] where it changed nothing, still runs, or was taken back;
    /// [`Code::LineBusy`].
    pub async fn undo(&self, caller: &Caller, id: OperationId) -> Result<Started<OperationView>, Problem> {
        let (tenant, actor) = (caller.tenant.clone(), Actor::of(caller));
        let undo = self
            .store()
            .write(move |tx| {
                let row = rows::get(tx, &tenant, id)?.ok_or(Code::NotFound)?;
                let operation = view(tx, &tenant, row.clone())?;
                let line = lines::get(tx, &tenant, row.line_id)?.ok_or(Code::CannotUndo)?;
                let previous = row.previous.filter(|_| operation.can_undo).ok_or(Code::CannotUndo)?;
                let previous: Desired = serde_json::from_value(previous).map_err(|_| Code::CannotUndo)?;
                let desired = Desired {
                    account_sid: line.twilio_account_sid.clone(),
                    ours: line.vapi_phone_id,
                    vapi_org_id: line.vapi_org_id,
                    ..previous
                };
                let new = NewOperation { line: line.id, kind: Kind::Undo, desired, undo_of: Some(id) };
                let undo = start(tx, &tenant, &actor, &new)?;
                match rows::set_undone_by(tx, &tenant, id, undo)? {
                    true => Ok(undo),
                    false => Err(Problem::from(Code::CannotUndo)),
                }
            })
            .await?;
        self.follow(&caller.tenant, undo).await
    }

    /// Waits for an operation as long as a request may take.
    pub(crate) async fn follow(
        &self,
        tenant: &Tenant,
        id: OperationId,
    ) -> Result<Started<OperationView>, Problem> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let (mut news, mut stopping) = (self.store().wakeups(Topic::Events), self.inner.stopping.subscribe());
        loop {
            let operation = self.operation_of(tenant, id).await?;
            if operation.is_finished() {
                return Ok(Started::Finished(operation));
            }
            if self.is_stopping() || tokio::time::Instant::now() >= deadline {
                return Ok(Started::Running(Box::new(operation)));
            }
            tokio::select! {
                () = wait_for(&mut news, LOOK) => (),
                _ = stopping.changed() => (),
            }
        }
    }

    /// Starts the workers: operations, imports that wait for something, and what is forgotten by age. None while
    /// the vault is sealed.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn start_workers(&self) -> Result<Workers, Problem> {
        let (stop, mut tasks) = (self.inner.stopping.subscribe(), JoinSet::new());
        if self.is_sealed() {
            return Ok(Workers { app: self.clone(), tasks });
        }
        if self.is_alone() {
            let app = self.clone();
            let release = move |tx: &mut Tx| {
                rows::release_all(tx, steady())?;
                app.release_watch(tx)
            };
            self.store().write(release).await?;
        }
        for _ in 0..WORKERS {
            tasks.spawn(self.clone().work(stop.clone()));
        }
        tasks.spawn(self.clone().sweep_for_imports(stop.clone()).instrument(working("waiting imports")));
        self.spawn_watch(&mut tasks, &stop);
        tasks.spawn(self.clone().watch_database(stop.clone()).instrument(working("fence and clock")));
        match self.inner.backups {
            Some(schedule) => {
                tasks.spawn(self.clone().keep_backups(schedule, stop.clone()).instrument(working("backups")));
            }
            None => self.forget_schedule().await?,
        }
        tasks.spawn(self.clone().keep_house(stop).instrument(working("housekeeping")));
        Ok(Workers { app: self.clone(), tasks })
    }

    async fn work(self, mut stop: watch::Receiver<bool>) {
        let mut work = self.store().wakeups(Topic::Operations);
        while !*stop.borrow() {
            if !self.inner.gate.is_open() {
                // What is in hand waits for the fence to be lifted.
                wait_for(&mut work, LOOK).await;
                continue;
            }
            let node = self.inner.node.clone();
            let claim = move |tx: &mut Tx| rows::claim(tx, &node, steady(), LEASE);
            let claimed = self.store().write(claim).await;
            match claimed {
                Ok(Some(claimed)) => {
                    let id = claimed.operation.id;
                    let kind = claimed.operation.kind.as_str();
                    let span = tracing::error_span!("operation", operation = %id, kind);
                    let run = std::panic::AssertUnwindSafe(self.run_operation(claimed)).catch_unwind();
                    if run.instrument(span).await.is_err() {
                        tracing::error!(operation = %id, "an operation panicked; its lease will run out");
                    }
                }
                Ok(None) => tokio::select! {
                    () = wait_for(&mut work, LOOK) => (),
                    _ = stop.changed() => return,
                },
                Err(error) => {
                    tracing::warn!(%error, "no operation can be claimed");
                    wait_for(&mut work, LOOK).await;
                }
            }
        }
    }
}

/// Whose lines those of a worker are, as a request's are the request's.
pub(crate) fn working(work: &'static str) -> tracing::Span {
    tracing::error_span!("worker", work)
}

/// Until something is new, or some time has passed.
pub(crate) async fn wait_for(news: &mut watch::Receiver<()>, time: Duration) {
    // Either way is a reason to look again, the end of the sender too.
    let _ = tokio::time::timeout(time, news.changed()).await;
}

/// The running workers. Dropping them stops them at once: what they do is taken up by the next ones.
pub struct Workers {
    app: App,
    tasks: JoinSet<()>,
}

impl Workers {
    /// Finishes the steps at hand, for so long at most; the operations go on in the next process.
    pub async fn stop(mut self, patience: Duration) {
        self.app.begin_stop();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Whoever is not done by then is stopped by the drop.
        let _ = tokio::time::timeout(patience, all).await;
    }
}

fn view(tx: &mut Tx, tenant: &Tenant, row: rows::Operation) -> Result<OperationView, Problem> {
    let steps = rows::steps(tx, tenant, row.id)?.into_iter().map(step_view).collect::<Result<Vec<_>, _>>()?;
    let desired: Desired = serde_json::from_value(row.desired.clone()).map_err(|_| Code::Internal)?;
    let changed = steps.iter().any(|step| step.state == StepState::Done);
    let undoable = Kind::can_be_undone(&row.kind);
    // The state before is the state to go back to only while nothing newer stands on it.
    let stands = row.state == OperationState::Succeeded && changed && !rows::changed_since(tx, tenant, &row)?;
    Ok(OperationView {
        id: row.id,
        line_id: row.line_id,
        phone: desired.phone,
        kind: row.kind,
        state: row.state,
        can_undo: stands && undoable && row.previous.is_some() && row.undone_by.is_none(),
        steps,
        problem: row.problem.map(problem_from).transpose()?,
        undone_by: row.undone_by,
        created_at: row.created_at,
        finished_at: row.finished_at,
    })
}

fn step_view(step: rows::Step) -> Result<StepView, Problem> {
    Ok(StepView {
        seq: step.seq,
        state: step.state,
        change: serde_json::from_value(step.change).map_err(|_| Code::Internal)?,
        problem: step.problem.map(problem_from).transpose()?,
        started_at: step.started_at,
        finished_at: step.finished_at,
    })
}

fn problem_from(value: Value) -> Result<Problem, Problem> {
    serde_json::from_value(value).map_err(|_| Code::Internal.into())
}

/// What a request is told when a check stands in its way.
const PROBLEMS: &[(Cause, Code)] = &[
    (Cause::TwilioMissing, Code::TwilioCredentialsMissing),
    (Cause::TwilioUnauthorized, Code::TwilioUnauthorized),
    (Cause::TwilioForbidden, Code::TwilioForbidden),
    (Cause::TwilioAccountInactive, Code::TwilioAccountInactive),
    (Cause::SecretSealed, Code::Sealed),
    (Cause::TwilioUnreachable, Code::ProviderUnreachable),
    (Cause::VapiMissing, Code::VapiKeyMissing),
    (Cause::VapiUnauthorized, Code::VapiUnauthorized),
    (Cause::VapiForbidden, Code::VapiForbidden),
    (Cause::VapiSealed, Code::Sealed),
    (Cause::VapiOtherOrg, Code::VapiOtherOrg),
    (Cause::VapiUnreachable, Code::ProviderUnreachable),
    (Cause::NoAssistant, Code::NoAssistant),
    (Cause::AssistantDeleted, Code::AssistantNotFound),
    (Cause::NumberInSubaccount, Code::NumberInSubaccount),
    (Cause::NumberIsCallerId, Code::NumberIsCallerId),
    (Cause::NumberNotInAccount, Code::NumberNotInAccount),
    (Cause::NumberLeftAccount, Code::NumberNotInAccount),
    (Cause::VapiNumberInOtherOrg, Code::VapiNumberInOtherOrg),
];

/// The problem that a failing check of a number is to somebody who wanted to change something.
pub(crate) fn problem_of(check: &Check, phone: &Phone) -> Problem {
    let code = PROBLEMS
        .iter()
        .find(|(cause, _)| Some(*cause) == check.cause)
        .map_or(Code::NotConverging, |(_, code)| *code);
    let of_vapi = check.cause.is_some_and(|cause| cause.name().starts_with("vapi"));
    let provider = if of_vapi { Provider::Vapi } else { Provider::Twilio };
    Problem::new(code)
        .with("phone", phone.to_string())
        .with("provider", provider.title())
        .with("account", check.found.clone().unwrap_or_default())
        .with("subaccount", check.params.get("subaccount").unwrap_or_default())
}
