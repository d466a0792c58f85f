//! The one row about this installation.

use jiff::Timestamp;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tx};

record! {
    /// This installation, which all nodes on the database share.
    pub struct Instance as instance_columns {
        /// Its id, made at its first start.
        pub id: String,
        /// Grows with every restore.
        pub epoch: i64,
        /// The version of the data keys that is made now.
        pub key_version: i64,
        /// The oldest version of the data keys that new values may be sealed with.
        pub sealing_from: i64,
        /// Which master key wraps new data keys.
        pub master_key: String,
        /// Which one takes its place, while it is being changed.
        pub next_master_key: Option<String>,
        /// Since when a restored backup holds every effect back.
        pub fenced_at: Option<Timestamp>,
        /// When it was made.
        pub created_at: Timestamp,
    }
}

/// The installation; none before its first start.
///
/// # Errors
/// As all queries.
pub fn get(tx: &mut Tx) -> Result<Option<Instance>> {
    tx.opt(sql!("SELECT ", instance_columns!(), " FROM instance WHERE one = 1"), params![])
}

/// Makes the installation; false if another process was first.
///
/// # Errors
/// As all queries.
pub fn create(tx: &mut Tx, new: &Instance) -> Result<bool> {
    let made = tx.exec(
        sql!(
            "INSERT INTO instance (one, ",
            instance_columns!(),
            ") VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (one) DO NOTHING"
        ),
        params![
            new.id,
            new.epoch,
            new.key_version,
            new.sealing_from,
            new.master_key,
            new.next_master_key,
            new.fenced_at,
            new.created_at
        ],
    )?;
    Ok(made == 1)
}

/// Writes which versions of the data keys are made and may seal, and which master keys wrap them.
///
/// # Errors
/// As all queries.
pub fn set_keys(tx: &mut Tx, new: &Instance) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE instance SET key_version = ?1, sealing_from = ?2, master_key = ?3, next_master_key = ?4 \
             WHERE one = 1"
        ),
        params![new.key_version, new.sealing_from, new.master_key, new.next_master_key],
    )?;
    Ok(())
}
