//! What proves who somebody is besides their password: authenticator apps, recovery codes, passkeys, and identities
//! at the OpenID provider. These belong to a person, not to an organisation.

use dialtone_domain::{PasskeyId, SessionId, UserId};
use jiff::Timestamp;

use crate::keys::Sealed;
use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tenant, Tx};

record! {
    /// How many of each kind a person has.
    pub struct FactorCounts {
        /// Authenticator apps that were confirmed: one at most.
        pub totp: i64,
        /// Passkeys.
        pub passkeys: i64,
        /// Recovery codes that were not used yet.
        pub recovery_codes: i64,
    }
}

/// What a person has.
///
/// # Errors
/// As all queries.
pub fn counts(tx: &mut Tx, user: UserId) -> Result<FactorCounts> {
    tx.one(
        sql!(
            "SELECT (SELECT COUNT(*) FROM totp WHERE user_id = ?1 AND confirmed_at IS NOT NULL), \
             (SELECT COUNT(*) FROM passkeys WHERE user_id = ?1), \
             (SELECT COUNT(*) FROM recovery_codes WHERE user_id = ?1)"
        ),
        params![user],
    )
}

record! {
    /// A person's authenticator app.
    pub struct Totp {
        /// Whose.
        pub user_id: UserId,
        /// The shared secret, sealed.
        pub secret: Sealed,
        /// The last time step whose code was used.
        pub last_step: i64,
        /// When it was confirmed; before that it does not count.
        pub confirmed_at: Option<Timestamp>,
    }
}

/// A person's authenticator app, if they have begun to add one.
///
/// # Errors
/// As all queries.
pub fn totp(tx: &mut Tx, user: UserId) -> Result<Option<Totp>> {
    tx.opt(
        sql!("SELECT user_id, secret, last_step, confirmed_at FROM totp WHERE user_id = ?1"),
        params![user],
    )
}

/// Begins to add an authenticator app, in place of one that was never confirmed; false where one is.
///
/// # Errors
/// As all queries.
pub fn put_totp(tx: &mut Tx, user: UserId, secret: &Sealed, now: Timestamp) -> Result<bool> {
    let put = tx.exec(
        sql!(
            "INSERT INTO totp (user_id, secret, last_step, created_at) VALUES (?1, ?2, 0, ?3) \
             ON CONFLICT (user_id) DO UPDATE SET secret = ?2, last_step = 0, created_at = ?3 \
             WHERE totp.confirmed_at IS NULL"
        ),
        params![user, secret, now],
    )?;
    Ok(put == 1)
}

/// Uses up a code of that time step, and confirms the app where it was not; false where a code of this or a later
/// step was used before.
///
/// # Errors
/// As all queries.
pub fn use_totp_step(tx: &mut Tx, user: UserId, step: i64, now: Timestamp) -> Result<bool> {
    let used = tx.exec(
        sql!(
            "UPDATE totp SET last_step = ?2, confirmed_at = COALESCE(confirmed_at, CAST(?3 AS BIGINT)) \
             WHERE user_id = ?1 AND last_step < ?2"
        ),
        params![user, step, now],
    )?;
    Ok(used == 1)
}

/// Removes a person's authenticator app; false where there is none.
///
/// # Errors
/// As all queries.
pub fn delete_totp(tx: &mut Tx, user: UserId) -> Result<bool> {
    Ok(tx.exec(sql!("DELETE FROM totp WHERE user_id = ?1"), params![user])? == 1)
}

/// Replaces a person's recovery codes.
///
/// # Errors
/// As all queries.
pub fn put_recovery_codes(tx: &mut Tx, user: UserId, hashes: &[Vec<u8>]) -> Result<()> {
    tx.exec(sql!("DELETE FROM recovery_codes WHERE user_id = ?1"), params![user])?;
    for hash in hashes {
        tx.exec(
            sql!("INSERT INTO recovery_codes (user_id, code_hash) VALUES (?1, ?2)"),
            params![user, hash],
        )?;
    }
    Ok(())
}

/// Uses up a recovery code; false where the person has none such.
///
/// # Errors
/// As all queries.
pub fn use_recovery_code(tx: &mut Tx, user: UserId, hash: &[u8]) -> Result<bool> {
    let used = tx.exec(
        sql!("DELETE FROM recovery_codes WHERE user_id = ?1 AND code_hash = ?2"),
        params![user, hash],
    )?;
    Ok(used == 1)
}

record! {
    /// A passkey: its public half.
    pub struct Passkey as passkey_columns {
        /// Our name for it.
        pub id: PasskeyId,
        /// Whose.
        pub user_id: UserId,
        /// What they called it.
        pub name: String,
        /// The authenticator's name for it.
        pub credential_id: Vec<u8>,
        /// Its public key, as the ceremony's library keeps it.
        pub static_state: Vec<u8>,
        /// Its counter and flags, as the ceremony's library keeps them.
        pub dynamic_state: Vec<u8>,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it last signed in.
        pub last_used_at: Option<Timestamp>,
    }
}

/// A person's passkeys, the oldest first.
///
/// # Errors
/// As all queries.
pub fn passkeys(tx: &mut Tx, user: UserId) -> Result<Vec<Passkey>> {
    tx.all(
        sql!("SELECT ", passkey_columns!(), " FROM passkeys WHERE user_id = ?1 ORDER BY id"),
        params![user],
    )
}

