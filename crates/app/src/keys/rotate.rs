//! `keys rotate`: new data keys, and everything sealed anew with them.
//!
//! 1. The installation's key version goes up, and every owner gets a key of it. From here on what is new is sealed
//!    with it; the keys before it still open what they sealed.
//! 2. Every sealed column is walked through, and what older keys sealed is sealed anew.
//! 3. The door is closed behind the older keys: the store refuses what they sealed, so that nothing of theirs can
//!    come in any more, whoever still holds one.
//! 4. The walk is done again, for what came in between; then the older keys are destroyed.
//!
//! Each step is harmless when it is done again, and finds out from the database how far it is.

use super::{BATCH, Opened, SWAPS, Unreadable, every_key, place, version};
use crate::events::{Actor, record_installation};
use crate::start::App;
use dialtone_domain::{Code, Problem};
use dialtone_store::instance::{self, Instance};
use dialtone_store::keys::{self, Found, SEALED_COLUMNS, SealedColumn};
use dialtone_store::{KeyOwner, Sealed, Tx};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// What a rotation has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The version of the data keys that everything is sealed with now.
    pub version: i64,
    /// Whether it went on with a rotation that was interrupted, or that another process is doing.
    pub resumed: bool,
    /// Values that were sealed anew.
    pub resealed: u64,
    /// Older keys that were destroyed.
    pub destroyed: u64,
    /// Values that no key opens. Their owners' older keys are kept.
    pub unreadable: Vec<Unreadable>,
}

/// What a walk through the sealed columns has done.
#[derive(Default)]
struct Walk {
    resealed: u64,
    unreadable: Vec<Unreadable>,
}

impl App {
    /// Makes a new data key for the installation and every organisation, seals everything anew and destroys the keys
    /// before it; or goes on with a rotation that was interrupted. Safe beside running servers.
    ///
    /// The older keys of owners with a value that no key opens are kept, unless `discard_unreadable` says that it is
    /// lost anyway.
    ///
    /// # Errors
    /// [`Code::Sealed`] without the master key; trouble with the database. Everything is readable then, and the next
    /// call goes on.
    pub async fn rotate_keys(&self, discard_unreadable: bool) -> Result<Rotated, Problem> {
        if self.is_sealed() {
            return Err(Code::Sealed.into());
        }
        let (version, resumed) = self.persist(begin).await?;
        self.make_keys(version).await?;
        let first = self.reseal(version).await?;
        while !self.persist(move |tx| close_door(tx, version)).await? {
            self.make_keys(version).await?;
        }
        let second = self.reseal(version).await?;
        let spared = match discard_unreadable {
            true => HashSet::new(),
            false => second.unreadable.iter().map(|lost| lost.owner).collect(),
        };
        let destroyed = self.destroy(version, spared).await?;
        let resealed = first.resealed + second.resealed;
        Ok(Rotated { version, resumed, resealed, destroyed, unreadable: second.unreadable })
    }

    /// Gives a key of the present version to everybody who has none of that version.
    async fn make_keys(&self, version: i64) -> Result<(), Problem> {
        let newest = self.store().read(newest_keys).await?;
        let owners = newest.into_iter().filter(|(_, newest)| *newest < version);
        let owners: Vec<KeyOwner> = owners.map(|(owner, _)| owner).collect();
        for some in owners.chunks(BATCH as usize) {
            let (app, some) = (self.clone(), some.to_vec());
            let made = self
                .store()
                .write(move |tx| some.iter().try_for_each(|owner| app.inner.vault.make_data_key(tx, *owner)));
            made.await?;
        }
        Ok(())
    }

    /// Seals anew what keys before that version sealed.
    async fn reseal(&self, version: i64) -> Result<Walk, Problem> {
        let mut walk = Walk::default();
        for column in SEALED_COLUMNS {
            let mut after = Some(String::new());
            while let Some(from) = after {
                after = self.reseal_page(column, version, from, &mut walk).await?;
            }
        }
        Ok(walk)
    }

