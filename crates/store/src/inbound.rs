//! What providers tell us: who may have sent it, and what has been told before.

use dialtone_domain::inbound::Known;
use dialtone_domain::{AccountSid, AssistantId, LineId, OrgId, Phone, TapeId, VapiOrgId};
use jiff::Timestamp;

use crate::lines::{self, Line};
use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Sealed, Tenant, Tx};

/// As many are asked whether they signed a request: more organisations than this do not share an account.
const SIGNERS_MAX: i64 = 8;

record! {
    /// Somebody who may have signed a request of Twilio's.
    pub struct Signer {
        /// The organisation.
        pub org: OrgId,
        /// The line that the token is of; none where it is from the settings.
        pub line: Option<LineId>,
        /// The auth token, sealed.
        pub token: Sealed,
        /// The number that goes with it.
        pub phone: Option<Phone>,
    }
}

impl Signer {
    /// The organisation's rows, for who has seen that it signed, or to show it what it did not sign.
    pub fn tenant(&self) -> Tenant {
        Tenant::new(self.org)
    }
}

/// Who may have signed a request of that account for that number, the most likely first: the lines with the number, the
/// settings with the account, other lines of the account. The same work, whoever is there.
///
/// # Errors
/// As all queries.
pub fn signers(tx: &mut Tx, account: &AccountSid, phone: Option<&Phone>) -> Result<Vec<Signer>> {
    let mut found = tx.all::<Signer>(
        sql!(
            "SELECT org_id, id, twilio_auth_token, phone FROM lines WHERE twilio_account_sid = ?1 AND phone = ?2 \
             ORDER BY created_at, id LIMIT ?3"
        ),
        params![account, phone, SIGNERS_MAX],
    )?;
    found.extend(tx.all::<Signer>(
        sql!(
            "SELECT org_id, CAST(NULL AS TEXT), auth_token, phone FROM twilio_settings WHERE account_sid = ?1 \
             ORDER BY created_at, org_id LIMIT ?2"
        ),
        params![account, SIGNERS_MAX],
    )?);
    found.extend(tx.all::<Signer>(
        sql!(
            "SELECT org_id, id, twilio_auth_token, phone FROM lines WHERE twilio_account_sid = ?1 \
             ORDER BY phone, created_at, id LIMIT ?2"
        ),
        params![account, SIGNERS_MAX],
    )?);
    Ok(found)
}

/// The line of that id, whoever's it is; its organisation's rows are for who has seen the line's secret, or to show it what
/// did not prove itself.
///
/// # Errors
/// As all queries.
pub fn reported(tx: &mut Tx, line: LineId) -> Result<Option<(Tenant, Line)>> {
    let found: Option<(OrgId,)> = tx.opt(sql!("SELECT org_id FROM lines WHERE id = ?1"), params![line])?;
    let Some((org,)) = found else { return Ok(None) };
    let tenant = Tenant::new(org);
    Ok(lines::get(tx, &tenant, line)?.map(|line| (tenant, line)))
}

/// What is known to belong to the line.
///
/// # Errors
/// As all queries.
pub fn known(tx: &mut Tx, tenant: &Tenant, line: &Line) -> Result<Known> {
    let mut assistants: Vec<(Option<AssistantId>,)> =
        tx.all(sql!("SELECT assistant_id FROM lines WHERE org_id = ?1"), params![tenant.org()])?;
    assistants.extend(tx.opt::<(Option<AssistantId>,)>(
        sql!("SELECT default_assistant_id FROM orgs WHERE id = ?1"),
        params![tenant.org()],
    )?);
    let saved: Option<(Option<VapiOrgId>,)> =
        tx.opt(sql!("SELECT vapi_org_id FROM vapi_settings WHERE org_id = ?1"), params![tenant.org()])?;
    Ok(Known {
        phone: line.phone.clone(),
        account: line.twilio_account_sid.clone(),
        number: line.vapi_phone_id,
        credential: line.vapi_credential_id.clone(),
        org: line.vapi_org_id.or(saved.and_then(|(org,)| org)),
        assistants: assistants.into_iter().filter_map(|(assistant,)| assistant).collect(),
    })
}

/// Whether another organisation was told of that message or call.
///
/// # Errors
/// As all queries.
pub fn is_anothers(tx: &mut Tx, tenant: &Tenant, subject: &str) -> Result<bool> {
    let found: Option<(String,)> = tx.opt(
        sql!("SELECT org_id FROM inbound WHERE subject = ?1 AND org_id <> ?2 LIMIT 1"),
        params![subject, tenant.org()],
    )?;
    Ok(found.is_some())
}

/// Notes that something was told; false if it had been told before, and then nothing may come of it.
///
/// # Errors
/// As all queries.
pub fn note(
    tx: &mut Tx,
    tenant: &Tenant,
    key: &str,
    subject: &str,
    tape: TapeId,
    at: Timestamp,
) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO inbound (key, org_id, subject, tape_id, received_at) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (key) DO NOTHING"
        ),
        params![key, tenant.org(), subject, tape, at],
    )?;
    Ok(added == 1)
}
