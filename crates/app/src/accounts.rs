//! People, organisations, and how both are recognised: set-up, sign-in, sessions, tokens, members.

use crate::clock::{new_id, now};
use crate::credentials::{self, digest, random_secret};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{
    AssistantId, Code, Country, ExposeSecret, Language, OrgId, Problem, Role, SecretString, TokenId, UserId,
};
use dialtone_store::{Tenant, Tx, accounts as rows};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};
use rows::{CodeKind, NewCode, NewSession, TakenCode};
use serde_json::json;
use std::net::IpAddr;
use std::num::NonZeroU32;

pub use rows::{Caller, Credential, Member, Organisation, Token};

const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);
const SIGN_IN_LINK_LIFE: SignedDuration = SignedDuration::from_hours(1);
const SETUP_CODE_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// How often somebody may try to sign in, per address and per account: slows guessing, and lets an owner who
/// mistyped a few times in.
pub(crate) struct SignInLimits {
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    by_email: DefaultKeyedRateLimiter<String>,
}

impl SignInLimits {
    pub(crate) fn new() -> Self {
        let quota = |burst| {
            Quota::per_minute(NonZeroU32::MIN.saturating_add(5))
                .allow_burst(NonZeroU32::MIN.saturating_add(burst))
        };
        Self { by_address: RateLimiter::keyed(quota(19)), by_email: RateLimiter::keyed(quota(9)) }
    }

    fn check(&self, address: IpAddr, email: &str) -> Result<(), Problem> {
        if self.by_email.len() > 10_000 {
            self.by_email.retain_recent();
            self.by_address.retain_recent();
        }
        let allowed =
            self.by_address.check_key(&address).is_ok() && self.by_email.check_key(&email.to_owned()).is_ok();
        if allowed { Ok(()) } else { Err(Code::TooManyAttempts.into()) }
    }
}

/// The first owner and organisation.
pub struct SetUp {
    /// The one-time code that the server printed.
    pub code: SecretString,
    /// The owner's e-mail address.
    pub email: String,
    /// The owner's password.
    pub password: SecretString,
    /// The owner's name.
    pub name: String,
    /// The organisation's name.
    pub organisation: String,
    /// Where numbers without a country code belong.
    pub country: Country,
    /// The organisation's language.
    pub language: Language,
}

/// A session that has just begun.
pub struct SignedIn {
    /// The session's secret: the cookie's value.
    pub secret: SecretString,
    /// Who signed in.
    pub caller: Caller,
    /// When it ends.
    pub expires_at: Timestamp,
}

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

/// A token to make.
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do: at most the caller's own role.
    pub role: Role,
    /// When it ends; never where absent.
    pub expires_at: Option<Timestamp>,
}

/// What to change of an organisation.
#[derive(Default)]
pub struct OrganisationChange {
    /// Its name.
    pub name: Option<String>,
    /// Its country.
    pub country: Option<Country>,
    /// Its language.
    pub language: Option<Language>,
    /// The assistant that new lines get.
    pub default_assistant_id: Option<Option<AssistantId>>,
}

/// A user to make on the data directory, without a caller.
pub struct LocalUser {
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The organisation's name; made where there is none of it.
    pub organisation: String,
    /// Their role.
    pub role: Role,
    /// Their password; made up where absent.
    pub password: Option<SecretString>,
}

impl App {
    /// Whether nobody has set Dialtone up yet.
    ///
    /// # Errors
    /// Only for trouble with the database, as all of this file.
    pub async fn setup_needed(&self) -> Result<bool, Problem> {
        Ok(!self.store().read(rows::any_user).await?)
    }

    /// A one-time code for the first set-up; the ones before it no longer work.
    pub async fn setup_code(&self) -> Result<SecretString, Problem> {
        let code = random_secret();
        let hash = digest(code.expose_secret());
        let at = now();
        self.store()
            .write(move |tx| {
                rows::delete_codes(tx, CodeKind::Setup)?;
                let expires_at = at + SETUP_CODE_LIFE;
                rows::put_code(
                    tx,
                    &NewCode {
                        hash: hash.clone(),
                        kind: CodeKind::Setup,
                        subject: None,
                        created_at: at,
                        expires_at,
                    },
                )
            })
            .await?;
        Ok(code)
    }

