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
use rows::{CodeKind, NewCode};
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

impl App {
    /// Makes a user on the data directory, in an organisation of that name (made where there is none), and
    /// answers the password.
    pub async fn local_create_user(&self, new: LocalUser) -> Result<SecretString, Problem> {
        let password = new.password.unwrap_or_else(credentials::random_password);
        credentials::check_password(&password)?;
        let user = new_user(&new.email, new.name, credentials::hash_password(password.clone()).await?);
        let organisation = new_organisation(new.organisation, Country::DEFAULT, Language::default());
        let (app, role, at) = (self.clone(), new.role, now());
        self.store()
            .write(move |tx| {
                let tenant = match rows::tenant_by_name(tx, &organisation.name)? {
                    Some(tenant) => tenant,
                    None => app.create_organisation(tx, &organisation)?,
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
