//! The checklist of one number, live, and its repair (requirements A6, A7).

use super::import::{add_row, details};
use super::{LineRef, new_line};
use crate::accounts::Caller;
use crate::clock::now;
use crate::engine::{Depth, Hands};
use crate::events::Actor;
use crate::operations::{Kind, NewOperation, OperationView, Started, problem_of, start};
use crate::start::App;
use crate::watch::Look;
use dialtone_domain::line::{
    Assistants, Change, Check, CheckId, Observed, blocker, choose_assistant, diagnose, is_healthy, plan,
};
use dialtone_domain::{AccountSid, AssistantId, Code, LineId, Phone, Problem};
use dialtone_store::lines::{self as rows, Line, LineDetails};
use jiff::Timestamp;

/// What the doctor found, and what a repair would change.
#[derive(Debug, Clone)]
pub struct Doctor {
    /// The number.
    pub phone: Phone,
    /// Its line, where it is one.
    pub line_id: Option<LineId>,
    /// The six checks, in order.
    pub checks: Vec<Check>,
    /// What a repair would do; empty where there is nothing to do, or something else must be done first.
    pub plan: Vec<Change>,
    /// When both providers were asked.
    pub observed_at: Timestamp,
}

impl Doctor {
    /// Whether every check is ok.
    pub fn healthy(&self) -> bool {
        is_healthy(&self.checks)
    }
}

/// A number at the doctor's.
struct Patient {
    line: Line,
    known: bool,
    hands: Hands,
    observed: Observed,
    /// When that began.
    at: Timestamp,
    /// The assistant that a repair links: the line's own may be gone.
    chosen: Result<Option<AssistantId>, Code>,
}

impl App {
    /// Looks at both providers and tells where the line stands. Changes nothing, here or there. Also for a
    /// number that is not a line yet, with the saved settings.
    ///
    /// # Errors
    /// [`Code::NotFound`] for an id that is no line's; [`Code::AssistantNotFound`] for an assistant that is named
    /// and does not exist.
    pub async fn doctor(
        &self,
        caller: &Caller,
        line: &LineRef,
        assistant: Option<AssistantId>,
    ) -> Result<Doctor, Problem> {
        let patient = self.patient(caller, line, assistant).await?;
        Ok(self.examine(&patient))
    }

    /// The same for a line, and keeps what was seen: its health, its diary and its alerts follow.
    ///
    /// # Errors
    /// [`Code::NotFound`]
    pub async fn look_at_line(&self, caller: &Caller, line: &LineRef) -> Result<Doctor, Problem> {
        let patient = self.patient(caller, line, None).await?;
        if !patient.known {
            return Err(Code::NotFound.into());
        }
        let doctor = self.examine(&patient);
        let Patient { line, hands, observed, chosen, at, .. } = patient;
        let desired = self.desired(&line, &hands, line.assistant_id.or(chosen.ok().flatten()));
        self.keep_look(&caller.tenant, line, Look { desired, observed, at }).await?;
        Ok(doctor)
    }

    /// Does what the doctor's plan says, and answers how the line is then.
    ///
    /// # Errors
    /// What must be done first, by a person; [`Code::LineBusy`]. A failed repair is no error: the operation tells.
    pub async fn repair(
        &self,
        caller: &Caller,
        line: &LineRef,
        assistant: Option<AssistantId>,
    ) -> Result<Started<(OperationView, Doctor)>, Problem> {
        let mut patient = self.patient(caller, line, assistant).await?;
        // What Vapi refused before is tried again: that is what the button is for.
        patient.observed.import_refusal = None;
        let doctor = self.examine(&patient);
        if let Some(check) = blocker(&doctor.checks).filter(|check| check.id < CheckId::Reachable) {
            return Err(problem_of(check, &patient.line.phone));
        }
        let id = self.start_repair(caller, patient).await?;
        match self.follow(&caller.tenant, id).await? {
            Started::Running(operation) => Ok(Started::Running(operation)),
            Started::Finished(operation) => {
                let after = self.doctor(caller, &LineRef::Id(operation.line_id), None).await?;
                Ok(Started::Finished((operation, after)))
            }
        }
    }