    /// Makes the first organisation and its owner, and signs the owner in.
    pub async fn set_up(&self, request: SetUp) -> Result<SignedIn, Problem> {
        credentials::check_password(&request.password)?;
        let hash = digest(request.code.expose_secret());
        let password_hash = credentials::hash_password(request.password).await?;
        let organisation = self.new_organisation(request.organisation, request.country, request.language);
        let user = new_user(request.email, request.name, password_hash);
        let at = now();
        let (org, owner) = (organisation.id, user.id);
        self.store()
            .write(move |tx| {
                if rows::any_user(tx)? {
                    return Err(Problem::from(Code::SetupDone));
                }
                rows::take_code(tx, &hash, CodeKind::Setup, at)?.ok_or(Code::CodeInvalid)?;
                let tenant = rows::create_organisation(tx, &organisation)?;
                create_owner(tx, &tenant, &user, at)
            })
            .await?;
        self.begin_session(org, owner).await
    }

    fn new_organisation(&self, name: String, country: Country, language: Language) -> Organisation {
        let (id, at): (OrgId, _) = (new_id(), now());
        let data_key = self.inner.vault.new_data_key(id);
        let default_assistant_id = None;
        Organisation {
            id,
            name,
            country,
            language,
            default_assistant_id,
            data_key,
            key_version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    /// Signs a person in.
    ///
    /// # Errors
    /// [`Code::SignInFailed`] whatever was wrong, [`Code::TooManyAttempts`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: SecretString,
        peer: IpAddr,
    ) -> Result<SignedIn, Problem> {
        let email = email.trim().to_lowercase();
        self.inner.sign_in_limits.check(peer, &email)?;
        let found = self.store().read(move |tx| rows::user_by_email(tx, &email)).await?;
        let stored = found.as_ref().map(|user| user.password_hash.clone());
        let fits = credentials::verify_password(password, stored).await?;
        let user = found.filter(|_| fits).ok_or(Code::SignInFailed)?;
        let id = user.id;
        let memberships = self.store().read(move |tx| rows::memberships(tx, id)).await?;
        let membership = memberships.first().ok_or(Code::SignInFailed)?;
        self.begin_session(membership.org_id, id).await
    }

    /// Signs in whoever the one-time link was made for; it works once.
    pub async fn sign_in_by_code(&self, code: &str) -> Result<SignedIn, Problem> {
        let hash = digest(code);
        let at = now();
        let taken = self.store().write(move |tx| rows::take_code(tx, &hash, CodeKind::SignIn, at)).await?;
        match taken {
            Some(TakenCode { org_id: Some(org), user_id: Some(user), .. }) => {
                self.begin_session(org, user).await
            }
            _ => Err(Code::CodeInvalid.into()),
        }
    }

    async fn begin_session(&self, org_id: OrgId, user_id: UserId) -> Result<SignedIn, Problem> {
        let secret = random_secret();
        let token_hash = digest(secret.expose_secret());
        let created_at = now();
        let expires_at = created_at + SESSION_LIFE;
        let session = NewSession { id: new_id(), token_hash, org_id, user_id, created_at, expires_at };
        let caller = self
            .store()
            .write(move |tx| {
                rows::delete_expired(tx, created_at)?;
                rows::create_session(tx, &session)?.ok_or(Code::SignInFailed)?;
                rows::caller_by_session(tx, &session.token_hash, created_at)?
                    .ok_or(Problem::new(Code::SignInFailed))
            })
            .await?;
        Ok(SignedIn { secret, caller, expires_at })
    }

    /// Ends the caller's session; a token stays.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), Problem> {
        let Credential::Session(id) = caller.credential else { return Ok(()) };
        let tenant = caller.tenant.clone();
        Ok(self.store().write(move |tx| rows::delete_session(tx, &tenant, id).map(drop)).await?)
    }

    /// Who the session's secret belongs to.
    pub async fn caller_by_session(&self, secret: &str) -> Result<Option<Caller>, Problem> {
        let (hash, at) = (digest(secret), now());
        let caller = self.store().read(move |tx| rows::caller_by_session(tx, &hash, at)).await?;
        self.note_use(caller, at).await
    }

    /// Who the API token belongs to.
    pub async fn caller_by_token(&self, secret: &str) -> Result<Option<Caller>, Problem> {
        let (hash, at) = (digest(secret), now());
        let caller = self.store().read(move |tx| rows::caller_by_token(tx, &hash, at)).await?;
        self.note_use(caller, at).await
    }

