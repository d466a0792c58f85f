//! Sealing (design section 6): every secret at rest is encrypted with its organisation's data key, which is
//! itself wrapped by the master key. The place (organisation, table, row, field) and the key version are
//! authenticated with it, so that a ciphertext that is moved elsewhere does not open.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use dialtone_domain::{Code, ExposeSecret, OrgId, Problem, SecretString};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::io::Write;
use std::path::Path;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const VERSION: u8 = 1;

/// Holds the master key; opens data keys with it.
pub(crate) struct Vault {
    master: XChaCha20Poly1305,
}

/// An organisation's data key, ready to seal and open.
pub(crate) struct DataKey {
    org: OrgId,
    cipher: XChaCha20Poly1305,
    mac: Hmac<Sha256>,
}

/// Where a secret lives: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The table.
    pub(crate) table: &'a str,
    /// The row's key as text.
    pub(crate) row: &'a str,
    /// The column.
    pub(crate) field: &'a str,
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// `DIALTONE_MASTER_KEY` or the key file is not 32 bytes in base64.
    #[error("The master key in {0} is not 32 bytes in base64. Nothing was changed. Put the right key back.")]
    Malformed(String),
    /// The key file cannot be read or made.
    #[error("The master key file {0} cannot be read or made: {1}.")]
    File(String, std::io::Error),
}

impl Vault {
    /// A vault with the key given, else with the one in the file, which is made (mode 0600) where there is
    /// none and `may_create` allows it.
    pub(crate) fn open(
        given: Option<&SecretString>,
        file: &Path,
        may_create: bool,
    ) -> Result<Self, KeyError> {
        let name = file.display().to_string();
        if let Some(text) = given {
            return Self::from_base64(text.expose_secret(), "DIALTONE_MASTER_KEY");
        }
        match std::fs::read_to_string(file) {
            Ok(text) => Self::from_base64(text.trim(), &name),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_create => {
                let key: [u8; KEY_BYTES] = rand::random();
                write_private(file, &STANDARD.encode(key)).map_err(|error| KeyError::File(name, error))?;
                Ok(Self::from_bytes(key))
            }
            Err(error) => Err(KeyError::File(name, error)),
        }
    }

    fn from_base64(text: &str, source: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
        bytes.map(Self::from_bytes).ok_or_else(|| KeyError::Malformed(source.to_owned()))
    }

    fn from_bytes(key: [u8; KEY_BYTES]) -> Self {
        Self { master: XChaCha20Poly1305::new(&Key::from(key)) }
    }

    /// A new data key for an organisation, wrapped for its row.
    pub(crate) fn new_data_key(&self, org: OrgId) -> Vec<u8> {
        let key: [u8; KEY_BYTES] = rand::random();
        encrypt(&self.master, &data_key_context(org), &key)
    }

    /// The organisation's data key.
    ///
    /// # Errors
    /// [`Code::Sealed`] where this master key did not wrap it.
    pub(crate) fn data_key(&self, org: OrgId, wrapped: &[u8]) -> Result<DataKey, Problem> {
        let key = decrypt(&self.master, &data_key_context(org), wrapped)?;
        let key = <[u8; KEY_BYTES]>::try_from(key).map_err(|_| Code::Sealed)?;
        let mac = Hmac::new_from_slice(&key).map_err(|_| Code::Internal)?;
        Ok(DataKey { org, cipher: XChaCha20Poly1305::new(&Key::from(key)), mac })
    }
}

impl DataKey {
    /// Seals a secret for one place.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &SecretString) -> Vec<u8> {
        encrypt(&self.cipher, &self.context(place), secret.expose_secret().as_bytes())
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`Code::Sealed`] where it was sealed for another place, with another key, or was changed.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretString, Problem> {
        let bytes = decrypt(&self.cipher, &self.context(place), sealed)?;
        Ok(String::from_utf8(bytes).map_err(|_| Code::Sealed)?.into())
    }

    /// A digest that nobody can check a guess against without this key.
    pub(crate) fn fingerprint(&self, message: &[u8]) -> Vec<u8> {
        self.mac.clone().chain_update(message).finalize().into_bytes().to_vec()
    }

    fn context(&self, Place { table, row, field }: Place<'_>) -> String {
        format!("{}|{table}|{row}|{field}|{VERSION}", self.org)
    }
}

fn data_key_context(org: OrgId) -> String {
    format!("{org}|orgs|{org}|data_key|{VERSION}")
}

/// Version, nonce, ciphertext.
fn encrypt(cipher: &XChaCha20Poly1305, context: &str, message: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let payload = Payload { msg: message, aad: context.as_bytes() };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).expect("only a message of 256 GB is too long");
    [&[VERSION][..], &nonce, &sealed].concat()
}

fn decrypt(cipher: &XChaCha20Poly1305, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Problem> {
    let rest = sealed.strip_prefix(&[VERSION]).ok_or(Code::Sealed)?;
    let (nonce, message) = rest.split_at_checked(NONCE_BYTES).ok_or(Code::Sealed)?;
    let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| Code::Sealed)?;
    let payload = Payload { msg: message, aad: context.as_bytes() };
    Ok(cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| Code::Sealed)?)
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "lines", row: "1", field: "twilio_auth_token" };

    fn vault() -> Vault {
        Vault::from_bytes([7; KEY_BYTES])
    }

    fn org(n: u128) -> OrgId {
        uuid::Uuid::from_u128(n).into()
    }

    #[test]
    fn d3_a_secret_opens_at_its_place_and_nowhere_else() {
        let wrapped = vault().new_data_key(org(1));
        let key = vault().data_key(org(1), &wrapped).unwrap();
        let sealed = key.seal(PLACE, &"hunter2hunter2".to_owned().into());
        assert_eq!(key.open(PLACE, &sealed).unwrap().expose_secret(), "hunter2hunter2");
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        for place in
            [Place { table: "x", ..PLACE }, Place { row: "2", ..PLACE }, Place { field: "x", ..PLACE }]
        {
            assert_eq!(key.open(place, &sealed).unwrap_err().code, Code::Sealed, "{place:?}");
        }
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert!(key.open(PLACE, &damaged).is_err(), "byte {index}");
            assert!(key.open(PLACE, &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn a_data_key_belongs_to_its_organisation_and_master_key() {
        let wrapped = vault().new_data_key(org(1));
        assert!(vault().data_key(org(2), &wrapped).is_err());
        assert!(Vault::from_bytes([8; KEY_BYTES]).data_key(org(1), &wrapped).is_err());
    }
}
