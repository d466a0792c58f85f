//! Where a page of a list ended.

use jiff::Timestamp;

use crate::value::{ToValue, Value};

/// The last row of a page; the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor<Id> {
    /// When the row was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: Id,
}

impl<Id> Cursor<Id> {
    /// What the rows of the next page are less than: without a cursor, something greater than any row.
    pub(crate) fn bounds(cursor: Option<Self>) -> (i64, Value)
    where
        Id: ToValue,
    {
        match cursor {
            Some(cursor) => (cursor.created_at.as_microsecond(), cursor.id.to_value()),
            None => (i64::MAX, Value::Text(String::new())),
        }
    }
}
