//! Authenticated encryption, and the data keys that use it.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use dialtone_domain::{Code, ExposeSecret, Problem, SecretString};
use dialtone_store::{KeyOwner, Sealed};

pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// A key, ready to encrypt and decrypt.
#[derive(Clone)]
pub(super) struct Cipher(XChaCha20Poly1305);

impl Cipher {
    pub(super) fn new(key: [u8; KEY_BYTES]) -> Self {
        Self(XChaCha20Poly1305::new(&Key::from(key)))
    }

    /// Nonce and ciphertext. The nonce has 192 random bits: no two are the same, however many there are.
    pub(super) fn encrypt(&self, context: &str, message: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: message, aad: context.as_bytes() };
        let sealed =
            self.0.encrypt(&XNonce::from(nonce), payload).expect("only a message of 256 GB is too long");
        [&nonce[..], &sealed].concat()
    }

    /// The message; none where key, context or a byte is another one.
    pub(super) fn decrypt(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, message) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: message, aad: context.as_bytes() };
        self.0.decrypt(&XNonce::from(*nonce), payload).ok()
    }
}

/// An owner's data key in all its versions: the newest one seals, each opens what it sealed. Use it in the
/// transaction that reads or writes the values, so that no rotation can pass in between.
pub(crate) struct DataKey {
    owner: KeyOwner,
    /// The newest first; never empty.
    versions: Vec<(u32, Cipher)>,
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

impl DataKey {
    /// Of at least one version, the newest first.
    pub(super) fn new(owner: KeyOwner, versions: Vec<(u32, Cipher)>) -> Self {
        Self { owner, versions }
    }

    /// Seals a secret for one place.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &SecretString) -> Sealed {
        let (version, cipher) = &self.versions[0];
        let context = self.context(place, i64::from(*version));
        Sealed::new(*version, &cipher.encrypt(&context, secret.expose_secret().as_bytes()))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`Code::Sealed`] where it was sealed for another place, with another key, or was changed.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<SecretString, Problem> {
        let opened = sealed.parts().and_then(|(version, ciphertext)| {
            let (_, cipher) = self.versions.iter().find(|(known, _)| i64::from(*known) == version)?;
            cipher.decrypt(&self.context(place, version), ciphertext)
        });
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.ok_or(Code::Sealed)?.into())
    }

    fn context(&self, Place { table, row, field }: Place<'_>, version: i64) -> String {
        format!("{}|{table}|{row}|{field}|{version}", self.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: Place<'_> = Place { table: "lines", row: "1", field: "twilio_auth_token" };

    fn owner(n: u128) -> KeyOwner {
        KeyOwner::Org(uuid::Uuid::from_u128(n).into())
    }

    fn key(owner: KeyOwner, versions: &[u32]) -> DataKey {
        let versions = versions.iter().map(|version| (*version, Cipher::new([*version as u8; KEY_BYTES])));
        DataKey::new(owner, versions.collect())
    }

    fn secret() -> SecretString {
        "hunter2hunter2".to_owned().into()
    }

    #[test]
    fn d3_a_secret_opens_at_its_place_and_nowhere_else() {
        let one = key(owner(1), &[1]);
        let sealed = one.seal(PLACE, &secret());
        assert_eq!(one.open(PLACE, &sealed).unwrap().expose_secret(), "hunter2hunter2");
        assert!(!sealed.as_bytes().windows(7).any(|window| window == b"hunter2"));
        for place in
            [Place { table: "x", ..PLACE }, Place { row: "2", ..PLACE }, Place { field: "x", ..PLACE }]
        {
            assert_eq!(one.open(place, &sealed).unwrap_err().code, Code::Sealed, "{place:?}");
        }
        // The same bytes of a key, and still another owner's.
        for other in [owner(2), KeyOwner::Instance] {
            assert_eq!(key(other, &[1]).open(PLACE, &sealed).unwrap_err().code, Code::Sealed);
        }
    }

    #[test]
    fn t28_the_newest_version_seals_and_each_opens_its_own() {
        let both = key(owner(1), &[2, 1]);
        let old = key(owner(1), &[1]).seal(PLACE, &secret());
        let new = both.seal(PLACE, &secret());
        assert_eq!(new.parts().map(|(version, _)| version), Some(2));
        assert!(both.open(PLACE, &old).is_ok() && both.open(PLACE, &new).is_ok());
        // A rolled back row: its key was destroyed at the end of the rotation.
        assert!(key(owner(1), &[2]).open(PLACE, &old).is_err());
        assert!(key(owner(1), &[1]).open(PLACE, &new).is_err());
        let relabelled = Sealed::new(2, old.parts().unwrap().1);
        assert!(both.open(PLACE, &relabelled).is_err(), "it says another version");
    }

    proptest! {
        #[test]
        fn t27_whatever_byte_is_changed_or_cut_off_is_refused(text in "\\PC{0,80}", bit in 0..8u8) {
            let one = key(owner(1), &[1]);
            let sealed = one.seal(PLACE, &text.clone().into());
            let opened = one.open(PLACE, &sealed).unwrap();
            prop_assert_eq!(opened.expose_secret(), text.as_str());
            let whole = sealed.as_bytes();
            for index in 0..whole.len() {
                let mut damaged = whole.to_vec();
                damaged[index] ^= 1 << bit;
                prop_assert!(one.open(PLACE, &Sealed::stored(damaged)).is_err(), "byte {}", index);
                let cut = Sealed::stored(whole[..index].to_vec());
                prop_assert!(one.open(PLACE, &cut).is_err(), "cut at {}", index);
            }
        }
    }
}