    /// Notes that a credential was used, once a minute at most: requests must not wait for a write.
    async fn note_use(&self, caller: Option<Caller>, at: Timestamp) -> Result<Option<Caller>, Problem> {
        let minute = SignedDuration::from_mins(1);
        if let Some(used) = caller
            .clone()
            .filter(|caller| caller.last_used.is_none_or(|last| at.duration_since(last) > minute))
        {
            self.store().write(move |tx| rows::touch(tx, &used, at)).await?;
        }
        Ok(caller)
    }

    /// Sets the caller's own language; none follows the browser.
    pub async fn set_my_language(&self, caller: &Caller, language: Option<Language>) -> Result<(), Problem> {
        let (user, at) = (caller.user_id, now());
        Ok(self.store().write(move |tx| rows::set_language(tx, user, language, at)).await?)
    }

    /// The caller's organisation as it is now.
    pub async fn organisation(&self, caller: &Caller) -> Result<Organisation, Problem> {
        let tenant = caller.tenant.clone();
        Ok(self.store().read(move |tx| rows::organisation(tx, &tenant)).await?)
    }

    /// Changes the organisation.
    pub async fn change_organisation(
        &self,
        caller: &Caller,
        change: OrganisationChange,
    ) -> Result<Organisation, Problem> {
        let (tenant, actor, at) = (caller.tenant.clone(), Actor::of(caller), now());
        self.store()
            .write(move |tx| {
                let before = rows::organisation(tx, &tenant)?;
                let after = Organisation {
                    name: change.name.clone().unwrap_or(before.name.clone()),
                    country: change.country.unwrap_or(before.country),
                    language: change.language.unwrap_or(before.language),
                    default_assistant_id: change.default_assistant_id.unwrap_or(before.default_assistant_id),
                    updated_at: at,
                    ..before.clone()
                };
                rows::update_organisation(tx, &tenant, &after)?;
                let told = |organisation: &Organisation| {
                    json!({ "name": organisation.name, "country": organisation.country, "language": organisation.language,
                            "default_assistant_id": organisation.default_assistant_id })
                };
                record(tx, &tenant, &actor, "organisation.changed", after.id, Some(told(&before)), Some(told(&after)))?;
                Ok(after)
            })
            .await
    }

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
        let user = new_user(new.email, new.name, credentials::hash_password(password).await?);
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

    /// The organisation's tokens: all for those who manage members, else the caller's own.
    pub async fn tokens(&self, caller: &Caller) -> Result<Vec<Token>, Problem> {
        let (tenant, user, all) = (caller.tenant.clone(), caller.user_id, caller.role >= Role::Admin);
        let of = (!all).then_some(user);
        Ok(self.store().read(move |tx| rows::tokens(tx, &tenant, of)).await?)
    }

    /// Makes a token and answers its secret, which is not shown again.
    ///
    /// # Errors
    /// [`Code::RoleTooHigh`].
    pub async fn create_token(
        &self,
        caller: &Caller,
        new: NewToken,
    ) -> Result<(Token, SecretString), Problem> {
        within_own_role(caller, new.role)?;
        let (token, secret) = new_token(caller.user_id, new);
        let (tenant, actor, row, hash) =
            (caller.tenant.clone(), Actor::of(caller), token.clone(), digest(secret.expose_secret()));
        self.store().write(move |tx| store_token(tx, &tenant, &actor, &row, &hash)).await?;
        Ok((token, secret))
    }

