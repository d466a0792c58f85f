//! People, organisations, and how both are recognised.

mod local;
mod members;
mod organisation;
mod sessions;
mod sign_in;
mod tokens;

pub use dialtone_store::accounts::{Caller, Credential, Member, Organisation, Token};
pub use local::LocalUser;
pub use members::{MemberChange, NewMember};
pub use organisation::OrganisationChange;
pub(crate) use sign_in::SignInLimits;
pub use sign_in::{SetUp, SignedIn};
pub use tokens::NewToken;

use crate::clock::{new_id, now};
use dialtone_store::accounts::User;

fn new_user(email: &str, name: String, password_hash: String) -> User {
    let at = now();
    User {
        id: new_id(),
        email: email.trim().to_lowercase(),
        name,
        password_hash,
        language: None,
        created_at: at,
        updated_at: at,
    }
}
