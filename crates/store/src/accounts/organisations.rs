//! Organisations.

use dialtone_domain::{AssistantId, Country, Language, OrgId};
use jiff::Timestamp;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tenant, Tx};

record! {
    /// An organisation: the owner of every row.
    pub struct Organisation as organisation_columns {
        /// Its id.
        pub id: OrgId,
        /// Its name.
        pub name: String,
        /// The country of numbers written without a country code.
        pub country: Country,
        /// The language of what is not addressed to one member.
        pub language: Language,
        /// The assistant that answers where none is named.
        pub default_assistant_id: Option<AssistantId>,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it was last changed.
        pub updated_at: Timestamp,
        /// Since when its members need a second factor, if they do.
        pub factors_required_at: Option<Timestamp>,
    }
}
pub(super) use organisation_columns;

/// Makes an organisation; its creator acts for it.
///
/// # Errors
/// As all queries; [`crate::Error::Conflict`] if the id is taken.
pub fn create_organisation(tx: &mut Tx, new: &Organisation) -> Result<Tenant> {
    tx.exec(
        sql!("INSERT INTO orgs (", organisation_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        params![
            new.id,
            new.name,
            new.country,
            new.language,
            new.default_assistant_id,
            new.created_at,
            new.updated_at,
            new.factors_required_at
        ],
    )?;
    Ok(Tenant::new(new.id))
}

/// The tenant's organisation.
///
/// # Errors
/// As all queries.
pub fn organisation(tx: &mut Tx, tenant: &Tenant) -> Result<Organisation> {
    tx.one(sql!("SELECT ", organisation_columns!(), " FROM orgs WHERE id = ?1"), params![tenant.org()])
}

/// Writes the organisation's name, country, language, default assistant and time of change.
///
/// # Errors
/// As all queries.
pub fn update_organisation(tx: &mut Tx, tenant: &Tenant, new: &Organisation) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE orgs SET name = ?2, country = ?3, language = ?4, default_assistant_id = ?5, updated_at = ?6 \
             WHERE id = ?1"
        ),
        params![tenant.org(), new.name, new.country, new.language, new.default_assistant_id, new.updated_at],
    )?;
    Ok(())
}

/// The oldest organisation of that name: for the command line on the data directory, whose user owns it all.
///
/// # Errors
/// As all queries.
pub fn tenant_by_name(tx: &mut Tx, name: &str) -> Result<Option<Tenant>> {
    let found: Option<(OrgId,)> =
        tx.opt(sql!("SELECT id FROM orgs WHERE name = ?1 ORDER BY created_at, id LIMIT 1"), params![name])?;
    Ok(found.map(|(org,)| Tenant::new(org)))
}

/// The organisation that was made first; none before there is one.
///
/// # Errors
/// As all queries.
pub fn first_tenant(tx: &mut Tx) -> Result<Option<Tenant>> {
    let first: Option<(OrgId,)> =
        tx.opt(sql!("SELECT id FROM orgs ORDER BY created_at, id LIMIT 1"), params![])?;
    Ok(first.map(|(org,)| Tenant::new(org)))
}

/// The names of all organisations, the first made first, as many as a person can read: for the command line.
///
/// # Errors
/// As all queries.
pub fn organisation_names(tx: &mut Tx) -> Result<Vec<String>> {
    let found: Vec<(String,)> =
        tx.all(sql!("SELECT name FROM orgs ORDER BY created_at, id LIMIT 20"), params![])?;
    Ok(found.into_iter().map(|(name,)| name).collect())
}

/// For the worker: organisations that have both settings and a phone number, but no line with that number.
///
/// # Errors
/// As all queries.
pub fn tenants_for_auto_import(tx: &mut Tx, limit: i64) -> Result<Vec<Tenant>> {
    let found: Vec<(OrgId,)> = tx.all(
        sql!(
            "SELECT t.org_id FROM twilio_settings t JOIN vapi_settings v ON v.org_id = t.org_id \
             WHERE t.phone IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM lines l WHERE l.org_id = t.org_id AND l.phone = t.phone) \
             ORDER BY t.org_id LIMIT ?1"
        ),
        params![limit],
    )?;
    Ok(found.into_iter().map(|(org,)| Tenant::new(org)).collect())
}

/// The only organisation, where there is one alone.
///
/// # Errors
/// As all queries.
pub fn only_organisation(tx: &mut Tx) -> Result<Option<Tenant>> {
    let first: Option<(OrgId,)> = tx.opt(sql!("SELECT id FROM orgs ORDER BY id LIMIT 1"), params![])?;
    let Some((org,)) = first else { return Ok(None) };
    let second: Option<(OrgId,)> =
        tx.opt(sql!("SELECT id FROM orgs WHERE id > ?1 ORDER BY id LIMIT 1"), params![org])?;
    Ok(second.is_none().then(|| Tenant::new(org)))
}
