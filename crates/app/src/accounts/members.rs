//! An organisation's members. Nobody grants, changes, suspends or removes above their own rights, and one owner who
//! is not suspended always stays.

use crate::accounts::{Caller, Member, new_user, still};
use crate::clock::now;
use crate::credentials;
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{Code, Permission, Problem, Rights, Role, SecretString, UserId};
use dialtone_store::{Tenant, Tx, accounts as rows};
use serde_json::{Value, json};

/// A member to add.
pub struct NewMember {
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their role: at most the caller's own.
    pub role: Role,
    /// Their password; made up where there is none.
    pub password: Option<SecretString>,
}

/// What to change of a member.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberChange {
    /// The new role.
    pub role: Option<Role>,
    /// Whether they are to be suspended.
    pub suspended: Option<bool>,
}

impl App {
    /// The organisation's members.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn members(&self, caller: &Caller) -> Result<Vec<Member>, Problem> {
        let tenant = caller.tenant.clone();
        Ok(self.store().read(move |tx| rows::members(tx, &tenant)).await?)
    }

    /// Adds somebody who has no account yet; the password is answered where it was made up.
    ///
    /// # Errors
    /// [`Code::RoleTooHigh`], [`Code::GrantTooWide`], [`Code::PasswordWeak`], [`Code::MemberExists`] also for
    /// whoever has an account in another organisation: they have to accept an invitation.
    pub async fn add_member(
        &self,
        caller: &Caller,
        new: NewMember,
    ) -> Result<(Member, Option<SecretString>), Problem> {
        may_grant(caller, new.role)?;
        let made_up = new.password.is_none().then(credentials::random_password);
        let password = new.password.or(made_up.clone()).ok_or(Code::Internal)?;
        credentials::check_password(&password)?;
        let user = new_user(&new.email, new.name, credentials::hash_password(password).await?);
        let (caller, at, role) = (caller.clone(), now(), new.role);
        let member = self.store().write(move |tx| {
            let caller = still(tx, &caller, Permission::MembersChange)?;
            may_grant(&caller, role)?;
            if !rows::create_user(tx, &user)? {
                return Err(Problem::from(Code::MemberExists));
            }
            let tenant = &caller.tenant;
            rows::add_member(tx, tenant, user.id, role, at)?;
            let member = rows::member(tx, tenant, user.id)?.ok_or(Code::Internal)?;
            record(tx, tenant, &Actor::of(&caller), "member.added", user.id, None, Some(told(&member)))?;
            Ok(member)
        });
        Ok((member.await?, made_up))
    }

    /// Changes a member's role, suspends them, or ends that. Their sessions in this organisation end with each of it.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::RoleTooHigh`], [`Code::GrantTooWide`], [`Code::LastOwner`].
    pub async fn change_member(
        &self,
        caller: &Caller,
        user: UserId,
        change: MemberChange,
    ) -> Result<Member, Problem> {
        let (caller, at) = (caller.clone(), now());
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::MembersChange)?;
                let tenant = &caller.tenant;
                let before = member_within(tx, &caller, user)?;
                let role = change.role.unwrap_or(before.role);
                let suspended = change.suspended.unwrap_or(before.suspended_at.is_some());
                if role == before.role && suspended == before.suspended_at.is_some() {
                    return Ok(before);
                }
                // Rights come back with the end of a suspension: that grants them anew.
                may_grant(&caller, role)?;
                keep_an_owner(tx, tenant, &before, suspended || role != Role::Owner)?;
                rows::set_role(tx, tenant, user, role)?;
                rows::set_suspended(tx, tenant, user, suspended.then(|| before.suspended_at.unwrap_or(at)))?;
                rows::delete_sessions_in(tx, tenant, user)?;
                if suspended {
                    rows::delete_codes_of(tx, user)?;
                }
                let after = rows::member(tx, tenant, user)?.ok_or(Code::NotFound)?;
                let (was, is) = (Some(told(&before)), Some(told(&after)));
                record(tx, tenant, &Actor::of(&caller), "member.changed", user, was, is)?;
                Ok(after)
            })
            .await
    }

    /// Removes a member, with their sessions, tokens and invitations here.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::RoleTooHigh`], [`Code::LastOwner`].
    pub async fn remove_member(&self, caller: &Caller, user: UserId) -> Result<(), Problem> {
        let caller = caller.clone();
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::MembersChange)?;
                let before = member_within(tx, &caller, user)?;
                keep_an_owner(tx, &caller.tenant, &before, true)?;
                rows::remove_member(tx, &caller.tenant, user)?;
                let was = Some(told(&before));
                record(tx, &caller.tenant, &Actor::of(&caller), "member.removed", user, was, None)
            })
            .await
    }
}

/// Refuses to grant somebody more than the caller's own rights.
///
/// # Errors
/// [`Code::RoleTooHigh`], or [`Code::GrantTooWide`] where the caller's token is narrowed.
pub(super) fn may_grant(caller: &Caller, rights: impl Into<Rights>) -> Result<(), Problem> {
    let rights = rights.into();
    match caller.rights().cover(rights) {
        true => Ok(()),
        false if rights.role > caller.role => Err(Code::RoleTooHigh.into()),
        false => Err(Code::GrantTooWide.into()),
    }
}

/// The member, who must not be above the caller.
fn member_within(tx: &mut Tx, caller: &Caller, user: UserId) -> Result<Member, Problem> {
    let member = rows::member(tx, &caller.tenant, user)?.ok_or(Code::NotFound)?;
    if member.role > caller.role { Err(Code::RoleTooHigh.into()) } else { Ok(member) }
}

fn keep_an_owner(tx: &mut Tx, tenant: &Tenant, member: &Member, leaves: bool) -> Result<(), Problem> {
    let acts = member.role == Role::Owner && member.suspended_at.is_none();
    match acts && leaves && rows::owner_count(tx, tenant)? == 1 {
        true => Err(Code::LastOwner.into()),
        false => Ok(()),
    }
}

fn told(member: &Member) -> Value {
    json!({ "email": member.email, "name": member.name, "role": member.role,
            "suspended": member.suspended_at.is_some() })
}
