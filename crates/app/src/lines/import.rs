//! Importing a number into Vapi (requirements A4, B1–B5, D1, D2): everything is checked live before anything
//! is changed at a provider; then one durable operation imports, links, routes and verifies.

use super::{LineView, new_line};
use crate::accounts::Caller;
use crate::clock::{now, steady};
use crate::engine::{Depth, Question, observe};
use crate::events::{Actor, record};
use crate::operations::{Kind, NewOperation, OperationView, Started, problem_of, start};
use crate::settings::{Keys, TwilioKey, is_stale, line_token_place, parse_account_sid, parse_auth_token};
use crate::start::App;
use crate::watch::forget_unwatched;
use dialtone_domain::line::{
    Assistant, Assistants, CheckId, ChosenAssistant, Observed, Reading, blocker, choose_assistant, diagnose,
    our_number,
};
use dialtone_domain::{AssistantId, Code, Phone, Problem, SecretString};
use dialtone_store::lines::{self as rows, Line};
use dialtone_store::operations::OperationState;
use dialtone_store::{Tenant, Tx, watch};
use jiff::SignedDuration;
use serde_json::json;

/// A number to import.
#[derive(Default)]
pub struct Import {
    /// The Twilio account; the saved one where absent.
    pub twilio_account_sid: Option<String>,
    /// Its token; the saved one where absent and of this account.
    pub twilio_auth_token: Option<SecretString>,
    /// The number as typed; the saved one where absent.
    pub phone_number: Option<String>,
    /// The assistant that answers; chosen by Dialtone where absent (B2).
    pub assistant_id: Option<AssistantId>,
    /// The organisation: absent, `default`, or the caller's own.
    pub org_id: Option<String>,
    /// What the line is called; the number where absent.
    pub friendly_name: Option<String>,
    /// A note.
    pub notes: Option<String>,
    /// Whether a number that is imported already is refused (D4) rather than linked again (B5).
    pub refuse_known: bool,
}

/// An imported number.
#[derive(Debug)]
pub struct Imported {
    /// Its line.
    pub line: LineView,
    /// The assistant that answers.
    pub assistant: Assistant,
    /// Whether Dialtone chose it.
    pub auto_linked: bool,
    /// Whether Vapi had the number already.
    pub existed: bool,
    /// What was done.
    pub operation: OperationView,
}

/// An import whose every condition holds.
pub(crate) struct Ready {
    line: Line,
    auth_token: SecretString,
    known: bool,
    chosen: ChosenAssistant,
    existed: bool,
}

impl App {
    /// Imports a number, links it and verifies it. Importing again is safe.
    ///
    /// # Errors
    /// The first condition that does not hold, before anything is changed; or why the operation failed, after
    /// what it had done was taken back.
    pub async fn import(&self, caller: &Caller, request: Import) -> Result<Started<Imported>, Problem> {
        let own = caller.tenant.org().to_string();
        if request.org_id.as_deref().is_some_and(|id| id != "default" && id != own) {
            return Err(Code::ForeignOrganisation.into());
        }
        let keys = self.keys(&caller.tenant).await?;
        let twilio = twilio_key(&keys, request.twilio_account_sid.as_deref(), request.twilio_auth_token)?;
        let phone = match &request.phone_number {
            Some(text) => {
                let country = self.organisation(caller).await?.country;
                Phone::parse(text, country).map_err(|_| Code::PhoneInvalid)?
            }
            None => keys.phone().cloned().ok_or(Code::PhoneMissing)?,
        };
        let known = self.line_row(&caller.tenant, &super::LineRef::Phone(phone.clone())).await?;
        if request.refuse_known && known.as_ref().is_some_and(|line| line.vapi_phone_id.is_some()) {
            return Err(Problem::new(Code::NumberAlreadyHere).with("phone", phone.to_string()));
        }
        let mut line = known
            .clone()
            .unwrap_or_else(|| new_line(phone, twilio.account_sid.clone(), Some(caller.user_id)));
        line.friendly_name = request.friendly_name.unwrap_or(line.friendly_name);
        line.notes = request.notes.unwrap_or(line.notes);
        let default = caller.organisation.default_assistant_id;
        let ready =
            self.check_import(&keys, &twilio, line, known.is_some(), (request.assistant_id, default)).await?;
        self.run_import(&caller.tenant, &Actor::of(caller), Kind::Import, ready).await
    }

    /// Looks at both providers: does everything hold that an import needs?
    pub(crate) async fn check_import(
        &self,
        keys: &Keys,
        twilio: &TwilioKey,
        mut line: Line,
        known: bool,
        (requested, default): (Option<AssistantId>, Option<AssistantId>),
    ) -> Result<Ready, Problem> {
        if !keys.has_vapi() {
            return Err(Code::VapiKeyMissing.into());
        }
        line.twilio_account_sid = twilio.account_sid.clone();
        line.twilio_auth_token =
            keys.data_key.seal(line_token_place(&line.id.to_string()), &twilio.auth_token);
        line.import_refusal = None;
        let hands = self.hands_of(keys, Ok(Some(twilio.clone())), None);
        let observed = self.look(&hands, &line, Depth::Wiring).await;
        let listed = match &observed.vapi {
            Reading::Known(view) => &view.assistants,
            Reading::Failed(problem) => return Err(problem.clone()),
            Reading::NotConfigured => return Err(Code::VapiKeyMissing.into()),
        };
        let chosen = choose_assistant(Assistants { requested, current: line.assistant_id, default, listed })?;
        if let Reading::Failed(problem) = &observed.twilio {
            return Err(problem.clone());
        }
        let desired = self.desired(&line, &hands, Some(chosen.assistant.id));
        // What only a call can show is no reason not to import.
        let checks = diagnose(&desired, &observed);
        if let Some(check) = blocker(&checks).filter(|check| check.id < CheckId::Reachable) {
            return Err(problem_of(check, &line.phone));
        }
        let numbers = observed.vapi.known().map(|view| view.numbers.as_slice()).unwrap_or_default();
        let existed = our_number(line.vapi_phone_id, Some(&line.twilio_account_sid), numbers).is_some();
        line.assistant_id = Some(chosen.assistant.id);
        Ok(Ready { line, auth_token: twilio.auth_token.clone(), known, chosen, existed })
    }

