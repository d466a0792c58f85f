//! What belongs to a person, whichever organisation they work in: name, language, time zone, password.

use crate::accounts::sessions::{Device, session_of};
use crate::accounts::sign_in::SignedIn;
use crate::accounts::{Caller, prove_address, record_for, still};
use crate::clock::now;
use crate::credentials::{self, digest, random_secret};
use crate::events::Actor;
use crate::start::App;
use crate::throttle::{Quota, Rate, source};
use dialtone_domain::{Code, ExposeSecret, Language, Params, Permission, Problem, SecretString, UserId};
use dialtone_store::{Tx, accounts as rows};
use jiff::{SignedDuration, Timestamp};
use rows::{CodeKind, NewCode, User};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// How long the link for a new password works.
const RESET_LIFE: SignedDuration = SignedDuration::from_mins(30);

/// What to change of oneself.
#[derive(Default)]
pub struct AccountChange {
    /// The name.
    pub name: Option<String>,
    /// The language; none follows the browser.
    pub language: Option<Option<Language>>,
    /// The time zone by its IANA name; none follows the browser.
    pub time_zone: Option<Option<String>>,
}

/// A new password for somebody who knows the present one.
pub struct PasswordChange {
    /// The present one.
    pub current: SecretString,
    /// The new one.
    pub new: SecretString,
    /// Whether the API tokens end as well.
    pub revoke_tokens: bool,
}

/// How often links for a new password are sent, so that nobody is buried in mails.
pub(crate) struct ResetLimits {
    by_address: Rate,
    by_email: Rate,
}

impl ResetLimits {
    pub(crate) fn new() -> Self {
        let one_in = |seconds, burst| Rate::new(Quota { every: Duration::from_secs(seconds), burst });
        Self { by_address: one_in(30, 20), by_email: one_in(600, 3) }
    }

    fn allow(&self, address: IpAddr, email: &str) -> bool {
        self.by_address.admit(&source(address).to_string()).is_ok() && self.by_email.admit(email).is_ok()
    }
}

impl App {
    /// Changes what is the caller's own; answers the caller as they are now.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`] where they no longer are, as all of this file.
    pub async fn change_account(&self, caller: &Caller, change: AccountChange) -> Result<Caller, Problem> {
        let (caller, at) = (caller.clone(), now());
        self.store()
            .write(move |tx| {
                let mut caller = still(tx, &caller, Permission::AccountOwn)?;
                let before = rows::user(tx, caller.user_id)?.ok_or(Code::NotSignedIn)?;
                let after = User {
                    name: change.name.clone().unwrap_or(before.name.clone()),
                    language: change.language.unwrap_or(before.language),
                    time_zone: change.time_zone.clone().unwrap_or(before.time_zone.clone()),
                    updated_at: at,
                    ..before
                };
                rows::update_user(tx, &after)?;
                let told =
                    json!({ "name": after.name, "language": after.language, "time_zone": after.time_zone });
                record_for(tx, after.id, &Actor::of(&caller), "account.changed", told)?;
                (caller.user_name, caller.language, caller.time_zone) =
                    (after.name, after.language, after.time_zone);
                Ok(caller)
            })
            .await
    }