    /// One page of a column; answers where the next one begins. It is read, opened and sealed anew beside everything
    /// else, and then only swapped, each value as it was: nobody waits for it for long.
    async fn reseal_page(
        &self,
        column: &'static SealedColumn,
        version: i64,
        from: String,
        walk: &mut Walk,
    ) -> Result<Option<String>, Problem> {
        let app = self.clone();
        let page = self.store().read(move |tx| sealed_anew(&app, tx, column, version, &from)).await?;
        walk.unreadable.extend(page.unreadable);
        for some in page.anew.chunks(SWAPS) {
            let some = some.to_vec();
            let swap = move |tx: &mut Tx| {
                some.iter().try_fold(0, |sum, (found, anew)| {
                    Ok::<_, Problem>(sum + u64::from(column.swap(tx, found, anew)?))
                })
            };
            walk.resealed += self.persist(swap).await?;
        }
        Ok(page.next)
    }

    /// Destroys the keys before that version, save those of the owners that are spared.
    async fn destroy(&self, version: i64, spared: HashSet<KeyOwner>) -> Result<u64, Problem> {
        let all = self.store().read(every_key).await?;
        let old = all.iter().filter(|key| key.version < version && !spared.contains(&key.owner));
        let owners: Vec<_> = old.map(|key| key.owner).collect::<HashSet<_>>().into_iter().collect();
        let mut destroyed = 0;
        for some in owners.chunks(BATCH as usize) {
            let some = some.to_vec();
            let destroy = move |tx: &mut Tx| {
                some.iter().try_fold(0, |sum, owner| {
                    Ok::<_, Problem>(sum + keys::destroy_before(tx, *owner, version)?)
                })
            };
            destroyed += self.persist(destroy).await?;
        }
        Ok(destroyed)
    }
}

/// The version to rotate to, and whether somebody has begun that: older keys are left then.
fn begin(tx: &mut Tx) -> Result<(i64, bool), Problem> {
    let instance = instance::get(tx)?.ok_or(Code::Sealed)?;
    if every_key(tx)?.iter().any(|key| key.version < instance.key_version) {
        return Ok((instance.key_version, true));
    }
    let key_version = instance.key_version + 1;
    instance::set_keys(tx, &Instance { key_version, ..instance })?;
    let told = json!({ "key_version": key_version });
    record_installation(tx, &Actor::system("command line"), "installation.keys_rotated", None, Some(told))?;
    Ok((key_version, false))
}

/// Everybody's newest version.
fn newest_keys(tx: &mut Tx) -> Result<HashMap<KeyOwner, i64>, Problem> {
    // In the order of their versions: the newest is the one that stays.
    Ok(every_key(tx)?.into_iter().map(|key| (key.owner, key.version)).collect())
}

/// Closes the store to what keys before that version sealed; not while somebody has only those.
fn close_door(tx: &mut Tx, version: i64) -> Result<bool, Problem> {
    if newest_keys(tx)?.values().any(|newest| *newest < version) {
        return Ok(false);
    }
    let instance = instance::get(tx)?.ok_or(Code::Sealed)?;
    let sealing_from = instance.sealing_from.max(version);
    instance::set_keys(tx, &Instance { sealing_from, ..instance })?;
    Ok(true)
}

/// What became of a page.
#[derive(Default)]
struct Page {
    /// What older keys sealed, and the same sealed anew.
    anew: Vec<(Found, Sealed)>,
    unreadable: Vec<Unreadable>,
    next: Option<String>,
}

fn sealed_anew(
    app: &App,
    tx: &mut Tx,
    column: &SealedColumn,
    wanted: i64,
    from: &str,
) -> Result<Page, Problem> {
    let (mut opened, mut page) = (Opened::new(&app.inner.vault), Page::default());
    for found in column.page(tx, from, BATCH)? {
        page.next = Some(found.row.clone());
        if version(&found) >= wanted {
            continue;
        }
        // Without the key nothing is known of the value: that is not the same as a value that no key opens.
        let key = opened.key(tx, found.owner)?.ok_or(Code::Sealed)?;
        match key.open(place(column, &found), &found.value) {
            Ok(secret) => {
                let anew = key.seal(place(column, &found), &secret);
                page.anew.push((found, anew));
            }
            Err(_) => page.unreadable.push(Unreadable::new(column, &found)),
        }
    }
    Ok(page)
}
