//! Lines, their checks, the numbers at Vapi and the numbers' records.

use super::operations::{Change, Operation};
use super::{answers, one_of, one_of_or_null};
use dialtone_app::{Imported, LineView, VapiNumberView};
use dialtone_domain::line::{self, CheckId, Fix as DomainFix, SmsOwner, Status};
use dialtone_domain::{Language, Params, text};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use uuid::Uuid;

/// A phone number and what should happen when someone calls or texts it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Line {
    /// Its id.
    id: Uuid,
    /// Its number, in E.164.
    phone_number: String,
    /// Its name.
    friendly_name: String,
    /// Notes about it.
    notes: String,
    /// The country of the number, where it tells.
    #[schema(required)]
    country: Option<String>,
    /// The assistant that answers.
    #[schema(required)]
    assistant_id: Option<Uuid>,
    /// The assistant's name, where it is known.
    #[schema(required)]
    assistant_name: Option<String>,
    /// Who answers texts.
    #[schema(schema_with = sms_owners)]
    sms_owner: SmsOwner,
    /// Where the line's events go.
    #[schema(required)]
    server_url: Option<String>,
    /// Whether these events carry a secret.
    has_server_secret: bool,
    /// The number's record at Vapi.
    #[schema(required)]
    vapi_phone_id: Option<Uuid>,
    /// How it was at the last look.
    #[schema(schema_with = healths)]
    health: &'static str,
    /// The check that failed then.
    #[schema(schema_with = check_id_or_null)]
    failing_check: Option<String>,
    /// When that was.
    #[schema(required)]
    checked_at: Option<Timestamp>,
    /// Since when a provider cannot be read, where that is so; what is shown is as it was before.
    #[schema(required)]
    unknown_since: Option<Timestamp>,
    /// When the line was made.
    created_at: Timestamp,
    /// When it was changed last.
    updated_at: Timestamp,
}

fn healths() -> Object {
    one_of(&["working", "attention", "failing", "unchecked"])
}

fn sms_owners() -> Object {
    one_of(&["twilio", "vapi"])
}

fn check_id() -> Object {
    one_of(&CheckId::ALL.map(CheckId::name))
}

fn check_id_or_null() -> Object {
    one_of_or_null(&CheckId::ALL.map(CheckId::name))
}

impl From<LineView> for Line {
    fn from(line: LineView) -> Self {
        Self {
            id: line.id.0,
            country: line.phone.country().map(String::from),
            phone_number: line.phone.into(),
            friendly_name: line.friendly_name,
            notes: line.notes,
            assistant_id: line.assistant_id.map(|id| id.0),
            assistant_name: line.assistant_name,
            sms_owner: line.sms_owner,
            server_url: line.server_url,
            has_server_secret: line.has_server_secret,
            vapi_phone_id: line.vapi_phone_id.map(|id| id.0),
            health: line.health.name(),
            failing_check: line.failing_check,
            checked_at: line.checked_at,
            unknown_since: line.unknown_since,
            created_at: line.created_at,
            updated_at: line.updated_at,
        }
    }
}

/// What mends a failing check.
#[derive(Serialize, ToSchema)]
pub(crate) struct Fix {
    /// One click (`repair`), one of our pages (`settings`, `assistant`), or something only a person can do.
    #[schema(schema_with = fixes)]
    kind: &'static str,
    /// A button's label, or what to do.
    label: String,
    /// The page.
    #[schema(required)]
    href: Option<&'static str>,
}

fn fixes() -> Object {
    one_of(&["repair", "settings", "assistant", "manual"])
}

/// How a fix is named in the API, and the page that it is on.
fn fix_of(fix: DomainFix) -> (&'static str, Option<&'static str>) {
    match fix {
        DomainFix::Repair => ("repair", None),
        DomainFix::TwilioSettings => ("settings", Some("/settings/twilio")),
        DomainFix::VapiSettings => ("settings", Some("/settings/vapi")),
        DomainFix::Assistant => ("assistant", Some("/assistants")),
        DomainFix::Manual | DomainFix::Wait => ("manual", None),
    }
}

