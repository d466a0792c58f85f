//! Invitations: how people come in, and how people of one organisation come into another. An invitation gives no
//! right before it is accepted, works once, and is worth no more than its maker may grant when it is accepted.

use crate::accounts::members::may_grant;
use crate::accounts::sessions::{Device, session_of};
use crate::accounts::sign_in::SignedIn;
use crate::accounts::{Caller, new_user, still};
use crate::clock::{new_id, now};
use crate::credentials::{self, digest, random_secret};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{
    Code, ExposeSecret, InvitationId, OrgId, Params, Permission, Problem, Rights, Role, SecretString, text,
};
use dialtone_store::{Tenant, Tx, accounts as rows};
use jiff::{SignedDuration, Timestamp};
use rows::{Invitation, OpenInvitation, User};
use serde_json::json;

/// How long an invitation may wait.
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An invitation that was just made.
pub struct Invited {
    /// It.
    pub invitation: Invitation,
    /// Where it can be accepted, shown this once; none where it was mailed: who opens it then reads that mail.
    pub link: Option<SecretString>,
}

impl App {
    /// The organisation's invitations that nobody has accepted yet.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn invitations(&self, caller: &Caller) -> Result<Vec<Invitation>, Problem> {
        let (tenant, at) = (caller.tenant.clone(), now());
        Ok(self.store().read(move |tx| rows::invitations(tx, &tenant, at)).await?)
    }

    /// Invites somebody, and mails them the link where there is a mail server. One invitation waits per address:
    /// inviting again takes the place of the one before.
    ///
    /// # Errors
    /// [`Code::RoleTooHigh`], [`Code::GrantTooWide`], [`Code::MemberExists`].
    pub async fn invite(&self, caller: &Caller, email: &str, role: Role) -> Result<Invited, Problem> {
        let (secret, created_at) = (random_secret(), now());
        let invitation = Invitation {
            id: new_id(),
            email: email.trim().to_lowercase(),
            role,
            mailed: self.inner.mailer.is_some(),
            invited_by: caller.user_id,
            created_at,
            expires_at: created_at + LIFE,
            inviter: caller.user_name.clone(),
        };
        let (row, hash, asker) = (invitation.clone(), digest(secret.expose_secret()), caller.clone());
        let guest = self.store().write(move |tx| {
            let caller = still(tx, &asker, Permission::MembersChange)?;
            may_grant(&caller, role)?;
            let guest = rows::user_by_email(tx, &row.email)?;
            if let Some(user) = &guest
                && rows::member(tx, &caller.tenant, user.id)?.is_some()
            {
                return Err(Problem::from(Code::MemberExists));
            }
            rows::put_invitation(tx, &caller.tenant, &row, &hash)?;
            let told = json!({ "email": row.email, "role": role, "expires_at": row.expires_at.to_string() });
            record(tx, &caller.tenant, &Actor::of(&caller), "invitation.created", row.id, None, Some(told))?;
            Ok(guest)
        });
        let guest = guest.await?;
        let link = self.link("invitation", &secret);
        if self.mail_invitation(caller, &invitation, guest, &link).await {
            return Ok(Invited { invitation, link: None });
        }
        let (tenant, id) = (caller.tenant.clone(), invitation.id);
        self.store().write(move |tx| rows::set_not_mailed(tx, &tenant, id)).await?;
        Ok(Invited { invitation: Invitation { mailed: false, ..invitation }, link: Some(link) })
    }

    async fn mail_invitation(
        &self,
        caller: &Caller,
        invitation: &Invitation,
        guest: Option<User>,
        link: &SecretString,
    ) -> bool {
        if self.inner.mailer.is_none() {
            return false;
        }
        let language = guest.and_then(|user| user.language).unwrap_or(caller.organisation.language);
        let params = Params::default()
            .with("inviter", invitation.inviter.clone())
            .with("organisation", caller.organisation.name.clone())
            .with(
                "role",
                text::text(language, &format!("role.{}", invitation.role.name()), &Params::default()),
            )
            .with("link", link.expose_secret());
        let sent = self.send_letter(&invitation.email, language, "invitation", &params).await;
        // The link is answered to the inviter then.
        if let Err(problem) = &sent {
            tracing::warn!(%problem, "an invitation was not mailed");
        }
        sent.is_ok()
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn revoke_invitation(&self, caller: &Caller, id: InvitationId) -> Result<(), Problem> {
        let (caller, at) = (caller.clone(), now());
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::MembersChange)?;
                let invitations = rows::invitations(tx, &caller.tenant, at)?;
                let found = invitations.into_iter().find(|one| one.id == id).ok_or(Code::NotFound)?;
                rows::delete_invitation(tx, &caller.tenant, id)?;
                let told = json!({ "email": found.email, "role": found.role });
                record(tx, &caller.tenant, &Actor::of(&caller), "invitation.revoked", id, Some(told), None)
            })
            .await
    }

    /// The invitation of that link, and whether the invited person has an account already.
    ///
    /// # Errors
    /// [`Code::CodeInvalid`].
    pub async fn invitation(&self, secret: &SecretString) -> Result<(OpenInvitation, bool), Problem> {
        let (hash, at) = (digest(secret.expose_secret()), now());
        self.store()
            .read(move |tx| {
                let (_, found) = open(tx, &hash, at)?;
                let known = rows::user_by_email(tx, &found.email)?.is_some();
                Ok((found, known))
            })
            .await
    }

    /// Accepts an invitation as the person who is signed in.
    ///
    /// # Errors
    /// [`Code::CodeInvalid`], [`Code::InvitationNotYours`], [`Code::MemberExists`], [`Code::SessionNeeded`],
    /// [`Code::AddressUnproved`].
    pub async fn accept_invitation(&self, caller: &Caller, secret: &SecretString) -> Result<OrgId, Problem> {
        session_of(caller)?;
        let (hash, at, caller) = (digest(secret.expose_secret()), now(), caller.clone());
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                let user = rows::user(tx, caller.user_id)?.ok_or(Code::NotSignedIn)?;
                let (tenant, found) = open(tx, &hash, at)?;
                if user.email != found.email {
                    return Err(Problem::from(Code::InvitationNotYours));
                }
                refuse_unproved(tx, &user)?;
                accept(tx, &tenant, &found, &user, at)?;
                Ok(tenant.org())
            })
            .await
    }

    /// Accepts an invitation without being signed in. Who is new gets an account with this name and password, and
    /// is signed in. Who has an account proves it by its password, and still has to sign in, which may need more
    /// than a password: `None`.
    ///
    /// # Errors
    /// [`Code::CodeInvalid`], [`Code::SignInFailed`], [`Code::TooManyAttempts`], [`Code::PasswordWeak`],
    /// [`Code::InvalidRequest`] where somebody new gives no name, [`Code::MemberExists`], [`Code::AddressUnproved`].
    pub async fn join(
        &self,
        secret: &SecretString,
        name: Option<String>,
        password: SecretString,
        device: &Device,
    ) -> Result<Option<SignedIn>, Problem> {
        let (found, known) = self.invitation(secret).await?;
        let user = if known {
            self.person(&found.email, password, device).await?
        } else {
            let name = name.ok_or_else(|| Problem::field("name", "validation.required"))?;
            credentials::check_password(&password)?;
            let user = new_user(&found.email, name, credentials::hash_password(password).await?);
            User { proved_at: found.mailed.then_some(user.created_at), ..user }
        };
        let (hash, at, id) = (digest(secret.expose_secret()), now(), user.id);
        let org = self.store().write(move |tx| {
            let (tenant, found) = open(tx, &hash, at)?;
            match known {
                true => refuse_unproved(tx, &user)?,
                false if rows::create_user(tx, &user)? => (),
                false => return Err(Problem::from(Code::MemberExists)),
            }
            accept(tx, &tenant, &found, &user, at)?;
            Ok(tenant.org())
        });
        let org = org.await?;
        match known {
            true => Ok(None),
            false => self.begin_session(org, id, device, "invitation").await.map(Some),
        }
    }
}

