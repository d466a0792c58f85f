//! What takes two requests: a second factor, a passkey, a sign-in elsewhere. The state between them is sealed in
//! a cookie, so that only the browser that began can finish, and strangers cannot fill the database. The ticket
//! travels with the answers; each ends in success once.

use crate::accounts::Device;
use crate::clock::now;
use crate::credentials::{digest, random_secret};
use crate::start::App;
use crate::vault::Place;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialtone_domain::{Code, ExposeSecret, Problem, SecretString};
use dialtone_store::keys::Sealed;
use dialtone_store::{Tx, factors as rows};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// How long somebody may take.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The password was right; a second factor is asked for.
    SecondFactor,
    /// A passkey is asked for.
    Passkey,
    /// A passkey is being made.
    NewPasskey,
    /// The person is at the OpenID provider.
    Oidc,
}

/// What has begun.
pub struct Begun {
    /// Comes back with the answer.
    pub ticket: String,
    /// For the browser's cookie.
    pub cookie: SecretString,
    /// When it is too late.
    pub expires_at: Timestamp,
}

/// What is in the cookie.
#[derive(Serialize, Deserialize)]
struct Cookie<T> {
    kind: Kind,
    ticket: String,
    expires_at: Timestamp,
    state: T,
}

/// What has come back, and is not used up yet.
pub(super) struct Resumed<T> {
    pub(super) state: T,
    ticket: String,
    expires_at: Timestamp,
}

impl<T> Resumed<T> {
    /// Uses the ticket up in the transaction of its success.
    ///
    /// # Errors
    /// The refusal, where it was used before.
    pub(super) fn use_up(&self, tx: &mut Tx, refusal: Code) -> Result<(), Problem> {
        match rows::use_ticket(tx, &digest(&self.ticket), self.expires_at)? {
            true => Ok(()),
            false => Err(refusal.into()),
        }
    }
}

/// A ticket that nobody can guess.
pub(super) fn new_ticket() -> String {
    random_secret().expose_secret().to_owned()
}

fn place() -> Place<'static> {
    Place { table: "ceremonies", row: "", field: "cookie" }
}

impl App {
    /// Begins something that the browser's next request finishes.
    pub(super) async fn begin(&self, kind: Kind, state: impl Serialize) -> Result<Begun, Problem> {
        self.begin_with(new_ticket(), kind, state).await
    }

    /// The same where the ticket had to be told before.
    pub(super) async fn begin_with(
        &self,
        ticket: String,
        kind: Kind,
        state: impl Serialize,
    ) -> Result<Begun, Problem> {
        let expires_at = now() + LIFE;
        let cookie = Cookie { kind, ticket: ticket.clone(), expires_at, state };
        let text = serde_json::to_string(&cookie).map_err(|_| Code::Internal)?;
        let sealed = self.instance_key().await?.seal(place(), &text.into());
        let cookie = URL_SAFE_NO_PAD.encode(sealed.as_bytes()).into();
        Ok(Begun { ticket, cookie, expires_at })
    }

    /// What was begun in this browser with this ticket, if it is of that kind and in time.
    pub(super) async fn resume<T: DeserializeOwned>(
        &self,
        kind: Kind,
        device: &Device,
        ticket: &str,
    ) -> Option<Resumed<T>> {
        let cookie = URL_SAFE_NO_PAD.decode(device.ceremony.as_ref()?.expose_secret()).ok()?;
        let text = self.instance_key().await.ok()?.open(place(), &Sealed::stored(cookie)).ok()?;
        let sealed: Cookie<serde_json::Value> = serde_json::from_str(text.expose_secret()).ok()?;
        let ours = bool::from(sealed.ticket.as_bytes().ct_eq(ticket.as_bytes()));
        let Cookie { ticket, expires_at, .. } = sealed;
        let good = ours && sealed.kind == kind && expires_at > now();
        let state = good.then(|| serde_json::from_value(sealed.state).ok()).flatten()?;
        Some(Resumed { state, ticket, expires_at })
    }
}
