//! API tokens.

use crate::accounts::members::within_own_role;
use crate::accounts::{Caller, Token};
use crate::clock::{new_id, now};
use crate::credentials::{self, digest};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{Code, ExposeSecret, Problem, Role, SecretString, TokenId, UserId};
use dialtone_store::{Tenant, Tx, accounts as rows};
use jiff::Timestamp;
use serde_json::json;

/// A token to make.
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do: at most the caller's own role.
    pub role: Role,
    /// When it ends; never where absent.
    pub expires_at: Option<Timestamp>,
}

impl App {
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
                    |token: &Token| token.role <= role && (token.user_id == user || role >= Role::Admin);
                let token = token.filter(may).ok_or(Code::NotFound)?;
                rows::delete_token(tx, &tenant, id, None)?;
                record(tx, &tenant, &actor, "token.revoked", id, Some(json!({ "name": token.name })), None)
            })
            .await
    }
}

pub(super) fn new_token(user_id: UserId, new: NewToken) -> (Token, SecretString) {
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

pub(super) fn store_token(
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
