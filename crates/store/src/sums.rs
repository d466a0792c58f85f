//! Sums of the database file's pages, in a file beside it. SQLite notices damage to its structure, not to what is in
//! the rows. In WAL mode the database file changes only when the log is moved into it, and our checkpointer alone does
//! that (`sqlite.rs`), so it can note the sum of every page that it is about to move. Whoever opens the database for the
//! first time compares: a page that is neither in the log nor what was noted is damage, and so is a log that lacks what was
//! acknowledged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::lock::beside;
use crate::log::{Agreed, Log, Salts};
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"DTSUMS1\n";
const HEADER: usize = 64;
/// A sum's size: a hash's first bytes.
const SUM: usize = 8;

/// What the head of the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    page_size: u32,
    /// Whether the last one to use the database ended in order.
    clean: bool,
    /// The log up to which pages are noted, and may have been moved.
    salts: Salts,
    frames: u32,
}

/// The open file. Only the holder of the database's lock has one.
#[derive(Debug)]
pub(crate) struct Sums {
    file: File,
    head: Head,
    database: PathBuf,
}

/// The page with the byte at 2^30, where SQLite's locks are: it is never written.
fn lock_page(page_size: u32) -> u32 {
    (1 << 30) / page_size + 1
}

fn hash(bytes: &[u8]) -> [u8; SUM] {
    Sha256::digest(bytes)[..SUM].try_into().expect("a hash is longer")
}

impl Head {
    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&self.page_size.to_le_bytes());
        bytes[12] = u8::from(self.clean);
        bytes[16..24].copy_from_slice(&self.salts);
        bytes[24..28].copy_from_slice(&self.frames.to_le_bytes());
        let sum = hash(&bytes[..HEADER - SUM]);
        bytes[HEADER - SUM..].copy_from_slice(&sum);
        bytes
    }

    fn from_bytes(bytes: &[u8; HEADER]) -> Option<Self> {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let head = Self {
            page_size: number(8),
            clean: bytes[12] == 1,
            salts: bytes[16..24].try_into().expect("eight bytes"),
            frames: number(24),
        };
        (head.to_bytes() == *bytes).then_some(head)
    }
}

/// Refuses a place where the database is missing and something of it is still there: a new one would hide the loss.
///
/// # Errors
/// [`Error::Corrupt`].
pub(crate) fn refuse_orphans(database: &Path) -> Result<()> {
    if fs::metadata(database).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let left = ["-sums", "-wal"].map(|suffix| beside(database, suffix));
    match left.iter().find(|path| fs::metadata(path).is_ok_and(|file| file.len() > HEADER as u64)) {
        None => Ok(()),
        Some(path) => Err(Error::Corrupt(format!(
            "{} is missing or empty, but {} is there, so there was one; nothing was made. Put the file back or restore \
             a backup into a new directory; to begin anew, remove what is left",
            database.display(),
            path.display()
        ))),
    }
}

/// Compares the database with its sums, if it has any, before somebody reads it who does not look after it: opening it
/// begins the shared memory anew, which knows what was acknowledged. The caller has the lock.
///
/// # Errors
/// [`Error::Corrupt`]; nothing was touched then.
pub(crate) fn compare(database: &Path) -> Result<()> {
    refuse_orphans(database)?;
    match beside(database, "-sums").exists() {
        true => Sums::open(database).map(drop),
        false => Ok(()),
    }
}

