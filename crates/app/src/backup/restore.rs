//! The way back: checked first, filled into an empty place, compared, and only then there; fenced from its first
//! moment.

use super::BackupError;
use super::archive::{self, Manifest, Part, Tally};
use super::create::private_folder;
use crate::events::{Actor, record};
use dialtone_domain::Problem;
use dialtone_store::{Filling, Store, Table, Tx, fence};
use jiff::Timestamp;
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where a backup is restored to.
#[derive(Debug, Clone)]
pub struct Target {
    /// The new data directory: not there yet, or empty.
    pub data_dir: PathBuf,
    /// An empty PostgreSQL database; a SQLite database in the data directory without it.
    pub postgres_url: Option<String>,
}

/// What was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What the backup held.
    pub manifest: Manifest,
    /// Where the database is now.
    pub database_url: String,
}

pub(super) fn restore(file: &Path, target: &Target, at: Timestamp) -> Result<Restored, BackupError> {
    let place = &target.data_dir;
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if is_fixed(place, parent) {
        return Err(BackupError::Fixed(place.display().to_string()));
    }
    let is_free = match fs::read_dir(place) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_free {
        return Err(BackupError::Occupied(place.display().to_string()));
    }
    // Everything is checked before anything is made.
    let manifest = archive::read(file, &mut |_| Ok(()))?;
    fs::create_dir_all(parent).map_err(BackupError::file("made", parent))?;
    let partial = tempfile::Builder::new().prefix(".dialtone-restore-").tempdir_in(parent);
    let partial = partial.map_err(BackupError::file("written to", parent))?;
    let in_folder = |folder: &Path| format!("sqlite://{}", folder.join("dialtone.db").display());
    let url = target.postgres_url.clone().unwrap_or_else(|| in_folder(partial.path()));
    let filling = fill(file, &manifest, &url, partial.path())?;
    let keep = || filling.keep(|tx| begin_epoch(tx, &manifest, at));
    let put = || {
        archive::sync(partial.path())?;
        // Renaming onto an empty folder replaces it.
        fs::rename(partial.path(), place).map_err(BackupError::file("made", place))
    };
    if target.postgres_url.is_none() {
        keep()?;
        // Opened once, so that it is whole on the disk and watched over from here on.
        Store::open(&url)?.close_blocking();
        put()?;
        archive::sync(parent)?;
    } else {
        // The database is kept when nothing else can fail; if it cannot be, the folder goes again.
        put()?;
        let kept = archive::sync(parent).and_then(|()| keep());
        kept.inspect_err(|_| drop(fs::rename(place, partial.path())))?;
    }
    // Its folder is gone under that name: there is nothing left to remove.
    let _ = partial.keep();
    Ok(Restored { manifest, database_url: target.postgres_url.clone().unwrap_or_else(|| in_folder(place)) })
}

/// Whether renaming cannot replace it: a link, or where something is mounted.
fn is_fixed(place: &Path, parent: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(place) else { return false };
    found.is_symlink() || fs::metadata(parent).is_ok_and(|parent| parent.dev() != found.dev())
}

/// Fills the database and the folder, and compares what arrived; the database is not kept yet.
fn fill(file: &Path, manifest: &Manifest, url: &str, folder: &Path) -> Result<Filling, BackupError> {
    let mut filling = Filling::begin(url, manifest.schema_version)?;
    let tables = filling.tables();
    let fits = |table: &Table| {
        manifest.tables.iter().any(|sum| sum.name == table.name && sum.columns == table.columns)
    };
    if let Some(table) = tables.iter().find(|table| !fits(table)) {
        let why = format!("its table {} is not the one of its schema's version", table.name);
        return Err(BackupError::Damaged(file.display().to_string(), why));
    }
    let again = archive::read(file, &mut |part| match part {
        Part::Rows(name, lines) => match tables.iter().find(|table| table.name == name) {
            Some(table) => Ok(filling.add(table, lines)?),
            None => Err(BackupError::Differs(name.to_owned())),
        },
        Part::File(path, content) => {
            let to = folder.join(path);
            private_folder(to.parent().unwrap_or(folder))?;
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut write = || {
                let mut to = options.open(&to)?;
                io::copy(content, &mut to)?;
                to.sync_all()
            };
            write().map_err(BackupError::file("written", &to))
        }
    })?;
    if again != *manifest {
        return Err(BackupError::Damaged(file.display().to_string(), "it was changed meanwhile".to_owned()));
    }
    for table in &tables {
        let mut tally = Tally::default();
        filling.rows(table, &mut |line| {
            tally.add(line);
            Ok::<_, BackupError>(())
        })?;
        let arrived = tally.end();
        let sum = manifest.tables.iter().find(|sum| sum.name == table.name);
        if sum.is_none_or(|sum| arrived != (sum.rows, sum.sha256.clone())) {
            return Err(BackupError::Differs(table.name.clone()));
        }
    }
    Ok(filling)
}

/// From its first moment on it is fenced, and its organisations' trail says so.
fn begin_epoch(tx: &mut Tx, manifest: &Manifest, at: Timestamp) -> Result<(), BackupError> {
    let unrecorded = |_: Problem| dialtone_store::Error::Internal("an event cannot be recorded".to_owned());
    for tenant in fence::begin_epoch(tx, at)? {
        let after = json!({ "made_at": manifest.created_at });
        record(tx, &tenant, &Actor::system("backup"), "backup.restored", tenant.org(), None, Some(after))
            .map_err(unrecorded)?;
    }
    Ok(())
}
