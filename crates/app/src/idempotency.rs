//! The answer to a request with an `Idempotency-Key` is kept, and given again to the same request. It is kept
//! sealed: an answer may hold a token's secret, which is shown once and never stored in the clear; and so is what
//! tells the request from others, which may hold a password.

use crate::accounts::Caller;
use crate::clock::steady;
use crate::start::App;
use crate::vault::Place;
use dialtone_domain::{ExposeSecret, Problem, SecretString};
use dialtone_store::{KeyOwner, idempotency as rows};
use jiff::SignedDuration;

/// How long an answer is kept.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What to do with a request that carries a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Do it: it is the first one with this key.
    Started,
    /// Another one with this key is being done just now.
    InFlight,
    /// It has been done: this was the answer.
    Done {
        /// The HTTP status.
        status: i64,
        /// The body.
        body: String,
    },
    /// The key was used for another request.
    OtherRequest,
}

/// The row of a caller's key.
fn row(caller: &Caller, key: &str) -> String {
    format!("{}/{}/{key}", caller.tenant.org(), caller.user_id)
}

fn body_place(row: &str) -> Place<'_> {
    Place { table: "idempotency", row, field: "body" }
}

fn fingerprint_place(row: &str) -> Place<'_> {
    Place { table: "idempotency", row, field: "fingerprint" }
}

impl App {
    /// Claims the key for this request, or tells what became of it before. `digest` is of the whole request.
    ///
    /// # Errors
    /// Only for trouble with the database or the master key, as all of this file.
    pub async fn idempotency_begin(
        &self,
        caller: &Caller,
        key: &str,
        digest: [u8; 32],
    ) -> Result<Begin, Problem> {
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = SecretString::from(digest);
        let (app, tenant, row) = (self.clone(), caller.tenant.clone(), row(caller, key));
        let begin = self.store().write(move |tx| {
            let at = steady();
            rows::forget(tx, at - KEPT)?;
            let data_key = app.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?;
            let fingerprint = data_key.seal(fingerprint_place(&row), &digest);
            let known = match rows::begin(tx, &tenant, &row, &fingerprint, at)? {
                rows::Begin::Started => return Ok(Begin::Started),
                rows::Begin::Known(known) => known,
            };
            let first = data_key.open(fingerprint_place(&row), &known.fingerprint)?;
            if first.expose_secret() != digest.expose_secret() {
                return Ok(Begin::OtherRequest);
            }
            match (known.status, known.body) {
                (Some(status), Some(body)) => {
                    let body = data_key.open(body_place(&row), &body)?;
                    Ok(Begin::Done { status, body: body.expose_secret().to_owned() })
                }
                _ if rows::take_over(tx, &tenant, &row, at)? => Ok(Begin::Started),
                _ => Ok::<_, Problem>(Begin::InFlight),
            }
        });
        begin.await
    }

    /// Keeps the answer.
    pub async fn idempotency_finish(
        &self,
        caller: &Caller,
        key: &str,
        status: u16,
        body: String,
    ) -> Result<(), Problem> {
        let body = SecretString::from(body);
        let (app, tenant, row) = (self.clone(), caller.tenant.clone(), row(caller, key));
        self.store()
            .write(move |tx| {
                let data_key = app.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?;
                let body = data_key.seal(body_place(&row), &body);
                Ok(rows::finish(tx, &tenant, &row, status.into(), &body)?)
            })
            .await
    }

    /// Gives the key back: the request did nothing, so it may come again.
    pub async fn idempotency_abandon(&self, caller: &Caller, key: &str) -> Result<(), Problem> {
        let (tenant, row) = (caller.tenant.clone(), row(caller, key));
        Ok(self.store().write(move |tx| rows::release(tx, &tenant, &row)).await?)
    }
}
