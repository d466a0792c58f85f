//! Invitations into an organisation.

use dialtone_domain::{InvitationId, Language, OrgId, Role, UserId};
use jiff::Timestamp;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tenant, Tx};

record! {
    /// An invitation that nobody has accepted yet, without its secret.
    pub struct Invitation {
        /// Its id.
        pub id: InvitationId,
        /// Who is invited.
        pub email: String,
        /// What they would be allowed to do.
        pub role: Role,
        /// Whether the link was mailed, and told to nobody else.
        pub mailed: bool,
        /// Who invited them.
        pub invited_by: UserId,
        /// When.
        pub created_at: Timestamp,
        /// When it ends.
        pub expires_at: Timestamp,
        /// The name of who invited them.
        pub inviter: String,
    }
}

record! {
    /// An invitation as whoever has its link sees it.
    pub struct OpenInvitation {
        /// Its id.
        pub id: InvitationId,
        /// Who is invited.
        pub email: String,
        /// What they would be allowed to do.
        pub role: Role,
        /// Whether the link was mailed, and told to nobody else.
        pub mailed: bool,
        /// When it ends.
        pub expires_at: Timestamp,
        /// The name of who invited them.
        pub inviter: String,
        /// What that member may do now.
        pub inviter_role: Role,
        /// Into which organisation.
        pub org_id: OrgId,
        /// Its name.
        pub org_name: String,
        /// Its language.
        pub org_language: Language,
    }
}

/// Keeps an invitation; one for the same address that was there before no longer works. Its maker is a member.
///
/// # Errors
/// As all queries.
pub fn put_invitation(tx: &mut Tx, tenant: &Tenant, new: &Invitation, token_hash: &[u8]) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO invitations (org_id, id, email, role, token_hash, invited_by, created_at, expires_at, \
             mailed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (org_id, email) DO UPDATE SET id = excluded.id, \
             role = excluded.role, token_hash = excluded.token_hash, invited_by = excluded.invited_by, \
             created_at = excluded.created_at, expires_at = excluded.expires_at, mailed = excluded.mailed"
        ),
        params![
            tenant.org(),
            new.id,
            new.email,
            new.role,
            token_hash,
            new.invited_by,
            new.created_at,
            new.expires_at,
            new.mailed
        ],
    )?;
    Ok(())
}

/// The organisation's invitations that have not ended, by address.
///
/// # Errors
/// As all queries.
pub fn invitations(tx: &mut Tx, tenant: &Tenant, now: Timestamp) -> Result<Vec<Invitation>> {
    tx.all(
        sql!(
            "SELECT i.id, i.email, i.role, i.mailed, i.invited_by, i.created_at, i.expires_at, u.name \
             FROM invitations i JOIN users u ON u.id = i.invited_by \
             WHERE i.org_id = ?1 AND i.expires_at > ?2 ORDER BY i.email"
        ),
        params![tenant.org(), now],
    )
}

/// Invitations as whoever may accept them sees them.
macro_rules! open_invitations {
    () => {
        "SELECT i.id, i.email, i.role, i.mailed, i.expires_at, u.name, m.role, o.id, o.name, o.language \
         FROM invitations i JOIN orgs o ON o.id = i.org_id JOIN users u ON u.id = i.invited_by \
         JOIN members m ON m.org_id = i.org_id AND m.user_id = i.invited_by AND m.suspended_at IS NULL WHERE "
    };
}

/// The invitation with that hash, if it has not ended and who made it is still a member and not suspended.
///
/// # Errors
/// As all queries.
pub fn open_invitation(
    tx: &mut Tx,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<(Tenant, OpenInvitation)>> {
    let found: Option<OpenInvitation> = tx.opt(
        sql!(open_invitations!(), "i.token_hash = ?1 AND i.expires_at > ?2"),
        params![token_hash, now],
    )?;
    Ok(found.map(|found| (Tenant::new(found.org_id), found)))
}

/// All such invitations for an address, in lower case.
///
/// # Errors
/// As all queries.
pub fn open_invitations_for(
    tx: &mut Tx,
    email: &str,
    now: Timestamp,
) -> Result<Vec<(Tenant, OpenInvitation)>> {
    let found: Vec<OpenInvitation> = tx.all(
        sql!(open_invitations!(), "i.email = ?1 AND i.expires_at > ?2 ORDER BY i.id"),
        params![email, now],
    )?;
    Ok(found.into_iter().map(|found| (Tenant::new(found.org_id), found)).collect())
}

/// Notes that the link could not be mailed, and is told to who invited.
///
/// # Errors
/// As all queries.
pub fn set_not_mailed(tx: &mut Tx, tenant: &Tenant, id: InvitationId) -> Result<()> {
    tx.exec(
        sql!("UPDATE invitations SET mailed = FALSE WHERE id = ?2 AND org_id = ?1"),
        params![tenant.org(), id],
    )?;
    Ok(())
}

/// Takes an invitation away, because it is accepted or revoked; false if there is none such.
///
/// # Errors
/// As all queries.
pub fn delete_invitation(tx: &mut Tx, tenant: &Tenant, id: InvitationId) -> Result<bool> {
    let deleted =
        tx.exec(sql!("DELETE FROM invitations WHERE id = ?2 AND org_id = ?1"), params![tenant.org(), id])?;
    Ok(deleted == 1)
}
