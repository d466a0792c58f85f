//! Runs one durable operation (design section 1): observe, plan, do the first change, observe again, until
//! nothing is left to change. Level-triggered: after a crash or an unclear answer it looks and plans anew, it
//! never repeats on a guess. Where the desired state cannot be reached, the state before becomes the desired one.

use super::apply::{Effect, Hands};
use super::claim::LEASE;
use super::finish::Ending;
use super::observe::{Depth, Question, observe, unreadable};
use crate::clock::{now, steady};
use crate::credentials::fingerprint;
use crate::events::{Actor, record};
use crate::operations::{Kind, problem_of};
use crate::settings::is_stale;
use crate::start::App;
use crate::watch::Look;
use dialtone_domain::line::{self, Change, CheckId, Desired, Observed, VapiView};
use dialtone_domain::{Code, OperationId, Problem};
use dialtone_store::lines::{self, Line, VapiIds};
use dialtone_store::operations::{self as rows, Claimed, OperationState, Step, StepState};
use dialtone_store::{Tenant, Tx};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A healthy plan has a few steps; more means that something undoes what we do.
const STEPS_MAX: i64 = 24;
/// How often a provider that does not answer is waited for before the operation gives up, about four minutes.
const WAITS_MAX: i64 = 8;
/// How many unclear answers an operation looks behind before it gives up.
const UNCLEAR_MAX: usize = 4;

/// What the next turn of an operation is.
enum Next {
    /// Do this change, then look again.
    Step(Box<Change>),
    /// Ask again later: a provider does not answer.
    Wait(Problem),
    /// It cannot be reached.
    GiveUp(Problem),
    /// It is reached.
    Done,
}

/// Another process took the operation over, or the database does not answer: stop at once, quietly.
pub(super) struct Stop;

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        tracing::warn!(%problem, "an operation stopped; it will be taken up again");
        Stop
    }
}

/// An operation in this process's hands.
pub(super) struct Run<'a> {
    app: &'a App,
    tenant: Tenant,
    id: OperationId,
    fence: i64,
    kind: Kind,
    line: Line,
    hands: Hands,
    desired: Desired,
    previous: Option<Desired>,
    /// Set once the operation takes down what it put up.
    failure: Option<Problem>,
    /// The step behind which it does so: what was tried before does not count against it.
    back_from: i64,
    undo_of: Option<OperationId>,
    steps: Vec<Step>,
    waits: i64,
}

impl<'a> Run<'a> {
    pub(super) async fn load(app: &'a App, claimed: Claimed) -> Result<Self, Stop> {
        let Claimed { tenant, operation } = claimed;
        let fence = operation.fence;
        let lookup = tenant.clone();
        let (line_id, id) = (operation.line_id, operation.id);
        let (line, steps) = app
            .store()
            .read(move |tx| {
                Ok::<_, Problem>((
                    lines::get(tx, &lookup, line_id)?.ok_or(Code::NotFound)?,
                    rows::steps(tx, &lookup, id)?,
                ))
            })
            .await?;
        let hands = app.hands(&tenant, &line).await?;
        let read = |value: Value| serde_json::from_value(value).map_err(|_| Problem::from(Code::Internal));
        let desired = read(operation.desired.clone())?;
        let previous = operation.previous.clone().map(read).transpose()?;
        let failure = operation.problem.clone().and_then(|value| serde_json::from_value(value).ok());
        let kind = serde_json::from_value(Value::String(operation.kind.clone()))
            .map_err(|_| Problem::from(Code::Internal))?;
        let (back_from, undo_of) = (operation.back_from.unwrap_or_default(), operation.undo_of);
        // The first claim is no wait.
        let waits = operation.attempt - 1;
        let run = Self {
            app,
            tenant,
            id,
            fence,
            kind,
            line,
            hands,
            desired,
            previous,
            failure,
            back_from,
            undo_of,
            steps,
            waits,
        };
        Ok(run)
    }

    pub(super) async fn drive(&mut self) -> Result<(), Stop> {
        // A step that a dead process had begun: what became of it is seen by looking, not by asking it.
        if let Some(seq) =
            self.steps.last().filter(|step| step.state == StepState::Started).map(|step| step.seq)
        {
            self.end_step(
                seq,
                StepState::Unclear,
                Some(Problem::new(Code::ProviderUnclear)),
                Effect::Nothing,
            )
            .await?;
        }
        loop {
            let began = now();
            let observed = self.look().await;
            if self.previous.is_none() && observed.twilio.known().is_some() && observed.vapi.known().is_some()
            {
                self.remember(line::previous(&self.desired, &observed)).await?;
            }
            self.adopt(&observed).await?;
            match self.next(&observed) {
                Next::Step(change) => self.step(*change).await?,
                Next::Wait(problem) => return self.postpone(problem).await,
                Next::GiveUp(problem) => match self.fall_back() {
                    true => self.begin_failure(problem).await?,
                    false => return self.finish(observed, began, Some(problem)).await,
                },
                Next::Done => return self.finish(observed, began, None).await,
            }
            if self.app.is_stopping() {
                return self.put_down(SignedDuration::ZERO).await;
            }
        }
    }

