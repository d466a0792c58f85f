//! Users, and the organisations they are members of.

use dialtone_domain::{Language, OrgId, Role, UserId};
use jiff::Timestamp;

use super::credentials::delete_codes_of;
use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tenant, Tx};

record! {
    /// A person.
    pub struct User as user_columns {
        /// Their id.
        pub id: UserId,
        /// Their address, in lower case.
        pub email: String,
        /// Their name.
        pub name: String,
        /// The hash of their password.
        pub password_hash: String,
        /// The language they chose, if they did.
        pub language: Option<Language>,
        /// The time zone they chose, by its IANA name, if they did.
        pub time_zone: Option<String>,
        /// Since when they are known to read the mail of that address, if they are.
        pub proved_at: Option<Timestamp>,
        /// When they were added.
        pub created_at: Timestamp,
        /// When they were last changed.
        pub updated_at: Timestamp,
    }
}

record! {
    /// A member, as their organisation sees them.
    pub struct Member {
        /// Who.
        pub user_id: UserId,
        /// Their address.
        pub email: String,
        /// Their name.
        pub name: String,
        /// What they may do here.
        pub role: Role,
        /// Since when they are suspended and may do nothing, if they are.
        pub suspended_at: Option<Timestamp>,
        /// Since when they are a member.
        pub created_at: Timestamp,
    }
}

record! {
    /// An organisation, as one of its members sees it.
    pub struct Membership {
        /// Which.
        pub org_id: OrgId,
        /// Its name.
        pub org_name: String,
        /// Its language.
        pub org_language: Language,
        /// What they may do there.
        pub role: Role,
    }
}

/// Whether anyone has been added yet: if not, this is the first run.
///
/// # Errors
/// As all queries.
pub fn any_user(tx: &mut Tx) -> Result<bool> {
    let first: Option<(UserId,)> = tx.opt(sql!("SELECT id FROM users ORDER BY id LIMIT 1"), params![])?;
    Ok(first.is_some())
}

/// Adds a user; false if the address is known already.
///
/// # Errors
/// As all queries.
pub fn create_user(tx: &mut Tx, new: &User) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO users (",
            user_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (email) DO NOTHING"
        ),
        params![
            new.id,
            new.email,
            new.name,
            new.password_hash,
            new.language,
            new.time_zone,
            new.proved_at,
            new.created_at,
            new.updated_at
        ],
    )?;
    Ok(added == 1)
}

/// A user by address, in lower case.
///
/// # Errors
/// As all queries.
pub fn user_by_email(tx: &mut Tx, email: &str) -> Result<Option<User>> {
    tx.opt(sql!("SELECT ", user_columns!(), " FROM users WHERE email = ?1"), params![email])
}

/// A user by id.
///
/// # Errors
/// As all queries.
pub fn user(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    tx.opt(sql!("SELECT ", user_columns!(), " FROM users WHERE id = ?1"), params![id])
}

/// Writes a user's name, language, time zone and time of change.
///
/// # Errors
/// As all queries.
pub fn update_user(tx: &mut Tx, new: &User) -> Result<()> {
    tx.exec(
        sql!("UPDATE users SET name = ?2, language = ?3, time_zone = ?4, updated_at = ?5 WHERE id = ?1"),
        params![new.id, new.name, new.language, new.time_zone, new.updated_at],
    )?;
    Ok(())
}

/// Sets the hash of a user's password.
///
/// # Errors
/// As all queries.
pub fn set_password(tx: &mut Tx, id: UserId, hash: &str, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE users SET password_hash = ?2, updated_at = ?3 WHERE id = ?1"),
        params![id, hash, now],
    )?;
    Ok(())
}

/// Notes that a user is known to read the mail of their address.
///
/// # Errors
/// As all queries.
pub fn prove(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<()> {
    tx.exec(sql!("UPDATE users SET proved_at = ?2 WHERE id = ?1"), params![id, now])?;
    Ok(())
}

/// The organisations where a user is not suspended, the one that they used last first.
///
/// # Errors
/// As all queries.
pub fn memberships(tx: &mut Tx, user: UserId) -> Result<Vec<Membership>> {
    tx.all(
        sql!(
            "SELECT o.id, o.name, o.language, m.role FROM members m JOIN orgs o ON o.id = m.org_id \
             WHERE m.user_id = ?1 AND m.suspended_at IS NULL ORDER BY m.last_used_at DESC NULLS LAST, o.name, o.id"
        ),
        params![user],
    )
}

/// Adds a user to the organisation; false if they are a member already.
///
/// # Errors
/// As all queries; [`crate::Error::Conflict`] if there is no such user.
pub fn add_member(tx: &mut Tx, tenant: &Tenant, user: UserId, role: Role, now: Timestamp) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO members (org_id, user_id, role, created_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (org_id, user_id) DO NOTHING"
        ),
        params![tenant.org(), user, role, now],
    )?;
    Ok(added == 1)
}

