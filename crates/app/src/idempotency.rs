//! The answer to a request with an `Idempotency-Key` is kept, and given again to the same request. It is kept
//! sealed: an answer may hold a token's secret, which is shown once and never stored in the clear.

use crate::accounts::Caller;
use crate::clock::now;
use crate::start::App;
use crate::vault::Place;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialtone_domain::{Code, ExposeSecret, Problem};
use dialtone_store::idempotency as rows;
use jiff::SignedDuration;

pub use rows::Begin;

/// How long an answer is kept.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24);

fn place(key: &str) -> Place<'_> {
    Place { table: "idempotency", row: key, field: "body" }
}

impl App {
    /// Claims the key for this request, or tells what became of it before. `digest` is of the whole request, which
    /// may hold a password: it is not kept as it is.
    ///
    /// # Errors
    /// Only for trouble with the database or the master key, as all of this file.
    pub async fn idempotency_begin(
        &self,
        caller: &Caller,
        key: &str,
        digest: [u8; 32],
    ) -> Result<Begin, Problem> {
        let data_key = self.keys(&caller.tenant).await?.data_key;
        let fingerprint = data_key.fingerprint(&digest);
        let (tenant, user, row, at) =
            (caller.tenant.clone(), caller.user_id.to_string(), key.to_owned(), now());
        let begin = self.store().write(move |tx| {
            rows::forget(tx, at - KEPT)?;
            rows::begin(tx, &tenant, &user, &row, &fingerprint, at)
        });
        match begin.await? {
            Begin::Done { status, body } => {
                let sealed = STANDARD.decode(body).map_err(|_| Code::Sealed)?;
                let body = data_key.open(place(key), &sealed)?;
                Ok(Begin::Done { status, body: body.expose_secret().to_owned() })
            }
            other => Ok(other),
        }
    }

    /// Keeps the answer.
    pub async fn idempotency_finish(
        &self,
        caller: &Caller,
        key: &str,
        status: u16,
        body: String,
    ) -> Result<(), Problem> {
        let data_key = self.keys(&caller.tenant).await?.data_key;
        let body = STANDARD.encode(data_key.seal(place(key), &body.into()));
        let (tenant, user, key) = (caller.tenant.clone(), caller.user_id.to_string(), key.to_owned());
        let status = i64::from(status);
        Ok(self.store().write(move |tx| rows::finish(tx, &tenant, &user, &key, status, &body)).await?)
    }

    /// Gives the key back: the request did nothing, so it may come again.
    pub async fn idempotency_abandon(&self, caller: &Caller, key: &str) -> Result<(), Problem> {
        let (tenant, user, key) = (caller.tenant.clone(), caller.user_id.to_string(), key.to_owned());
        Ok(self.store().write(move |tx| rows::release(tx, &tenant, &user, &key)).await?)
    }
}
