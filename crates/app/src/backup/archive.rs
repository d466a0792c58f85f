//! The file of a backup: a tar archive, compressed with zstd. `tables/<name>/<part>.jsonl` holds a table's rows, one
//! JSON array a line; `media/…` the files; `manifest.json`, the last entry, what there has to be, so that an archive
//! that was cut off is never taken for a whole one.

use super::BackupError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Component, Path, PathBuf};
use tempfile::NamedTempFile;

/// The version of this layout.
pub(super) const FORMAT: u32 = 1;
/// A table's rows are cut into parts of about this size.
const PART_BYTES: usize = 4 << 20;
/// A part that claims to be larger is none.
const PART_BYTES_MAX: u64 = 1 << 30;
const MANIFEST: &str = "manifest.json";
/// Fast, and smaller by an order of magnitude than the database.
const LEVEL: i32 = 3;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the layout.
    pub format: u32,
    /// The program that made it.
    pub program: String,
    /// When it was begun: every change that was acknowledged before is in it.
    pub created_at: Timestamp,
    /// The engine that it came from: `sqlite` or `postgres`.
    pub engine: String,
    /// The version of the schema.
    pub schema_version: i64,
    /// The installation; none before its first start.
    pub instance: Option<Instance>,
    /// Which master key opens what is sealed in it.
    pub master_key_id: Option<String>,
    /// Every table.
    pub tables: Vec<TableSum>,
    /// Every file of the media folder.
    pub files: Vec<FileSum>,
}

/// The installation that a backup is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id, which a restored one keeps.
    pub id: String,
    /// How often it was restored.
    pub epoch: i64,
}

/// A table in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of the rows' values.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// The SHA-256 of all its lines in the order of the table's key.
    pub sha256: String,
}

/// A file in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its path below the data directory.
    pub path: String,
    /// Its size.
    pub size: u64,
    /// The SHA-256 of its content.
    pub sha256: String,
}

/// Counts and sums the lines of a table.
#[derive(Default)]
pub(super) struct Tally {
    rows: u64,
    hash: Sha256,
}

impl Tally {
    pub(super) fn add(&mut self, lines: &str) {
        self.rows += lines.matches('\n').count() as u64;
        self.hash.update(lines);
    }

