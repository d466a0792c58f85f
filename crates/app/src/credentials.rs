//! Passwords (argon2id) and the random secrets that sign people and programs in, which are stored hashed.

use argon2::Argon2;
use argon2::{PasswordHash, PasswordHasher, PasswordVerifier};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialtone_domain::{Code, ExposeSecret, Problem, SecretString};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// How API tokens begin, so that people and secret scanners recognise them.
pub(crate) const TOKEN_PREFIX: &str = "dt_";

/// Hashing a password costs 19 MiB and a core for some ten milliseconds; more at once would be a way to
/// exhaust the server.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Of those, one at a time is for sign-ins from where nobody signed in before: a flood of them leaves the other
/// to those who are known.
static STRANGERS: Semaphore = Semaphore::const_new(1);

/// How many strangers may wait for their turn; more of them are sent away before anything is hashed.
static STRANGERS_WAITING: Semaphore = Semaphore::const_new(32);

/// 256 random bits in 43 characters.
pub(crate) fn random_secret() -> SecretString {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()).into()
}

/// A new API token.
pub(crate) fn random_token() -> SecretString {
    format!("{TOKEN_PREFIX}{}", random_secret().expose_secret()).into()
}

/// A password for someone who gave none: 96 random bits in 16 characters.
pub(crate) fn random_password() -> SecretString {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>()).into()
}

/// What is stored of a random secret. It has too much entropy to be guessed, so a fast hash is enough.
pub(crate) fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// The first eight hexadecimal digits of a secret's SHA-256: tells whether two are the same, and no more.
pub(crate) fn fingerprint(secret: &SecretString) -> String {
    let digest = Sha256::digest(secret.expose_secret().as_bytes());
    digest[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The last four characters of a secret that is long enough to show them.
pub(crate) fn last4(secret: &SecretString) -> String {
    let text = secret.expose_secret();
    match text.char_indices().nth_back(3) {
        Some((start, _)) if text.len() >= 16 => text[start..].to_owned(),
        _ => String::new(),
    }
}

/// Refuses a password that is too easy to guess, or so long that hashing it is an attack.
pub(crate) fn check_password(password: &SecretString) -> Result<(), Problem> {
    let length = password.expose_secret().chars().count();
    match (10..=256).contains(&length) {
        true => Ok(()),
        false => Err(Code::PasswordWeak.into()),
    }
}

/// The argon2id hash to store.
pub(crate) async fn hash_password(password: SecretString) -> Result<String, Problem> {
    hashing(move || {
        let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|_| Code::Internal.into())
    })
    .await
}

/// As [`verify_password`], for who is not known here: behind those who are.
///
/// # Errors
/// [`Code::Busy`] where too many wait already.
pub(crate) async fn verify_stranger(password: SecretString, stored: Option<String>) -> Result<bool, Problem> {
    let _place = STRANGERS_WAITING.try_acquire().map_err(|_| Code::Busy)?;
    let _turn = STRANGERS.acquire().await.map_err(|_| Code::Internal)?;
    verify_password(password, stored).await
}

/// Whether the password fits the stored hash. Without a hash, or with the empty one of who has no password, it takes
/// as long and says no, so that the time does not tell whether somebody exists.
pub(crate) async fn verify_password(password: SecretString, stored: Option<String>) -> Result<bool, Problem> {
    static NOBODY: LazyLock<String> = LazyLock::new(|| {
        let hash = Argon2::default().hash_password(random_secret().expose_secret().as_bytes());
        hash.map(|hash| hash.to_string()).unwrap_or_default()
    });
    hashing(move || {
        let stored = stored.filter(|hash| !hash.is_empty());
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.clone());
        let hash = PasswordHash::new(&stored).map_err(|_| Code::Internal)?;
        let fits = Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
        Ok(fits && known)
    })
    .await
}

async fn hashing<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let _permit = HASHING.acquire().await.map_err(|_| Code::Internal)?;
    tokio::task::spawn_blocking(work).await.map_err(|_| Code::Internal)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hash = hash_password("correct horse".to_owned().into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(verify_password("correct horse".to_owned().into(), Some(hash.clone())).await.unwrap());
        assert!(!verify_password("correct hors".to_owned().into(), Some(hash)).await.unwrap());
        assert!(!verify_password("correct horse".to_owned().into(), None).await.unwrap());
        assert!(!verify_password(String::new().into(), Some(String::new())).await.unwrap());
    }

    #[test]
    fn only_the_end_of_a_long_secret_is_shown() {
        assert_eq!(last4(&"0123456789abcdef".to_owned().into()), "cdef");
        assert_eq!(last4(&"short".to_owned().into()), "");
        assert_eq!(last4(&"ééééééééééééééééé".to_owned().into()), "éééé");
    }
}
