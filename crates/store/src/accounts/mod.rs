//! Organisations, their people, and what proves who someone is. All hashes and sealed keys are made above.

mod credentials;
mod organisations;
mod people;

pub use credentials::{
    Caller, CodeKind, Credential, NewCode, NewSession, TakenCode, Token, caller_by_session, caller_by_token,
    create_session, create_token, delete_codes, delete_expired, delete_session, delete_token, put_code,
    take_code, tokens, touch,
};
pub use organisations::{
    Organisation, create_organisation, organisation, tenant_by_name, tenants_for_auto_import,
    update_organisation,
};
pub use people::{
    Member, Membership, User, add_member, any_user, create_user, member, members, memberships, owner_count,
    remove_member, set_language, set_name, set_role, tenant_of_member, user_by_email,
};
