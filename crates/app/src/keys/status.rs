//! `keys status`: which keys there are and what they seal. Never a secret.

use super::{BATCH, Opened, Unreadable, every_key, place, version};
use crate::start::App;
use dialtone_domain::{Code, Problem};
use dialtone_store::instance;
use dialtone_store::keys::{SEALED_COLUMNS, SealedColumn};
use std::collections::BTreeMap;

/// Which keys there are, and what they seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// Why nothing can be opened, where that is so.
    pub sealed: Option<String>,
    /// The id of the master key that the database needs.
    pub master_key: String,
    /// The id of the one that takes its place, while it is being changed.
    pub next_master_key: Option<String>,
    /// The ids of the master keys that are here.
    pub present: Vec<String>,
    /// The version that seals now.
    pub version: i64,
    /// Each version that there is, the oldest first.
    pub versions: Vec<VersionStatus>,
    /// Values that no key opens; not known while sealed.
    pub unreadable: Vec<Unreadable>,
}

/// One version of the data keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionStatus {
    /// It.
    pub version: i64,
    /// How many owners have a key of it.
    pub keys: u64,
    /// How many values it seals.
    pub values: u64,
}

impl KeyStatus {
    /// Whether a rotation of the data keys was begun and is not finished.
    pub fn is_rotating(&self) -> bool {
        self.versions.iter().any(|known| known.version < self.version)
    }
}

impl App {
    /// Looks at every key and every sealed value; changes nothing.
    ///
    /// # Errors
    /// [`Code::Sealed`] where a first start never got as far as a key; trouble with the database.
    pub async fn key_status(&self) -> Result<KeyStatus, Problem> {
        let (instance, keys) = self
            .store()
            .read(|tx| Ok::<_, Problem>((instance::get(tx)?.ok_or(Code::Sealed)?, every_key(tx)?)))
            .await?;
        let mut versions: BTreeMap<i64, VersionStatus> = BTreeMap::new();
        for key in keys {
            versions.entry(key.version).or_default().keys += 1;
        }
        let mut unreadable = Vec::new();
        for column in SEALED_COLUMNS {
            let mut after = Some(String::new());
            while let Some(from) = after {
                let (counts, lost, next) = self.count_page(column, from).await?;
                for found in counts {
                    versions.entry(found).or_default().values += 1;
                }
                unreadable.extend(lost);
                after = next;
            }
        }
        for (version, status) in &mut versions {
            status.version = *version;
        }
        Ok(KeyStatus {
            sealed: self.sealed().map(ToString::to_string),
            master_key: instance.master_key,
            next_master_key: instance.next_master_key,
            present: self.inner.vault.present(),
            version: instance.key_version,
            versions: versions.into_values().collect(),
            unreadable,
        })
    }

    /// The versions of a page's values, those of them that no key opens, and where the next page begins.
    async fn count_page(
        &self,
        column: &'static SealedColumn,
        from: String,
    ) -> Result<(Vec<i64>, Vec<Unreadable>, Option<String>), Problem> {
        let app = self.clone();
        self.store()
            .read(move |tx| {
                let mut opened = Opened::new(&app.inner.vault);
                let page = column.page(tx, &from, BATCH)?;
                let mut lost = Vec::new();
                for found in &page {
                    let key = opened.key(tx, found.owner)?;
                    let opens = key.is_some_and(|key| key.open(place(column, found), &found.value).is_ok());
                    if !opens && !app.is_sealed() {
                        lost.push(Unreadable::new(column, found));
                    }
                }
                let next = page.last().map(|found| found.row.clone());
                Ok((page.iter().map(version).collect(), lost, next))
            })
            .await
    }
}
