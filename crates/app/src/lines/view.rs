//! What is shown of lines.

use crate::accounts::Caller;
use crate::lines::page::{Page, PageRequest, page_of};
use crate::operations::OperationView;
use crate::start::App;
use dialtone_domain::line::{Cause, Check, CheckId, Fix, SmsOwner, Status, first_failing, is_healthy};
use dialtone_domain::{AccountSid, AssistantId, Code, Country, LineId, Phone, Problem, UserId, VapiNumberId};
use dialtone_providers::vapi;
use dialtone_store::lines::{self as rows, Line};
use dialtone_store::{Tenant, Tx, watch};
use jiff::Timestamp;
use std::collections::HashMap;

/// A line, named by its id or its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineRef {
    /// Its id.
    Id(LineId),
    /// Its number.
    Phone(Phone),
}

impl LineRef {
    /// Reads an id, or a number as people of that country write it.
    ///
    /// # Errors
    /// Anything else is no line: [`Code::NotFound`].
    pub fn parse(text: &str, country: Country) -> Result<Self, Problem> {
        let id = text.parse().map(LineRef::Id);
        id.or_else(|_| Phone::parse(text, country).map(LineRef::Phone)).map_err(|_| Code::NotFound.into())
    }
}

/// How a line is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Every check is ok.
    Working,
    /// It could not be looked at, or its last call went wrong.
    Attention,
    /// Callers do not get through.
    Failing,
    /// Nobody has looked yet.
    Unchecked,
}

impl Health {
    const ALL: [Health; 4] = [Health::Working, Health::Attention, Health::Failing, Health::Unchecked];

    /// Its name in the API and in the database.
    pub fn name(self) -> &'static str {
        ["working", "attention", "failing", "unchecked"][self as usize]
    }

    fn named(name: &str) -> Self {
        Health::ALL.into_iter().find(|health| health.name() == name).unwrap_or(Health::Unchecked)
    }

    /// The health that a checklist tells of.
    pub fn of(checks: &[Check]) -> Self {
        match first_failing(checks).and_then(|check| check.cause) {
            None if is_healthy(checks) => Health::Working,
            Some(cause) if cause.fix() == Fix::Wait || cause == Cause::LastCallFailed => Health::Attention,
            _ => Health::Failing,
        }
    }
}

/// What a look at a line found, to be kept.
pub(crate) struct Report {
    pub(crate) checks: Vec<Check>,
    pub(crate) at: Timestamp,
}

impl Report {
    pub(crate) fn store(&self, tx: &mut Tx, tenant: &Tenant, line: LineId) -> Result<(), Problem> {
        let failing = first_failing(&self.checks).map(|check| check.id.name());
        let checks = serde_json::to_value(&self.checks).map_err(|_| Code::Internal)?;
        rows::record_report(tx, tenant, line, Health::of(&self.checks).name(), failing, &checks, self.at)?;
        Ok(())
    }
}

/// The last checklist; empty where nobody looked yet.
fn checks_of(line: &Line) -> Vec<Check> {
    line.report.clone().and_then(|report| serde_json::from_value(report).ok()).unwrap_or_default()
}

