//! Sign-in at an OpenID provider: who is known there becomes whom we know. Once linked it is by the provider's own
//! name for the person; the first time by an e-mail address that the provider verified.

use crate::accounts::invitations::{accept, open_for};
use crate::accounts::sign_in::ceremony::new_ticket;
use crate::accounts::sign_in::{Begun, FirstStep, Kind, SignIn};
use crate::accounts::{Device, new_user, prove_address, record_for};
use crate::clock::now;
use crate::credentials::digest;
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{Code, ExposeSecret, Problem, Role, SecretString};
use dialtone_providers::{Identity, Oidc};
use dialtone_store::accounts::{self, User};
use dialtone_store::{Tx, factors as rows};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Who may come in without having been added: `example.com=viewer@Acme`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSignUp {
    /// The part of their address behind the at sign.
    pub domain: String,
    /// What they may do.
    pub role: Role,
    /// The name of the organisation that they become members of.
    pub organisation: String,
}

impl std::str::FromStr for OidcSignUp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be such as example.com=viewer@Acme";
        let (domain, rest) = text.split_once('=').ok_or(wrong)?;
        let (role, organisation) = rest.split_once('@').ok_or(wrong)?;
        let (domain, organisation) = (domain.trim().to_lowercase(), organisation.trim().to_owned());
        match role.trim().parse() {
            Ok(Role::Owner) => Err("must not make owners of people who sign up"),
            Ok(role) if !domain.is_empty() && !organisation.is_empty() => {
                Ok(Self { domain, role, organisation })
            }
            _ => Err(wrong),
        }
    }
}

/// What only the browser that went to the provider has.
#[derive(Serialize, Deserialize)]
struct AtProvider {
    nonce: String,
    verifier: String,
}

impl App {
    fn oidc(&self) -> Result<&Oidc, Problem> {
        self.inner.oidc.as_ref().ok_or_else(|| Code::NotFound.into())
    }

    /// What people call the OpenID provider, where there is one.
    pub fn oidc_name(&self) -> Option<&str> {
        self.inner.oidc.as_ref().map(Oidc::name)
    }

    /// Where the browser has to go to sign in there.
    ///
    /// # Errors
    /// [`Code::NotFound`] without a provider, [`Code::OidcUnavailable`], [`Code::TooManyAttempts`].
    pub async fn begin_oidc(&self, device: &Device) -> Result<(String, Begun), Problem> {
        let oidc = self.oidc()?;
        let source = self.inner.sign_in_limits.try_source(device)?;
        let ticket = new_ticket();
        let start = oidc.start(&ticket).await?;
        let state = AtProvider {
            nonce: start.nonce.expose_secret().to_owned(),
            verifier: start.verifier.expose_secret().to_owned(),
        };
        self.inner.sign_in_limits.source_is_good(&source);
        Ok((start.url, self.begin_with(ticket, Kind::Oidc, state).await?))
    }

    /// Signs in whoever came back from the provider, or asks for their second factor.
    ///
    /// # Errors
    /// [`Code::OidcRefused`], [`Code::OidcUnknown`], [`Code::OidcUnavailable`], [`Code::TooManyAttempts`].
    pub async fn finish_oidc(&self, state: &str, code: &str, device: &Device) -> Result<SignIn, Problem> {
        let oidc = self.oidc()?;
        // Before it counts as a try: other sites can send browsers here, but not with what only this one has.
        let resumed = self.resume::<AtProvider>(Kind::Oidc, device, state).await.ok_or(Code::OidcRefused)?;
        let source = self.inner.sign_in_limits.try_source(device)?;
        let (nonce, verifier): (SecretString, SecretString) =
            (resumed.state.nonce.as_str().into(), resumed.state.verifier.as_str().into());
        // The code is good for one try: so is the ticket.
        self.store().write(move |tx| resumed.use_up(tx, Code::OidcRefused)).await?;
        let identity = oidc.finish(code, &nonce, &verifier).await?;
        let step = self.person_of(identity).await?;
        self.inner.sign_in_limits.source_is_good(&source);
        self.first_step(step, device).await
    }

