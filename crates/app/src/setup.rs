//! From nothing to a number that answers (requirement A5): what is missing, in order, and the import that runs
//! by itself when the last missing thing arrives, whichever it is.

use crate::accounts::Caller;
use crate::events::Actor;
use crate::lines::{LineRef, LineView};
use crate::operations::{Kind, OperationView, Started};
use crate::start::App;
use dialtone_domain::{Code, Language, Problem, UserId, text};
use dialtone_store::{Tenant, accounts};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// How often imports that wait for something made elsewhere are looked at.
const SWEEP: Duration = Duration::from_secs(15);
/// The longest an organisation whose import cannot run is left alone.
const PATIENCE_MAX: Duration = Duration::from_secs(3600);
/// Organisations looked at in one sweep.
const SWEEP_MAX: i64 = 100;

/// Something that an import needs and that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Twilio's account SID and token.
    TwilioCredentials,
    /// The number.
    PhoneNumber,
    /// Vapi's key.
    VapiKey,
    /// An assistant.
    Assistant,
}

impl Missing {
    /// Its stable name, and the page that adds it.
    const TABLE: [(&'static str, &'static str); 4] = [
        ("twilio_credentials", "/settings/twilio"),
        ("phone_number", "/settings/twilio"),
        ("vapi_key", "/settings/vapi"),
        ("assistant", "/assistants"),
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].0
    }

    /// The page that adds it.
    pub fn action(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// What to do about it.
    pub fn message(self, language: Language) -> String {
        text::text(language, &format!("setup.missing.{}", self.name()), &text::Params::default())
    }
}

/// How far the set-up is.
#[derive(Debug, Clone)]
pub struct SetupStatus {
    /// What is missing, in the order in which to add it.
    pub missing: Vec<Missing>,
    /// The import that was started last, where there is a line.
    pub operation: Option<OperationView>,
    /// The line of the saved number.
    pub line: Option<LineView>,
    /// Why the import could not start, where nothing is missing.
    pub problem: Option<Problem>,
}

impl SetupStatus {
    /// Whether the number is imported.
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty() && self.line.as_ref().is_some_and(|line| line.vapi_phone_id.is_some())
    }

    fn is_running(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| !operation.is_finished())
    }

    /// All of it in one paragraph: "1. Add your Vapi API key 2. Create an assistant. Then your number is ready."
    pub fn message(&self, language: Language) -> String {
        let say = |key: &str| text::text(language, key, &text::Params::default());
        if !self.missing.is_empty() {
            let steps = self.missing.iter().enumerate();
            let steps: Vec<_> =
                steps.map(|(index, step)| format!("{}. {}", index + 1, step.message(language))).collect();
            return format!("{}. {}", steps.join(" "), say("setup.then_ready"));
        }
        if let Some(problem) = &self.problem {
            return problem.message(language);
        }
        match &self.operation {
            _ if self.is_ready() => say("setup.ready"),
            Some(operation) if operation.is_finished() => operation
                .problem
                .as_ref()
                .map_or_else(|| say("setup.failed"), |problem| problem.message(language)),
            _ => say("setup.importing"),
        }
    }
}

/// When each organisation whose import cannot run is looked at again.
#[derive(Default)]
pub(crate) struct Sweep {
    later: Mutex<HashMap<dialtone_domain::OrgId, (Instant, Duration)>>,
    nudged: Notify,
}

impl Sweep {
    /// Looks again soon, at everybody.
    pub(crate) fn nudge(&self) {
        self.nudged.notify_one();
    }

    fn is_due(&self, tenant: &Tenant) -> bool {
        let later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        later.get(&tenant.org()).is_none_or(|(at, _)| *at <= Instant::now())
    }

    /// Each time that nothing comes of it, twice as long passes before the next look.
    fn postpone(&self, tenant: &Tenant) {
        let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = later.get(&tenant.org()).map_or(SWEEP, |(_, wait)| (*wait * 2).min(PATIENCE_MAX));
        later.insert(tenant.org(), (Instant::now() + wait, wait));
    }

    fn forget(&self, tenant: &Tenant) {
        self.later.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant.org());
    }
}