    async fn start_repair(
        &self,
        caller: &Caller,
        patient: Patient,
    ) -> Result<dialtone_domain::OperationId, Problem> {
        let Patient { mut line, known, hands, chosen, .. } = patient;
        line.assistant_id = chosen.map_err(Problem::new)?;
        let desired = self.desired(&line, &hands, line.assistant_id);
        let (tenant, actor, at) = (caller.tenant.clone(), Actor::of(caller), now());
        self.store()
            .write(move |tx| {
                if known {
                    // Only the assistant: whatever else was changed meanwhile stays.
                    let row = rows::get(tx, &tenant, line.id)?.ok_or(Code::NotFound)?;
                    let new = LineDetails { assistant_id: line.assistant_id, ..details(&row) };
                    rows::update_details(tx, &tenant, line.id, &new, at)?;
                    rows::record_refusal(tx, &tenant, line.id, None, at)?;
                } else {
                    add_row(tx, &tenant, &actor, &line)?;
                }
                let new = NewOperation {
                    line: line.id,
                    kind: Kind::Repair,
                    desired: desired.clone(),
                    undo_of: None,
                };
                start(tx, &tenant, &actor, &new)
            })
            .await
    }

    async fn patient(
        &self,
        caller: &Caller,
        line: &LineRef,
        requested: Option<AssistantId>,
    ) -> Result<Patient, Problem> {
        let (line, known, hands) = match (self.line_row(&caller.tenant, line).await?, line) {
            (Some(row), _) => {
                let hands = self.hands(&caller.tenant, &row).await?;
                (row, true, hands)
            }
            (None, LineRef::Phone(phone)) => {
                let (line, hands) = self.stranger(caller, phone).await?;
                (line, false, hands)
            }
            (None, LineRef::Id(_)) => return Err(Code::NotFound.into()),
        };
        let at = now();
        let observed = self.look(&hands, &line, Depth::WithCalls).await;
        let listed = observed.vapi.known().map(|view| view.assistants.as_slice()).unwrap_or_default();
        let default = caller.organisation.default_assistant_id;
        // A line whose own server answers needs no assistant unless one is asked for.
        let server_answers = line.server_url.is_some() && line.assistant_id.is_none() && requested.is_none();
        let chosen = match server_answers {
            true => Ok(None),
            false => choose_assistant(Assistants { requested, current: line.assistant_id, default, listed })
                .map(|chosen| Some(chosen.assistant.id)),
        };
        if let (Err(Code::AssistantNotFound), Some(_)) = (&chosen, observed.vapi.known()) {
            return Err(Code::AssistantNotFound.into());
        }
        Ok(Patient { line, known, hands, observed, at, chosen })
    }

    /// A number that is no line yet, seen with the saved settings.
    async fn stranger(&self, caller: &Caller, phone: &Phone) -> Result<(Line, Hands), Problem> {
        let keys = self.keys(&caller.tenant).await?;
        let twilio = keys.twilio();
        let hands = self.hands_of(&keys, twilio.clone(), None);
        let account_sid = keys.account_sid().cloned().unwrap_or_else(no_account);
        let mut line = new_line(phone.clone(), account_sid, Some(caller.user_id));
        if let Ok(Some(twilio)) = &twilio {
            let place = line.id.to_string();
            line.twilio_auth_token =
                keys.data_key.seal(crate::settings::line_token_place(&place), &twilio.auth_token);
        }
        Ok((line, hands))
    }

    fn examine(&self, patient: &Patient) -> Doctor {
        let Patient { line, known, hands, observed, chosen, .. } = patient;
        let chosen = chosen.ok().flatten();
        // The line's own assistant is judged even where a repair would choose another one.
        let checks = diagnose(&self.desired(line, hands, line.assistant_id.or(chosen)), observed);
        let stuck = blocker(&checks).is_some_and(|check| check.id < CheckId::Reachable);
        let plan = if stuck { Vec::new() } else { plan(&self.desired(line, hands, chosen), observed) };
        Doctor {
            phone: line.phone.clone(),
            line_id: known.then_some(line.id),
            checks,
            plan,
            observed_at: now(),
        }
    }
}

/// Stands where no credentials are saved; the first check fails before anybody compares it.
fn no_account() -> AccountSid {
    format!("AC{:032}", 0).parse().expect("it has the form of an account SID")
}