/// One row of the checklist (requirement A7).
#[derive(Serialize, ToSchema)]
pub(crate) struct Check {
    /// Which check.
    #[schema(schema_with = check_id)]
    id: CheckId,
    /// What it looks at.
    title: String,
    /// How it came out.
    #[schema(schema_with = statuses)]
    status: Status,
    /// Why it fails: a stable name.
    #[schema(required)]
    cause: Option<&'static str>,
    /// How it came out and why, in plain words.
    summary: String,
    /// What should be.
    #[schema(required)]
    expected: Option<String>,
    /// What is.
    #[schema(required)]
    found: Option<String>,
    /// What was seen at the providers, by name.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    evidence: Params,
    /// What mends it.
    #[schema(required)]
    fix: Option<Fix>,
}

fn statuses() -> Object {
    one_of(&["ok", "failing", "not_reached"])
}

impl Check {
    fn of(check: line::Check, language: Language) -> Self {
        let fix = check.fix(language).map(|(fix, label)| {
            let (kind, href) = fix_of(fix);
            Fix { kind, label, href }
        });
        Self {
            id: check.id,
            title: check.title(language),
            status: check.status,
            cause: check.cause.map(line::Cause::name),
            summary: check.summary(language),
            expected: check.expected,
            found: check.found,
            evidence: check.params,
            fix,
        }
    }
}

/// What was found at both providers, and what would mend it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Doctor {
    /// The number.
    phone_number: String,
    /// The line, where the number is one.
    #[schema(required)]
    line_id: Option<Uuid>,
    /// Whether every check is ok.
    healthy: bool,
    /// The checks, in order: a later one means nothing while an earlier one fails.
    checks: Vec<Check>,
    /// What a repair would change.
    plan: Vec<Change>,
    /// When the providers were asked.
    observed_at: Timestamp,
}

impl Doctor {
    pub(crate) fn of(doctor: dialtone_app::Doctor, language: Language) -> Self {
        Self {
            healthy: doctor.healthy(),
            phone_number: doctor.phone.into(),
            line_id: doctor.line_id.map(|id| id.0),
            checks: doctor.checks.into_iter().map(|check| Check::of(check, language)).collect(),
            plan: doctor.plan.iter().map(|change| Change::of(change, language)).collect(),
            observed_at: doctor.observed_at,
        }
    }
}

/// A number as Vapi has it.
#[derive(Serialize, ToSchema)]
pub(crate) struct VapiNumber {
    /// Its id at Vapi.
    id: Uuid,
    /// The number.
    #[schema(required)]
    number: Option<String>,
    /// Its name at Vapi.
    #[schema(required)]
    name: Option<String>,
    /// Where Vapi has it from: `twilio`, `vapi`, …
    provider: String,
    /// The assistant that answers.
    #[schema(required)]
    assistant_id: Option<Uuid>,
    /// `active`, `activating` or `blocked`.
    status: String,
    /// When Vapi got it.
    #[schema(required)]
    created_at: Option<Timestamp>,
}

impl From<VapiNumberView> for VapiNumber {
    fn from(view: VapiNumberView) -> Self {
        Self {
            id: view.id.0,
            number: view.number.map(String::from),
            name: view.name,
            provider: view.provider,
            assistant_id: view.assistant_id.map(|id| id.0),
            status: view.status,
            created_at: view.created_at,
        }
    }
}

/// A number's record (requirement D3). Its auth token is kept encrypted and never shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct Record {
    /// Its id: the line's.
    id: Uuid,
    /// Who made it.
    #[schema(required)]
    owner_id: Option<Uuid>,
    /// The number, in E.164.
    phone_number: String,
    /// Its name.
    friendly_name: String,
    /// Always `twilio`.
    provider: &'static str,
    /// The number's id at Vapi.
    #[schema(required)]
    vapi_phone_id: Option<Uuid>,
    /// The credential that Vapi made for it.
    #[schema(required)]
    vapi_credential_id: Option<String>,
    /// The Twilio account that owns it.
    twilio_account_sid: String,
    /// The assistant that answers.
    #[schema(required)]
    assigned_assistant_id: Option<Uuid>,
    /// Notes about it.
    notes: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it was changed last.
    updated_at: Timestamp,
}