/// All organisations that a user is a member of, for what concerns the person.
///
/// # Errors
/// As all queries.
pub fn tenants_of(tx: &mut Tx, user: UserId) -> Result<Vec<Tenant>> {
    let found: Vec<(OrgId,)> =
        tx.all(sql!("SELECT org_id FROM members WHERE user_id = ?1 ORDER BY org_id"), params![user])?;
    Ok(found.into_iter().map(|(org,)| Tenant::new(org)).collect())
}

/// Suspends a member, or ends the suspension; false if they are no member.
///
/// # Errors
/// As all queries.
pub fn set_suspended(tx: &mut Tx, tenant: &Tenant, user: UserId, since: Option<Timestamp>) -> Result<bool> {
    let changed = tx.exec(
        sql!("UPDATE members SET suspended_at = ?3 WHERE org_id = ?1 AND user_id = ?2"),
        params![tenant.org(), user, since],
    )?;
    Ok(changed == 1)
}

/// Sets a member's role; false if they are no member.
///
/// # Errors
/// As all queries.
pub fn set_role(tx: &mut Tx, tenant: &Tenant, user: UserId, role: Role) -> Result<bool> {
    let changed = tx.exec(
        sql!("UPDATE members SET role = ?3 WHERE org_id = ?1 AND user_id = ?2"),
        params![tenant.org(), user, role],
    )?;
    Ok(changed == 1)
}

/// Ends a membership, and with it the member's sessions and tokens here; false if they are no member. Whoever is
/// in no organisation any more is forgotten, so that they can be added again.
///
/// # Errors
/// As all queries.
pub fn remove_member(tx: &mut Tx, tenant: &Tenant, user: UserId) -> Result<bool> {
    let removed =
        tx.exec(sql!("DELETE FROM members WHERE org_id = ?1 AND user_id = ?2"), params![tenant.org(), user])?;
    delete_codes_of(tx, user)?;
    tx.exec(
        sql!("DELETE FROM users WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM members WHERE user_id = ?1)"),
        params![user],
    )?;
    Ok(removed == 1)
}

/// The organisation's members, by address.
///
/// # Errors
/// As all queries.
pub fn members(tx: &mut Tx, tenant: &Tenant) -> Result<Vec<Member>> {
    tx.all(
        sql!(
            "SELECT u.id, u.email, u.name, m.role, m.suspended_at, m.created_at \
             FROM members m JOIN users u ON u.id = m.user_id \
             WHERE m.org_id = ?1 ORDER BY u.email"
        ),
        params![tenant.org()],
    )
}

/// One member of the organisation.
///
/// # Errors
/// As all queries.
pub fn member(tx: &mut Tx, tenant: &Tenant, user: UserId) -> Result<Option<Member>> {
    tx.opt(
        sql!(
            "SELECT u.id, u.email, u.name, m.role, m.suspended_at, m.created_at \
             FROM members m JOIN users u ON u.id = m.user_id \
             WHERE m.org_id = ?1 AND m.user_id = ?2"
        ),
        params![tenant.org(), user],
    )
}

/// How many owners the organisation has who are not suspended.
///
/// # Errors
/// As all queries.
pub fn owner_count(tx: &mut Tx, tenant: &Tenant) -> Result<i64> {
    let (owners,) = tx.one(
        sql!("SELECT COUNT(*) FROM members WHERE org_id = ?1 AND role = ?2 AND suspended_at IS NULL"),
        params![tenant.org(), Role::Owner],
    )?;
    Ok(owners)
}

/// The organisations of the user with that address, only the named one if one is named: for the command
/// line on the data directory, whose user owns it all.
///
/// # Errors
/// As all queries.
pub fn tenant_of_member(
    tx: &mut Tx,
    email: &str,
    org_name: Option<&str>,
) -> Result<Vec<(Tenant, User, Role)>> {
    let Some(user) = user_by_email(tx, email)? else { return Ok(Vec::new()) };
    let memberships = memberships(tx, user.id)?.into_iter();
    let wanted = memberships.filter(|membership| org_name.is_none_or(|name| name == membership.org_name));
    Ok(wanted.map(|membership| (Tenant::new(membership.org_id), user.clone(), membership.role)).collect())
}
