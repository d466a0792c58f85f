//! How a backup is made, and which there are.

use super::archive::{self, Instance, Manifest, PARTIAL, Writer};
use super::{BackupError, Source, stamp};
use dialtone_store::{Engine, Snapshot, instance};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What names of backups begin and end with.
const NAME: (&str, &str) = ("dialtone-", ".tar.zst");
/// What a process left behind that was killed while it made a backup is thrown away after this time.
const PARTIAL_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size: u64,
    /// What it holds.
    pub manifest: Manifest,
}

/// A backup in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size: u64,
    /// When it was finished.
    pub made_at: Timestamp,
}

/// Where backups go that nobody named a place for.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("backups")
}

pub(super) fn create(source: &Source, to: Option<PathBuf>, at: Timestamp) -> Result<Made, BackupError> {
    let (folder, file) = match to {
        Some(place) if place.is_dir() => (place, None),
        Some(file) if file.exists() => return Err(BackupError::Occupied(file.display().to_string())),
        Some(file) => {
            let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            (parent.unwrap_or(Path::new(".")).to_owned(), Some(file))
        }
        None => {
            let folder = folder(&source.data_dir);
            private_folder(&folder)?;
            (folder, None)
        }
    };
    let mut snapshot = Snapshot::open(&source.database_url)?;
    let mut writer = Writer::begin(&folder)?;
    let mut tables = Vec::new();
    for table in snapshot.tables() {
        let sum = writer.table(&table.name, &table.columns, |each| snapshot.rows(&table, each))?;
        tables.push(sum);
    }
    // After the rows: what they name was there before them.
    let mut files = Vec::new();
    for file in media(&source.data_dir)? {
        files.extend(writer.file(&source.data_dir, &file)?);
    }
    let instance = instance::get(snapshot.tx())?;
    let engine = match snapshot.engine() {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    };
    let manifest = Manifest {
        format: archive::FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: at,
        engine: engine.to_owned(),
        schema_version: snapshot.version(),
        master_key_id: instance.as_ref().map(|instance| instance.master_key.clone()),
        instance: instance.map(|instance| Instance { id: instance.id, epoch: instance.epoch }),
        tables,
        files,
    };
    let (path, size) = match file {
        Some(file) => writer.finish(&manifest, std::iter::once(file))?,
        None => writer.finish(&manifest, places(&folder, at))?,
    };
    Ok(Made { path, size, manifest })
}

/// The names of backups of that time in the order in which they are taken: a second one of the same second ends with `-2`.
fn places(folder: &Path, at: Timestamp) -> impl Iterator<Item = PathBuf> {
    let name = move |number: &str| folder.join(format!("{}{}{number}{}", NAME.0, stamp(at), NAME.1));
    std::iter::once(name("")).chain((2..).map(move |number| name(&format!("-{number}"))))
}

/// A folder that nobody else can look into.
pub(super) fn private_folder(folder: &Path) -> Result<(), BackupError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(BackupError::file("made", folder))
}

/// The paths of all media below the data directory, in order.
fn media(data_dir: &Path) -> Result<Vec<String>, BackupError> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::from("media")]);
    while let Some(folder) = folders.pop() {
        let full = data_dir.join(&folder);
        let entries = match fs::read_dir(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(BackupError::file("read", &full))?,
        };
        for entry in entries {
            let entry = entry.map_err(BackupError::file("read", &full))?;
            let kind = entry.file_type().map_err(BackupError::file("read", &full))?;
            let path = folder.join(entry.file_name());
            match path.to_str() {
                _ if kind.is_dir() => folders.push(path),
                Some(name) if kind.is_file() => found.push(name.to_owned()),
                // Dialtone makes no links and no names that are not UTF-8.
                _ => tracing::warn!("something in the media folder is not Dialtone's and is not backed up"),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The backups of a folder, the newest first.
pub(super) fn list(folder: &Path) -> Result<Vec<Listed>, BackupError> {
    let mut found = Vec::new();
    for (name, path, made_at, size) in entries(folder)? {
        // Without its end, a name is before the same name with a number.
        if let Some(stem) = name.strip_suffix(NAME.1).filter(|stem| stem.starts_with(NAME.0)) {
            found.push((stem.to_owned(), Listed { path, size, made_at }));
        }
    }
    found.sort_by(|a, b| (b.1.made_at, &b.0).cmp(&(a.1.made_at, &a.0)));
    Ok(found.into_iter().map(|(_, backup)| backup).collect())
}

/// Throws away all but the newest, and what killed processes left. What is dated after the one that was just made was
/// made by a clock that has been put back since, and goes first.
pub(super) fn prune(folder: &Path, made: &Path, keep: usize, now: Timestamp) -> Result<(), BackupError> {
    let partial = entries(folder)?
        .into_iter()
        .filter(|(name, _, at, _)| name.ends_with(PARTIAL) && now.duration_since(*at) > PARTIAL_KEPT);
    let partial: Vec<_> = partial.map(|(_, path, _, _)| path).collect();
    let mut found = list(folder)?;
    let newest = found.iter().find(|backup| backup.path == made).map(|backup| backup.made_at);
    found.sort_by_key(|backup| newest.is_some_and(|newest| backup.made_at > newest));
    let old = found.into_iter().skip(keep).map(|backup| backup.path);
    old.chain(partial)
        .try_for_each(|path| fs::remove_file(&path).map_err(BackupError::file("removed", &path)))
}

type Entry = (String, PathBuf, Timestamp, u64);

fn entries(folder: &Path) -> Result<Vec<Entry>, BackupError> {
    let read = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(BackupError::file("read", folder))?,
    };
    let entry = |entry: io::Result<fs::DirEntry>| -> io::Result<Entry> {
        let entry = entry?;
        let about = entry.metadata()?;
        let at = Timestamp::try_from(about.modified()?).map_err(io::Error::other)?;
        Ok((entry.file_name().to_string_lossy().into_owned(), entry.path(), at, about.len()))
    };
    read.filter_map(|found| match entry(found) {
        // Somebody threw it away a moment ago.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entry => Some(entry.map_err(BackupError::file("read", folder))),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_of_the_same_second_get_names_of_their_own_the_last_one_newest() {
        let folder = tempfile::tempdir().unwrap();
        let at: Timestamp = "2026-11-20T10:11:12Z".parse().unwrap();
        let next: Timestamp = "2026-11-20T10:11:13Z".parse().unwrap();
        for path in places(folder.path(), at).take(3).chain(places(folder.path(), next).take(1)) {
            fs::write(path, "").unwrap();
        }
        let names = list(folder.path()).unwrap().into_iter();
        let names: Vec<_> =
            names.map(|backup| backup.path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(
            names,
            [
                "dialtone-20261120T101113Z.tar.zst",
                "dialtone-20261120T101112Z-3.tar.zst",
                "dialtone-20261120T101112Z-2.tar.zst",
                "dialtone-20261120T101112Z.tar.zst"
            ]
        );
    }
}