impl From<LineView> for Record {
    fn from(line: LineView) -> Self {
        Self {
            id: line.id.0,
            owner_id: line.created_by.map(|id| id.0),
            phone_number: line.phone.into(),
            friendly_name: line.friendly_name,
            provider: "twilio",
            vapi_phone_id: line.vapi_phone_id.map(|id| id.0),
            vapi_credential_id: line.vapi_credential_id,
            twilio_account_sid: line.twilio_account_sid.into(),
            assigned_assistant_id: line.assistant_id.map(|id| id.0),
            notes: line.notes,
            created_at: line.created_at,
            updated_at: line.updated_at,
        }
    }
}

/// A number that was imported (requirement A4).
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportedPhone {
    /// Its id at Vapi.
    #[schema(required)]
    id: Option<Uuid>,
    /// The line.
    line_id: Uuid,
    /// The number, in E.164.
    phone_number: String,
    /// Its name.
    friendly_name: String,
    /// The assistant that answers.
    #[schema(required)]
    assistant_id: Option<Uuid>,
    /// Always `twilio`.
    provider: &'static str,
    /// When the line was made.
    created_at: Timestamp,
}

impl From<&LineView> for ImportedPhone {
    fn from(line: &LineView) -> Self {
        Self {
            id: line.vapi_phone_id.map(|id| id.0),
            line_id: line.id.0,
            phone_number: line.phone.as_str().to_owned(),
            friendly_name: line.friendly_name.clone(),
            assistant_id: line.assistant_id.map(|id| id.0),
            provider: "twilio",
            created_at: line.created_at,
        }
    }
}

/// What came of an import, said in one sentence.
pub(crate) fn import_message(imported: &Imported, language: Language) -> String {
    let key = match (imported.existed, imported.auto_linked) {
        (false, false) => "import.linked",
        (false, true) => "import.auto_linked",
        (true, false) => "import.relinked",
        (true, true) => "import.relinked_auto",
    };
    let params = Params::default()
        .with("phone", imported.line.phone.as_str())
        .with("assistant", imported.assistant.name.clone());
    text::text(language, key, &params)
}

answers! {
    /// A number that was imported, or found in Vapi and checked.
    ImportedAnswer {
        /// The number.
        phone: ImportedPhone,
        /// Whether the assistant was chosen, since none was named.
        auto_linked: bool,
        /// The assistant that answers.
        assistant_id: Uuid,
        /// Whether Twilio sends the number's calls to Vapi.
        webhook_configured: bool,
        /// What came of it, in one sentence.
        message: String,
        /// The operation that did it.
        operation_id: Uuid,
    }
    /// The numbers in Vapi.
    VapiNumbers {
        /// All of them.
        phone_numbers: Vec<VapiNumber>,
        /// Always null: the list is whole.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// A number's record.
    RecordAnswer {
        /// It.
        phone_number: Record,
    }
    /// The numbers' records.
    Records {
        /// A page of them, the newest first.
        phone_numbers: Vec<Record>,
        /// Where the next page begins; null: this is the last one.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// The lines.
    Lines {
        /// A page of them, the newest first.
        lines: Vec<Line>,
        /// Where the next page begins; null: this is the last one.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// A line, its checks as they were at the last look, and what was done to it.
    LineAnswer {
        /// It.
        line: Line,
        /// Its checks at the last look; empty before the first one.
        checks: Vec<Check>,
        /// The last ten operations, the newest first.
        operations: Vec<Operation>,
    }
    /// A line that was changed.
    LineChanged {
        /// It.
        line: Line,
        /// The operation that changes the providers; null where nothing had to change there.
        #[schema(required)]
        operation: Option<Operation>,
    }
    /// A line that was removed.
    LineRemoved {
        /// The operation that took it down; null where the providers had nothing of it.
        #[schema(required)]
        operation: Option<Operation>,
    }
    /// What was found.
    DoctorAnswer {
        /// The checks and the plan.
        doctor: Doctor,
    }
    /// What a repair did, or what it would do.
    RepairAnswer {
        /// Whether nothing was changed.
        dry_run: bool,
        /// The operation; null for a dry run.
        #[schema(required)]
        operation: Option<Operation>,
        /// How the line is now; null while the operation still runs.
        #[schema(required)]
        doctor: Option<Doctor>,
    }
}

/// The checks of a line as they were at the last look.
pub(crate) fn checks_of(checks: Vec<line::Check>, language: Language) -> Vec<Check> {
    checks.into_iter().map(|check| Check::of(check, language)).collect()
}
