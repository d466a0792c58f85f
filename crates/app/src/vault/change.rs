//! The files of a changing master key. At every moment the key that the database needs is in one of them:
//!
//! 1. `master.key` is copied to `master.key.old`.
//! 2. The new key takes the place of `master.key`. While both are there, both are read.
//! 3. When every data key is wrapped with the new one, the old one is put aside as `master.key.<its id>`, for the
//!    backups from before.

use super::Vault;
use super::master::{
    FILE, MasterKey, OLD_FILE, SealedReason, Source, random, remove_drafts, replace, sync_folder, write_new,
};
use dialtone_domain::{ExposeSecret, Problem, SecretString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// Held by the one process that changes the files.
const LOCK: &str = "master.key.lock";

/// Why the master key was not changed, or not to the end; each text is a sentence or two for whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// The key that is there does not open the database.
    #[error("{0}")]
    Sealed(SealedReason),
    /// The new key is not 32 bytes in base64.
    #[error(
        "DIALTONE_NEW_MASTER_KEY is not 32 bytes in base64. Nothing was changed. `openssl rand -base64 32` makes one."
    )]
    Malformed,
    /// There is no new key, and no file to make it in.
    #[error(
        "The master key comes from DIALTONE_MASTER_KEY: put the new one into DIALTONE_NEW_MASTER_KEY. Nothing was \
         changed. `openssl rand -base64 32` makes one."
    )]
    NoNewKey,
    /// The new key is the one that is there.
    #[error("DIALTONE_NEW_MASTER_KEY is the present master key. Nothing was changed.")]
    SameKey,
    /// Another change is under way.
    #[error(
        "The master key is being changed to {0} already. Finish that first, with that key, or without \
         DIALTONE_NEW_MASTER_KEY where the keys are in files."
    )]
    OtherChange(String),
    /// A key file cannot be written.
    #[error("The key file {0} cannot be written: {1}. The key that was there is still there; do it again.")]
    File(String, io::Error),
    /// Trouble with the database.
    #[error("{0}")]
    Store(Problem),
}

impl From<Problem> for MasterError {
    fn from(problem: Problem) -> Self {
        MasterError::Store(problem)
    }
}

/// A change whose keys are both there.
pub(crate) struct MasterChange {
    /// The id of the new key.
    pub(crate) new: String,
    files: Option<Files>,
}

struct Files {
    folder: PathBuf,
    old: String,
    _lock: File,
}

impl Vault {
    /// Sees to it that the new key is there beside the present one, whose id is given. Blocks.
    pub(crate) fn begin_change(
        &self,
        present: &str,
        given: Option<&SecretString>,
    ) -> Result<MasterChange, MasterError> {
        let new = given.map(|text| MasterKey::parse(text.expose_secret()).ok_or(MasterError::Malformed));
        let new = new.transpose()?;
        let change = match &self.source {
            Source::Given(_) => {
                let key = new.ok_or(MasterError::NoNewKey)?;
                if key.id() == present {
                    return Err(MasterError::SameKey);
                }
                let id = key.id().to_owned();
                self.masters.write().unwrap_or_else(PoisonError::into_inner).push(key);
                return Ok(MasterChange { new: id, files: None });
            }
            Source::Folder(folder) => in_files(folder, new.zip(given))?,
        };
        let loaded = self.source.load().map_err(MasterError::Sealed)?;
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(change)
    }
}

fn in_files(folder: &Path, given: Option<(MasterKey, &SecretString)>) -> Result<MasterChange, MasterError> {
    let [file, old_file, lock_file] = [FILE, OLD_FILE, LOCK].map(|name| folder.join(name));
    let at = |file: &Path| {
        let name = file.display().to_string();
        move |error| MasterError::File(name, error)
    };
    let lock = File::options().create(true).truncate(false).write(true).open(&lock_file);
    let lock = lock.and_then(|lock| lock.lock().map(|()| lock)).map_err(at(&lock_file))?;
    remove_drafts(folder).map_err(at(folder))?;
    let read = |file: &Path| {
        let text = std::fs::read_to_string(file).map_err(at(file))?;
        let malformed = || MasterError::Sealed(SealedReason::Malformed(file.display().to_string()));
        Ok::<_, MasterError>((MasterKey::parse(&text).ok_or_else(malformed)?, SecretString::from(text)))
    };
    let (now, text) = read(&file)?;
    if !old_file.exists() {
        if given.as_ref().is_some_and(|(key, _)| key.id() == now.id()) {
            return Err(MasterError::SameKey);
        }
        write_new(&old_file, &text).map_err(at(&old_file))?;
    }
    let (old, _) = read(&old_file)?;
    if now.id() == old.id() {
        let made = random();
        let text = given.as_ref().map_or(&made, |(_, text)| text);
        replace(&file, text).map_err(at(&file))?;
    } else if given.is_some_and(|(key, _)| key.id() != now.id()) {
        return Err(MasterError::OtherChange(now.id().to_owned()));
    }
    let (new, _) = read(&file)?;
    let files = Files { folder: folder.to_owned(), old: old.id().to_owned(), _lock: lock };
    Ok(MasterChange { new: new.id().to_owned(), files: Some(files) })
}

impl MasterChange {
    /// Puts the old key aside; answers where it is.
    pub(crate) fn finish(self) -> Result<Option<PathBuf>, MasterError> {
        let Some(Files { folder, old, _lock }) = self.files else { return Ok(None) };
        let aside = folder.join(format!("{FILE}.{old}"));
        let moved = std::fs::rename(folder.join(OLD_FILE), &aside).and_then(|()| sync_folder(&aside));
        moved.map_err(|error| MasterError::File(aside.display().to_string(), error))?;
        Ok(Some(aside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t28_a_change_removes_the_drafts_that_killed_ones_left() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| std::fs::write(folder.path().join(name), random().expose_secret()).unwrap();
        [FILE, "master.draft-00", "master.key.draft-0f", "master.key.0123"].into_iter().for_each(put);
        let change = in_files(folder.path(), None).unwrap();
        change.finish().unwrap();
        let left = std::fs::read_dir(folder.path()).unwrap();
        let mut left: Vec<_> = left.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert!(left.len() == 4 && left.iter().all(|name| !name.contains("draft")), "{left:?}");
        assert!(left.contains(&"master.key.0123".to_owned()), "an earlier key stays: {left:?}");
    }
}