    async fn look(&self) -> Observed {
        let question = Question {
            phone: &self.line.phone,
            account_sid: Some(&self.desired.account_sid),
            ours: self.desired.ours,
            import_refusal: None,
            assistant: self.desired.vapi.as_ref().and_then(|wish| wish.assistant),
            stale_token: is_stale(&self.line, &self.hands.auth_token),
            depth: Depth::Wiring,
            shared: None,
        };
        observe(&self.hands, &question).await
    }

    /// Decides the next turn from what was seen and what was tried.
    fn next(&self, observed: &Observed) -> Next {
        if let Some(problem) = unreadable(observed) {
            return match waits_help(&problem) && self.waits < WAITS_MAX {
                true => Next::Wait(problem),
                false => Next::GiveUp(problem),
            };
        }
        let checks = line::diagnose(&self.desired, observed);
        if let Some(check) = line::blocker(&checks).filter(|check| check.id < self.needs_all_before()) {
            return Next::GiveUp(problem_of(check, &self.line.phone));
        }
        match line::plan(&self.desired, observed).into_iter().find(|change| self.kind.does(change)) {
            None => Next::Done,
            Some(_) if self.last_seq() - self.back_from >= STEPS_MAX => {
                Next::GiveUp(Code::NotConverging.into())
            }
            Some(change) => match self.last_failure(&change) {
                Some(problem) => Next::GiveUp(problem),
                None => Next::Step(Box::new(change)),
            },
        }
    }

    /// Putting up must not start where it cannot end; taking down needs credentials and no working line.
    fn needs_all_before(&self) -> CheckId {
        let links = self.desired.vapi.as_ref().is_some_and(|wish| wish.assistant.is_some());
        let puts_up = self.failure.is_none() && self.kind.puts_up() && links;
        if puts_up { CheckId::Reachable } else { CheckId::Assistant }
    }

    /// Why this change must not be tried (again): it was refused, or was unclear too often.
    fn last_failure(&self, change: &Change) -> Option<Problem> {
        // On the way back only what was tried on the way back counts.
        let same = |step: &&Step| {
            step.seq > self.back_from
                && step.change.get("kind").and_then(Value::as_str) == Some(change.name())
        };
        let problem = |step: &Step| {
            step.problem.clone().and_then(|value| serde_json::from_value::<Problem>(value).ok())
        };
        let last = self.steps.iter().rev().find(same)?;
        let may_wait = |problem: Problem| waits_help(&problem) && self.waits < WAITS_MAX;
        let refused = last.state == StepState::Failed && !problem(last).is_some_and(may_wait);
        let unclear = self.steps.iter().filter(same).filter(|step| step.state == StepState::Unclear).count();
        (refused || unclear >= UNCLEAR_MAX)
            .then(|| problem(last).unwrap_or(Problem::new(Code::NotConverging)))
    }

    fn last_seq(&self) -> i64 {
        self.steps.last().map_or(0, |step| step.seq)
    }

    /// One change: recorded before and after, each time only while the operation is still ours.
    async fn step(&mut self, change: Change) -> Result<(), Stop> {
        let seq = self.last_seq() + 1;
        let value = serde_json::to_value(&change).map_err(|_| Problem::from(Code::Internal))?;
        let row = Step {
            seq,
            state: StepState::Started,
            change: value.clone(),
            problem: None,
            started_at: now(),
            finished_at: None,
        };
        let (tenant, id, fence) = (self.tenant.clone(), self.id, self.fence);
        self.guarded(move |tx| {
            let at = steady();
            Ok(rows::begin_step(tx, &tenant, id, fence, seq, &value, at)?)
        })
        .await?;
        self.steps.push(row);
        tracing::info!(operation = %id, step = seq, change = change.name(), "changing");
        let outcome = self.hands.apply(&change).await;
        let (state, problem, effect) = match outcome {
            Ok(effect) => (StepState::Done, None, effect),
            Err(problem) if problem.code == Code::ProviderUnclear => {
                (StepState::Unclear, Some(problem), Effect::Nothing)
            }
            Err(problem) => {
                let problem = problem.with("phone", self.line.phone.to_string());
                (StepState::Failed, Some(problem), Effect::Nothing)
            }
        };
        let wait = problem
            .clone()
            .filter(|problem| state == StepState::Failed && waits_help(problem) && self.waits < WAITS_MAX);
        self.end_step(seq, state, problem, effect).await?;
        match wait {
            Some(problem) => {
                self.postpone(problem).await?;
                Err(Stop)
            }
            None => Ok(()),
        }
    }

