//! The answer to a request with an `Idempotency-Key` is kept, and given again to the same request.

use crate::accounts::Caller;
use crate::clock::now;
use crate::start::App;
use dialtone_domain::Problem;
use dialtone_store::idempotency as rows;
use jiff::SignedDuration;

pub use rows::Begin;

const KEPT: SignedDuration = SignedDuration::from_hours(24);

impl App {
    /// Claims the key for this request, or tells what became of it before.
    ///
    /// # Errors
    /// Only for trouble with the database, as all of this file.
    pub async fn idempotency_begin(
        &self,
        caller: &Caller,
        key: &str,
        fingerprint: [u8; 32],
    ) -> Result<Begin, Problem> {
        let (tenant, user, key, at) =
            (caller.tenant.clone(), caller.user_id.to_string(), key.to_owned(), now());
        let begin = self
            .store()
            .write(move |tx| {
                rows::forget(tx, at - KEPT)?;
                rows::begin(tx, &tenant, &user, &key, &fingerprint, at)
            })
            .await?;
        Ok(begin)
    }

    /// Keeps the answer.
    pub async fn idempotency_finish(
        &self,
        caller: &Caller,
        key: &str,
        status: u16,
        body: String,
    ) -> Result<(), Problem> {
        let (tenant, user, key) = (caller.tenant.clone(), caller.user_id.to_string(), key.to_owned());
        Ok(self
            .store()
            .write(move |tx| rows::finish(tx, &tenant, &user, &key, i64::from(status), &body))
            .await?)
    }

    /// Gives the key back: the request did nothing, so it may come again.
    pub async fn idempotency_abandon(&self, caller: &Caller, key: &str) -> Result<(), Problem> {
        let (tenant, user, key) = (caller.tenant.clone(), caller.user_id.to_string(), key.to_owned());
        Ok(self.store().write(move |tx| rows::release(tx, &tenant, &user, &key)).await?)
    }
}
