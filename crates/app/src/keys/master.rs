//! `keys rotate --master`: a new master key, and every data key wrapped with it. What the data keys seal stays as it
//! is. Until all of them are, both master keys are needed, and both are there.

use super::next_keys;
use crate::events::{Actor, record_installation};
use crate::start::App;
use crate::vault::{MasterChange, MasterError};
use dialtone_domain::{Code, Problem, SecretString};
use dialtone_store::instance::{self, Instance};
use dialtone_store::{Tx, keys};
use serde_json::json;
use std::path::PathBuf;

/// A master key that took another one's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedMaster {
    /// The id of the key before.
    pub old: String,
    /// The id of the key now.
    pub new: String,
    /// How many data keys were wrapped anew.
    pub rewrapped: u64,
    /// Where the key before is, where it was in a file: backups from before need it.
    pub kept: Option<PathBuf>,
}

impl App {
    /// Puts a new master key in the place of the present one, or goes on with a change that was interrupted. In the
    /// key file the new key is made, where none is given, and the old one is kept beside it.
    ///
    /// # Errors
    /// [`MasterError`]: everything is readable then with the keys that are there, and the next call goes on.
    pub async fn rotate_master_key(&self, new: Option<SecretString>) -> Result<ChangedMaster, MasterError> {
        if let Some(reason) = self.sealed() {
            return Err(MasterError::Sealed(reason.clone()));
        }
        let old = self.store().read(instance::get).await.map_err(Problem::from)?;
        let old = old.ok_or(Problem::new(Code::Sealed))?.master_key;
        let (app, present) = (self.clone(), old.clone());
        let change = blocking(move || app.inner.vault.begin_change(&present, new.as_ref())).await?;
        let to = change.new.clone();
        if let Some(other) = self.persist(move |tx| begin(tx, &to)).await? {
            return Err(MasterError::OtherChange(other));
        }
        let mut rewrapped = 0;
        loop {
            rewrapped += self.rewrap(&change).await?;
            let to = change.new.clone();
            if self.persist(move |tx| finish(tx, &to)).await? {
                break;
            }
        }
        let new = change.new.clone();
        let kept = blocking(move || change.finish()).await?;
        Ok(ChangedMaster { old, new, rewrapped, kept })
    }

    /// Wraps every data key with the new master key.
    async fn rewrap(&self, change: &MasterChange) -> Result<u64, Problem> {
        let (mut rewrapped, mut after) = (0, (String::new(), 0));
        loop {
            let (app, new, from) = (self.clone(), change.new.clone(), after.clone());
            let wrap = move |tx: &mut Tx| {
                let Some((page, next)) = next_keys(tx, &from)? else { return Ok(None) };
                let mut count = 0;
                for key in page.iter().filter(|key| key.master_key != new) {
                    let wrapped = app.inner.vault.rewrap(key, &new).ok_or(Code::Sealed)?;
                    count += u64::from(keys::rewrap(tx, key, &wrapped, &new)?);
                }
                Ok::<_, Problem>(Some((count, next)))
            };
            let Some((count, next)) = self.persist(wrap).await? else { return Ok(rewrapped) };
            rewrapped += count;
            after = next;
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MasterError> + Send + 'static,
) -> Result<T, MasterError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::from(Code::Internal))?
}

/// Records to which key the installation changes, so that no other change begins meanwhile; answers the id of the
/// other one where it has.
fn begin(tx: &mut Tx, new: &str) -> Result<Option<String>, Problem> {
    let instance = instance::get(tx)?.ok_or(Code::Sealed)?;
    match &instance.next_master_key {
        Some(next) => return Ok(Some(next.clone()).filter(|next| next != new)),
        None if instance.master_key == new => return Ok(None),
        None => (),
    }
    instance::set_keys(tx, &Instance { next_master_key: Some(new.to_owned()), ..instance })?;
    Ok(None)
}

/// Makes the new key the only one; not while a data key needs another one.
fn finish(tx: &mut Tx, new: &str) -> Result<bool, Problem> {
    if super::every_key(tx)?.iter().any(|key| key.master_key != new) {
        return Ok(false);
    }
    let instance = instance::get(tx)?.ok_or(Code::Sealed)?;
    if instance.master_key != new {
        let (before, after) = (json!({ "key": instance.master_key }), json!({ "key": new }));
        let actor = Actor::system("command line");
        record_installation(tx, &actor, "installation.master_key_changed", Some(before), Some(after))?;
    }
    instance::set_keys(tx, &Instance { master_key: new.to_owned(), next_master_key: None, ..instance })?;
    Ok(true)
}
