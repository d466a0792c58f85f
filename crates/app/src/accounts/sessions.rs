//! Sessions and tokens in use: who a request belongs to, and the end of a session.

use crate::accounts::{Caller, Credential};
use crate::clock::now;
use crate::credentials::digest;
use crate::start::App;
use dialtone_domain::{Language, Problem};
use dialtone_store::accounts as rows;
use jiff::{SignedDuration, Timestamp};

impl App {
    /// Ends the caller's session; a token stays.
    ///
    /// # Errors
    /// Only for trouble with the database, as all of this file.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), Problem> {
        let Credential::Session(id) = caller.credential else { return Ok(()) };
        let tenant = caller.tenant.clone();
        Ok(self.store().write(move |tx| rows::delete_session(tx, &tenant, id).map(drop)).await?)
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
        if let Some(used) = caller
            .clone()
            .filter(|caller| caller.last_used.is_none_or(|last| at.duration_since(last) > minute))
        {
            self.store().write(move |tx| rows::touch(tx, &used, at)).await?;
        }
        Ok(caller)
    }

    /// Sets the caller's own language; none follows the browser.
    pub async fn set_my_language(&self, caller: &Caller, language: Option<Language>) -> Result<(), Problem> {
        let (user, at) = (caller.user_id, now());
        Ok(self.store().write(move |tx| rows::set_language(tx, user, language, at)).await?)
    }
}
