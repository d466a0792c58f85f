//! Saved credentials (never the credentials themselves), what is still missing, assistants.

use super::lines::Line;
use super::operations::Operation;
use super::problem::StepProblem;
use super::{Yes, answers, yes};
use dialtone_app::{AssistantView, SetupStatus, TwilioSettingsView, VapiSettingsView};
use dialtone_domain::{Language, Params, text};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The Twilio account behind the saved credentials.
#[derive(Serialize, ToSchema)]
pub(crate) struct TwilioAccount {
    /// Its name at Twilio.
    friendly_name: String,
    /// `full` or `trial`.
    #[serde(rename = "type")]
    kind: String,
    /// `active`, `suspended` or `closed`.
    status: String,
}

/// The saved Twilio settings (requirement A1).
#[derive(Serialize, ToSchema)]
pub(crate) struct TwilioSettings {
    /// Always true: problems have documents of their own.
    #[schema(schema_with = yes)]
    success: Yes,
    /// Whether any are saved.
    has_twilio_credentials: bool,
    /// The first eight characters of the account's SID.
    #[schema(required)]
    account_sid_preview: Option<String>,
    /// The number to import.
    #[schema(required)]
    phone_number: Option<String>,
    /// The account, where Twilio told.
    #[schema(required)]
    account: Option<TwilioAccount>,
    /// The end of the auth token.
    #[schema(required)]
    auth_token_last4: Option<String>,
}

impl From<Option<TwilioSettingsView>> for TwilioSettings {
    fn from(settings: Option<TwilioSettingsView>) -> Self {
        let account = settings.as_ref().and_then(|view| {
            let (friendly_name, kind) = (view.account_name.clone()?, view.account_kind.clone()?);
            Some(TwilioAccount { friendly_name, kind, status: view.account_status.clone()? })
        });
        let view = settings.as_ref();
        Self {
            success: Yes,
            has_twilio_credentials: view.is_some(),
            account_sid_preview: view.map(|view| view.account_sid.preview()),
            phone_number: view.and_then(|view| view.phone.as_ref()).map(|phone| phone.as_str().to_owned()),
            account,
            auth_token_last4: view.map(|view| view.token_last4.clone()),
        }
    }
}

/// Something that works, and is worth knowing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Warning {
    /// Its stable name.
    code: String,
    /// What it means.
    message: String,
}

impl Warning {
    /// Of a text key: `warning.twilio_trial`.
    pub(crate) fn of(key: &str, language: Language) -> Self {
        let code = key.rsplit('.').next().unwrap_or(key).to_owned();
        Self { code, message: text::text(language, key, &Params::default()) }
    }
}

/// The Twilio settings that were just saved, and where the set-up stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct TwilioSaved {
    #[serde(flatten)]
    pub(crate) settings: TwilioSettings,
    /// What works, and is worth knowing.
    pub(crate) warnings: Vec<Warning>,
    /// What is still missing, or the import that has begun.
    pub(crate) setup: Setup,
}

/// The saved Vapi settings.
#[derive(Serialize, ToSchema)]
pub(crate) struct VapiSettings {
    /// Always true: problems have documents of their own.
    #[schema(schema_with = yes)]
    success: Yes,
    /// Whether a key is saved.
    has_vapi_key: bool,
    /// The end of the key.
    #[schema(required)]
    key_last4: Option<String>,
    /// The organisation of the key at Vapi, where Vapi told.
    #[schema(required)]
    org_id: Option<Uuid>,
    /// How many assistants it has; null where Vapi does not say now.
    #[schema(required)]
    assistants: Option<usize>,
}

impl VapiSettings {
    pub(crate) fn of(view: Option<&VapiSettingsView>, assistants: Option<usize>) -> Self {
        Self {
            success: Yes,
            has_vapi_key: view.is_some(),
            key_last4: view.map(|view| view.key_last4.clone()),
            org_id: view.and_then(|view| view.org_id).map(|id| id.0),
            assistants,
        }
    }
}

/// The Vapi settings that were just saved, and where the set-up stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct VapiSaved {
    #[serde(flatten)]
    pub(crate) settings: VapiSettings,
    /// What is still missing, or the import that has begun.
    pub(crate) setup: Setup,
}

/// One thing that is missing before a number can answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct Missing {
    /// Which.
    #[schema(schema_with = missing_codes)]
    code: &'static str,
    /// What to do, in a few words.
    message: String,
    /// The page that does it.
    action: &'static str,
}

fn missing_codes() -> utoipa::openapi::schema::Object {
    super::one_of(&["twilio_credentials", "phone_number", "vapi_key", "assistant"])
}

/// What stands between the settings and a number that answers (requirement A5).
#[derive(Serialize, ToSchema)]
pub(crate) struct Setup {
    /// Whether nothing is missing and the number answers.
    ready: bool,
    /// All of it in one line: "1. Add your Vapi API key 2. Create an assistant. Then your number is ready."
    message: String,
    /// What is missing, in the order to do it.
    missing: Vec<Missing>,
    /// The automatic import, running or finished.
    #[schema(required)]
    operation: Option<Operation>,
    /// The line that came of it.
    #[schema(required)]
    line: Option<Line>,
    /// Why the import could not start, where nothing is missing.
    #[schema(required)]
    problem: Option<StepProblem>,
}

impl Setup {
    pub(crate) fn of(status: SetupStatus, language: Language) -> Self {
        let told = |missing: &dialtone_app::Missing| Missing {
            code: missing.name(),
            message: missing.message(language),
            action: missing.action(),
        };
        Self {
            ready: status.is_ready(),
            message: status.message(language),
            missing: status.missing.iter().map(told).collect(),
            operation: status.operation.map(|operation| Operation::of(operation, language)),
            line: status.line.map(Line::from),
            problem: status.problem.map(|problem| StepProblem::of(&problem, language)),
        }
    }
}

/// An assistant at Vapi.
#[derive(Serialize, ToSchema)]
pub(crate) struct Assistant {
    /// Its id at Vapi.
    id: Uuid,
    /// Its name.
    name: String,
    /// What it says first.
    #[schema(required)]
    first_message: Option<String>,
    /// When it was made.
    #[schema(required)]
    created_at: Option<Timestamp>,
    /// When it was changed last.
    #[schema(required)]
    updated_at: Option<Timestamp>,
}

impl From<AssistantView> for Assistant {
    fn from(assistant: AssistantView) -> Self {
        let AssistantView { id, name, first_message, created_at, updated_at } = assistant;
        Self { id: id.0, name, first_message, created_at, updated_at }
    }
}

answers! {
    /// Where the set-up stands.
    SetupAnswer {
        /// What is missing, and the automatic import.
        setup: Setup,
    }
    /// The assistants.
    Assistants {
        /// All of them, the newest first.
        assistants: Vec<Assistant>,
        /// Always null: the list is whole.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// An assistant that was just made, and where the set-up stands.
    NewAssistantAnswer {
        /// It.
        assistant: Assistant,
        /// What is still missing, or the import that has begun.
        setup: Setup,
    }
}
