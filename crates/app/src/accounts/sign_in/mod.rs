//! Signing in: by password, by a one-time link, with a second factor, by a passkey, or at an OpenID provider. All
//! ways end in [`App::begin_session`].

mod ceremony;
mod factors;
mod known;
mod limits;
mod oidc;
mod passkeys;
mod setup;
mod totp;

pub use ceremony::Begun;
pub use factors::{Factors, Proof};
pub use known::{DEVICE_COOKIE, KnownCookie};
pub(crate) use limits::SignInLimits;
pub use oidc::OidcSignUp;
pub(crate) use passkeys::RelyingParty;
pub use passkeys::{Passkey, PasskeyStart};
pub use setup::SetUp;
pub use totp::NewTotp;

use crate::accounts::sessions::new_session;
use crate::accounts::{Caller, Device, record_for};
use crate::clock::now;
use crate::credentials::{self, digest};
use crate::events::{Actor, record};
use crate::start::App;
use ceremony::Kind;
use dialtone_domain::{Code, OrgId, Problem, SecretString, UserId};
use dialtone_store::{Origin, accounts as rows};
use jiff::Timestamp;
use limits::Try;
use rows::{CodeKind, TakenCode, User};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A session that has just begun.
pub struct SignedIn {
    /// The session's secret: the cookie's value.
    pub secret: SecretString,
    /// Who signed in.
    pub caller: Caller,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Makes the browser one that is known.
    pub known: Option<KnownCookie>,
}

/// How far a sign-in got.
pub enum SignIn {
    /// To its end.
    Done(Box<SignedIn>),
    /// The first step was right; one of these has to follow.
    SecondFactor(Begun, Vec<&'static str>),
}

/// Who passed the first step, and how.
#[derive(Serialize, Deserialize)]
struct FirstStep {
    user: UserId,
    email: String,
    org: OrgId,
    method: String,
    /// The password's hash then, hashed: a new password ends what was begun with the old one.
    password: Vec<u8>,
}

impl App {
    /// Signs a person in by their password, or asks for their second factor.
    ///
    /// # Errors
    /// [`Code::SignInFailed`] whatever was wrong, [`Code::TooManyAttempts`], [`Code::Busy`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: SecretString,
        device: &Device,
    ) -> Result<SignIn, Problem> {
        let User { id, email, password_hash, .. } = self.person(email, password, device).await?;
        let memberships = self.store().read(move |tx| rows::memberships(tx, id)).await?;
        let org = memberships.first().ok_or(Code::SignInFailed)?.org_id;
        self.first_step(
            FirstStep {
                user: id,
                email,
                org,
                method: "password".to_owned(),
                password: digest(&password_hash),
            },
            device,
        )
        .await
    }

    /// The person with that e-mail address and password. Everything that takes a password asks here.
    ///
    /// # Errors
    /// [`Code::SignInFailed`] whatever was wrong, [`Code::TooManyAttempts`], [`Code::Busy`].
    pub(crate) async fn person(
        &self,
        email: &str,
        password: SecretString,
        device: &Device,
    ) -> Result<User, Problem> {
        let email = email.trim().to_lowercase();
        let known = self.known_device(device, &email).await;
        let tried = self.inner.sign_in_limits.try_password(device, &email, known.as_deref())?;
        let found = self.store().read(move |tx| rows::user_by_email(tx, &email)).await?;
        let stored = found.as_ref().map(|user| user.password_hash.clone());
        let fits = match tried.is_known() {
            true => credentials::verify_password(password, stored).await?,
            false => credentials::verify_stranger(password, stored).await?,
        };
        if fits {
            self.inner.sign_in_limits.password_fits(&tried);
        } else {
            self.note_failure(found.as_ref().map(|user| user.id), &tried, "password");
        }
        found.filter(|_| fits).ok_or_else(|| Code::SignInFailed.into())
    }

    /// Signs in whoever the one-time link was made for; it works once.
    ///
    /// # Errors
    /// [`Code::CodeInvalid`], [`Code::TooManyAttempts`].
    pub async fn sign_in_by_code(&self, code: &str, device: &Device) -> Result<SignedIn, Problem> {
        let source = self.inner.sign_in_limits.try_source(device)?;
        let hash = digest(code);
        let at = now();
        let taken = self.store().write(move |tx| rows::take_code(tx, &hash, CodeKind::SignIn, at)).await?;
        match taken {
            Some(TakenCode { org_id: Some(org), user_id: Some(user), .. }) => {
                self.inner.sign_in_limits.source_is_good(&source);
                self.begin_session(org, user, device, "link").await
            }
            _ => Err(Code::CodeInvalid.into()),
        }
    }

    /// The session of who passed the first step, or what has to follow.
    async fn first_step(&self, step: FirstStep, device: &Device) -> Result<SignIn, Problem> {
        let factors = self.factors_of(step.user).await?;
        match factors.methods(self.relying_party().is_some()) {
            methods if !methods.is_empty() => {
                Ok(SignIn::SecondFactor(self.begin(Kind::SecondFactor, step).await?, methods))
            }
            _ => {
                let session = self.begin_session(step.org, step.user, device, &step.method).await?;
                Ok(SignIn::Done(Box::new(session)))
            }
        }
    }

    /// Begins a session of a member, and tells the audit trail from where and how.
    ///
    /// # Errors
    /// [`Code::SignInFailed`] where they are no member.
    pub(crate) async fn begin_session(
        &self,
        org_id: OrgId,
        user_id: UserId,
        device: &Device,
        method: &str,
    ) -> Result<SignedIn, Problem> {
        let (session, secret) = new_session(org_id, user_id, device);
        let expires_at = session.ends_at;
        let told = json!({ "method": method });
        let caller = self
            .store()
            .write(move |tx| {
                let tenant = rows::create_session(tx, &session)?.ok_or(Code::SignInFailed)?;
                let caller = rows::caller_by_session(tx, &session.token_hash, session.created_at)?
                    .ok_or(Problem::new(Code::SignInFailed))?;
                record(
                    tx,
                    &tenant,
                    &Actor::of(&caller),
                    "sign_in.succeeded",
                    user_id,
                    None,
                    Some(told.clone()),
                )?;
                Ok::<_, Problem>(caller)
            })
            .await?;
        let known = self.remember_device(device, &caller.email).await;
        Ok(SignedIn { secret, caller, expires_at, known })
    }

    /// Tells the audit trail of a failed try, now and then, in every organisation of the person. Nobody waits for
    /// it: the time of an answer must not say whether there is such a person.
    fn note_failure(&self, user: Option<UserId>, tried: &Try, step: &'static str) {
        tracing::info!(step, tries = tried.number, "a sign-in failed");
        let Some(user) = user.filter(|_| tried.is_told()) else { return };
        let (app, told) = (self.clone(), json!({ "step": step, "tries": tried.number }));
        tokio::spawn(Origin::carry(async move {
            let noted = app.store().write(move |tx| {
                record_for(tx, user, &Actor::system("sign-in"), "sign_in.failed", told.clone())
            });
            if let Err(problem) = noted.await {
                tracing::warn!(%problem, "a failed sign-in was not recorded");
            }
        }));
    }
}
