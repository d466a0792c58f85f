//! Organisations, their people, and what proves who someone is. All hashes and sealed keys are made above.

mod credentials;
mod invitations;
mod organisations;
mod people;
mod sessions;
mod tokens;

pub use credentials::{
    Caller, CodeKind, Credential, NewCode, TakenCode, caller_again, caller_by_session, caller_by_token,
    delete_codes, delete_codes_of, delete_expired, has_code, put_code, take_code,
};
pub use invitations::{
    Invitation, OpenInvitation, delete_invitation, invitations, open_invitation, open_invitations_for,
    put_invitation, set_not_mailed,
};
pub use organisations::{
    Organisation, create_organisation, first_tenant, only_organisation, organisation, organisation_names,
    tenant_by_name, tenants_for_auto_import, update_organisation,
};
pub use people::{
    Member, Membership, User, add_member, any_user, create_user, member, members, memberships, owner_count,
    prove, remove_member, set_password, set_role, set_suspended, tenant_of_member, tenants_of, update_user,
    user, user_by_email,
};
pub use sessions::{
    NewSession, Session, create_session, delete_session, delete_sessions_in, delete_sessions_of,
    renew_session, session_end, sessions, touch_session,
};
pub use tokens::{Token, create_token, delete_token, delete_tokens_of, tokens, touch_token};