/// The invitation with that hash, if its maker could make it now.
fn open(tx: &mut Tx, hash: &[u8], at: Timestamp) -> Result<(Tenant, OpenInvitation), Problem> {
    let found = rows::open_invitation(tx, hash, at)?;
    Ok(found.filter(|(_, found)| is_worth(found)).ok_or(Code::CodeInvalid)?)
}

/// All such invitations for an address, in lower case.
pub(super) fn open_for(
    tx: &mut Tx,
    email: &str,
    at: Timestamp,
) -> Result<Vec<(Tenant, OpenInvitation)>, Problem> {
    let found = rows::open_invitations_for(tx, email, at)?;
    Ok(found.into_iter().filter(|(_, found)| is_worth(found)).collect())
}

fn is_worth(found: &OpenInvitation) -> bool {
    let maker = Rights::from(found.inviter_role);
    maker.may(Permission::MembersChange) && maker.cover(found.role.into())
}

/// An account that somebody of another organisation made, saying that it is for this address, may be in their hands: it
/// gets no right elsewhere.
fn refuse_unproved(tx: &mut Tx, user: &User) -> Result<(), Problem> {
    let now = rows::user(tx, user.id)?.ok_or(Code::CodeInvalid)?;
    if now.proved_at.is_none() { Err(Code::AddressUnproved.into()) } else { Ok(()) }
}

pub(super) fn accept(
    tx: &mut Tx,
    tenant: &Tenant,
    found: &OpenInvitation,
    user: &User,
    at: Timestamp,
) -> Result<(), Problem> {
    if !rows::delete_invitation(tx, tenant, found.id)? {
        return Err(Code::CodeInvalid.into());
    }
    if !rows::add_member(tx, tenant, user.id, found.role, at)? {
        return Err(Code::MemberExists.into());
    }
    let told =
        json!({ "email": user.email, "name": user.name, "role": found.role, "invitation_id": found.id });
    record(tx, tenant, &Actor::person(user), "member.added", user.id, None, Some(told))
}
