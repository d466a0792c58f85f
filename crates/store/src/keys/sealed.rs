//! What is sealed, as it is stored.

use crate::value::{FromValue, ToValue, Value};

/// The first byte of every sealed value.
const FORMAT: u8 = 1;

/// A sealed secret: a byte that names the format, four that name the data key's version, and the ciphertext. A column
/// of this type takes nothing else, and only while its key may still seal: a value of a version that a rotation has
/// left behind is refused with [`crate::Error::Busy`], whoever brings it. The default holds nothing, and is refused too.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sealed(pub(crate) Vec<u8>);

impl Sealed {
    /// A ciphertext of the data key of that version.
    pub fn new(version: u32, ciphertext: &[u8]) -> Self {
        Self([&[FORMAT][..], &version.to_be_bytes(), ciphertext].concat())
    }

    /// Bytes as they were stored, whatever they are.
    pub fn stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The version and the ciphertext; none where the bytes are not of this form.
    pub fn parts(&self) -> Option<(i64, &[u8])> {
        let (version, ciphertext) = self.0.strip_prefix(&[FORMAT])?.split_first_chunk::<4>()?;
        Some((u32::from_be_bytes(*version).into(), ciphertext))
    }

    /// The bytes as they are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Bytes are not for logs, sealed or not.
impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed(version {:?})", self.parts().map(|(version, _)| version))
    }
}

impl ToValue for Sealed {
    fn to_value(&self) -> Value {
        Value::Sealed(self.clone())
    }
}

impl FromValue for Sealed {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(Self::stored(bytes)),
            _ => None,
        }
    }
}
