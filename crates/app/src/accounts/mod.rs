//! People, organisations, and how both are recognised.

mod account;
mod invitations;
mod local;
mod members;
mod organisation;
mod sessions;
mod sign_in;
mod tokens;

pub(crate) use account::ResetLimits;
pub use account::{AccountChange, PasswordChange};
pub use dialtone_store::accounts::{
    Caller, Credential, Invitation, Member, Membership, OpenInvitation, Organisation, Session, Token,
};
pub use invitations::Invited;
pub use local::{LocalUser, LocalUserMade};
pub use members::{MemberChange, NewMember};
pub use organisation::OrganisationChange;
pub use sessions::Device;
pub use sign_in::{
    Begun, DEVICE_COOKIE, Factors, KnownCookie, NewTotp, OidcSignUp, Passkey, PasskeyStart, Proof, SetUp,
    SignIn, SignedIn,
};
pub(crate) use sign_in::{RelyingParty, SignInLimits};
pub use tokens::NewToken;

use crate::clock::{new_id, now};
use crate::events::{Actor, record};
use dialtone_domain::{Code, Permission, Problem, UserId};
use dialtone_store::Tx;
use dialtone_store::accounts::{self as rows, User};
use dialtone_store::factors;
use jiff::Timestamp;
use serde_json::Value;

/// Somebody new, who was not seen to read the mail of that address.
fn new_user(email: &str, name: String, password_hash: String) -> User {
    let at = now();
    User {
        id: new_id(),
        email: email.trim().to_lowercase(),
        name,
        password_hash,
        language: None,
        time_zone: None,
        proved_at: None,
        created_at: at,
        updated_at: at,
    }
}

/// The caller as they are within the transaction that acts for them: who loses a right loses it also for what is
/// under way, so that no two requests can lift each other.
///
/// # Errors
/// [`Code::NotSignedIn`], [`Code::Forbidden`].
pub(crate) fn still(tx: &mut Tx, caller: &Caller, permission: Permission) -> Result<Caller, Problem> {
    let caller = rows::caller_again(tx, caller, now())?.ok_or(Code::NotSignedIn)?;
    match caller.may(permission) {
        true => Ok(caller),
        false => Err(Problem::new(Code::Forbidden).with("role", caller.role.name())),
    }
}

/// Whoever had the account before, saying that this was their address, has it no more: the person who reads its mail is
/// there.
fn prove_address(tx: &mut Tx, user: &User, at: Timestamp) -> Result<(), Problem> {
    if user.proved_at.is_none() {
        rows::set_password(tx, user.id, "", at)?;
        rows::delete_codes_of(tx, user.id)?;
        rows::delete_tokens_of(tx, user.id)?;
        rows::delete_sessions_of(tx, user.id, None)?;
        factors::delete_all(tx, user.id)?;
        rows::prove(tx, user.id, at)?;
    }
    Ok(())
}

/// Writes what concerns a person into the trail of every organisation that they are a member of.
fn record_for(
    tx: &mut Tx,
    user: UserId,
    actor: &Actor,
    kind: &'static str,
    told: Value,
) -> Result<(), Problem> {
    let told = (!told.is_null()).then_some(told);
    for tenant in rows::tenants_of(tx, user)? {
        record(tx, &tenant, actor, kind, user, None, told.clone())?;
    }
    Ok(())
}
