//! The register of sealed columns: what a rotation of the data keys walks through.

use super::{KeyOwner, Sealed};
use crate::sql::{Sql, sql};
use crate::value::{params, record};
use crate::{Result, Tx};

/// A column of sealed values. Its table has a key of one column.
#[derive(Debug)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    page: Sql,
    swap: Sql,
}

record! {
    /// A sealed value and its place.
    pub struct Found {
        /// The row's key.
        pub row: String,
        /// Whose data key sealed it.
        pub owner: KeyOwner,
        /// The value.
        pub value: Sealed,
    }
}

/// `table.key.column of owner`; the owner is a column with an organisation's id, or `'instance'`.
macro_rules! sealed_columns {
    ($($table:literal . $key:literal . $column:literal of $owner:literal;)+) => {
        /// All of them. A column that is missing here would be lost with the next rotation; a test compares the
        /// list with the schema.
        pub static SEALED_COLUMNS: &[SealedColumn] = &[$(SealedColumn {
            table: $table,
            column: $column,
            page: sql!(
                "SELECT ", $key, ", ", $owner, ", ", $column, " FROM ", $table, " WHERE ", $key, " > ?1 AND ",
                $column, " IS NOT NULL ORDER BY ", $key, " LIMIT ?2"
            ),
            swap: sql!(
                "UPDATE ", $table, " SET ", $column, " = ?3 WHERE ", $key, " = ?1 AND ", $column, " = ?2"
            ),
        },)+];
    };
}

sealed_columns! {
    "idempotency"."id"."body" of "org_id";
    "idempotency"."id"."fingerprint" of "org_id";
    "lines"."id"."server_secret" of "org_id";
    "lines"."id"."twilio_auth_token" of "org_id";
    "previous_tokens"."id"."auth_token" of "org_id";
    "totp"."user_id"."secret" of "'instance'";
    "tape"."id"."request" of "org_id";
    "twilio_settings"."org_id"."auth_token" of "org_id";
    "vapi_settings"."org_id"."api_key" of "org_id";
    "webhooks"."id"."secret" of "org_id";
}

impl SealedColumn {
    /// The values of the rows behind that key, in the order of the keys.
    ///
    /// # Errors
    /// As all queries.
    pub fn page(&self, tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Found>> {
        tx.all(self.page, params![after, limit])
    }

    /// Puts a value in the place of the one that was found; false if that is not there any more.
    ///
    /// # Errors
    /// As all queries.
    pub fn swap(&self, tx: &mut Tx, found: &Found, value: &Sealed) -> Result<bool> {
        Ok(tx.exec(self.swap, params![found.row, found.value.as_bytes(), value])? == 1)
    }
}
