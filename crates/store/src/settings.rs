//! The organisations' saved credentials for the two providers.

use dialtone_domain::{AccountSid, Phone, VapiOrgId};
use jiff::Timestamp;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Sealed, Tenant, Tx};

record! {
    /// Credentials for Twilio.
    pub struct TwilioSettings as twilio_columns {
        /// The account.
        pub account_sid: AccountSid,
        /// The auth token, sealed.
        pub auth_token: Sealed,
        /// The token's last four characters, to recognise it by.
        pub token_last4: String,
        /// The number to be imported.
        pub phone: Option<Phone>,
        /// The account's name at Twilio.
        pub account_name: Option<String>,
        /// The account's type at Twilio.
        pub account_type: Option<String>,
        /// The account's status at Twilio.
        pub account_status: Option<String>,
        /// When the first were saved.
        pub created_at: Timestamp,
        /// When these were saved.
        pub updated_at: Timestamp,
    }
}

record! {
    /// Credentials for Vapi.
    pub struct VapiSettings as vapi_columns {
        /// The private key, sealed.
        pub api_key: Sealed,
        /// The key's last four characters, to recognise it by.
        pub key_last4: String,
        /// The organisation at Vapi that the key belongs to, once known.
        pub vapi_org_id: Option<VapiOrgId>,
        /// When the first were saved.
        pub created_at: Timestamp,
        /// When these were saved.
        pub updated_at: Timestamp,
    }
}

/// The saved Twilio credentials.
///
/// # Errors
/// As all queries.
pub fn twilio(tx: &mut Tx, tenant: &Tenant) -> Result<Option<TwilioSettings>> {
    tx.opt(
        sql!("SELECT ", twilio_columns!(), " FROM twilio_settings WHERE org_id = ?1"),
        params![tenant.org()],
    )
}

/// Saves Twilio credentials in place of those before; only `created_at` stays what it was.
///
/// # Errors
/// As all queries.
pub fn put_twilio(tx: &mut Tx, tenant: &Tenant, new: &TwilioSettings) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO twilio_settings (org_id, ",
            twilio_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (org_id) DO UPDATE SET \
             account_sid = excluded.account_sid, auth_token = excluded.auth_token, \
             token_last4 = excluded.token_last4, phone = excluded.phone, account_name = excluded.account_name, \
             account_type = excluded.account_type, account_status = excluded.account_status, \
             updated_at = excluded.updated_at"
        ),
        params![
            tenant.org(),
            new.account_sid,
            new.auth_token,
            new.token_last4,
            new.phone,
            new.account_name,
            new.account_type,
            new.account_status,
            new.created_at,
            new.updated_at
        ],
    )?;
    Ok(())
}

/// Forgets the Twilio credentials; false if there were none.
///
/// # Errors
/// As all queries.
pub fn delete_twilio(tx: &mut Tx, tenant: &Tenant) -> Result<bool> {
    Ok(tx.exec(sql!("DELETE FROM twilio_settings WHERE org_id = ?1"), params![tenant.org()])? == 1)
}

/// The saved Vapi credentials.
///
/// # Errors
/// As all queries.
pub fn vapi(tx: &mut Tx, tenant: &Tenant) -> Result<Option<VapiSettings>> {
    tx.opt(sql!("SELECT ", vapi_columns!(), " FROM vapi_settings WHERE org_id = ?1"), params![tenant.org()])
}

/// Saves Vapi credentials in place of those before; only `created_at` stays what it was.
///
/// # Errors
/// As all queries.
pub fn put_vapi(tx: &mut Tx, tenant: &Tenant, new: &VapiSettings) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO vapi_settings (org_id, ",
            vapi_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (org_id) DO UPDATE SET api_key = excluded.api_key, \
             key_last4 = excluded.key_last4, vapi_org_id = excluded.vapi_org_id, updated_at = excluded.updated_at"
        ),
        params![tenant.org(), new.api_key, new.key_last4, new.vapi_org_id, new.created_at, new.updated_at],
    )?;
    Ok(())
}

/// Forgets the Vapi credentials; false if there were none.
///
/// # Errors
/// As all queries.
pub fn delete_vapi(tx: &mut Tx, tenant: &Tenant) -> Result<bool> {
    Ok(tx.exec(sql!("DELETE FROM vapi_settings WHERE org_id = ?1"), params![tenant.org()])? == 1)
}

/// Forgets which number is to be imported, if it is this one.
///
/// # Errors
/// As all queries.
pub fn forget_phone(tx: &mut Tx, tenant: &Tenant, phone: &Phone) -> Result<()> {
    tx.exec(
        sql!("UPDATE twilio_settings SET phone = NULL WHERE org_id = ?1 AND phone = ?2"),
        params![tenant.org(), phone],
    )?;
    Ok(())
}
