//! All messages, compactly: a million of them fit beside everything else.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::message::{Message, Sid};

/// Texts that many messages share (accounts, numbers, services), each kept once and named by a small id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<Box<str>>", into = "Vec<Box<str>>")]
struct Names {
    list: Vec<Box<str>>,
    ids: HashMap<Box<str>, u32>,
}

/// The id of a text in [`Names`]; 0 is the empty text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Name(u32);

impl Default for Names {
    fn default() -> Names {
        Names::from(vec![Box::from("")])
    }
}

impl From<Vec<Box<str>>> for Names {
    fn from(list: Vec<Box<str>>) -> Names {
        let ids = list.iter().zip(0..).map(|(text, id)| (text.clone(), id)).collect();
        Names { list, ids }
    }
}

impl From<Names> for Vec<Box<str>> {
    fn from(names: Names) -> Vec<Box<str>> {
        names.list
    }
}

/// Messages of all accounts, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub(crate) struct Messages {
    names: Names,
    /// A deleted message leaves its place empty.
    rows: Vec<Option<Message>>,
    #[serde(skip)]
    by_sid: HashMap<Sid, u32>,
    #[serde(skip)]
    by_account: BTreeMap<Name, Vec<u32>>,
}

#[derive(Deserialize)]
struct Saved {
    names: Names,
    rows: Vec<Option<Message>>,
}

impl From<Saved> for Messages {
    fn from(saved: Saved) -> Messages {
        let mut messages = Messages { names: saved.names, ..Messages::default() };
        for (row, at) in saved.rows.into_iter().zip(0..) {
            if let Some(message) = &row {
                messages.index(message.sid, message.account, at);
            }
            messages.rows.push(row);
        }
        messages
    }
}

impl Messages {
    /// The id of a text, which is kept from now on.
    pub(crate) fn name(&mut self, text: &str) -> Name {
        if let Some(id) = self.names.ids.get(text) {
            return Name(*id);
        }
        let id = u32::try_from(self.names.list.len()).unwrap_or_default();
        self.names.list.push(text.into());
        self.names.ids.insert(text.into(), id);
        Name(id)
    }

    /// The id of a text that is known already.
    pub(crate) fn known(&self, text: &str) -> Option<Name> {
        self.names.ids.get(text).copied().map(Name)
    }

    /// The text of an id.
    pub(crate) fn text(&self, name: Name) -> &str {
        self.names.list.get(name.0 as usize).map(AsRef::as_ref).unwrap_or_default()
    }

    /// The text of an id, unless it is empty.
    pub(crate) fn filled(&self, name: Name) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    fn index(&mut self, sid: Sid, account: Name, at: u32) {
        self.by_sid.insert(sid, at);
        self.by_account.entry(account).or_default().push(at);
    }

    /// Adds a message as the newest.
    pub(crate) fn push(&mut self, message: Message) {
        let at = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.index(message.sid, message.account, at);
        self.rows.push(Some(message));
    }

    pub(crate) fn get(&self, sid: Sid) -> Option<&Message> {
        self.rows.get(*self.by_sid.get(&sid)? as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, sid: Sid) -> Option<&mut Message> {
        self.rows.get_mut(*self.by_sid.get(&sid)? as usize)?.as_mut()
    }

    /// Takes a message out.
    pub(crate) fn remove(&mut self, sid: Sid) -> Option<Message> {
        let at = self.by_sid.remove(&sid)?;
        let message = self.rows.get_mut(at as usize)?.take()?;
        if let Some(places) = self.by_account.get_mut(&message.account)
            && let Ok(index) = places.binary_search(&at)
        {
            places.remove(index);
        }
        Some(message)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_sid.len()
    }

    /// All of them, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Message> {
        self.rows.iter().rev().flatten()
    }

    /// A message's place as page tokens name it: the next page begins behind it even when the message has been
    /// deleted meanwhile.
    pub(crate) fn place(&self, sid: Sid) -> Option<String> {
        Some(format!("SM{:032x}", self.by_sid.get(&sid)?))
    }

    /// An account's, newest first; with `after` only those older than the one at that place.
    pub(crate) fn of_account(&self, account: &str, after: Option<u32>) -> impl Iterator<Item = &Message> {
        let places = self.known(account).and_then(|account| self.by_account.get(&account));
        let places = places.map(Vec::as_slice).unwrap_or_default();
        let end = after.map_or(places.len(), |at| places.partition_point(|place| *place < at));
        places[..end].iter().rev().filter_map(|at| self.rows.get(*at as usize)?.as_ref())
    }
}

/// Reads what [`Messages::place`] wrote.
pub(crate) fn place_of(token: &str) -> Option<u32> {
    u32::from_str_radix(token.strip_prefix("SM")?, 16).ok()
}

/// Seconds since 1970, as messages keep their times.
pub(crate) fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

/// The time of so many seconds since 1970.
pub(crate) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}