    async fn end_step(
        &mut self,
        seq: i64,
        state: StepState,
        problem: Option<Problem>,
        effect: Effect,
    ) -> Result<(), Stop> {
        let value = problem.as_ref().and_then(|problem| serde_json::to_value(problem).ok());
        if let Some(step) = self.steps.iter_mut().find(|step| step.seq == seq) {
            (step.state, step.problem) = (state, value.clone());
        }
        match &effect {
            Effect::Imported { id, org_id, .. } => {
                self.desired.ours = Some(*id);
                self.desired.vapi_org_id = org_id.or(self.desired.vapi_org_id);
            }
            Effect::Deleted => self.desired.ours = None,
            Effect::Told | Effect::Nothing => (),
        }
        let given = match &effect {
            // Of a record that was there already nobody knows which token it has.
            Effect::Imported { org_id: None, .. } | Effect::Deleted => None,
            Effect::Imported { .. } | Effect::Told => Some(fingerprint(&self.hands.auth_token)),
            Effect::Nothing => self.line.vapi_token.clone(),
        };
        self.line.vapi_token.clone_from(&given);
        let refused =
            problem.as_ref().map(|problem| problem.code).filter(|code| *code == Code::VapiNumberInOtherOrg);
        let (tenant, id, fence, line, at) = (self.tenant.clone(), self.id, self.fence, self.line.id, now());
        self.guarded(move |tx| {
            if !rows::end_step(tx, &tenant, id, fence, seq, state, value.as_ref(), at)? {
                return Ok(false);
            }
            match &effect {
                Effect::Imported { id, org_id, credential_id } => {
                    let credential_id = credential_id.map(|id| id.to_string());
                    let ids =
                        VapiIds { phone_id: Some(*id), credential_id, org_id: *org_id, token: given.clone() };
                    lines::record_vapi(tx, &tenant, line, &ids, at)?;
                }
                Effect::Deleted => drop(lines::record_vapi(tx, &tenant, line, &VapiIds::default(), at)?),
                Effect::Told => {
                    lines::record_given(tx, &tenant, line, given.as_deref().unwrap_or_default(), at)?;
                }
                Effect::Nothing => (),
            }
            if let Some(code) = refused {
                lines::record_refusal(tx, &tenant, line, Some(&json!(code)), at)?;
            }
            record(
                tx,
                &tenant,
                &Actor::system("engine"),
                "operation.step",
                id,
                None,
                Some(json!({ "step": seq, "state": state.name() })),
            )?;
            Ok(true)
        })
        .await
    }

    /// Records which record at Vapi is ours where it was found rather than made (it was there before,
    /// requirement B5, or the answer to our own import was lost), and that there is none any more where the
    /// answer to our own deletion was lost.
    async fn adopt(&mut self, observed: &Observed) -> Result<(), Stop> {
        let other_org = |view: &&VapiView| {
            view.org_id.is_some_and(|org| self.desired.vapi_org_id.is_some_and(|own| own != org))
        };
        let Some(vapi) = observed.vapi.known().filter(|view| !other_org(view)) else { return Ok(()) };
        let found = line::our_number(self.desired.ours, Some(&self.desired.account_sid), &vapi.numbers);
        let found = found.map(|number| number.id);
        let ids = match (&self.desired.vapi, found) {
            (Some(_), Some(id)) => {
                VapiIds { phone_id: Some(id), credential_id: None, org_id: vapi.org_id, token: None }
            }
            (None, id) if self.desired.ours.is_some() && id != self.desired.ours => VapiIds::default(),
            _ => return Ok(()),
        };
        if ids.phone_id == self.desired.ours {
            return Ok(());
        }
        (self.desired.ours, self.desired.vapi_org_id) = (ids.phone_id, ids.org_id);
        self.line.vapi_token = None;
        let (tenant, operation, fence, line, at) =
            (self.tenant.clone(), self.id, self.fence, self.line.id, now());
        self.guarded(move |tx| {
            let until = steady() + LEASE;
            let ours = rows::renew(tx, &tenant, operation, fence, until)?;
            Ok(ours && lines::record_vapi(tx, &tenant, line, &ids, at)?)
        })
        .await
    }

