//! Sealing (design section 6): every secret at rest is encrypted with its owner's data key, which is itself wrapped
//! by the master key. The place (owner, table, row, field) and the key's version are authenticated with it, so that
//! a ciphertext that is moved elsewhere does not open. Without the master key that the database needs, the vault is
//! sealed: nothing is opened, nothing is made.

mod change;
mod cipher;
mod master;

pub(crate) use change::MasterChange;
pub use change::MasterError;
pub(crate) use cipher::{DataKey, Place};
pub(crate) use master::FILE as KEY_FILE;
pub use master::SealedReason;
use master::{MasterKey, Source};

use crate::clock::{new_id, now};
use crate::start::{App, StartError};
use cipher::{Cipher, KEY_BYTES};
use dialtone_domain::{Code, Problem, SecretString};
use dialtone_store::instance::{self, Instance};
use dialtone_store::{KeyOwner, Store, Tenant, Tx, keys};
use std::path::Path;
use std::sync::{PoisonError, RwLock};

/// Holds the master keys; opens data keys with them.
pub(crate) struct Vault {
    source: Source,
    masters: RwLock<Vec<MasterKey>>,
    sealed: Option<SealedReason>,
}

impl Vault {
    /// The vault of a database. At the first start of all the installation is recorded, with a key file made where no
    /// key is given; later on no key is ever made here, and the key must be the one that the installation names.
    ///
    /// # Errors
    /// Trouble with the database, or a key file that cannot be made. A key that does not fit is no error: the vault
    /// is sealed then.
    pub(crate) async fn open(
        store: &Store,
        given: Option<SecretString>,
        folder: &Path,
    ) -> Result<Self, StartError> {
        let source = given.map_or_else(|| Source::Folder(folder.to_owned()), Source::Given);
        let known = store.read(instance::get).await.map_err(StartError::Store)?;
        let mut loaded = source.load();
        if let (None, Err(SealedReason::Missing(_))) = (&known, &loaded) {
            let file = folder.join(master::FILE);
            let made = master::write_new(&file, &master::random());
            made.map_err(|error| StartError::KeyFile(file.display().to_string(), error))?;
            loaded = source.load();
        }
        let (masters, reason) = match loaded {
            Ok(masters) => (masters, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        let mut vault = Self { source, masters: RwLock::new(masters), sealed: reason };
        if vault.sealed.is_none() {
            let instance = match known {
                Some(instance) => instance,
                None => vault.found(store).await?,
            };
            vault.sealed = vault.misfit(&instance);
        }
        Ok(vault)
    }

    /// Records the installation with its data key, unless another process was first; answers what is recorded.
    async fn found(&self, store: &Store) -> Result<Instance, StartError> {
        let at = now();
        let master_key = self.masters().first().map(|key| key.id().to_owned()).unwrap_or_default();
        let new = Instance {
            id: new_id::<uuid::Uuid>().to_string(),
            epoch: 1,
            key_version: 1,
            sealing_from: 1,
            master_key,
            next_master_key: None,
            fenced_at: None,
            created_at: at,
        };
        let data_key = self.wrapped(&new, KeyOwner::Instance);
        let recorded = store.write(move |tx| {
            if instance::create(tx, &new)?
                && let Some(data_key) = &data_key
            {
                keys::add(tx, data_key)?;
            }
            instance::get(tx)
        });
        let recorded = recorded.await.map_err(StartError::Store)?;
        recorded.ok_or_else(|| StartError::Store(dialtone_store::Error::Internal("no instance".to_owned())))
    }

    /// Why these master keys are not those of the installation, where they are not.
    fn misfit(&self, instance: &Instance) -> Option<SealedReason> {
        let masters = self.masters();
        let needed: Vec<_> = [Some(&instance.master_key), instance.next_master_key.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let found: Vec<_> = masters.iter().map(MasterKey::id).collect();
        let fits = needed.iter().all(|id| found.contains(id));
        (!fits).then(|| SealedReason::Wrong { found: found.join(", "), needed: needed.join(" and ") })
    }

    fn masters(&self) -> std::sync::RwLockReadGuard<'_, Vec<MasterKey>> {
        self.masters.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A master key. One that another process has just put into the key file is read from there.
    fn master(&self, id: &str) -> Option<MasterKey> {
        let find = || self.masters().iter().find(|key| key.id() == id).cloned();
        if self.sealed.is_some() {
            return None;
        }
        find().or_else(|| {
            let loaded = self.source.load().ok()?;
            *self.masters.write().unwrap_or_else(PoisonError::into_inner) = loaded;
            find()
        })
    }

    /// Why nothing can be opened, where that is so.
    pub(crate) fn sealed(&self) -> Option<&SealedReason> {
        self.sealed.as_ref()
    }

    /// An owner's data key, from its rows in this transaction.
    ///
    /// # Errors
    /// [`Code::Sealed`] where the master key is not here, or a key was changed.
    pub(crate) fn data_key(&self, tx: &mut Tx, owner: KeyOwner) -> Result<DataKey, Problem> {
        let rows = keys::of(tx, owner)?;
        if rows.iter().any(|row| self.master(&row.master_key).is_none()) {
            return Err(Code::Sealed.into());
        }
        // An older key that was damaged takes what it sealed with it, and no more. What is new needs the newest.
        let newest = rows.first().and_then(|row| self.opened(row)).ok_or(Code::Sealed)?;
        let older = rows.iter().skip(1).filter_map(|row| self.opened(row));
        Ok(DataKey::new(owner, std::iter::once(newest).chain(older).collect()))
    }

    /// Makes an owner's data key of the present version; harmless where it is there.
    ///
    /// # Errors
    /// [`Code::Sealed`] without the master key.
    pub(crate) fn make_data_key(&self, tx: &mut Tx, owner: KeyOwner) -> Result<(), Problem> {
        let instance = instance::get(tx)?.ok_or(Code::Sealed)?;
        keys::add(tx, &self.wrapped(&instance, owner).ok_or(Code::Sealed)?)?;
        Ok(())
    }

    /// A new data key, wrapped for its row.
    fn wrapped(&self, instance: &Instance, owner: KeyOwner) -> Option<keys::DataKey> {
        let master = self.master(&instance.master_key)?;
        let key: [u8; KEY_BYTES] = rand::random();
        let version = instance.key_version;
        let wrapped = master.cipher.encrypt(&wrapping(owner, version), &key);
        Some(keys::DataKey { owner, version, wrapped, master_key: master.id, created_at: now() })
    }

    fn unwrap(&self, row: &keys::DataKey) -> Option<Vec<u8>> {
        self.master(&row.master_key)?.cipher.decrypt(&wrapping(row.owner, row.version), &row.wrapped)
    }

    fn opened(&self, row: &keys::DataKey) -> Option<(u32, Cipher)> {
        Some((row.version.try_into().ok()?, Cipher::new(self.unwrap(row)?.try_into().ok()?)))
    }

    /// The same data key, wrapped with another master key.
    pub(crate) fn rewrap(&self, row: &keys::DataKey, master_key: &str) -> Option<Vec<u8>> {
        let key = self.unwrap(row)?;
        Some(self.master(master_key)?.cipher.encrypt(&wrapping(row.owner, row.version), &key))
    }

    /// The ids of the master keys that are here.
    pub(crate) fn present(&self) -> Vec<String> {
        self.masters().iter().map(|key| key.id().to_owned()).collect()
    }
}

fn wrapping(owner: KeyOwner, version: i64) -> String {
    format!("{owner}|data_keys|{owner}|wrapped|{version}")
}

impl App {
    /// Whether the master key that the database needs is not here: no secret can be opened then, no worker runs,
    /// and whoever brings something that must be verified or sealed is asked to come again later.
    pub fn is_sealed(&self) -> bool {
        self.sealed().is_some()
    }

    /// Why that is so, and what to do, in a sentence or two.
    pub fn sealed(&self) -> Option<&SealedReason> {
        self.inner.vault.sealed()
    }

    /// The id of the master key that this database needs, or two with a comma between them while it is being
    /// changed: no secret, and the same on every node. A backup needs the same.
    ///
    /// # Errors
    /// [`Code::Sealed`] where a first start never got as far as a key; trouble with the database.
    pub async fn master_key_id(&self) -> Result<String, Problem> {
        let instance = self.store().read(instance::get).await?;
        let Instance { master_key, next_master_key, .. } = instance.ok_or(Code::Sealed)?;
        Ok([Some(master_key), next_master_key].into_iter().flatten().collect::<Vec<_>>().join(","))
    }

    /// The organisation's data key.
    ///
    /// # Errors
    /// [`Code::Sealed`]; trouble with the database.
    pub(crate) async fn data_key(&self, tenant: &Tenant) -> Result<DataKey, Problem> {
        self.key_of(KeyOwner::Org(tenant.org())).await
    }

    /// The data key of what belongs to a person rather than to an organisation.
    ///
    /// # Errors
    /// As [`App::data_key`].
    pub(crate) async fn instance_key(&self) -> Result<DataKey, Problem> {
        self.key_of(KeyOwner::Instance).await
    }

    async fn key_of(&self, owner: KeyOwner) -> Result<DataKey, Problem> {
        let app = self.clone();
        self.store().read(move |tx| app.inner.vault.data_key(tx, owner)).await
    }
}
