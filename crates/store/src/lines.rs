//! Lines: a phone number and what it is bound to.

use dialtone_domain::line::SmsOwner;
use dialtone_domain::{AccountSid, AssistantId, LineId, Phone, UserId, VapiNumberId, VapiOrgId};
use jiff::Timestamp;
use serde_json::Value;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Cursor, Result, Sealed, Tenant, Tx};

record! {
    /// A line (requirement D3).
    pub struct Line as line_columns {
        /// Its id.
        pub id: LineId,
        /// The number.
        pub phone: Phone,
        /// What the members call it.
        pub friendly_name: String,
        /// Whatever they note.
        pub notes: String,
        /// The assistant that answers.
        pub assistant_id: Option<AssistantId>,
        /// Who answers texts.
        pub sms_owner: SmsOwner,
        /// Where Vapi reports the line's calls.
        pub server_url: Option<String>,
        /// The secret those reports carry, sealed.
        pub server_secret: Option<Sealed>,
        /// The account that owns the number.
        pub twilio_account_sid: AccountSid,
        /// The account's auth token, sealed.
        pub twilio_auth_token: Sealed,
        /// The number's record at Vapi.
        pub vapi_phone_id: Option<VapiNumberId>,
        /// The credential that Vapi made of account and token.
        pub vapi_credential_id: Option<String>,
        /// The organisation at Vapi that has the number.
        pub vapi_org_id: Option<VapiOrgId>,
        /// The fingerprint of the auth token that Vapi was given, where it is known.
        pub vapi_token: Option<String>,
        /// Why the last import was refused.
        pub import_refusal: Option<Value>,
        /// How it is.
        pub health: String,
        /// The check that fails.
        pub failing_check: Option<String>,
        /// What the last look found.
        pub report: Option<Value>,
        /// When that was.
        pub checked_at: Option<Timestamp>,
        /// Who added it.
        pub created_by: Option<UserId>,
        /// When.
        pub created_at: Timestamp,
        /// When it was last changed.
        pub updated_at: Timestamp,
    }
}

/// What a member sets of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct LineDetails {
    /// What the members call it.
    pub friendly_name: String,
    /// Whatever they note.
    pub notes: String,
    /// The assistant that answers.
    pub assistant_id: Option<AssistantId>,
    /// Who answers texts.
    pub sms_owner: SmsOwner,
    /// Where Vapi reports the line's calls.
    pub server_url: Option<String>,
    /// The secret those reports carry, sealed.
    pub server_secret: Option<Sealed>,
    /// The account that owns the number.
    pub twilio_account_sid: AccountSid,
    /// The account's auth token, sealed.
    pub twilio_auth_token: Sealed,
}

/// What is known of a line at Vapi.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VapiIds {
    /// The number's record.
    pub phone_id: Option<VapiNumberId>,
    /// The credential that Vapi made of account and token.
    pub credential_id: Option<String>,
    /// The organisation that has the number.
    pub org_id: Option<VapiOrgId>,
    /// The fingerprint of the auth token that Vapi was given, where it is known.
    pub token: Option<String>,
}

/// Adds a line; false if the organisation has the number already.
///
/// # Errors
/// As all queries.
pub fn insert(tx: &mut Tx, tenant: &Tenant, new: &Line) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO lines (org_id, ",
            line_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
             ?20, ?21, ?22, ?23) ON CONFLICT (org_id, phone) DO NOTHING"
        ),
        params![
            tenant.org(),
            new.id,
            new.phone,
            new.friendly_name,
            new.notes,
            new.assistant_id,
            new.sms_owner,
            new.server_url,
            new.server_secret,
            new.twilio_account_sid,
            new.twilio_auth_token,
            new.vapi_phone_id,
            new.vapi_credential_id,
            new.vapi_org_id,
            new.vapi_token,
            new.import_refusal,
            new.health,
            new.failing_check,
            new.report,
            new.checked_at,
            new.created_by,
            new.created_at,
            new.updated_at
        ],
    )?;
    Ok(added == 1)
}

