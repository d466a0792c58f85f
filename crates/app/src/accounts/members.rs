//! An organisation's members. Nobody grants, changes or removes above their own role, and one owner always stays.

use crate::accounts::{Caller, Member, new_user};
use crate::clock::now;
use crate::credentials;
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{Code, Problem, Role, SecretString, UserId};
use dialtone_store::{Tenant, Tx, accounts as rows};
use serde_json::json;

/// A member to add.
pub struct NewMember {
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their role: at most the caller's own.
    pub role: Role,
    /// Their password; made up where there is none and they are new.
    pub password: Option<SecretString>,
}

/// What to change of a member.
#[derive(Default)]
pub struct MemberChange {
    /// The new role.
    pub role: Option<Role>,
    /// The new name.
    pub name: Option<String>,
}

impl App {
    /// The organisation's members.
    pub async fn members(&self, caller: &Caller) -> Result<Vec<Member>, Problem> {
        let tenant = caller.tenant.clone();
        Ok(self.store().read(move |tx| rows::members(tx, &tenant)).await?)
    }

    /// Adds a member; the password is answered where it was made up.
    ///
    /// # Errors
    /// [`Code::RoleTooHigh`], [`Code::MemberExists`], [`Code::PasswordWeak`].
    pub async fn add_member(
        &self,
        caller: &Caller,
        new: NewMember,
    ) -> Result<(Member, Option<SecretString>), Problem> {
        within_own_role(caller, new.role)?;
        let made_up = new.password.is_none().then(credentials::random_password);
        let password = new.password.or(made_up.clone()).ok_or(Code::Internal)?;
        credentials::check_password(&password)?;
        let user = new_user(&new.email, new.name, credentials::hash_password(password).await?);
        let (tenant, actor, at, role) = (caller.tenant.clone(), Actor::of(caller), now(), new.role);
        let member = self
            .store()
            .write(move |tx| {
                // One person per address: somebody who is known already is not given a new password here.
                if !rows::create_user(tx, &user)? {
                    return Err(Problem::from(Code::MemberExists));
                }
                rows::add_member(tx, &tenant, user.id, role, at)?;
                let member = rows::member(tx, &tenant, user.id)?.ok_or(Code::Internal)?;
                record(tx, &tenant, &actor, "member.added", user.id, None, Some(member_json(&member)))?;
                Ok(member)
            })
            .await?;
        Ok((member, made_up))
    }

    /// Changes a member's role or name.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::RoleTooHigh`], [`Code::LastOwner`].
    pub async fn change_member(
        &self,
        caller: &Caller,
        user: UserId,
        change: MemberChange,
    ) -> Result<Member, Problem> {
        if let Some(role) = change.role {
            within_own_role(caller, role)?;
        }
        let (tenant, actor, at, own) = (caller.tenant.clone(), Actor::of(caller), now(), caller.role);
        self.store()
            .write(move |tx| {
                let before = member_within(tx, &tenant, user, own)?;
                if let Some(role) = change.role {
                    keep_an_owner(tx, &tenant, &before, role != Role::Owner)?;
                    rows::set_role(tx, &tenant, user, role)?;
                }
                if let Some(name) = &change.name {
                    rows::set_name(tx, user, name, at)?;
                }
                let after = rows::member(tx, &tenant, user)?.ok_or(Code::NotFound)?;
                record(
                    tx,
                    &tenant,
                    &actor,
                    "member.changed",
                    user,
                    Some(member_json(&before)),
                    Some(member_json(&after)),
                )?;
                Ok(after)
            })
            .await
    }

    /// Removes a member, with their sessions and tokens.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::RoleTooHigh`], [`Code::LastOwner`].
    pub async fn remove_member(&self, caller: &Caller, user: UserId) -> Result<(), Problem> {
        let (tenant, actor, own) = (caller.tenant.clone(), Actor::of(caller), caller.role);
        self.store()
            .write(move |tx| {
                let before = member_within(tx, &tenant, user, own)?;
                keep_an_owner(tx, &tenant, &before, true)?;
                rows::remove_member(tx, &tenant, user)?;
                record(tx, &tenant, &actor, "member.removed", user, Some(member_json(&before)), None)
            })
            .await
    }
}

pub(super) fn within_own_role(caller: &Caller, role: Role) -> Result<(), Problem> {
    if role > caller.role { Err(Code::RoleTooHigh.into()) } else { Ok(()) }
}

/// The member, who must not be above the caller.
fn member_within(tx: &mut Tx, tenant: &Tenant, user: UserId, own: Role) -> Result<Member, Problem> {
    let member = rows::member(tx, tenant, user)?.ok_or(Code::NotFound)?;
    if member.role > own { Err(Code::RoleTooHigh.into()) } else { Ok(member) }
}

fn keep_an_owner(tx: &mut Tx, tenant: &Tenant, member: &Member, leaves: bool) -> Result<(), Problem> {
    let last = member.role == Role::Owner && leaves && rows::owner_count(tx, tenant)? == 1;
    if last { Err(Code::LastOwner.into()) } else { Ok(()) }
}

fn member_json(member: &Member) -> serde_json::Value {
    json!({ "email": member.email, "name": member.name, "role": member.role })
}
