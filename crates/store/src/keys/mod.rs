//! Data keys, wrapped by the master key, and the columns that they seal.

mod columns;
mod sealed;

pub use columns::{Found, SEALED_COLUMNS, SealedColumn};
pub use sealed::Sealed;

use dialtone_domain::OrgId;
use jiff::Timestamp;

use crate::sql::sql;
use crate::value::{FromValue, ToValue, Value, params, record};
use crate::{Result, Tx};

/// Whose secrets a data key seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyOwner {
    /// The installation: what belongs to a person rather than to an organisation.
    Instance,
    /// An organisation.
    Org(OrgId),
}

impl std::fmt::Display for KeyOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyOwner::Instance => f.write_str("instance"),
            KeyOwner::Org(id) => id.fmt(f),
        }
    }
}

impl ToValue for KeyOwner {
    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
}

impl FromValue for KeyOwner {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) if text == "instance" => Some(KeyOwner::Instance),
            other => OrgId::from_value(other).map(KeyOwner::Org),
        }
    }
}

record! {
    /// A data key as it is stored.
    pub struct DataKey as data_key_columns {
        /// Whose it is.
        pub owner: KeyOwner,
        /// Which of theirs: sealed values name it.
        pub version: i64,
        /// The key, sealed by the master key.
        pub wrapped: Vec<u8>,
        /// Which master key that was.
        pub master_key: String,
        /// When it was made.
        pub created_at: Timestamp,
    }
}

/// All versions of an owner's data key, the newest first.
///
/// # Errors
/// As all queries.
pub fn of(tx: &mut Tx, owner: KeyOwner) -> Result<Vec<DataKey>> {
    tx.all(
        sql!("SELECT ", data_key_columns!(), " FROM data_keys WHERE owner = ?1 ORDER BY version DESC"),
        params![owner],
    )
}

/// The data keys behind that owner and version, in their order.
///
/// # Errors
/// As all queries.
pub fn page(tx: &mut Tx, after: (&str, i64), limit: i64) -> Result<Vec<DataKey>> {
    tx.all(
        sql!(
            "SELECT ",
            data_key_columns!(),
            " FROM data_keys WHERE (owner, version) > (?1, ?2) ORDER BY owner, version LIMIT ?3"
        ),
        params![after.0, after.1, limit],
    )
}

/// Adds a data key; false if that owner has the version already.
///
/// # Errors
/// As all queries.
pub fn add(tx: &mut Tx, new: &DataKey) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO data_keys (",
            data_key_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (owner, version) DO NOTHING"
        ),
        params![new.owner, new.version, new.wrapped, new.master_key, new.created_at],
    )?;
    Ok(added == 1)
}

/// Puts a data key that another master key wrapped in the place of the same one as it was; false if it is not
/// like that any more.
///
/// # Errors
/// As all queries.
pub fn rewrap(tx: &mut Tx, before: &DataKey, wrapped: &[u8], master_key: &str) -> Result<bool> {
    let changed = tx.exec(
        sql!(
            "UPDATE data_keys SET wrapped = ?4, master_key = ?5 WHERE owner = ?1 AND version = ?2 AND wrapped = ?3"
        ),
        params![before.owner, before.version, before.wrapped, wrapped, master_key],
    )?;
    Ok(changed == 1)
}

/// Destroys an owner's data keys from before a version; says how many those were.
///
/// # Errors
/// As all queries.
pub fn destroy_before(tx: &mut Tx, owner: KeyOwner, version: i64) -> Result<u64> {
    tx.exec(sql!("DELETE FROM data_keys WHERE owner = ?1 AND version < ?2"), params![owner, version])
}
