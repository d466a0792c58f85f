//! The hash chain over an organisation's events: what is hashed, and the walk that finds the first break. Pure, so that
//! the database and an exported file are held against the same rules.

use dialtone_domain::OrgId;
use sha2::{Digest, Sha256};

use crate::events::Event;

/// A SHA-256.
pub type Hash = [u8; 32];

/// A hash as people note it: 64 hexadecimal digits. `None` for anything else.
pub fn hash_of_hex(text: &str) -> Option<Hash> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> =
        text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect();
    bytes?.try_into().ok()
}

/// Names the encoding below; another encoding needs another name.
const FORMAT: &[u8] = b"dialtone audit chain 1";

/// Where a chain ends, or ended when somebody noted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose chain: an organisation's, or the installation's.
    pub org: OrgId,
    /// The number of the last event; 0 where there is none.
    pub seq: i64,
    /// Its hash; the genesis where there is none.
    pub hash: Hash,
}

impl Head {
    /// Of a chain without an event.
    pub fn genesis(org: OrgId) -> Self {
        Self { org, seq: 0, hash: genesis(org) }
    }
}

/// What the first event of a chain stands on: the name of the encoding and the chain's owner, so that no chain can
/// be passed off as another's.
pub fn genesis(org: OrgId) -> Hash {
    let mut digest = Sha256::new();
    put(&mut digest, Some(FORMAT));
    put(&mut digest, Some(org.to_string().as_bytes()));
    digest.finalize().into()
}

/// The hash of an event: SHA-256 over the hash before it, then each column as it is stored, numbers in decimal. A
/// column is a byte 0 where it is NULL; else a byte 1, its length in eight bytes (big-endian) and its bytes.
pub fn hash(previous: &Hash, event: &Event) -> Hash {
    let mut digest = Sha256::new();
    digest.update(previous);
    let Event { seq, at, actor, actor_id, kind, subject_id, request_id, address, before, after, hash: _ } =
        event;
    let (seq, at) = (seq.to_string(), at.as_microsecond().to_string());
    let always = [&seq, &at, actor, actor_id, kind, subject_id].map(Some);
    for column in always.into_iter().chain([request_id, address, before, after].map(Option::as_ref)) {
        put(&mut digest, column.map(String::as_bytes));
    }
    digest.finalize().into()
}

fn put(digest: &mut Sha256, column: Option<&[u8]>) {
    let Some(bytes) = column else { return digest.update([0]) };
    digest.update([1]);
    digest.update((bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}

/// What is wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is not there, and later ones or the chain's end say that it was.
    Missing,
    /// It, or the one before it, is not what it was when it was written.
    Changed,
    /// It is there and was never written by Dialtone.
    Inserted,
    /// It fits its neighbours, but not the head that was noted elsewhere: the chain was written anew.
    Rewritten,
}

impl Flaw {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Flaw::Missing => "missing",
            Flaw::Changed => "changed",
            Flaw::Inserted => "inserted",
            Flaw::Rewritten => "rewritten",
        }
    }
}

/// The first event at which a chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// The event's number.
    pub seq: i64,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// A walk along a chain, from its genesis to its end.
#[derive(Debug, Clone)]
pub struct Walk {
    last: Head,
    /// A head that was noted elsewhere, which the chain has to pass.
    anchor: Option<Head>,
}

impl Walk {
    /// Before the first event.
    ///
    /// # Errors
    /// The anchor is of an empty chain, and not of this one.
    pub fn new(org: OrgId, anchor: Option<Head>) -> Result<Self, Break> {
        let walk = Self { last: Head::genesis(org), anchor };
        walk.passes()?;
        Ok(walk)
    }

    /// The last event that was found good.
    pub fn last(&self) -> &Head {
        &self.last
    }

    /// The next event, in the order of the numbers.
    ///
    /// # Errors
    /// It does not follow.
    pub fn step(&mut self, event: &Event) -> Result<(), Break> {
        let expected = self.last.seq + 1;
        if event.seq != expected {
            let flaw = if event.seq > expected { Flaw::Missing } else { Flaw::Inserted };
            return Err(Break { seq: expected.min(event.seq), flaw });
        }
        let hash = hash(&self.last.hash, event);
        if event.hash != hash {
            return Err(Break { seq: event.seq, flaw: Flaw::Changed });
        }
        (self.last.seq, self.last.hash) = (event.seq, hash);
        self.passes()
    }

    /// There is no further event, and the chain's end is on record.
    ///
    /// # Errors
    /// The record tells of more events, of fewer or of others; or the anchor does.
    pub fn end(&self, head: &Head) -> Result<(), Break> {
        let last = &self.last;
        let beyond = self.anchor.as_ref().is_some_and(|anchor| anchor.seq > last.seq);
        match head.seq.cmp(&last.seq) {
            std::cmp::Ordering::Greater => Err(Break { seq: last.seq + 1, flaw: Flaw::Missing }),
            std::cmp::Ordering::Less => Err(Break { seq: head.seq + 1, flaw: Flaw::Inserted }),
            std::cmp::Ordering::Equal if head.hash != last.hash => {
                Err(Break { seq: last.seq, flaw: Flaw::Changed })
            }
            std::cmp::Ordering::Equal if beyond => Err(Break { seq: last.seq + 1, flaw: Flaw::Missing }),
            std::cmp::Ordering::Equal => Ok(()),
        }
    }

    fn passes(&self) -> Result<(), Break> {
        let elsewhere = |anchor: &&Head| anchor.seq == self.last.seq && anchor.hash != self.last.hash;
        match self.anchor.as_ref().filter(elsewhere) {
            Some(anchor) => Err(Break { seq: anchor.seq, flaw: Flaw::Rewritten }),
            None => Ok(()),
        }
    }
}