/// A line by id.
///
/// # Errors
/// As all queries.
pub fn get(tx: &mut Tx, tenant: &Tenant, id: LineId) -> Result<Option<Line>> {
    tx.opt(
        sql!("SELECT ", line_columns!(), " FROM lines WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id],
    )
}

/// A line by its number.
///
/// # Errors
/// As all queries.
pub fn by_phone(tx: &mut Tx, tenant: &Tenant, phone: &Phone) -> Result<Option<Line>> {
    tx.opt(
        sql!("SELECT ", line_columns!(), " FROM lines WHERE org_id = ?1 AND phone = ?2"),
        params![tenant.org(), phone],
    )
}

/// The lines after the cursor (or from the start), the newest first.
///
/// # Errors
/// As all queries.
pub fn page(tx: &mut Tx, tenant: &Tenant, after: Option<Cursor<LineId>>, limit: i64) -> Result<Vec<Line>> {
    let (at, id) = Cursor::bounds(after);
    tx.all(
        sql!(
            "SELECT ",
            line_columns!(),
            " FROM lines WHERE org_id = ?1 AND (created_at, id) < (?2, ?3) \
             ORDER BY created_at DESC, id DESC LIMIT ?4"
        ),
        params![tenant.org(), at, id, limit],
    )
}

/// Writes what a member sets; false if there is no such line.
///
/// # Errors
/// As all queries.
pub fn update_details(
    tx: &mut Tx,
    tenant: &Tenant,
    id: LineId,
    new: &LineDetails,
    now: Timestamp,
) -> Result<bool> {
    let changed = tx.exec(
        sql!(
            "UPDATE lines SET friendly_name = ?3, notes = ?4, assistant_id = ?5, sms_owner = ?6, server_url = ?7, \
             server_secret = ?8, twilio_account_sid = ?9, twilio_auth_token = ?10, updated_at = ?11 \
             WHERE org_id = ?1 AND id = ?2"
        ),
        params![
            tenant.org(),
            id,
            new.friendly_name,
            new.notes,
            new.assistant_id,
            new.sms_owner,
            new.server_url,
            new.server_secret,
            new.twilio_account_sid,
            new.twilio_auth_token,
            now
        ],
    )?;
    Ok(changed == 1)
}

/// Writes what is known of the line at Vapi; false if there is no such line.
///
/// # Errors
/// As all queries.
pub fn record_vapi(tx: &mut Tx, tenant: &Tenant, id: LineId, ids: &VapiIds, now: Timestamp) -> Result<bool> {
    let changed = tx.exec(
        sql!(
            "UPDATE lines SET vapi_phone_id = ?3, vapi_credential_id = ?4, vapi_org_id = ?5, vapi_token = ?6, \
             updated_at = ?7 WHERE org_id = ?1 AND id = ?2"
        ),
        params![tenant.org(), id, ids.phone_id, ids.credential_id, ids.org_id, ids.token, now],
    )?;
    Ok(changed == 1)
}

/// Writes why the import was refused, or that it was not; false if there is no such line.
///
/// # Errors
/// As all queries.
pub fn record_refusal(
    tx: &mut Tx,
    tenant: &Tenant,
    id: LineId,
    refusal: Option<&Value>,
    now: Timestamp,
) -> Result<bool> {
    let changed = tx.exec(
        sql!("UPDATE lines SET import_refusal = ?3, updated_at = ?4 WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id, refusal, now],
    )?;
    Ok(changed == 1)
}

/// Writes what a look at the line found; false if there is no such line.
///
/// # Errors
/// As all queries.
pub fn record_report(
    tx: &mut Tx,
    tenant: &Tenant,
    id: LineId,
    health: &str,
    failing_check: Option<&str>,
    report: &Value,
    checked_at: Timestamp,
) -> Result<bool> {
    let changed = tx.exec(
        sql!(
            "UPDATE lines SET health = ?3, failing_check = ?4, report = ?5, checked_at = ?6 \
             WHERE org_id = ?1 AND id = ?2"
        ),
        params![tenant.org(), id, health, failing_check, report, checked_at],
    )?;
    Ok(changed == 1)
}

/// Removes a line; its operations and events stay. False if there is no such line.
///
/// # Errors
/// As all queries.
pub fn remove(tx: &mut Tx, tenant: &Tenant, id: LineId) -> Result<bool> {
    Ok(tx.exec(sql!("DELETE FROM lines WHERE org_id = ?1 AND id = ?2"), params![tenant.org(), id])? == 1)
}

/// The lines of one Twilio account.
///
/// # Errors
/// As all queries.
pub fn of_account(tx: &mut Tx, tenant: &Tenant, account: &AccountSid) -> Result<Vec<LineId>> {
    let found: Vec<(LineId,)> = tx.all(
        sql!("SELECT id FROM lines WHERE org_id = ?1 AND twilio_account_sid = ?2 ORDER BY id"),
        params![tenant.org(), account],
    )?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Replaces a line's auth token, sealed for it; `given` is the fingerprint of the one that Vapi has.
///
/// # Errors
/// As all queries.
pub fn set_token(
    tx: &mut Tx,
    tenant: &Tenant,
    id: LineId,
    token: &Sealed,
    given: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE lines SET twilio_auth_token = ?3, vapi_token = ?4, updated_at = ?5 \
             WHERE org_id = ?1 AND id = ?2"
        ),
        params![tenant.org(), id, token, given, now],
    )?;
    Ok(())
}

/// Writes which auth token Vapi was given, by its fingerprint; false if there is no such line.
///
/// # Errors
/// As all queries.
pub fn record_given(tx: &mut Tx, tenant: &Tenant, id: LineId, token: &str, now: Timestamp) -> Result<bool> {
    let changed = tx.exec(
        sql!("UPDATE lines SET vapi_token = ?3, updated_at = ?4 WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id, token, now],
    )?;
    Ok(changed == 1)
}

/// Forgets what imports were refused with: other credentials may fare better.
///
/// # Errors
/// As all queries.
pub fn forget_refusals(tx: &mut Tx, tenant: &Tenant) -> Result<()> {
    tx.exec(
        sql!("UPDATE lines SET import_refusal = NULL WHERE org_id = ?1 AND import_refusal IS NOT NULL"),
        params![tenant.org()],
    )?;
    Ok(())
}
