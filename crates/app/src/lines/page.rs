//! Pages of lists: a cursor says where the last page ended, so that rows that come and go move nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialtone_domain::Problem;
use dialtone_store::Cursor;
use jiff::Timestamp;
use uuid::Uuid;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// The `next_cursor` of the page before; none for the first page.
    pub cursor: Option<String>,
    /// At most this many rows, 1 to 100; 50 where absent.
    pub limit: Option<u32>,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}

impl PageRequest {
    pub(crate) fn limit(&self) -> i64 {
        i64::from(self.limit.unwrap_or(50).clamp(1, 100))
    }

    pub(crate) fn after<Id: From<Uuid>>(&self) -> Result<Option<Cursor<Id>>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let cursor = decode(text).ok_or_else(|| Problem::field("cursor", "validation.cursor"))?;
        Ok(Some(Cursor { created_at: cursor.0, id: cursor.1.into() }))
    }
}

fn decode(text: &str) -> Option<(Timestamp, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (at, id) = bytes.split_at_checked(8)?;
    let at = Timestamp::from_microsecond(i64::from_be_bytes(at.try_into().ok()?)).ok()?;
    Some((at, Uuid::from_slice(id).ok()?))
}

/// A page of rows of which one more than the limit was asked for.
pub(crate) fn page_of<T>(mut items: Vec<T>, limit: i64, key: impl Fn(&T) -> (Timestamp, Uuid)) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|last| {
        let (at, id) = key(last);
        URL_SAFE_NO_PAD.encode([&at.as_microsecond().to_be_bytes()[..], id.as_bytes()].concat())
    });
    Page { items, next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_where_this_one_ends() {
        let key = |n: &u128| (Timestamp::from_microsecond(*n as i64).unwrap(), Uuid::from_u128(*n));
        let page = page_of(vec![3_u128, 2, 1], 2, key);
        assert_eq!(page.items, [3, 2]);
        let request = PageRequest { cursor: page.next_cursor, limit: None };
        let cursor: Cursor<Uuid> = request.after().unwrap().unwrap();
        assert_eq!((cursor.created_at, cursor.id), key(&2));
        assert_eq!(page_of(vec![1_u128], 2, key).next_cursor, None);
        for text in ["", "x", "é", "AAAA"] {
            let request = PageRequest { cursor: Some(text.to_owned()), limit: None };
            assert!(request.after::<Uuid>().is_err(), "{text}");
        }
    }
}
