//! Sessions and tokens in use: who a request belongs to; a person's sessions, and their end.

use crate::accounts::sign_in::SignedIn;
use crate::accounts::{Caller, Credential, record_for, still};
use crate::clock::{new_id, now};
use crate::credentials::{digest, random_secret};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{Code, ExposeSecret, OrgId, Permission, Problem, SecretString, SessionId, UserId};
use dialtone_store::accounts as rows;
use jiff::{SignedDuration, Timestamp};
use rows::{NewSession, Session};
use serde_json::json;
use std::net::IpAddr;

/// How long a session lives unused, and how long at all.
const IDLE_LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);
const LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// As much of what a browser says of itself as is kept.
const USER_AGENT_LENGTH_MAX: usize = 200;

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Device {
    /// The network address.
    pub address: IpAddr,
    /// The browser, in its own words.
    pub user_agent: String,
    /// Its cookies whose names begin with [`DEVICE_COOKIE`](crate::DEVICE_COOKIE).
    pub known: Vec<SecretString>,
    /// Its cookie of a sign-in that has begun.
    pub ceremony: Option<SecretString>,
}

pub(super) fn new_session(org_id: OrgId, user_id: UserId, device: &Device) -> (NewSession, SecretString) {
    let (secret, created_at) = (random_secret(), now());
    let kept = device.user_agent.chars().filter(|char| !char.is_control()).take(USER_AGENT_LENGTH_MAX);
    let session = NewSession {
        id: new_id(),
        token_hash: digest(secret.expose_secret()),
        org_id,
        user_id,
        address: device.address.to_canonical().to_string(),
        user_agent: kept.collect(),
        created_at,
        expires_at: created_at + IDLE_LIFE,
        ends_at: created_at + LIFE,
    };
    (session, secret)
}

/// The caller's session.
///
/// # Errors
/// [`Code::SessionNeeded`] where the caller is a program with a token.
pub(super) fn session_of(caller: &Caller) -> Result<SessionId, Problem> {
    match caller.credential {
        Credential::Session(id) => Ok(id),
        Credential::Token(_) => Err(Code::SessionNeeded.into()),
    }
}

impl App {
    /// Ends the caller's session; a token stays.
    ///
    /// # Errors
    /// Only for trouble with the database, where nothing else is said in this file.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), Problem> {
        let Credential::Session(id) = caller.credential else { return Ok(()) };
        let caller = caller.clone();
        self.store()
            .write(move |tx| match rows::delete_session(tx, caller.user_id, id)? {
                true => record(tx, &caller.tenant, &Actor::of(&caller), "session.ended", id, None, None),
                false => Ok(()),
            })
            .await
    }

    /// The caller's own sessions, in every organisation.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, Problem> {
        let (user, at) = (caller.user_id, now());
        Ok(self.store().read(move |tx| rows::sessions(tx, user, at)).await?)
    }

    /// Ends one of the caller's own sessions.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn revoke_session(&self, caller: &Caller, id: SessionId) -> Result<(), Problem> {
        let caller = caller.clone();
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                if !rows::delete_session(tx, caller.user_id, id)? {
                    return Err(Code::NotFound.into());
                }
                record_for(
                    tx,
                    caller.user_id,
                    &Actor::of(&caller),
                    "session.revoked",
                    json!({ "session_id": id }),
                )
            })
            .await
    }

    /// Ends all of the caller's sessions but this one; answers how many.
    pub async fn revoke_other_sessions(&self, caller: &Caller) -> Result<u64, Problem> {
        let (caller, kept) = (caller.clone(), session_of(caller)?);
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                let ended = rows::delete_sessions_of(tx, caller.user_id, Some(kept))?;
                let told = json!({ "sessions": ended });
                record_for(tx, caller.user_id, &Actor::of(&caller), "session.others_revoked", told)?;
                Ok(ended)
            })
            .await
    }

    /// Moves the caller's session to another of their organisations; its secret before no longer works.
    ///
    /// # Errors
    /// [`Code::NotFound`] where they have no right there; [`Code::SessionNeeded`] with a token.
    pub async fn switch_organisation(&self, caller: &Caller, org: OrgId) -> Result<SignedIn, Problem> {
        let (caller, id) = (caller.clone(), session_of(caller)?);
        let (secret, at) = (random_secret(), now());
        let hash = digest(secret.expose_secret());
        let switched = self.store().write(move |tx| {
            let caller = still(tx, &caller, Permission::Member)?;
            let expires_at = rows::session_end(tx, caller.user_id, id)?.ok_or(Code::NotSignedIn)?;
            if !rows::renew_session(tx, caller.user_id, id, org, &hash, at)? {
                return Err(Problem::from(Code::NotFound));
            }
            let caller = rows::caller_by_session(tx, &hash, at)?.ok_or(Code::NotSignedIn)?;
            record(tx, &caller.tenant, &Actor::of(&caller), "session.switched", id, None, None)?;
            Ok((caller, expires_at))
        });
        let (caller, expires_at) = switched.await?;
        Ok(SignedIn { secret, caller, expires_at, known: None })
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
        let stale = |caller: &Caller| caller.last_used.is_none_or(|last| at.duration_since(last) > minute);
        if let Some(used) = caller.clone().filter(stale) {
            self.store()
                .write(move |tx| match used.credential {
                    Credential::Session(id) => rows::touch_session(tx, &used.tenant, id, at, at + IDLE_LIFE),
                    Credential::Token(id) => rows::touch_token(tx, &used.tenant, id, at),
                })
                .await?;
        }
        Ok(caller)
    }
}