    /// Revokes a token: one's own, or anybody's of a lower or equal role for those who manage members.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn revoke_token(&self, caller: &Caller, id: TokenId) -> Result<(), Problem> {
        let (tenant, actor, user, role) =
            (caller.tenant.clone(), Actor::of(caller), caller.user_id, caller.role);
        self.store()
            .write(move |tx| {
                let token = rows::tokens(tx, &tenant, None)?.into_iter().find(|token| token.id == id);
                let may =
                    |token: &Token| token.user_id == user || (role >= Role::Admin && token.role <= role);
                let token = token.filter(may).ok_or(Code::NotFound)?;
                rows::delete_token(tx, &tenant, id, None)?;
                record(tx, &tenant, &actor, "token.revoked", id, Some(json!({ "name": token.name })), None)
            })
            .await
    }

    /// Makes a user on the data directory, in an organisation of that name (made where there is none), and
    /// answers the password.
    pub async fn local_create_user(&self, new: LocalUser) -> Result<SecretString, Problem> {
        let password = new.password.unwrap_or_else(credentials::random_password);
        credentials::check_password(&password)?;
        let user = new_user(new.email, new.name, credentials::hash_password(password.clone()).await?);
        let organisation = self.new_organisation(new.organisation, Country::DEFAULT, Language::default());
        let (role, at) = (new.role, now());
        self.store()
            .write(move |tx| {
                let tenant = match rows::tenant_by_name(tx, &organisation.name)? {
                    Some(tenant) => tenant,
                    None => rows::create_organisation(tx, &organisation)?,
                };
                if !rows::create_user(tx, &user)? {
                    return Err(Problem::from(Code::MemberExists));
                }
                rows::add_member(tx, &tenant, user.id, role, at)?;
                let told = json!({ "email": user.email, "name": user.name, "role": role });
                record(tx, &tenant, &Actor::system("command line"), "member.added", user.id, None, Some(told))
            })
            .await?;
        Ok(password)
    }

    /// Makes a token for a member, on the data directory.
    ///
    /// # Errors
    /// [`Code::NotFound`] where nobody has that e-mail address; [`Code::RoleTooHigh`] above the member's own role.
    pub async fn local_create_token(&self, email: &str, role: Role) -> Result<SecretString, Problem> {
        let (tenant, user, own) = self.local_member(email).await?;
        if role > own {
            return Err(Code::RoleTooHigh.into());
        }
        let (row, secret) =
            new_token(user, NewToken { name: "command line".to_owned(), role, expires_at: None });
        let (actor, hash) = (Actor::system("command line"), digest(secret.expose_secret()));
        self.store().write(move |tx| store_token(tx, &tenant, &actor, &row, &hash)).await?;
        Ok(secret)
    }

    /// A code that signs a member in once: `<public url>/sign-in/<code>`.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn local_sign_in_code(&self, email: &str) -> Result<SecretString, Problem> {
        let (tenant, user, _) = self.local_member(email).await?;
        let code = random_secret();
        let (hash, created_at) = (digest(code.expose_secret()), now());
        let subject = Some((tenant.org(), user));
        let new = NewCode {
            hash,
            kind: CodeKind::SignIn,
            subject,
            created_at,
            expires_at: created_at + SIGN_IN_LINK_LIFE,
        };
        self.store().write(move |tx| rows::put_code(tx, &new)).await?;
        Ok(code)
    }

    async fn local_member(&self, email: &str) -> Result<(Tenant, UserId, Role), Problem> {
        let email = email.trim().to_lowercase();
        let found = self.store().read(move |tx| rows::tenant_of_member(tx, &email, None)).await?;
        let (tenant, user, role) = found.into_iter().next().ok_or(Code::NotFound)?;
        Ok((tenant, user.id, role))
    }
}

fn new_user(email: String, name: String, password_hash: String) -> rows::User {
    let at = now();
    rows::User {
        id: new_id(),
        email: email.trim().to_lowercase(),
        name,
        password_hash,
        language: None,
        created_at: at,
        updated_at: at,
    }
}

fn create_owner(tx: &mut Tx, tenant: &Tenant, user: &rows::User, at: Timestamp) -> Result<(), Problem> {
    rows::create_user(tx, user)?;
    rows::add_member(tx, tenant, user.id, Role::Owner, at)?;
    let told = json!({ "email": user.email, "name": user.name, "role": Role::Owner });
    record(tx, tenant, &Actor::system("set-up"), "member.added", user.id, None, Some(told))
}

fn new_token(user_id: UserId, new: NewToken) -> (Token, SecretString) {
    let secret = credentials::random_token();
    let prefix = secret.expose_secret()[..8].to_owned();
    let NewToken { name, role, expires_at } = new;
    let token = Token {
        id: new_id(),
        user_id,
        name,
        role,
        prefix,
        created_at: now(),
        expires_at,
        last_used_at: None,
    };
    (token, secret)
}

fn store_token(
    tx: &mut Tx,
    tenant: &Tenant,
    actor: &Actor,
    token: &Token,
    hash: &[u8],
) -> Result<(), Problem> {
    rows::create_token(tx, tenant, token, hash)?;
    let told = json!({ "name": token.name, "role": token.role, "expires_at": token.expires_at.map(|at| at.to_string()) });
    record(tx, tenant, actor, "token.created", token.id, None, Some(told))
}

fn within_own_role(caller: &Caller, role: Role) -> Result<(), Problem> {
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
