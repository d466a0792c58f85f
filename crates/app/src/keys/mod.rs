//! Changing keys under a running server: the data keys with everything that they seal, and the master key. Both are
//! done in small transactions that each leave everything readable, go on where they were interrupted, and may be
//! done by several processes at once.

mod master;
mod rotate;
mod status;

pub use master::ChangedMaster;
pub use rotate::Rotated;
pub use status::{KeyStatus, VersionStatus};

use crate::start::App;
use crate::vault::{DataKey, Place, Vault};
use dialtone_domain::{Code, Problem};
use dialtone_store::keys::{self, Found, SealedColumn};
use dialtone_store::{KeyOwner, Tx};
use std::collections::HashMap;
use std::time::Duration;

/// Rows that are read at once.
const BATCH: i64 = 200;
/// Values that are swapped at once: on PostgreSQL, few others get in the way of a short transaction.
const SWAPS: usize = 50;
/// How often a transaction that others are in the way of is tried again, and after which time.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(200);

/// A value that no key opens: its bytes or its place were changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's key.
    pub row: String,
    pub(crate) owner: KeyOwner,
}

impl Unreadable {
    fn new(column: &SealedColumn, found: &Found) -> Self {
        Self { table: column.table, column: column.column, row: found.row.clone(), owner: found.owner }
    }
}

/// The data keys that a transaction has opened.
struct Opened<'a> {
    vault: &'a Vault,
    keys: HashMap<KeyOwner, Option<DataKey>>,
}

impl<'a> Opened<'a> {
    fn new(vault: &'a Vault) -> Self {
        Self { vault, keys: HashMap::new() }
    }

    /// The owner's data key, where it can be opened.
    fn key(&mut self, tx: &mut Tx, owner: KeyOwner) -> Result<Option<&DataKey>, Problem> {
        if !self.keys.contains_key(&owner) {
            let key = match self.vault.data_key(tx, owner) {
                Err(problem) if problem.code == Code::Sealed => None,
                opened => Some(opened?),
            };
            self.keys.insert(owner, key);
        }
        Ok(self.keys.get(&owner).and_then(Option::as_ref))
    }
}

impl App {
    /// Writes, and again where others are in the way: nobody waits at a page for this, and the half of it is of no use.
    async fn persist<T: Send + 'static>(
        &self,
        write: impl Fn(&mut Tx) -> Result<T, Problem> + Clone + Send + 'static,
    ) -> Result<T, Problem> {
        for _ in 0..TRIES {
            match self.store().write(write.clone()).await {
                Err(problem) if problem.code == Code::Busy => tokio::time::sleep(PAUSE).await,
                done => return done,
            }
        }
        self.store().write(write).await
    }
}

fn place<'a>(column: &SealedColumn, found: &'a Found) -> Place<'a> {
    Place { table: column.table, row: &found.row, field: column.column }
}

fn version(found: &Found) -> i64 {
    found.value.parts().map_or(0, |(version, _)| version)
}

/// Some data keys, and the place behind them.
type KeysPage = (Vec<keys::DataKey>, (String, i64));

/// The data keys behind that one, and where to go on; none at the end.
fn next_keys(tx: &mut Tx, after: &(String, i64)) -> Result<Option<KeysPage>, Problem> {
    let page = keys::page(tx, (&after.0, after.1), BATCH)?;
    let Some(last) = page.last() else { return Ok(None) };
    let next = (last.owner.to_string(), last.version);
    Ok(Some((page, next)))
}

/// All data keys.
fn every_key(tx: &mut Tx) -> Result<Vec<keys::DataKey>, Problem> {
    let (mut all, mut after) = (Vec::new(), (String::new(), 0));
    while let Some((page, next)) = next_keys(tx, &after)? {
        all.extend(page);
        after = next;
    }
    Ok(all)
}