    /// Records the line and runs the operation.
    pub(crate) async fn run_import(
        &self,
        tenant: &Tenant,
        actor: &Actor,
        kind: Kind,
        ready: Ready,
    ) -> Result<Started<Imported>, Problem> {
        let Ready { line, auth_token, known, chosen, existed } = ready;
        let id = self.start_import(tenant, actor, kind, (line.clone(), known), auth_token).await?;
        let operation = match self.follow(tenant, id).await? {
            Started::Running(operation) => return Ok(Started::Running(operation)),
            Started::Finished(operation) => operation,
        };
        if operation.state != OperationState::Succeeded {
            return Err(operation.problem.unwrap_or(Problem::new(Code::NotConverging)));
        }
        let line = self.line_row(tenant, &super::LineRef::Id(line.id)).await?.ok_or(Code::NotFound)?;
        let ChosenAssistant { assistant, auto_linked } = chosen;
        Ok(Started::Finished(Imported { line: line.into(), assistant, auto_linked, existed, operation }))
    }

    async fn start_import(
        &self,
        tenant: &Tenant,
        actor: &Actor,
        kind: Kind,
        (line, known): (Line, bool),
        auth_token: SecretString,
    ) -> Result<dialtone_domain::OperationId, Problem> {
        let hands = self.hands(tenant, &line).await?;
        let desired = self.desired(&line, &hands, line.assistant_id);
        let (app, tenant, actor) = (self.clone(), tenant.clone(), actor.clone());
        self.store()
            .write(move |tx| {
                if let Some(row) = rows::get(tx, &tenant, line.id)?.filter(|_| known) {
                    let mut new = details(&line);
                    if row.twilio_account_sid == new.twilio_account_sid {
                        new.twilio_auth_token = row.twilio_auth_token;
                    }
                    rows::update_details(tx, &tenant, line.id, &new, now())?;
                    rows::record_refusal(tx, &tenant, line.id, None, now())?;
                    // It may have been the last one of another account.
                    forget_unwatched(tx, &tenant)?;
                } else {
                    add_row(tx, &tenant, &actor, &line)?;
                }
                let new = NewOperation { line: line.id, kind, desired: desired.clone(), undo_of: None };
                let id = start(tx, &tenant, &actor, &new)?;
                // Behind it, so that this line's own change is part of the import.
                app.adopt_token(tx, &tenant, &actor, &line.twilio_account_sid, &auth_token)?;
                Ok(id)
            })
            .await
    }

    /// Reads both providers about a line.
    pub(super) async fn look(&self, hands: &crate::engine::Hands, line: &Line, depth: Depth) -> Observed {
        let question = Question {
            phone: &line.phone,
            account_sid: Some(&line.twilio_account_sid),
            ours: line.vapi_phone_id,
            import_refusal: super::import_refusal(line),
            assistant: line.assistant_id,
            stale_token: is_stale(line, &hands.auth_token),
            depth,
            shared: None,
        };
        observe(hands, &question).await
    }
}

/// Records a new line.
///
/// # Errors
/// [`Code::LineBusy`]: another request recorded the number a moment ago.
pub(super) fn add_row(tx: &mut Tx, tenant: &Tenant, actor: &Actor, line: &Line) -> Result<(), Problem> {
    if !rows::insert(tx, tenant, line)? {
        return Err(Code::LineBusy.into());
    }
    // An import looks at the end, and the watch begins where it ended.
    watch::begin(tx, tenant, line.id, steady() + SignedDuration::from_mins(1))?;
    let told = json!({ "phone": line.phone.to_string() });
    record(tx, tenant, actor, "line.added", line.id, None, Some(told))
}

/// The part of a line that members set.
pub(crate) fn details(line: &Line) -> rows::LineDetails {
    rows::LineDetails {
        friendly_name: line.friendly_name.clone(),
        notes: line.notes.clone(),
        assistant_id: line.assistant_id,
        sms_owner: line.sms_owner,
        server_url: line.server_url.clone(),
        server_secret: line.server_secret.clone(),
        twilio_account_sid: line.twilio_account_sid.clone(),
        twilio_auth_token: line.twilio_auth_token.clone(),
    }
}

/// The credentials of the request, completed by the saved ones.
fn twilio_key(keys: &Keys, sid: Option<&str>, token: Option<SecretString>) -> Result<TwilioKey, Problem> {
    let account_sid = match sid {
        Some(text) => parse_account_sid(text)?,
        None => keys.account_sid().cloned().ok_or(Code::TwilioCredentialsMissing)?,
    };
    let auth_token = match token {
        Some(token) => parse_auth_token(&token)?,
        None => keys.twilio_token_of(&account_sid)?.ok_or(Code::TwilioCredentialsMissing)?,
    };
    Ok(TwilioKey { account_sid, auth_token })
}
