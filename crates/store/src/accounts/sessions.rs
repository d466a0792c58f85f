//! Sessions: signed-in browsers. They belong to a person, and act in one organisation at a time.

use dialtone_domain::{OrgId, SessionId, UserId};
use jiff::Timestamp;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tenant, Tx};

/// A session to be made.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// The hash of the secret in the cookie.
    pub token_hash: Vec<u8>,
    /// The organisation it is for.
    pub org_id: OrgId,
    /// Who is signed in.
    pub user_id: UserId,
    /// Where from.
    pub address: String,
    /// By which browser, in its own words.
    pub user_agent: String,
    /// Now.
    pub created_at: Timestamp,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
}

record! {
    /// A session, as its person sees it.
    pub struct Session {
        /// Its id.
        pub id: SessionId,
        /// The name of the organisation that it is in.
        pub org_name: String,
        /// Where it was begun from.
        pub address: String,
        /// By which browser, in its own words.
        pub user_agent: String,
        /// When it was begun.
        pub created_at: Timestamp,
        /// When it ends if it is not used.
        pub expires_at: Timestamp,
        /// When it was last used, to the minute.
        pub last_seen_at: Timestamp,
    }
}

/// Signs a user in to an organisation, which is from now on where they sign in; `None` if they are not a member of
/// it, or suspended.
///
/// # Errors
/// As all queries.
pub fn create_session(tx: &mut Tx, new: &NewSession) -> Result<Option<Tenant>> {
    if !enter(tx, new.org_id, new.user_id, new.created_at)? {
        return Ok(None);
    }
    tx.exec(
        sql!(
            "INSERT INTO sessions \
             (id, token_hash, org_id, user_id, address, user_agent, created_at, expires_at, ends_at, last_seen_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?7)"
        ),
        params![
            new.id,
            new.token_hash,
            new.org_id,
            new.user_id,
            new.address,
            new.user_agent,
            new.created_at,
            new.expires_at,
            new.ends_at
        ],
    )?;
    Ok(Some(Tenant::new(new.org_id)))
}

/// Notes where a person works; false if they are not a member there, or suspended.
fn enter(tx: &mut Tx, org: OrgId, user: UserId, now: Timestamp) -> Result<bool> {
    let entered = tx.exec(
        sql!(
            "UPDATE members SET last_used_at = ?3 WHERE org_id = ?1 AND user_id = ?2 AND suspended_at IS NULL"
        ),
        params![org, user, now],
    )?;
    Ok(entered == 1)
}

/// Gives a session a new secret, in that organisation: the secret before no longer works. False if the session has
/// ended, or the person is not a member there, or suspended.
///
/// # Errors
/// As all queries.
pub fn renew_session(
    tx: &mut Tx,
    user: UserId,
    id: SessionId,
    org: OrgId,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<bool> {
    if !enter(tx, org, user, now)? {
        return Ok(false);
    }
    let renewed = tx.exec(
        sql!("UPDATE sessions SET token_hash = ?3, org_id = ?4 WHERE id = ?1 AND user_id = ?2"),
        params![id, user, token_hash, org],
    )?;
    Ok(renewed == 1)
}

/// The sessions of a person that have not ended, the newest first.
///
/// # Errors
/// As all queries.
pub fn sessions(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    tx.all(
        sql!(
            "SELECT s.id, o.name, s.address, s.user_agent, s.created_at, s.expires_at, s.last_seen_at \
             FROM sessions s JOIN orgs o ON o.id = s.org_id \
             WHERE s.user_id = ?1 AND s.expires_at > ?2 ORDER BY s.created_at DESC, s.id DESC"
        ),
        params![user, now],
    )
}

/// When a session ends in any case; `None` if there is none such.
///
/// # Errors
/// As all queries.
pub fn session_end(tx: &mut Tx, user: UserId, id: SessionId) -> Result<Option<Timestamp>> {
    let found: Option<(Timestamp,)> =
        tx.opt(sql!("SELECT ends_at FROM sessions WHERE id = ?1 AND user_id = ?2"), params![id, user])?;
    Ok(found.map(|(ends_at,)| ends_at))
}

/// Notes that a session was used, and lets it live until then. A write: only when the last note is older than a
/// minute.
///
/// # Errors
/// As all queries.
pub fn touch_session(
    tx: &mut Tx,
    tenant: &Tenant,
    id: SessionId,
    now: Timestamp,
    until: Timestamp,
) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE sessions SET last_seen_at = ?3, expires_at = CASE WHEN ends_at < ?4 THEN ends_at ELSE ?4 END \
             WHERE id = ?2 AND org_id = ?1"
        ),
        params![tenant.org(), id, now, until],
    )?;
    Ok(())
}

/// Ends a session of a person; false if it had ended.
///
/// # Errors
/// As all queries.
pub fn delete_session(tx: &mut Tx, user: UserId, id: SessionId) -> Result<bool> {
    let deleted = tx.exec(sql!("DELETE FROM sessions WHERE id = ?2 AND user_id = ?1"), params![user, id])?;
    Ok(deleted == 1)
}

/// Ends all sessions of a person, in every organisation, save the one to be kept; answers how many.
///
/// # Errors
/// As all queries.
pub fn delete_sessions_of(tx: &mut Tx, user: UserId, keep: Option<SessionId>) -> Result<u64> {
    tx.exec(
        sql!("DELETE FROM sessions WHERE user_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR id <> ?2)"),
        params![user, keep],
    )
}

/// Ends all sessions of a member in the organisation; answers how many.
///
/// # Errors
/// As all queries.
pub fn delete_sessions_in(tx: &mut Tx, tenant: &Tenant, user: UserId) -> Result<u64> {
    tx.exec(sql!("DELETE FROM sessions WHERE org_id = ?1 AND user_id = ?2"), params![tenant.org(), user])
}