    pub(super) fn end(self) -> (u64, String) {
        (self.rows, hex(&self.hash.finalize()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An archive that is being written, beside the place where it will be.
pub(super) struct Writer {
    tar: tar::Builder<zstd::Encoder<'static, BufWriter<NamedTempFile>>>,
    folder: PathBuf,
}

impl Writer {
    /// Begins in this folder.
    pub(super) fn begin(folder: &Path) -> Result<Self, BackupError> {
        let failed = BackupError::file("written to", folder);
        let begin = || {
            let file = tempfile::Builder::new().prefix(".dialtone-").suffix(PARTIAL).tempfile_in(folder)?;
            let mut encoder = zstd::Encoder::new(BufWriter::new(file), LEVEL)?;
            encoder.include_checksum(true)?;
            Ok(tar::Builder::new(encoder))
        };
        Ok(Self { tar: begin().map_err(failed)?, folder: folder.to_owned() })
    }

    fn entry(&mut self, path: &str, size: u64, content: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        self.tar.append_data(&mut header, path, content)
    }

    /// A table: `rows` hands every line to the function that it is given.
    pub(super) fn table(
        &mut self,
        name: &str,
        columns: &[String],
        rows: impl FnOnce(&mut dyn FnMut(&str) -> Result<(), BackupError>) -> Result<(), BackupError>,
    ) -> Result<TableSum, BackupError> {
        let (mut tally, mut part, mut number) = (Tally::default(), String::new(), 0);
        let mut flush = |part: &mut String, writer: &mut Self| {
            number += 1;
            let path = format!("tables/{name}/{number:06}.jsonl");
            let written = writer.entry(&path, part.len() as u64, part.as_bytes());
            written.map_err(BackupError::file("written to", &writer.folder))?;
            part.clear();
            Ok::<_, BackupError>(())
        };
        rows(&mut |line| {
            tally.add(line);
            part.push_str(line);
            if part.len() < PART_BYTES { Ok(()) } else { flush(&mut part, self) }
        })?;
        if !part.is_empty() {
            flush(&mut part, self)?;
        }
        let (rows, sha256) = tally.end();
        Ok(TableSum { name: name.to_owned(), columns: columns.to_owned(), rows, sha256 })
    }

    /// A file as it is now; `None` if it went away since it was listed.
    pub(super) fn file(&mut self, below: &Path, path: &str) -> Result<Option<FileSum>, BackupError> {
        let full = below.join(path);
        let failed = BackupError::file("read", &full);
        let file = match File::open(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let size = file.metadata().map_err(BackupError::file("read", &full))?.len();
        let mut content = Hashing { inner: file.take(size), hash: Sha256::new() };
        self.entry(path, size, &mut content).map_err(BackupError::file("copied", &full))?;
        Ok(Some(FileSum { path: path.to_owned(), size, sha256: hex(&content.hash.finalize()) }))
    }

    /// The manifest, and the end. The file is on the disk before it has its name; one that has it is not touched.
    pub(super) fn finish(
        mut self,
        manifest: &Manifest,
        places: impl Iterator<Item = PathBuf>,
    ) -> Result<(PathBuf, u64), BackupError> {
        let text = serde_json::to_vec_pretty(manifest).expect("plain data");
        let end = |mut writer: Self| {
            writer.entry(MANIFEST, text.len() as u64, text.as_slice())?;
            let file = writer.tar.into_inner()?.finish()?.into_inner().map_err(io::Error::from)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let folder = std::mem::take(&mut self.folder);
        let mut file = end(self).map_err(BackupError::file("written to", &folder))?;
        let size = file.as_file().metadata().map_err(BackupError::file("read", &folder))?.len();
        let mut occupied = String::new();
        for to in places {
            match file.persist_noclobber(&to) {
                Ok(_) => {
                    sync(&folder)?;
                    return Ok((to, size));
                }
                Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                    (file, occupied) = (failed.file, to.display().to_string());
                }
                Err(failed) => return Err(BackupError::file("written", &to)(failed.error)),
            }
        }
        Err(BackupError::Occupied(occupied))
    }
}

/// How the name of a file ends that is not whole yet.
pub(super) const PARTIAL: &str = ".partial";

/// Has a folder's own entries on the disk.
pub(super) fn sync(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::file("written to", folder))
}

/// Hashes what is read through it.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// One thing out of an archive, in the order in which it was written.
pub(super) enum Part<'a> {
    /// Some lines of a table.
    Rows(&'a str, &'a str),
    /// A file, by its path below the data directory.
    File(&'a Path, &'a mut dyn Read),
}

/// What was found so far.
#[derive(Default)]
struct Found {
    tables: BTreeMap<String, Tally>,
    files: Vec<FileSum>,
    manifest: Option<Manifest>,
}

/// Reads an archive to its end, hands over what is in it, and compares it with its manifest. What `each` did must not
/// count before this has answered.
pub(super) fn read(
    path: &Path,
    each: &mut dyn FnMut(Part<'_>) -> Result<(), BackupError>,
) -> Result<Manifest, BackupError> {
    let file = File::open(path).map_err(BackupError::file("read", path))?;
    let broken = |why: io::Error| BackupError::Damaged(path.display().to_string(), why.to_string());
    let wrong = |why: &str| BackupError::Damaged(path.display().to_string(), why.to_owned());
    let mut archive = tar::Archive::new(zstd::Decoder::new(BufReader::new(file)).map_err(broken)?);
    let mut found = Found::default();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.into_owned();
        if found.manifest.is_some() || entry.header().entry_type() != tar::EntryType::Regular {
            return Err(wrong("it holds what does not belong into a backup"));
        }
        let parts: Option<Vec<&str>> = name
            .components()
            .map(|part| match part {
                Component::Normal(part) => part.to_str(),
                _ => None,
            })
            .collect();
        match parts.as_deref() {
            Some([MANIFEST]) => {
                let mut text = String::new();
                entry.read_to_string(&mut text).map_err(broken)?;
                found.manifest = Some(manifest(path, &text)?);
            }
            Some(["tables", table, _]) if entry.size() <= PART_BYTES_MAX => {
                let mut lines = String::new();
                entry.read_to_string(&mut lines).map_err(broken)?;
                found.tables.entry((*table).to_owned()).or_default().add(&lines);
                each(Part::Rows(table, &lines))?;
            }
            Some(["media", _, ..]) => {
                let size = entry.size();
                let mut content = Hashing { inner: entry, hash: Sha256::new() };
                each(Part::File(&name, &mut content))?;
                io::copy(&mut content, &mut io::sink()).map_err(broken)?;
                let path = name.to_string_lossy().into_owned();
                found.files.push(FileSum { path, size, sha256: hex(&content.hash.finalize()) });
            }
            _ => return Err(wrong("it holds what does not belong into a backup")),
        }
    }
    // The compression's own sum comes after the last entry.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    found.compare().map_err(|why| BackupError::Damaged(path.display().to_string(), why))
}

fn manifest(path: &Path, text: &str) -> Result<Manifest, BackupError> {
    let name = || path.display().to_string();
    #[derive(Deserialize)]
    struct Head {
        format: u32,
        program: String,
    }
    let unreadable = |_| BackupError::Damaged(name(), "its manifest cannot be read".to_owned());
    let head: Head = serde_json::from_str(text).map_err(unreadable)?;
    if head.format > FORMAT {
        return Err(BackupError::Newer(name(), head.program));
    }
    serde_json::from_str(text).map_err(unreadable)
}

impl Found {
    fn compare(mut self) -> Result<Manifest, String> {
        let manifest = self.manifest.ok_or("its end is missing")?;
        for table in &manifest.tables {
            let found = self.tables.remove(&table.name).unwrap_or_default().end();
            if found != (table.rows, table.sha256.clone()) {
                return Err(format!("the table {} is not what was backed up", table.name));
            }
        }
        if let Some((name, _)) = self.tables.pop_first() {
            return Err(format!("it holds a table {name} that its manifest does not know"));
        }
        if self.files != manifest.files {
            return Err("its files are not those that were backed up".to_owned());
        }
        Ok(manifest)
    }
}
