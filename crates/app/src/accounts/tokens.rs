//! API tokens.

use crate::accounts::members::may_grant;
use crate::accounts::{Caller, Credential, Token, still};
use crate::clock::{new_id, now};
use crate::credentials::{self, digest};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{
    Code, ExposeSecret, Permission, Problem, Rights, Role, Scopes, SecretString, TokenId, UserId,
};
use dialtone_store::{Tenant, Tx, accounts as rows};
use jiff::Timestamp;
use serde_json::json;

/// A token to make.
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do: at most the caller's own role.
    pub role: Role,
    /// What it is narrowed to; to nothing where absent.
    pub scopes: Option<Scopes>,
    /// When it ends; never where absent.
    pub expires_at: Option<Timestamp>,
}

impl App {
    /// The organisation's tokens: all for those who manage members, else the caller's own.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn tokens(&self, caller: &Caller) -> Result<Vec<Token>, Problem> {
        let (tenant, user) = (caller.tenant.clone(), caller.user_id);
        let of = (!caller.may(Permission::MembersChange)).then_some(user);
        Ok(self.store().read(move |tx| rows::tokens(tx, &tenant, of)).await?)
    }

    /// Makes a token and answers its secret, which is not shown again. A token makes none that may more than itself,
    /// or lives longer.
    ///
    /// # Errors
    /// [`Code::RoleTooHigh`], [`Code::GrantTooWide`].
    pub async fn create_token(
        &self,
        caller: &Caller,
        new: NewToken,
    ) -> Result<(Token, SecretString), Problem> {
        let (mut token, secret) = new_token(caller.user_id, new);
        token.made_by = match caller.credential {
            Credential::Token(id) => Some(id),
            Credential::Session(_) => None,
        };
        let (caller, row, hash) = (caller.clone(), token.clone(), digest(secret.expose_secret()));
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::TokensOwn)?;
                may_grant(&caller, Rights { role: row.role, scopes: row.scopes })?;
                let outlives = |end| row.expires_at.is_none_or(|expires_at| expires_at > end);
                if caller.token_ends_at.is_some_and(outlives) {
                    return Err(Problem::from(Code::GrantTooWide));
                }
                store_token(tx, &caller.tenant, &Actor::of(&caller), &row, &hash)
            })
            .await?;
        Ok((token, secret))
    }

    /// Revokes a token: one's own, or anybody's of a lower or equal role for those who manage members.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn revoke_token(&self, caller: &Caller, id: TokenId) -> Result<(), Problem> {
        let caller = caller.clone();
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::TokensOwn)?;
                let manages = caller.may(Permission::MembersChange);
                let may =
                    |token: &Token| token.role <= caller.role && (token.user_id == caller.user_id || manages);
                let tokens = rows::tokens(tx, &caller.tenant, None)?;
                let token =
                    tokens.into_iter().find(|token| token.id == id).filter(may).ok_or(Code::NotFound)?;
                rows::delete_token(tx, &caller.tenant, id, None)?;
                let was = Some(json!({ "name": token.name, "role": token.role, "scopes": names(&token) }));
                record(tx, &caller.tenant, &Actor::of(&caller), "token.revoked", id, was, None)
            })
            .await
    }
}

fn names(token: &Token) -> Option<Vec<&'static str>> {
    token.scopes.map(Scopes::names)
}

pub(super) fn new_token(user_id: UserId, new: NewToken) -> (Token, SecretString) {
    let secret = credentials::random_token();
    let prefix = secret.expose_secret()[..8].to_owned();
    let NewToken { name, role, scopes, expires_at } = new;
    let token = Token {
        id: new_id(),
        user_id,
        name,
        role,
        scopes,
        prefix,
        created_at: now(),
        expires_at,
        last_used_at: None,
        made_by: None,
    };
    (token, secret)
}

pub(super) fn store_token(
    tx: &mut Tx,
    tenant: &Tenant,
    actor: &Actor,
    token: &Token,
    hash: &[u8],
) -> Result<(), Problem> {
    if !rows::create_token(tx, tenant, token, hash)? {
        return Err(Code::NotSignedIn.into());
    }
    let told = json!({ "name": token.name, "role": token.role, "scopes": names(token),
                       "expires_at": token.expires_at.map(|at| at.to_string()) });
    record(tx, tenant, actor, "token.created", token.id, None, Some(told))
}
