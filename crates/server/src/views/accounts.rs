//! People, organisations, sessions and tokens.

use super::{answers, language, language_or_null, role};
use crate::auth::Caller;
use dialtone_app::Credential;
use dialtone_domain::{Language, Role};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A member of the organisation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Member {
    /// Their id.
    id: Uuid,
    /// Their e-mail address.
    email: String,
    /// Their name.
    name: String,
    /// What they may do.
    #[schema(schema_with = role)]
    role: Role,
    /// Since when they are suspended and may do nothing here; null: they are not.
    #[schema(required)]
    suspended_at: Option<Timestamp>,
    /// The language they chose, told of the caller only.
    #[schema(schema_with = language_or_null)]
    language: Option<Language>,
    /// The time zone they chose, told of the caller only.
    #[schema(required)]
    time_zone: Option<String>,
}

impl From<dialtone_app::Member> for Member {
    fn from(member: dialtone_app::Member) -> Self {
        let dialtone_app::Member { user_id, email, name, role, suspended_at, .. } = member;
        Self { id: user_id.0, email, name, role, suspended_at, language: None, time_zone: None }
    }
}

impl From<&dialtone_app::Caller> for Member {
    fn from(caller: &dialtone_app::Caller) -> Self {
        Self {
            id: caller.user_id.0,
            email: caller.email.clone(),
            name: caller.user_name.clone(),
            role: caller.role,
            suspended_at: None,
            language: caller.language,
            time_zone: caller.time_zone.clone(),
        }
    }
}

/// The organisation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Organisation {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// The country of numbers that are written without one.
    #[schema(value_type = String)]
    country: dialtone_domain::Country,
    /// Its language.
    #[schema(schema_with = language)]
    language: Language,
    /// The assistant that new lines get.
    #[schema(required)]
    default_assistant_id: Option<Uuid>,
}

impl From<dialtone_app::Organisation> for Organisation {
    fn from(organisation: dialtone_app::Organisation) -> Self {
        let dialtone_app::Organisation { id, name, country, language, default_assistant_id, .. } =
            organisation;
        let default_assistant_id = default_assistant_id.map(|id| id.0);
        Self { id: id.0, name, country, language, default_assistant_id }
    }
}

/// Who is signed in, where, and what they may do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// The member.
    member: Member,
    /// Their organisation.
    organisation: Organisation,
    /// The names of what they may do.
    permissions: Vec<&'static str>,
    /// Whether the providers are not the real ones.
    sandbox: bool,
}

impl Session {
    /// The caller's.
    pub(crate) fn of(caller: &Caller, sandbox: bool) -> Self {
        Self {
            member: Member::from(&**caller),
            organisation: caller.organisation.clone().into(),
            permissions: caller.rights().names(),
            sandbox,
        }
    }
}

/// The caller as a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct Account {
    /// Their id.
    id: Uuid,
    /// Their e-mail address.
    email: String,
    /// Their name.
    name: String,
    /// The language they chose; null: the browser's.
    #[schema(schema_with = language_or_null)]
    language: Option<Language>,
    /// The time zone they chose, by its IANA name; null: the browser's.
    #[schema(required)]
    time_zone: Option<String>,
}

impl Account {
    /// The caller's.
    pub(crate) fn of(caller: &dialtone_app::Caller) -> Self {
        Self {
            id: caller.user_id.0,
            email: caller.email.clone(),
            name: caller.user_name.clone(),
            language: caller.language,
            time_zone: caller.time_zone.clone(),
        }
    }
}

/// An organisation of the caller's.
#[derive(Serialize, ToSchema)]
pub(crate) struct MyOrganisation {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// What the caller may do there.
    #[schema(schema_with = role)]
    role: Role,
    /// Whether this request is made in it.
    current: bool,
}

impl MyOrganisation {
    /// As the caller sees it.
    pub(crate) fn of(one: dialtone_app::Membership, caller: &Caller) -> Self {
        let dialtone_app::Membership { org_id, org_name, role, .. } = one;
        Self { id: org_id.0, name: org_name, role, current: org_id == caller.tenant.org() }
    }
}

/// Where the caller is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnSession {
    /// Its id.
    id: Uuid,
    /// Whether this request is made with it.
    current: bool,
    /// The name of the organisation that it is in.
    organisation: String,
    /// The network address that it was begun from.
    address: String,
    /// What the browser says it is.
    user_agent: String,
    /// When it was begun.
    created_at: Timestamp,
    /// When it was last used, to the minute.
    last_seen_at: Timestamp,
    /// When it ends if it is not used.
    expires_at: Timestamp,
}

impl OwnSession {
    /// As the caller sees it.
    pub(crate) fn of(session: dialtone_app::Session, caller: &Caller) -> Self {
        let dialtone_app::Session { id, org_name, address, user_agent, created_at, expires_at, last_seen_at } =
            session;
        let current = caller.credential == Credential::Session(id);
        let (id, organisation) = (id.0, org_name);
        Self { id, current, organisation, address, user_agent, created_at, last_seen_at, expires_at }
    }
}

