//! From one database to another: one state, all of its tables, compared on both sides before it is kept.

use super::BackupError;
use super::archive::Tally;
use dialtone_store::{Filling, Hold, Snapshot};

/// Lines go over in portions of about this size.
const PORTION: usize = 1 << 20;

/// A table that arrived as it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedTable {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// The SHA-256 of its rows, the same on both sides.
    pub sha256: String,
}

pub(super) fn migrate(from: &str, to: &str) -> Result<Vec<MovedTable>, BackupError> {
    let _hold = Hold::take(from).map_err(in_use)?;
    let mut source = Snapshot::open(from)?;
    let mut target = Filling::begin(to, source.version())?;
    let tables = target.tables();
    let mut moved = Vec::new();
    for table in source.tables() {
        let there = tables.iter().find(|there| there.name == table.name && there.columns == table.columns);
        let there = there.ok_or_else(|| BackupError::Differs(table.name.clone()))?;
        let (mut left, mut lines) = (Tally::default(), String::new());
        source.rows(&table, &mut |line| {
            left.add(line);
            lines.push_str(line);
            if lines.len() >= PORTION {
                target.add(there, &lines)?;
                lines.clear();
            }
            Ok::<_, BackupError>(())
        })?;
        target.add(there, &lines)?;
        let mut arrived = Tally::default();
        target.rows(there, &mut |line| {
            arrived.add(line);
            Ok::<_, BackupError>(())
        })?;
        let (rows, sha256) = left.end();
        if arrived.end() != (rows, sha256.clone()) {
            return Err(BackupError::Differs(table.name));
        }
        moved.push(MovedTable { name: table.name, rows, sha256 });
    }
    target.keep(|_| Ok::<_, BackupError>(()))?;
    Ok(moved)
}

fn in_use(error: dialtone_store::Error) -> BackupError {
    match error {
        dialtone_store::Error::InUse(who) => BackupError::InUse(who),
        error => error.into(),
    }
}