    /// Whom we know as this identity: linked before, or now.
    async fn person_of(&self, identity: Identity) -> Result<FirstStep, Problem> {
        let email = identity.email.as_deref().map(str::to_lowercase);
        let sign_up = email.as_deref().and_then(|email| self.sign_up_rule(email));
        let at = now();
        self.store()
            .write(move |tx| {
                let linked = rows::user_by_identity(tx, &identity.issuer, &identity.subject)?;
                let user = match (linked, &email) {
                    (Some(user), _) => accounts::user(tx, user)?.ok_or(Code::OidcUnknown)?,
                    (None, None) => return Err(Problem::from(Code::OidcUnknown)),
                    (None, Some(email)) => {
                        let user = match accounts::user_by_email(tx, email)? {
                            Some(user) => {
                                prove_address(tx, &user, at)?;
                                user
                            }
                            None => add_person(tx, new_person(email, &identity), sign_up.as_ref())?,
                        };
                        if !rows::link_identity(tx, &identity.issuer, &identity.subject, user.id, at)? {
                            return Err(Code::OidcUnknown.into());
                        }
                        let told = json!({ "issuer": identity.issuer });
                        record_for(tx, user.id, &Actor::system("sign-in"), "identity.linked", told)?;
                        user
                    }
                };
                let memberships = accounts::memberships(tx, user.id)?;
                let org = memberships.first().ok_or(Code::OidcUnknown)?.org_id;
                let now = accounts::user(tx, user.id)?.ok_or(Code::OidcUnknown)?;
                let (method, password) = ("OpenID".to_owned(), digest(&now.password_hash));
                Ok(FirstStep { user: user.id, email: user.email, org, method, password })
            })
            .await
    }

    fn sign_up_rule(&self, email: &str) -> Option<OidcSignUp> {
        let (_, domain) = email.rsplit_once('@')?;
        self.inner.oidc_sign_up.iter().find(|rule| rule.domain == domain).cloned()
    }
}

/// Without a password, so that nobody signs in by one.
fn new_person(email: &str, identity: &Identity) -> User {
    let name = identity.name.as_deref().unwrap_or(email);
    let name = name.chars().filter(|c| !c.is_control()).take(255).collect();
    let user = new_user(email, name, String::new());
    User { proved_at: Some(user.created_at), ..user }
}

/// Adds somebody new: to every organisation that invited them, else by the rule for their domain.
fn add_person(tx: &mut Tx, user: User, sign_up: Option<&OidcSignUp>) -> Result<User, Problem> {
    let invitations = open_for(tx, &user.email, user.created_at)?;
    if invitations.is_empty() && sign_up.is_none() {
        return Err(Code::OidcUnknown.into());
    }
    accounts::create_user(tx, &user)?;
    for (tenant, found) in &invitations {
        accept(tx, tenant, found, &user, user.created_at)?;
    }
    if let Some(rule) = sign_up.filter(|_| invitations.is_empty()) {
        let tenant = accounts::tenant_by_name(tx, &rule.organisation)?.ok_or(Code::OidcUnknown)?;
        accounts::add_member(tx, &tenant, user.id, rule.role, user.created_at)?;
        let told = json!({ "email": user.email, "name": user.name, "role": rule.role });
        record(tx, &tenant, &Actor::system("OpenID sign-up"), "member.added", user.id, None, Some(told))?;
    }
    Ok(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_sign_up_is_one_line() {
        let rule: OidcSignUp = "Example.com=viewer@Acme".parse().unwrap();
        assert_eq!(
            (rule.domain.as_str(), rule.role, rule.organisation.as_str()),
            ("example.com", Role::Viewer, "Acme")
        );
        for wrong in
            ["example.com", "example.com=viewer", "=viewer@Acme", "example.com=king@Acme", "a.b=owner@Acme"]
        {
            assert!(wrong.parse::<OidcSignUp>().is_err(), "{wrong}");
        }
    }
}
