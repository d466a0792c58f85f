//! What the command line does on the data directory, without a caller: whoever can read the master key needs none.

use crate::accounts::organisation::new_organisation;
use crate::accounts::tokens::{new_token, store_token};
use crate::accounts::{NewToken, new_user};
use crate::clock::now;
use crate::credentials::{self, digest, random_secret};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{Code, Country, ExposeSecret, Language, Problem, Role, SecretString, UserId};
use dialtone_store::{Tenant, accounts as rows};
use jiff::SignedDuration;
use rows::{CodeKind, NewCode, User};
use serde_json::json;

const SIGN_IN_LINK_LIFE: SignedDuration = SignedDuration::from_hours(1);

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

/// A user who was just made on the data directory.
pub struct LocalUserMade {
    /// Their password.
    pub password: SecretString,
    /// Where their organisation was made for them: the names of those that were there before.
    pub others: Option<Vec<String>>,
}

impl App {
    /// Makes a user on the data directory, in an organisation of that name (made where there is none).
    ///
    /// # Errors
    /// [`Code::MemberExists`] where somebody has that e-mail address; [`Code::PasswordWeak`].
    pub async fn local_create_user(&self, new: LocalUser) -> Result<LocalUserMade, Problem> {
        let password = new.password.unwrap_or_else(credentials::random_password);
        credentials::check_password(&password)?;
        let user = new_user(&new.email, new.name, credentials::hash_password(password.clone()).await?);
        // Who runs the installation knows whom they add.
        let user = User { proved_at: Some(user.created_at), ..user };
        let organisation = new_organisation(new.organisation, Country::DEFAULT, Language::default());
        let (app, role, at) = (self.clone(), new.role, now());
        let others = self
            .store()
            .write(move |tx| {
                let (tenant, others) = match rows::tenant_by_name(tx, &organisation.name)? {
                    Some(tenant) => (tenant, None),
                    None => {
                        let others = rows::organisation_names(tx)?;
                        (app.create_organisation(tx, &organisation)?, Some(others))
                    }
                };
                if !rows::create_user(tx, &user)? {
                    return Err(Problem::from(Code::MemberExists));
                }
                rows::add_member(tx, &tenant, user.id, role, at)?;
                let told = json!({ "email": user.email, "name": user.name, "role": role });
                record(
                    tx,
                    &tenant,
                    &Actor::system("command line"),
                    "member.added",
                    user.id,
                    None,
                    Some(told),
                )?;
                Ok(others)
            })
            .await?;
        Ok(LocalUserMade { password, others })
    }

    /// Makes a token for a member, on the data directory: in the organisation named, else in the one that they
    /// used last.
    ///
    /// # Errors
    /// [`Code::NotFound`] where no member there has that e-mail address; [`Code::RoleTooHigh`] above the member's own
    /// role.
    pub async fn local_create_token(
        &self,
        email: &str,
        organisation: Option<&str>,
        role: Role,
    ) -> Result<SecretString, Problem> {
        let (tenant, user, own) = self.local_member(email, organisation).await?;
        if role > own {
            return Err(Code::RoleTooHigh.into());
        }
        let new = NewToken { name: "command line".to_owned(), role, scopes: None, expires_at: None };
        let (row, secret) = new_token(user, new);
        let (actor, hash) = (Actor::system("command line"), digest(secret.expose_secret()));
        self.store().write(move |tx| store_token(tx, &tenant, &actor, &row, &hash)).await?;
        Ok(secret)
    }

    /// A code that signs a member in once: `<public url>/sign-in/<code>`.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn local_sign_in_code(&self, email: &str) -> Result<SecretString, Problem> {
        let (tenant, user, _) = self.local_member(email, None).await?;
        let code = random_secret();
        let (hash, created_at) = (digest(code.expose_secret()), now());
        let new = NewCode {
            hash,
            kind: CodeKind::SignIn,
            org_id: Some(tenant.org()),
            user_id: Some(user),
            created_at,
            expires_at: created_at + SIGN_IN_LINK_LIFE,
        };
        self.store().write(move |tx| rows::put_code(tx, &new)).await?;
        Ok(code)
    }

    /// A link at which a person can choose a new password: for whoever runs the server, where mails do not work.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn local_reset_link(&self, email: &str) -> Result<SecretString, Problem> {
        let email = email.trim().to_lowercase();
        let user = self.store().read(move |tx| rows::user_by_email(tx, &email)).await?;
        self.reset_link(user.ok_or(Code::NotFound)?.id).await
    }

    async fn local_member(
        &self,
        email: &str,
        organisation: Option<&str>,
    ) -> Result<(Tenant, UserId, Role), Problem> {
        let (email, organisation) = (email.trim().to_lowercase(), organisation.map(str::to_owned));
        let found =
            self.store().read(move |tx| rows::tenant_of_member(tx, &email, organisation.as_deref())).await?;
        let (tenant, user, role) = found.into_iter().next().ok_or(Code::NotFound)?;
        Ok((tenant, user.id, role))
    }
}
