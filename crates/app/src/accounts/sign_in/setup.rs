//! The first set-up: one owner, by the code that the server printed; closed for ever after.

use crate::accounts::organisation::new_organisation;
use crate::accounts::sign_in::SignedIn;
use crate::accounts::{Device, new_user};
use crate::clock::now;
use crate::credentials::{self, digest, random_secret};
use crate::events::{Actor, record, record_installation};
use crate::start::App;
use dialtone_domain::{Code, Country, ExposeSecret, Language, Problem, Role, SecretString};
use dialtone_store::{Tenant, Tx, accounts as rows};
use jiff::{SignedDuration, Timestamp};
use rows::{CodeKind, NewCode, User};
use serde_json::json;

const SETUP_CODE_LIFE: SignedDuration = SignedDuration::from_hours(24);

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
    ///
    /// # Errors
    /// [`Code::SetupDone`], [`Code::CodeInvalid`], [`Code::PasswordWeak`], [`Code::TooManyAttempts`].
    pub async fn set_up(&self, request: SetUp, device: &Device) -> Result<SignedIn, Problem> {
        // First what costs nothing: hashing for whoever asks would keep others from signing in.
        if !self.setup_needed().await? {
            return Err(Code::SetupDone.into());
        }
        let source = self.inner.sign_in_limits.try_source(device)?;
        let (hash, at) = (digest(request.code.expose_secret()), now());
        let code = hash.clone();
        if !self.store().read(move |tx| rows::has_code(tx, &code, CodeKind::Setup, at)).await? {
            return Err(Code::CodeInvalid.into());
        }
        self.inner.sign_in_limits.source_is_good(&source);
        credentials::check_password(&request.password)?;
        let password_hash = credentials::hash_password(request.password).await?;
        let organisation = new_organisation(request.organisation, request.country, request.language);
        let user = new_user(&request.email, request.name, password_hash);
        let user = User { proved_at: Some(user.created_at), ..user };
        let app = self.clone();
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
        self.begin_session(org, owner, device, "set-up").await
    }
}

fn create_owner(tx: &mut Tx, tenant: &Tenant, user: &rows::User, at: Timestamp) -> Result<(), Problem> {
    rows::create_user(tx, user)?;
    rows::add_member(tx, tenant, user.id, Role::Owner, at)?;
    let told = json!({ "email": user.email, "name": user.name, "role": Role::Owner });
    record(tx, tenant, &Actor::system("set-up"), "member.added", user.id, None, Some(told))
}