/// A line as it is shown.
#[derive(Debug, Clone)]
pub struct LineView {
    /// Its id.
    pub id: LineId,
    /// The number.
    pub phone: Phone,
    /// What the members call it.
    pub friendly_name: String,
    /// What they note.
    pub notes: String,
    /// The assistant that answers.
    pub assistant_id: Option<AssistantId>,
    /// Its name, as of the last look.
    pub assistant_name: Option<String>,
    /// Who answers texts.
    pub sms_owner: SmsOwner,
    /// Where its events go.
    pub server_url: Option<String>,
    /// Whether they carry a secret.
    pub has_server_secret: bool,
    /// Its record at Vapi.
    pub vapi_phone_id: Option<VapiNumberId>,
    /// The credential that Vapi made of account and token, where it told.
    pub vapi_credential_id: Option<String>,
    /// The Twilio account that owns the number.
    pub twilio_account_sid: AccountSid,
    /// How it is.
    pub health: Health,
    /// The check that fails.
    pub failing_check: Option<String>,
    /// When somebody looked last.
    pub checked_at: Option<Timestamp>,
    /// Since when a provider cannot be read, where that is so: what is shown is as it was before.
    pub unknown_since: Option<Timestamp>,
    /// Who added it.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A line with what was seen and done last.
#[derive(Debug, Clone)]
pub struct LineDetail {
    /// The line.
    pub line: LineView,
    /// The last checklist; empty where nobody looked yet.
    pub checks: Vec<Check>,
    /// The last operations, the newest first.
    pub operations: Vec<OperationView>,
}

/// A number as Vapi lists it.
#[derive(Debug, Clone)]
pub struct VapiNumberView {
    /// Vapi's id.
    pub id: VapiNumberId,
    /// The number; some kinds have none.
    pub number: Option<Phone>,
    /// Its name.
    pub name: Option<String>,
    /// Its kind: `twilio`, `vapi`, ….
    pub provider: String,
    /// The assistant that answers.
    pub assistant_id: Option<AssistantId>,
    /// `active`, `activating`, `blocked`.
    pub status: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

impl From<Line> for LineView {
    fn from(line: Line) -> Self {
        let checks = checks_of(&line);
        let assistant =
            checks.into_iter().find(|check| check.id == CheckId::Assistant && check.status == Status::Ok);
        LineView {
            assistant_name: assistant.and_then(|check| check.found),
            id: line.id,
            phone: line.phone,
            friendly_name: line.friendly_name,
            notes: line.notes,
            assistant_id: line.assistant_id,
            sms_owner: line.sms_owner,
            server_url: line.server_url,
            has_server_secret: line.server_secret.is_some(),
            vapi_phone_id: line.vapi_phone_id,
            vapi_credential_id: line.vapi_credential_id,
            twilio_account_sid: line.twilio_account_sid,
            health: Health::named(&line.health),
            failing_check: line.failing_check,
            checked_at: line.checked_at,
            unknown_since: None,
            created_by: line.created_by,
            created_at: line.created_at,
            updated_at: line.updated_at,
        }
    }
}

impl App {
    /// The organisation's lines, the newest first.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for a cursor that is none.
    pub async fn lines(&self, caller: &Caller, page: PageRequest) -> Result<Page<LineView>, Problem> {
        let (tenant, limit, after) = (caller.tenant.clone(), page.limit(), page.after()?);
        let (rows, unknown) = self
            .store()
            .read(move |tx| {
                Ok::<_, Problem>((rows::page(tx, &tenant, after, limit + 1)?, watch::unknown(tx, &tenant)?))
            })
            .await?;
        let unknown: HashMap<_, _> = unknown.into_iter().collect();
        let view = |row: Line| LineView { unknown_since: unknown.get(&row.id).copied(), ..row.into() };
        let items = rows.into_iter().map(view).collect();
        Ok(page_of(items, limit, |line| (line.created_at, line.id.0)))
    }

    /// A line with its last checklist and operations.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn line(&self, caller: &Caller, line: &LineRef) -> Result<LineDetail, Problem> {
        let row = self.line_row(&caller.tenant, line).await?.ok_or(Code::NotFound)?;
        let last_ten = PageRequest { cursor: None, limit: Some(10) };
        let operations = self.operations(caller, Some(&LineRef::Id(row.id)), last_ten).await?.items;
        let checks = checks_of(&row);
        let (tenant, id) = (caller.tenant.clone(), row.id);
        let seen = self.store().read(move |tx| watch::get(tx, &tenant, id)).await?;
        let unknown_since = seen.and_then(|seen| seen.unknown_since);
        Ok(LineDetail { line: LineView { unknown_since, ..row.into() }, checks, operations })
    }

    /// The numbers that are in Vapi (requirement A3); none without a key.
    ///
    /// # Errors
    /// What Vapi says.
    pub async fn vapi_numbers(&self, caller: &Caller) -> Result<Vec<VapiNumberView>, Problem> {
        let keys = self.keys(&caller.tenant).await?;
        let Some(key) = keys.vapi()? else { return Ok(Vec::new()) };
        let listed = self.inner.providers.vapi(&key)?.phone_numbers().await?;
        Ok(listed.items.into_iter().map(vapi_number_view).collect())
    }
}

fn vapi_number_view(number: vapi::VapiNumber) -> VapiNumberView {
    VapiNumberView {
        id: number.id,
        number: number.number,
        name: number.name,
        provider: number.provider.name().to_owned(),
        assistant_id: number.assistant_id,
        status: number.status.name().to_owned(),
        created_at: number.created_at,
    }
}