/// An invitation that nobody has accepted yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// Its id.
    id: Uuid,
    /// Who is invited.
    email: String,
    /// What they will be allowed to do.
    #[schema(schema_with = role)]
    role: Role,
    /// The name of who invited them.
    invited_by: String,
    /// When.
    created_at: Timestamp,
    /// When it ends.
    expires_at: Timestamp,
}

impl From<dialtone_app::Invitation> for Invitation {
    fn from(invitation: dialtone_app::Invitation) -> Self {
        let dialtone_app::Invitation { id, email, role, created_at, expires_at, inviter, .. } = invitation;
        Self { id: id.0, email, role, invited_by: inviter, created_at, expires_at }
    }
}

/// An invitation as whoever has its link sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenInvitation {
    /// Who is invited.
    email: String,
    /// Into which organisation.
    organisation: String,
    /// The name of who invited them.
    invited_by: String,
    /// What they will be allowed to do.
    #[schema(schema_with = role)]
    role: Role,
    /// When it ends.
    expires_at: Timestamp,
    /// Whether somebody with that address has an account already: then they sign in, or give its password.
    known: bool,
}

impl From<(dialtone_app::OpenInvitation, bool)> for OpenInvitation {
    fn from((invitation, known): (dialtone_app::OpenInvitation, bool)) -> Self {
        let dialtone_app::OpenInvitation { email, role, expires_at, inviter, org_name, .. } = invitation;
        Self { email, organisation: org_name, invited_by: inviter, role, expires_at, known }
    }
}

/// An API token; its secret is shown once, when it is made.
#[derive(Serialize, ToSchema)]
pub(crate) struct Token {
    /// Its id.
    id: Uuid,
    /// What it is for.
    name: String,
    /// What it may do, as far as its owner may.
    #[schema(schema_with = role)]
    role: Role,
    /// What of that it is narrowed to: names of permissions, separated by spaces; null: to nothing.
    #[schema(required)]
    scopes: Option<String>,
    /// How it begins.
    prefix: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it ends; null: never.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    /// When it was used last.
    #[schema(required)]
    last_used_at: Option<Timestamp>,
}

impl From<dialtone_app::Token> for Token {
    fn from(token: dialtone_app::Token) -> Self {
        let dialtone_app::Token {
            id, name, role, scopes, prefix, created_at, expires_at, last_used_at, ..
        } = token;
        let scopes = scopes.map(|scopes| scopes.to_string());
        Self { id: id.0, name, role, scopes, prefix, created_at, expires_at, last_used_at }
    }
}

answers! {
    /// Whether this server still needs its first member.
    SetupNeeded {
        /// True until the first owner exists.
        setup_needed: bool,
    }
    /// The session.
    SessionAnswer {
        /// Who is signed in.
        session: Session,
    }
    /// The organisation.
    OrganisationAnswer {
        /// It.
        organisation: Organisation,
    }
    /// A member.
    MemberAnswer {
        /// They.
        member: Member,
    }
    /// A member who was just added.
    NewMemberAnswer {
        /// They.
        member: Member,
        /// The password that was made up for them, shown this once; null where one was given or they have one.
        #[schema(required)]
        password: Option<String>,
    }
    /// The members.
    Members {
        /// All of them.
        members: Vec<Member>,
        /// Always null: the list is whole.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// The tokens.
    Tokens {
        /// All that the caller may see.
        tokens: Vec<Token>,
        /// Always null: the list is whole.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// The caller as a person.
    AccountAnswer {
        /// They.
        account: Account,
    }
    /// The caller's organisations.
    MyOrganisations {
        /// Those where they may do something.
        organisations: Vec<MyOrganisation>,
        /// Always null: the list is whole.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// An organisation that was just made.
    MyOrganisationAnswer {
        /// It.
        organisation: MyOrganisation,
    }
    /// The organisation that was joined.
    OrganisationChosen {
        /// Its id.
        organisation_id: Uuid,
    }
    /// The caller's sessions.
    Sessions {
        /// All that have not ended, the newest first.
        sessions: Vec<OwnSession>,
        /// Always null: the list is whole.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// Sessions have ended.
    Ended {
        /// How many.
        ended: u64,
    }
    /// The invitations.
    Invitations {
        /// Those that nobody has accepted yet.
        invitations: Vec<Invitation>,
        /// Always null: the list is whole.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// An invitation that was just made.
    Invited {
        /// It.
        invitation: Invitation,
        /// Where it can be accepted, shown this once.
        link: Option<String>,
    }
    /// An invitation, to whoever has its link.
    OpenInvitationAnswer {
        /// It.
        invitation: OpenInvitation,
    }
    /// An invitation was accepted.
    Joined {
        /// Whether a session has begun: for somebody new. Else they sign in now.
        signed_in: bool,
    }
    /// A token that was just made.
    NewTokenAnswer {
        /// It.
        token: Token,
        /// Its secret, shown this once.
        secret: String,
    }
}
