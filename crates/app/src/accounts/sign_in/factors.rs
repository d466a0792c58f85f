//! Second factors: what a person has, the second step of a sign-in, recovery codes, and the organisation's rule.

use crate::accounts::sessions::session_of;
use crate::accounts::sign_in::{FirstStep, Kind, SignedIn};
use crate::accounts::{Caller, Credential, Device, record_for, still};
use crate::clock::now;
use crate::credentials::digest;
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{Code, ExposeSecret, Permission, Problem, SecretString, UserId};
use dialtone_store::{Tx, accounts, factors as rows};
use jiff::{SignedDuration, Timestamp};
use rows::FactorCounts;
use serde_json::{Value, json};

/// How long after signing in somebody may change factors without proving again who they are.
const FRESH: SignedDuration = SignedDuration::from_mins(15);
const RECOVERY_CODES: usize = 10;
/// Without letters that are taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Proves again who the caller is, where they did not sign in just now: their password.
pub type Proof = Option<SecretString>;

/// What a person has, and what their organisation asks for.
#[derive(Debug, Clone)]
pub struct Factors {
    /// Whether an authenticator app is confirmed.
    pub totp: bool,
    /// How many passkeys.
    pub passkeys: i64,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
    /// Whether the organisation requires a second factor.
    pub required: bool,
    /// Whether factors can be changed without proving again who one is.
    pub fresh: bool,
}

/// What a second step can be done with.
pub(super) struct Methods(FactorCounts);

impl Methods {
    /// Their names, none where there is no second factor. Where no passkey can be used, because browsers reach us
    /// by a bare address, those who have nothing else are let in by recovery codes.
    pub(super) fn methods(&self, passkeys_work: bool) -> Vec<&'static str> {
        let Methods(counts) = self;
        if counts.totp + counts.passkeys == 0 {
            return Vec::new();
        }
        let rows = [
            (counts.totp > 0, "totp"),
            (counts.passkeys > 0 && passkeys_work, "passkey"),
            (true, "recovery_code"),
        ];
        rows.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect()
    }
}

/// Sixteen letters and digits in groups of four: 80 random bits.
fn recovery_code() -> SecretString {
    let letters = rand::random::<[u8; 16]>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-").into()
}

/// What is stored of a recovery code, however it was typed.
fn recovery_digest(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    digest(&plain.to_ascii_lowercase())
}

fn new_codes(tx: &mut Tx, user: UserId) -> Result<Vec<SecretString>, Problem> {
    let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
    let hashes: Vec<_> = codes.iter().map(|code| recovery_digest(code.expose_secret())).collect();
    rows::put_recovery_codes(tx, user, &hashes)?;
    Ok(codes)
}

/// The recovery codes that come with a person's first factor.
pub(super) fn first_codes(tx: &mut Tx, user: UserId) -> Result<Option<Vec<SecretString>>, Problem> {
    let counts = rows::counts(tx, user)?;
    match counts.totp + counts.passkeys {
        0 => new_codes(tx, user).map(Some),
        _ => Ok(None),
    }
}

