//! How people are recognised: the first set-up, and signing in.

use crate::accounts::organisation::new_organisation;
use crate::accounts::sessions::{Device, new_session};
use crate::accounts::{Caller, new_user};
use crate::clock::now;
use crate::credentials::{self, digest, random_secret};
use crate::events::{Actor, record, record_installation};
use crate::start::App;
use dialtone_domain::{Code, Country, ExposeSecret, Language, OrgId, Problem, Role, SecretString, UserId};
use dialtone_store::{Tenant, Tx, accounts as rows};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};
use rows::{CodeKind, NewCode, TakenCode, User};
use serde_json::json;
use std::net::IpAddr;
use std::num::NonZeroU32;

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
    /// When it ends at the latest.
    pub expires_at: Timestamp,
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
                        org_id: None,
                        user_id: None,
                        created_at: at,
                        expires_at,
                    },
                )
            })
            .await?;
        Ok(code)
    }

    /// Makes the first organisation and its owner, and signs the owner in.
    pub async fn set_up(&self, request: SetUp, device: &Device) -> Result<SignedIn, Problem> {
        // First what costs nothing: hashing for whoever asks would keep others from signing in.
        if !self.setup_needed().await? {
            return Err(Code::SetupDone.into());
        }
        credentials::check_password(&request.password)?;
        let hash = digest(request.code.expose_secret());
        let password_hash = credentials::hash_password(request.password).await?;
        let organisation = new_organisation(request.organisation, request.country, request.language);
        let user = new_user(&request.email, request.name, password_hash);
        let (app, at) = (self.clone(), now());
        let (org, owner) = (organisation.id, user.id);
        self.store()
            .write(move |tx| {
                if rows::any_user(tx)? {
                    return Err(Problem::from(Code::SetupDone));
                }
                rows::take_code(tx, &hash, CodeKind::Setup, at)?.ok_or(Code::CodeInvalid)?;
                let tenant = app.create_organisation(tx, &organisation)?;
                let told = json!({ "organisation": tenant.org() });
                record_installation(tx, &Actor::system("set-up"), "installation.set_up", None, Some(told))?;
                create_owner(tx, &tenant, &user, at)
            })
            .await?;
        self.begin_session(org, owner, device).await
    }

    /// Signs a person in, to the organisation that they used last.
    ///
    /// # Errors
    /// [`Code::SignInFailed`] whatever was wrong, [`Code::TooManyAttempts`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: SecretString,
        device: &Device,
    ) -> Result<SignedIn, Problem> {
        let id = self.person(email, password, device).await?.id;
        let memberships = self.store().read(move |tx| rows::memberships(tx, id)).await?;
        let membership = memberships.first().ok_or(Code::SignInFailed)?;
        self.begin_session(membership.org_id, id, device).await
    }

    /// The person with that address and password; every question whether they belong together is asked here.
    ///
    /// # Errors
    /// [`Code::SignInFailed`] whatever was wrong, [`Code::TooManyAttempts`].
    pub(super) async fn person(
        &self,
        email: &str,
        password: SecretString,
        device: &Device,
    ) -> Result<User, Problem> {
        let email = email.trim().to_lowercase();
        self.inner.sign_in_limits.check(device.address, &email)?;
        let found = self.store().read(move |tx| rows::user_by_email(tx, &email)).await?;
        let stored = found.as_ref().map(|user| user.password_hash.clone());
        let fits = credentials::verify_password(password, stored).await?;
        Ok(found.filter(|_| fits).ok_or(Code::SignInFailed)?)
    }

    /// Signs in whoever the one-time link was made for; it works once.
    pub async fn sign_in_by_code(&self, code: &str, device: &Device) -> Result<SignedIn, Problem> {
        let hash = digest(code);
        let at = now();
        let taken = self.store().write(move |tx| rows::take_code(tx, &hash, CodeKind::SignIn, at)).await?;
        match taken {
            Some(TakenCode { org_id: Some(org), user_id: Some(user), .. }) => {
                self.begin_session(org, user, device).await
            }
            _ => Err(Code::CodeInvalid.into()),
        }
    }

    pub(super) async fn begin_session(
        &self,
        org: OrgId,
        user: UserId,
        device: &Device,
    ) -> Result<SignedIn, Problem> {
        let (session, secret) = new_session(org, user, device);
        let expires_at = session.ends_at;
        let caller = self
            .store()
            .write(move |tx| {
                rows::create_session(tx, &session)?.ok_or(Code::SignInFailed)?;
                rows::caller_by_session(tx, &session.token_hash, session.created_at)?
                    .ok_or(Problem::new(Code::SignInFailed))
            })
            .await?;
        Ok(SignedIn { secret, caller, expires_at })
    }
}

fn create_owner(tx: &mut Tx, tenant: &Tenant, user: &rows::User, at: Timestamp) -> Result<(), Problem> {
    rows::create_user(tx, user)?;
    rows::add_member(tx, tenant, user.id, Role::Owner, at)?;
    let told = json!({ "email": user.email, "name": user.name, "role": Role::Owner });
    record(tx, tenant, &Actor::system("set-up"), "member.added", user.id, None, Some(told))
}
