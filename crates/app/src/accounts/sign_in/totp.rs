//! Codes of an authenticator app (RFC 6238): six digits, thirty seconds, one step of drift, each code once.

use crate::accounts::sessions::session_of;
use crate::accounts::sign_in::Proof;
use crate::accounts::{Caller, Device, record_for, still};
use crate::clock::now;
use crate::events::Actor;
use crate::start::App;
use crate::vault::Place;
use dialtone_domain::{Code, ExposeSecret, Permission, Problem, SecretString, UserId};
use dialtone_store::factors as rows;
use totp_rs::{Builder, Secret, Totp};

/// What the app shows beside the person's address.
const ISSUER: &str = "Dialtone";
/// How far the app's clock may be off, in steps.
const DRIFT: u16 = 1;

/// An authenticator app to be added.
pub struct NewTotp {
    /// The secret in base32, to type.
    pub secret: SecretString,
    /// The same as an `otpauth:` address, to draw as a QR code.
    pub uri: SecretString,
}

/// For the person with that address; a colon in it would end the name in the app.
fn generator(secret: Secret, email: &str) -> Result<Totp, Problem> {
    let builder = Builder::new().with_secret(secret).with_skew(DRIFT).with_issuer(Some(ISSUER));
    Ok(builder.with_account_name(email.replace(':', " ")).build().map_err(|_| Code::Internal)?)
}

impl App {
    fn totp_place(row: &str) -> Place<'_> {
        Place { table: "totp", row, field: "secret" }
    }

    /// Begins to add an authenticator app. It counts when a code of it has been confirmed.
    ///
    /// # Errors
    /// [`Code::FactorExists`], [`Code::SessionNeeded`], [`Code::ProofNeeded`], [`Code::TooManyAttempts`].
    pub async fn begin_totp(
        &self,
        caller: &Caller,
        proof: Proof,
        device: &Device,
    ) -> Result<NewTotp, Problem> {
        self.prove(caller, proof, device).await?;
        let totp = generator(Secret::new(Box::new(rand::random::<[u8; 20]>())), &caller.email)?;
        let uri = totp.to_url().map_err(|_| Code::Internal)?.into();
        let secret: SecretString = totp.secret().to_base32().into();
        let (user, at) = (caller.user_id, now());
        let sealed = self.instance_key().await?.seal(Self::totp_place(&user.to_string()), &secret);
        let put = self.store().write(move |tx| rows::put_totp(tx, user, &sealed, at)).await?;
        if put { Ok(NewTotp { secret, uri }) } else { Err(Code::FactorExists.into()) }
    }

    /// Confirms the app with a code of it. The first factor brings ten recovery codes, shown this once.
    ///
    /// # Errors
    /// [`Code::FactorCodeWrong`], [`Code::FactorExists`], [`Code::SessionNeeded`], [`Code::TooManyAttempts`].
    pub async fn confirm_totp(
        &self,
        caller: &Caller,
        code: &str,
        device: &Device,
    ) -> Result<Option<Vec<SecretString>>, Problem> {
        session_of(caller)?;
        let user = caller.user_id;
        let known = self.known_device(device, &caller.email).await;
        let tried = self.inner.sign_in_limits.try_factor(user, known.as_deref())?;
        let row = self.store().read(move |tx| rows::totp(tx, user)).await?;
        if row.as_ref().is_some_and(|row| row.confirmed_at.is_some()) {
            return Err(Code::FactorExists.into());
        }
        let step = self.totp_step(row, code).await?.ok_or(Code::FactorCodeWrong)?;
        let (caller, at) = (caller.clone(), now());
        let codes = self
            .store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                let codes = super::factors::first_codes(tx, user)?;
                if !rows::use_totp_step(tx, user, step, at)? {
                    return Err(Problem::from(Code::FactorCodeWrong));
                }
                record_for(
                    tx,
                    user,
                    &Actor::of(&caller),
                    "factor.added",
                    serde_json::json!({ "kind": "totp" }),
                )?;
                Ok(codes)
            })
            .await?;
        self.inner.sign_in_limits.factor_fits(&tried);
        Ok(codes)
    }

    /// The time step of the code, if it is one of the app's and not older than the last that was used.
    pub(super) async fn totp_step(
        &self,
        row: Option<rows::Totp>,
        code: &str,
    ) -> Result<Option<i64>, Problem> {
        let Some(row) = row else { return Ok(None) };
        let secret =
            self.instance_key().await?.open(Self::totp_place(&row.user_id.to_string()), &row.secret)?;
        let secret = Secret::try_from_base32(secret.expose_secret()).map_err(|_| Code::Sealed)?;
        let seconds = u64::try_from(now().as_second()).map_err(|_| Code::Internal)?;
        let step = generator(secret, "")?.check(code, seconds).and_then(|step| i64::try_from(step).ok());
        Ok(step.filter(|step| *step > row.last_step))
    }

    /// Removes the authenticator app.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::FactorsRequired`], [`Code::SessionNeeded`], [`Code::ProofNeeded`].
    pub async fn remove_totp(&self, caller: &Caller, proof: Proof, device: &Device) -> Result<(), Problem> {
        self.prove(caller, proof, device).await?;
        self.remove_factor(caller, "totp", move |tx, user: UserId| rows::delete_totp(tx, user)).await
    }
}