impl App {
    /// Whether the caller's organisation requires a second factor, and they have none: then they have no right
    /// there but to add one.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn lacks_factor(&self, caller: &Caller) -> Result<bool, Problem> {
        if caller.organisation.factors_required_at.is_none() {
            return Ok(false);
        }
        let user = caller.user_id;
        let counts = self.store().read(move |tx| rows::counts(tx, user)).await?;
        Ok(counts.totp + counts.passkeys == 0)
    }

    pub(super) async fn factors_of(&self, user: UserId) -> Result<Methods, Problem> {
        Ok(Methods(self.store().read(move |tx| rows::counts(tx, user)).await?))
    }

    /// What the caller has.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn factors(&self, caller: &Caller) -> Result<Factors, Problem> {
        let user = caller.user_id;
        let fresh = self.is_fresh(caller).await?;
        let counts = self.store().read(move |tx| rows::counts(tx, user)).await?;
        Ok(Factors {
            totp: counts.totp > 0,
            passkeys: counts.passkeys,
            recovery_codes: counts.recovery_codes,
            required: caller.organisation.factors_required_at.is_some(),
            fresh,
        })
    }

    /// Finishes a sign-in with a code of an authenticator app or a recovery code.
    ///
    /// # Errors
    /// [`Code::SecondFactorFailed`] whatever was wrong, [`Code::TooManyAttempts`].
    pub async fn second_factor(
        &self,
        ticket: &str,
        code: &str,
        device: &Device,
    ) -> Result<SignedIn, Problem> {
        let resumed = self
            .resume::<FirstStep>(Kind::SecondFactor, device, ticket)
            .await
            .ok_or(Code::SecondFactorFailed)?;
        let FirstStep { user, org, ref password, .. } = resumed.state;
        let password = password.clone();
        let method = format!("{}, second factor", resumed.state.method);
        let known = self.known_device(device, &resumed.state.email).await;
        let tried = self.inner.sign_in_limits.try_factor(user, known.as_deref())?;
        let row = self.store().read(move |tx| rows::totp(tx, user)).await?;
        let step = self.totp_step(row.filter(|row| row.confirmed_at.is_some()), code).await?;
        let (hash, at) = (recovery_digest(code), now());
        let used = self
            .store()
            .write(move |tx| {
                let now = accounts::user(tx, user)?.ok_or(Code::SecondFactorFailed)?;
                if digest(&now.password_hash) != password {
                    return Err(Problem::from(Code::SecondFactorFailed));
                }
                let used = match step {
                    Some(step) => rows::use_totp_step(tx, user, step, at)?,
                    None => rows::use_recovery_code(tx, user, &hash)?,
                };
                if !used {
                    return Err(Problem::from(Code::SecondFactorFailed));
                }
                if step.is_none() {
                    let left = rows::counts(tx, user)?.recovery_codes;
                    let told = json!({ "left": left });
                    record_for(tx, user, &Actor::system("sign-in"), "factor.recovery_code_used", told)?;
                }
                resumed.use_up(tx, Code::SecondFactorFailed)
            })
            .await;
        if let Err(problem) = used {
            self.note_failure(Some(user), &tried, "second factor");
            return Err(problem);
        }
        self.inner.sign_in_limits.factor_fits(&tried);
        self.begin_session(org, user, device, &method).await
    }

    async fn is_fresh(&self, caller: &Caller) -> Result<bool, Problem> {
        let Credential::Session(id) = caller.credential else { return Ok(false) };
        let (tenant, at) = (caller.tenant.clone(), now());
        let proved = self.store().read(move |tx| rows::session_proved_at(tx, &tenant, id)).await?;
        Ok(proved.is_some_and(|proved: Timestamp| at.duration_since(proved) <= FRESH))
    }

    /// That the caller is who signed in: just now, or by their password again. A token cannot be.
    pub(super) async fn prove(&self, caller: &Caller, proof: Proof, device: &Device) -> Result<(), Problem> {
        session_of(caller)?;
        match proof {
            Some(password) => match self.person(&caller.email, password, device).await {
                Err(problem) if problem.code == Code::SignInFailed => Err(Code::PasswordWrong.into()),
                answer => answer.map(drop),
            },
            None if self.is_fresh(caller).await? => Ok(()),
            None => Err(Code::ProofNeeded.into()),
        }
    }

    /// Ten new recovery codes in place of those there are.
    ///
    /// # Errors
    /// [`Code::NotFound`] without a second factor, [`Code::SessionNeeded`], [`Code::ProofNeeded`].
    pub async fn renew_recovery_codes(
        &self,
        caller: &Caller,
        proof: Proof,
        device: &Device,
    ) -> Result<Vec<SecretString>, Problem> {
        self.prove(caller, proof, device).await?;
        let caller = caller.clone();
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                let user = caller.user_id;
                let counts = rows::counts(tx, user)?;
                if counts.totp + counts.passkeys == 0 {
                    return Err(Problem::from(Code::NotFound));
                }
                record_for(tx, user, &Actor::of(&caller), "factor.recovery_codes_renewed", Value::Null)?;
                new_codes(tx, user)
            })
            .await
    }

    /// Removes a factor of the caller's; the recovery codes go with the last one.
    pub(super) async fn remove_factor(
        &self,
        caller: &Caller,
        kind: &'static str,
        remove: impl Fn(&mut Tx, UserId) -> dialtone_store::Result<bool> + Send + 'static,
    ) -> Result<(), Problem> {
        let caller = caller.clone();
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                let user = caller.user_id;
                if !remove(tx, user)? {
                    return Err(Problem::from(Code::NotFound));
                }
                let left = rows::counts(tx, user)?;
                if left.totp + left.passkeys == 0 {
                    for tenant in accounts::tenants_of(tx, user)? {
                        if rows::required_since(tx, &tenant)?.is_some() {
                            return Err(Problem::from(Code::FactorsRequired));
                        }
                    }
                    rows::put_recovery_codes(tx, user, &[])?;
                }
                record_for(tx, user, &Actor::of(&caller), "factor.removed", json!({ "kind": kind }))
            })
            .await
    }

    /// Requires a second factor of every member of the caller's organisation, or no longer does.
    ///
    /// # Errors
    /// [`Code::FactorsRequired`] where the caller has none: they would lock themselves out.
    pub async fn require_factors(&self, caller: &Caller, required: bool) -> Result<(), Problem> {
        let (caller, at) = (caller.clone(), now());
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::OrganisationChange)?;
                let (tenant, actor, user) = (caller.tenant.clone(), Actor::of(&caller), caller.user_id);
                let counts = rows::counts(tx, user)?;
                if required && counts.totp + counts.passkeys == 0 {
                    return Err(Problem::from(Code::FactorsRequired));
                }
                let before = rows::required_since(tx, &tenant)?;
                if before.is_some() == required {
                    return Ok(());
                }
                rows::set_required_since(tx, &tenant, required.then_some(at))?;
                let told = |required| Some(json!({ "second_factor_required": required }));
                let org = tenant.org();
                record(tx, &tenant, &actor, "organisation.changed", org, told(!required), told(required))
            })
            .await
    }

    /// Removes every factor of a member who lost theirs. Who is in another organisation too is its business as
    /// well: for them it takes the command line.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::RoleTooHigh`], [`Code::MemberElsewhere`], [`Code::SessionNeeded`];
    /// [`Code::ProofNeeded`] for one's own, which are removed one by one.
    pub async fn reset_member_factors(&self, caller: &Caller, user: UserId) -> Result<(), Problem> {
        session_of(caller)?;
        if user == caller.user_id {
            return Err(Code::ProofNeeded.into());
        }
        let caller = caller.clone();
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::MembersChange)?;
                let (tenant, actor, own) = (caller.tenant.clone(), Actor::of(&caller), caller.role);
                let member = accounts::member(tx, &tenant, user)?.ok_or(Code::NotFound)?;
                if member.role > own {
                    return Err(Problem::from(Code::RoleTooHigh));
                }
                if accounts::tenants_of(tx, user)? != [tenant.clone()] {
                    return Err(Problem::from(Code::MemberElsewhere));
                }
                reset(tx, &actor, user)
            })
            .await
    }

    /// Removes every factor of a person, on the data directory.
    ///
    /// # Errors
    /// [`Code::NotFound`] where nobody has that e-mail address.
    pub async fn local_reset_factors(&self, email: &str) -> Result<(), Problem> {
        let email = email.trim().to_lowercase();
        self.store()
            .write(move |tx| {
                let user = accounts::user_by_email(tx, &email)?.ok_or(Code::NotFound)?.id;
                reset(tx, &Actor::system("command line"), user)
            })
            .await
    }
}

fn reset(tx: &mut Tx, actor: &Actor, user: UserId) -> Result<(), Problem> {
    rows::delete_all(tx, user)?;
    record_for(tx, user, actor, "factor.reset", Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t06_recovery_codes_are_long_and_may_be_typed_loosely() {
        let code = recovery_code();
        let text = code.expose_secret();
        assert_eq!((text.len(), text.matches('-').count()), (19, 3));
        let typed = format!(" {} ", text.to_uppercase().replace('-', " "));
        assert_eq!(recovery_digest(&typed), recovery_digest(text));
        assert_ne!(recovery_digest(recovery_code().expose_secret()), recovery_digest(text));
    }
}