    /// Changes the caller's password. All their other sessions end, and this one gets a new secret.
    ///
    /// # Errors
    /// [`Code::PasswordWrong`], [`Code::PasswordWeak`], [`Code::TooManyAttempts`], [`Code::SessionNeeded`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        change: PasswordChange,
        device: &Device,
    ) -> Result<SignedIn, Problem> {
        let id = session_of(caller)?;
        credentials::check_password(&change.new)?;
        let wrong = |problem: Problem| match problem.code {
            Code::SignInFailed => Code::PasswordWrong.into(),
            _ => problem,
        };
        self.person(&caller.email, change.current, device).await.map_err(wrong)?;
        let password_hash = credentials::hash_password(change.new).await?;
        let (secret, at, caller) = (random_secret(), now(), caller.clone());
        let hash = digest(secret.expose_secret());
        let changed = self.store().write(move |tx| {
            let caller = still(tx, &caller, Permission::Member)?;
            let (user, org) = (caller.user_id, caller.tenant.org());
            rows::delete_sessions_of(tx, user, Some(id))?;
            set_password(tx, user, &password_hash, change.revoke_tokens, at)?;
            record_for(tx, user, &Actor::of(&caller), "account.password_changed", Value::Null)?;
            let expires_at = rows::session_end(tx, user, id)?.ok_or(Code::NotSignedIn)?;
            match rows::renew_session(tx, user, id, org, &hash, at)? {
                true => Ok((caller, expires_at)),
                false => Err(Problem::from(Code::NotSignedIn)),
            }
        });
        let (caller, expires_at) = changed.await?;
        Ok(SignedIn { secret, caller, expires_at, known: None })
    }

    /// Sends a link for a new password to that address, if anybody has it. The answer and its time are the same
    /// whether anybody has.
    ///
    /// # Errors
    /// [`Code::MailMissing`] where this server has no mail server.
    pub fn request_reset(&self, email: &str, device: &Device) -> Result<(), Problem> {
        if self.inner.mailer.is_none() {
            return Err(Code::MailMissing.into());
        }
        let email = email.trim().to_lowercase();
        if self.inner.reset_limits.allow(device.address, &email) {
            let app = self.clone();
            tokio::spawn(async move {
                if let Err(problem) = app.send_reset(email).await {
                    tracing::warn!(%problem, "a link for a new password was not sent");
                }
            });
        }
        Ok(())
    }

    async fn send_reset(&self, email: String) -> Result<(), Problem> {
        let found = self.store().read(move |tx| rows::user_by_email(tx, &email)).await?;
        let Some(user) = found else { return Ok(()) };
        let id = user.id;
        let memberships = self.store().read(move |tx| rows::memberships(tx, id)).await?;
        let organisation = memberships.first().map(|membership| membership.org_language);
        let link = self.reset_link(user.id).await?;
        let params = Params::default().with("name", user.name).with("link", link.expose_secret());
        let language = user.language.or(organisation).unwrap_or_default();
        self.send_letter(&user.email, language, "reset", &params).await
    }

    /// A link at which a person can choose a new password once.
    pub(super) async fn reset_link(&self, user: UserId) -> Result<SecretString, Problem> {
        let (secret, created_at) = (random_secret(), now());
        let code = NewCode {
            hash: digest(secret.expose_secret()),
            kind: CodeKind::Reset,
            org_id: None,
            user_id: Some(user),
            created_at,
            expires_at: created_at + RESET_LIFE,
        };
        self.store().write(move |tx| rows::put_code(tx, &code)).await?;
        Ok(self.link("reset-password", &secret))
    }

    /// Sets a new password by a link that was sent. All sessions of the person end; a second factor stays, unless the
    /// account was made by somebody else and the person is seen for the first time.
    ///
    /// # Errors
    /// [`Code::CodeInvalid`], [`Code::PasswordWeak`].
    pub async fn reset_password(
        &self,
        code: &SecretString,
        password: SecretString,
        revoke_tokens: bool,
    ) -> Result<(), Problem> {
        let (hash, at) = (digest(code.expose_secret()), now());
        // First what costs nothing: hashing for whoever asks would keep others from signing in.
        let known = hash.clone();
        if !self.store().read(move |tx| rows::has_code(tx, &known, CodeKind::Reset, at)).await? {
            return Err(Code::CodeInvalid.into());
        }
        credentials::check_password(&password)?;
        let password_hash = credentials::hash_password(password).await?;
        self.store()
            .write(move |tx| {
                let taken = rows::take_code(tx, &hash, CodeKind::Reset, at)?;
                let id = taken.and_then(|code| code.user_id).ok_or(Code::CodeInvalid)?;
                let user = rows::user(tx, id)?.ok_or(Code::CodeInvalid)?;
                prove_address(tx, &user, at)?;
                rows::delete_sessions_of(tx, id, None)?;
                set_password(tx, id, &password_hash, revoke_tokens, at)?;
                record_for(tx, id, &Actor::person(&user), "account.password_reset", Value::Null)
            })
            .await
    }
}

/// Sets the password, and ends what else could let somebody in who knew the old one.
fn set_password(
    tx: &mut Tx,
    user: UserId,
    hash: &str,
    revoke_tokens: bool,
    at: Timestamp,
) -> Result<(), Problem> {
    rows::set_password(tx, user, hash, at)?;
    rows::delete_codes_of(tx, user)?;
    if revoke_tokens {
        rows::delete_tokens_of(tx, user)?;
    }
    Ok(())
}