/// The passkey of that name of the authenticator, with its owner.
///
/// # Errors
/// As all queries.
pub fn passkey_by_credential(tx: &mut Tx, credential: &[u8]) -> Result<Option<Passkey>> {
    tx.opt(
        sql!("SELECT ", passkey_columns!(), " FROM passkeys WHERE credential_id = ?1"),
        params![credential],
    )
}

/// Adds a passkey; false where the authenticator's name for it is known already.
///
/// # Errors
/// As all queries.
pub fn create_passkey(tx: &mut Tx, new: &Passkey) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO passkeys (",
            passkey_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (credential_id) DO NOTHING"
        ),
        params![
            new.id,
            new.user_id,
            new.name,
            new.credential_id,
            new.static_state,
            new.dynamic_state,
            new.created_at,
            new.last_used_at
        ],
    )?;
    Ok(added == 1)
}

/// Notes a passkey's use, if its state is still the one that was looked at: of two uses of a copied key at once,
/// one loses.
///
/// # Errors
/// As all queries.
pub fn use_passkey(tx: &mut Tx, before: &Passkey, dynamic_state: &[u8], now: Timestamp) -> Result<bool> {
    let used = tx.exec(
        sql!(
            "UPDATE passkeys SET dynamic_state = ?3, last_used_at = ?4 WHERE id = ?1 AND dynamic_state = ?2"
        ),
        params![before.id, before.dynamic_state, dynamic_state, now],
    )?;
    Ok(used == 1)
}

/// Renames a person's passkey; false where they have none such.
///
/// # Errors
/// As all queries.
pub fn rename_passkey(tx: &mut Tx, user: UserId, id: PasskeyId, name: &str) -> Result<bool> {
    let renamed = tx.exec(
        sql!("UPDATE passkeys SET name = ?3 WHERE id = ?2 AND user_id = ?1"),
        params![user, id, name],
    )?;
    Ok(renamed == 1)
}

/// Removes a person's passkey; false where they have none such.
///
/// # Errors
/// As all queries.
pub fn delete_passkey(tx: &mut Tx, user: UserId, id: PasskeyId) -> Result<bool> {
    Ok(tx.exec(sql!("DELETE FROM passkeys WHERE id = ?2 AND user_id = ?1"), params![user, id])? == 1)
}

/// Removes every second factor of a person.
///
/// # Errors
/// As all queries.
pub fn delete_all(tx: &mut Tx, user: UserId) -> Result<()> {
    delete_totp(tx, user)?;
    put_recovery_codes(tx, user, &[])?;
    tx.exec(sql!("DELETE FROM passkeys WHERE user_id = ?1"), params![user])?;
    Ok(())
}

/// Whoever is linked to that identity at an OpenID provider.
///
/// # Errors
/// As all queries.
pub fn user_by_identity(tx: &mut Tx, issuer: &str, subject: &str) -> Result<Option<UserId>> {
    let found: Option<(UserId,)> = tx.opt(
        sql!("SELECT user_id FROM identities WHERE issuer = ?1 AND subject = ?2"),
        params![issuer, subject],
    )?;
    Ok(found.map(|(user,)| user))
}

/// Links a person to an identity; false where the identity is linked, or the person to another one there.
///
/// # Errors
/// As all queries.
pub fn link_identity(tx: &mut Tx, issuer: &str, subject: &str, user: UserId, now: Timestamp) -> Result<bool> {
    let linked = tx.exec(
        sql!(
            "INSERT INTO identities (issuer, subject, user_id, created_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO NOTHING"
        ),
        params![issuer, subject, user, now],
    )?;
    Ok(linked == 1)
}

/// Uses up the ticket with that hash; false where it was used before.
///
/// # Errors
/// As all queries.
pub fn use_ticket(tx: &mut Tx, hash: &[u8], expires_at: Timestamp) -> Result<bool> {
    let used = tx.exec(
        sql!("INSERT INTO used_tickets (ticket_hash, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING"),
        params![hash, expires_at],
    )?;
    Ok(used == 1)
}

/// Forgets used tickets that would have expired anyway.
///
/// # Errors
/// As all queries.
pub fn forget_tickets(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.exec(sql!("DELETE FROM used_tickets WHERE expires_at <= ?1"), params![now])
}

/// When the session's person last proved who they are.
///
/// # Errors
/// As all queries.
pub fn session_proved_at(tx: &mut Tx, tenant: &Tenant, id: SessionId) -> Result<Option<Timestamp>> {
    let found: Option<(Timestamp,)> = tx.opt(
        sql!("SELECT created_at FROM sessions WHERE id = ?2 AND org_id = ?1"),
        params![tenant.org(), id],
    )?;
    Ok(found.map(|(at,)| at))
}

/// Since when the organisation requires a second factor, if it does.
///
/// # Errors
/// As all queries.
pub fn required_since(tx: &mut Tx, tenant: &Tenant) -> Result<Option<Timestamp>> {
    let (since,) =
        tx.one(sql!("SELECT factors_required_at FROM orgs WHERE id = ?1"), params![tenant.org()])?;
    Ok(since)
}

/// Requires a second factor in the organisation, or no longer does.
///
/// # Errors
/// As all queries.
pub fn set_required_since(tx: &mut Tx, tenant: &Tenant, since: Option<Timestamp>) -> Result<()> {
    tx.exec(sql!("UPDATE orgs SET factors_required_at = ?2 WHERE id = ?1"), params![tenant.org(), since])?;
    Ok(())
}