impl Sums {
    /// Compares the database with its sums, before anybody opens it; without any it notes what is there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] says what is not as it was; nothing was touched then.
    pub(crate) fn open(database: &Path) -> Result<Self> {
        let path = beside(database, "-sums");
        let broken =
            |error: io::Error| Error::Unreachable(format!("{} cannot be used: {error}", path.display()));
        let mut options = OpenOptions::new();
        let file = match options.read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::note_all(database, &path),
            file => file,
        };
        let file = file.map_err(broken)?;
        let mut head = [0; HEADER];
        let read = file.read_exact_at(&mut head, 0);
        let Some(head) = read.ok().and_then(|()| Head::from_bytes(&head)) else {
            return Err(damaged(database, "the sums of its pages, in the file -sums, are damaged"));
        };
        let sums = Self { file, head, database: database.to_owned() };
        sums.check()?;
        Ok(sums)
    }

    /// Notes that the database is being used from here on: what is acknowledged may be in the log alone.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.head.clean = false;
        let path = beside(&self.database, "-sums");
        self.write_head()
            .map_err(|error| Error::Unreachable(format!("{} cannot be written: {error}", path.display())))
    }

    /// The first file of sums: of what is there.
    fn note_all(database: &Path, path: &Path) -> io::Result<File> {
        let pages = BufReader::with_capacity(1 << 20, File::open(database)?);
        let mut start = [0; 18];
        let page_size = match File::open(database)?.read_exact(&mut start) {
            Ok(()) => match u16::from_be_bytes([start[16], start[17]]) {
                1 => 65_536,
                size => u32::from(size).max(512),
            },
            Err(_) => 4096,
        };
        let head = Head { page_size, clean: true, salts: Salts::default(), frames: 0 };
        let mut bytes = head.to_bytes().to_vec();
        each_page(pages, page_size as usize, |_, page| {
            bytes.extend(hash(page));
            Ok(())
        })?;
        let partial = beside(database, "-sums.partial");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all_at(&bytes, 0)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        Ok(file)
    }

    fn check(&self) -> Result<()> {
        let page_size = self.head.page_size as usize;
        let unreadable = |error: io::Error| {
            Error::Unreachable(format!("{} cannot be read: {error}", self.database.display()))
        };
        // Another process may begin the log anew while it is read: what is missing is looked for once more.
        let log = self.read_log().or_else(|error| match error {
            Error::Corrupt(_) => self.read_log(),
            error => Err(error),
        })?;
        let mut noted = Vec::new();
        (&self.file).take(u64::MAX).read_to_end(&mut noted).map_err(unreadable)?;
        let noted: Vec<&[u8]> = noted.get(HEADER..).unwrap_or_default().chunks_exact(SUM).collect();
        let file = BufReader::with_capacity(1 << 20, File::open(&self.database).map_err(unreadable)?);
        let wrong = |number: u32| damaged(&self.database, &format!("page {number} is not what was written"));
        // Whether it has to be in the file as it was noted.
        let lock_page = lock_page(self.head.page_size);
        let counts = |number: u32| number != lock_page && !log.pages.contains(&number);
        let mut pages = 0;
        let mut bad = None;
        each_page(file, page_size, |number, page| {
            pages = number;
            let known = noted.get(number as usize - 1).is_some_and(|sum| **sum == hash(page));
            if !known && counts(number) {
                bad.get_or_insert(number);
            }
            Ok(())
        })
        .map_err(unreadable)?;
        let missing = (pages + 1..=noted.len() as u32).find(|page| counts(*page));
        bad.or(missing).map_or(Ok(()), |page| Err(wrong(page)))
    }

    /// The log, which must have everything that was acknowledged.
    fn read_log(&self) -> Result<Log> {
        // In this order: beside another process that writes, it has what was agreed on before, or more.
        let agreed = Agreed::left(&beside(&self.database, "-shm"));
        let path = beside(&self.database, "-wal");
        let log = Log::read(&path, self.head.page_size as usize)
            .map_err(|error| Error::Unreachable(format!("{} cannot be read: {error}", path.display())))?;
        self.check_log(log.as_ref(), agreed)?;
        Ok(log.unwrap_or_default())
    }

    /// Whether the log has everything that was acknowledged, as far as anybody remembers.
    fn check_log(&self, log: Option<&Log>, agreed: Option<Agreed>) -> Result<()> {
        let lost = || {
            Err(damaged(&self.database, "its log, in the file -wal, lacks changes that were acknowledged"))
        };
        let Some(log) = log else {
            let all_moved = agreed.map_or(self.head.clean, |agreed| agreed.moved >= agreed.frames);
            return if all_moved { Ok(()) } else { lost() };
        };
        let marks =
            [agreed.map(|agreed| (agreed.salts, agreed.frames)), Some((self.head.salts, self.head.frames))];
        for (salts, frames) in marks.into_iter().flatten().filter(|(_, frames)| *frames > 0) {
            if log.is_older_than(salts) || (log.salts == salts && log.frames < frames) {
                return lost();
            }
        }
        Ok(())
    }

    fn write_head(&self) -> io::Result<()> {
        self.file.write_all_at(&self.head.to_bytes(), 0)?;
        self.file.sync_data()
    }

    /// Notes all that was committed to the log, before any of it is moved: what breaks off in between leaves pages that
    /// are in the log, or as they were noted. False where that cannot be told just now, and nothing may be moved. The
    /// caller reads the database, so that nothing is moved that is committed later.
    pub(crate) fn note_committed(&mut self, shared_memory: &File) -> io::Result<bool> {
        let Some(agreed) = Agreed::read(shared_memory) else { return Ok(false) };
        // A log that nobody wrote to is empty: it has not even a head.
        if agreed.frames == 0 {
            return Ok(true);
        }
        let log = File::open(beside(&self.database, "-wal"))?;
        if Log::salts_of(&log)? != agreed.salts {
            return Ok(false);
        }
        self.note(&log, agreed.salts, agreed.frames).map(|()| true)
    }

    /// The same, where nobody else uses the database and the log is all that tells.
    pub(crate) fn note_log(&mut self) -> io::Result<()> {
        let path = beside(&self.database, "-wal");
        match Log::read(&path, self.head.page_size as usize)? {
            Some(log) => self.note(&File::open(path)?, log.salts, log.frames),
            None => Ok(()),
        }
    }

    /// Notes the pages of the log's frames up to this one.
    fn note(&mut self, log: &File, salts: Salts, frames: u32) -> io::Result<()> {
        let from = if salts == self.head.salts { self.head.frames } else { 0 };
        if frames <= from {
            return Ok(());
        }
        let mut changed = std::collections::BTreeMap::new();
        Log::frames(log, self.head.page_size as usize, (from, frames), |page, bytes| {
            changed.insert(page, hash(bytes));
        })?;
        for (page, sum) in changed {
            self.file.write_all_at(&sum, (HEADER + SUM * (page as usize - 1)) as u64)?;
        }
        (self.head.salts, self.head.frames) = (salts, frames);
        self.write_head()
    }

    /// Notes that everything was moved and nobody is at work any more.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.head.clean = true;
        self.write_head()
    }

    /// As [`Sums::close`], where the log is about to go, too: the next one has nothing to do with it.
    pub(crate) fn close_without_log(mut self) -> io::Result<()> {
        (self.head.salts, self.head.frames) = (Salts::default(), 0);
        self.close()
    }

    /// Throws them away, since they can no longer be kept: the next start begins new ones.
    pub(crate) fn give_up(self) {
        // What cannot be removed either is found wanting at the next start, which is the safe side.
        let _ = fs::remove_file(beside(&self.database, "-sums"));
    }
}

fn damaged(database: &Path, what: &str) -> Error {
    Error::Corrupt(format!(
        "{}: {what}; nothing was touched. Restore a backup into a new directory. If another program changed the file \
         on purpose, remove the file -sums beside it and start again",
        database.display()
    ))
}

/// Hands over every page with its number, from 1; a rest that is no whole page is one, too.
fn each_page(
    mut from: impl Read,
    page_size: usize,
    mut each: impl FnMut(u32, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut page = vec![0; page_size];
    for number in 1.. {
        let mut filled = 0;
        while filled < page_size {
            match from.read(&mut page[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        if filled == 0 {
            break;
        }
        each(number, &page[..filled])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::lock_page;

    #[test]
    fn t44_the_page_that_sqlite_never_writes_is_the_one_with_the_byte_at_a_gibibyte() {
        for page_size in [512, 4096, 65_536] {
            let first = u64::from(lock_page(page_size) - 1) * u64::from(page_size);
            assert!((first..first + u64::from(page_size)).contains(&(1 << 30)), "{page_size}");
        }
    }
}