impl App {
    /// How far the set-up is; asks Vapi for assistants and changes nothing.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn setup_status(&self, caller: &Caller) -> Result<SetupStatus, Problem> {
        self.status_of(&caller.tenant).await
    }

    /// Starts the import if nothing is missing and the number is not imported, and waits for it as long as a
    /// request may take. Called after everything that may have been the last missing thing.
    ///
    /// # Errors
    /// Only for trouble with the database; why an import cannot run is part of the status.
    pub async fn advance_setup(&self, caller: &Caller) -> Result<SetupStatus, Problem> {
        self.inner.sweep.forget(&caller.tenant);
        self.advance(&caller.tenant, &Actor::of(caller), Some(caller.user_id)).await
    }

    async fn advance(
        &self,
        tenant: &Tenant,
        actor: &Actor,
        user: Option<UserId>,
    ) -> Result<SetupStatus, Problem> {
        let before = self.status_of(tenant).await?;
        let imported = before.line.as_ref().is_some_and(|line| line.vapi_phone_id.is_some());
        if !before.missing.is_empty() || before.problem.is_some() || (imported && !before.is_running()) {
            return Ok(before);
        }
        let problem = match before.is_running() {
            true => None,
            false => self.auto_import(tenant, actor, user).await.err(),
        };
        let after = self.status_of(tenant).await?;
        match &after.operation {
            // Somebody else, the sweep for one, was a moment faster: their import is ours, too.
            Some(operation) if after.is_running() => {
                self.follow(tenant, operation.id).await?;
                self.status_of(tenant).await
            }
            _ if after.is_ready() => Ok(after),
            _ => Ok(SetupStatus { problem, ..after }),
        }
    }

    async fn auto_import(
        &self,
        tenant: &Tenant,
        actor: &Actor,
        user: Option<UserId>,
    ) -> Result<Started<crate::Imported>, Problem> {
        let keys = self.keys(tenant).await?;
        let twilio = keys.twilio()?.ok_or(Code::TwilioCredentialsMissing)?;
        let phone = keys.phone().cloned().ok_or(Code::PhoneMissing)?;
        let lookup = tenant.clone();
        let organisation = self.store().read(move |tx| accounts::organisation(tx, &lookup)).await?;
        let row = self.line_row(tenant, &LineRef::Phone(phone.clone())).await?;
        let known = row.is_some();
        let line = row.unwrap_or_else(|| crate::lines::new_line(phone, twilio.account_sid.clone(), user));
        let default = organisation.default_assistant_id;
        let ready = self.check_import(&keys, &twilio, line, known, (None, default)).await?;
        self.run_import(tenant, actor, Kind::AutoImport, ready).await
    }

    async fn status_of(&self, tenant: &Tenant) -> Result<SetupStatus, Problem> {
        let keys = self.keys(tenant).await?;
        let phone = keys.phone().cloned();
        let assistants = match keys.vapi() {
            Ok(Some(key)) => Some(self.inner.providers.vapi(&key)?.assistants().await),
            Ok(None) => None,
            Err(problem) => Some(Err(problem)),
        };
        // Where Vapi does not say, nothing is called missing: why it does not is told instead.
        let no_assistant = match &assistants {
            Some(Ok(listed)) => listed.items.is_empty(),
            Some(Err(_)) => false,
            None => true,
        };
        let conditions = [
            (Missing::TwilioCredentials, keys.account_sid().is_none()),
            (Missing::PhoneNumber, phone.is_none()),
            (Missing::VapiKey, !keys.has_vapi()),
            (Missing::Assistant, no_assistant),
        ];
        let missing = conditions.into_iter().filter(|(_, missing)| *missing).map(|(what, _)| what).collect();
        let line = match phone {
            Some(phone) => self.line_row(tenant, &LineRef::Phone(phone)).await?,
            None => None,
        };
        let operation = match &line {
            Some(line) => self.last_operation(tenant, line.id).await?,
            None => None,
        };
        let problem = assistants.and_then(Result::err);
        Ok(SetupStatus { missing, operation, line: line.map(LineView::from), problem })
    }

    /// Until stopped: looks for organisations whose last missing thing was made elsewhere, in Vapi's own
    /// dashboard for one.
    pub(crate) async fn sweep_for_imports(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(SWEEP) => (),
                () = self.inner.sweep.nudged.notified() => (),
                _ = stop.changed() => return,
            }
            if !self.inner.gate.is_open() {
                continue;
            }
            let Ok(tenants) = self.store().read(|tx| accounts::tenants_for_auto_import(tx, SWEEP_MAX)).await
            else {
                continue;
            };
            for tenant in tenants.iter().filter(|tenant| self.inner.sweep.is_due(tenant)) {
                self.inner.sweep.postpone(tenant);
                if let Err(problem) = self.advance(tenant, &Actor::system("auto-import"), None).await {
                    tracing::warn!(%problem, "an import that waits cannot be looked at");
                }
            }
        }
    }
}