    /// Keeps the state from before the first change, for undo and for falling back.
    async fn remember(&mut self, previous: Desired) -> Result<(), Stop> {
        let value = serde_json::to_value(&previous).map_err(|_| Problem::from(Code::Internal))?;
        let (tenant, id, fence) = (self.tenant.clone(), self.id, self.fence);
        self.guarded(move |tx| Ok(rows::set_previous(tx, &tenant, id, fence, &value)?)).await?;
        self.previous = Some(previous);
        Ok(())
    }

    /// Whether there is something to take down, and it is not being taken down already.
    fn fall_back(&self) -> bool {
        let changed = self.steps.iter().any(|step| step.state != StepState::Failed);
        self.failure.is_none() && self.previous.is_some() && changed
    }

    /// From here on the operation leads back to the state before.
    async fn begin_failure(&mut self, problem: Problem) -> Result<(), Stop> {
        let Some(previous) = self.previous.clone() else { return Err(Stop) };
        let desired = Desired { ours: self.desired.ours, ..previous };
        let desired_value = serde_json::to_value(&desired).map_err(|_| Problem::from(Code::Internal))?;
        let problem_value = serde_json::to_value(&problem).map_err(|_| Problem::from(Code::Internal))?;
        let (tenant, id, fence, seq) = (self.tenant.clone(), self.id, self.fence, self.last_seq());
        self.guarded(move |tx| {
            Ok(rows::fall_back(tx, &tenant, id, fence, &desired_value, &problem_value, seq)?)
        })
        .await?;
        (self.desired, self.failure, self.back_from, self.waits) = (desired, Some(problem), seq, 0);
        Ok(())
    }

    async fn postpone(&self, problem: Problem) -> Result<(), Stop> {
        tracing::info!(operation = %self.id, %problem, "a provider does not answer; waiting");
        self.put_down(SignedDuration::from_secs(1 << self.waits.clamp(0, 6))).await
    }

    /// Lets go of the operation, to be taken up again after the delay.
    async fn put_down(&self, delay: SignedDuration) -> Result<(), Stop> {
        let (tenant, id, fence) = (self.tenant.clone(), self.id, self.fence);
        self.guarded(move |tx| {
            let at = steady();
            Ok(rows::postpone(tx, &tenant, id, fence, at + delay, at)?)
        })
        .await
    }

    /// Ends the operation and keeps what was seen last as the line's health.
    async fn finish(&self, observed: Observed, began: Timestamp, stuck: Option<Problem>) -> Result<(), Stop> {
        // Stuck while taking down means that something of it is left; a person must look.
        let state = match (&self.failure, &stuck) {
            (None, None) => OperationState::Succeeded,
            (Some(_), Some(_)) => OperationState::Unclear,
            _ => OperationState::Failed,
        };
        let problem = self.failure.clone().or(stuck);
        let line = Line {
            vapi_phone_id: self.desired.ours,
            vapi_org_id: self.desired.vapi_org_id,
            ..self.line.clone()
        };
        let wanted = self.app.desired(&line, &self.hands, line.assistant_id);
        tracing::info!(operation = %self.id, ?state, problem = problem.as_ref().map(tracing::field::display), "finished");
        let undone = self.kind == Kind::Undo && state == OperationState::Succeeded;
        let fell_back = self.failure.is_some() && state == OperationState::Failed;
        let ending = Ending {
            tenant: self.tenant.clone(),
            id: self.id,
            fence: self.fence,
            kind: self.kind,
            state,
            look: Look { desired: wanted, observed, at: began },
            restored: self.desired.vapi.clone().filter(|_| undone || fell_back),
            undo_of: self.undo_of,
            app: self.app.clone(),
            token: self.hands.auth_token.clone(),
            line,
            problem,
        };
        self.guarded(move |tx| ending.store(tx)).await?;
        self.app.inner.metrics.operation_ended(self.kind.name(), state.name());
        Ok(())
    }

    /// Writes only while the operation is ours; else somebody else works on it.
    async fn guarded(
        &self,
        write: impl Fn(&mut Tx) -> Result<bool, Problem> + Send + 'static,
    ) -> Result<(), Stop> {
        match self.app.store().write(write).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::warn!(operation = %self.id, "another process took the operation over");
                Err(Stop)
            }
            Err(problem) => Err(problem.into()),
        }
    }
}

/// Whether the same may well succeed a little later.
fn waits_help(problem: &Problem) -> bool {
    matches!(
        problem.code,
        Code::ProviderUnreachable
            | Code::ProviderRateLimited
            | Code::ProviderFailed
            | Code::Busy
            | Code::StorageUnavailable
            | Code::Fenced
    )
}
