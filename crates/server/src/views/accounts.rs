//! People, organisations, sessions and tokens.

use super::{answers, language, language_or_null, role};
use crate::auth::Caller;
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
    /// The language they chose, told of the caller only.
    #[schema(schema_with = language_or_null)]
    language: Option<Language>,
}

impl From<dialtone_app::Member> for Member {
    fn from(member: dialtone_app::Member) -> Self {
        let dialtone_app::Member { user_id, email, name, role, .. } = member;
        Self { id: user_id.0, email, name, role, language: None }
    }
}

impl From<&dialtone_app::Caller> for Member {
    fn from(caller: &dialtone_app::Caller) -> Self {
        Self {
            id: caller.user_id.0,
            email: caller.email.clone(),
            name: caller.user_name.clone(),
            role: caller.role,
            language: caller.language,
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
    /// The names of what their role may do.
    permissions: Vec<&'static str>,
    /// Whether the providers are not the real ones.
    sandbox: bool,
}

impl Session {
    /// The caller's, with the language that they have now.
    pub(crate) fn of(caller: &Caller, language: Option<Language>, sandbox: bool) -> Self {
        Self {
            member: Member { language, ..Member::from(&**caller) },
            organisation: caller.organisation.clone().into(),
            permissions: caller.role.permissions(),
            sandbox,
        }
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
        let dialtone_app::Token { id, name, role, prefix, created_at, expires_at, last_used_at, .. } = token;
        Self { id: id.0, name, role, prefix, created_at, expires_at, last_used_at }
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
    /// A token that was just made.
    NewTokenAnswer {
        /// It.
        token: Token,
        /// Its secret, shown this once.
        secret: String,
    }
}
