//! The last log lines, kept in the data directory for the support bundle: two files that take turns, masked like
//! every line, readable by the server's user alone.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// When the file is full, it takes the place of the one before it.
const BYTES_MAX: u64 = 512 << 10;
const NAME: &str = "recent.log";

fn older(folder: &Path) -> PathBuf {
    folder.join(format!("{NAME}.1"))
}

/// Keeps lines. Clones write into the same file.
#[derive(Clone)]
pub(crate) struct Recent(Arc<Mutex<Kept>>);

struct Kept {
    folder: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl Recent {
    /// Goes on in the folder's file.
    pub(crate) fn open(folder: &Path) -> Self {
        let mut kept = Kept { folder: folder.to_owned(), file: None, bytes: 0 };
        kept.open();
        Self(Arc::new(Mutex::new(kept)))
    }

    /// Keeps a line that was masked already. Where there is no room for it, it is lost: the log itself has it.
    pub(crate) fn keep(&self, line: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(line);
    }

    /// What is kept in that folder, the oldest first.
    pub(crate) fn read(folder: &Path) -> String {
        [older(folder), folder.join(NAME)]
            .iter()
            .filter_map(|path| fs::read(path).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }
}

impl Kept {
    fn open(&mut self) {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        self.file = options.open(self.folder.join(NAME)).ok();
        self.bytes = self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |found| found.len());
    }

    fn keep(&mut self, line: &[u8]) {
        if self.bytes >= BYTES_MAX && fs::rename(self.folder.join(NAME), older(&self.folder)).is_ok() {
            self.open();
        }
        if let Some(file) = &mut self.file
            && file.write_all(line).is_ok()
        {
            self.bytes += line.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_the_first_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let recent = Recent::open(folder.path());
        for n in 0..40_000 {
            recent.keep(format!("line number {n:>20}\n").as_bytes());
        }
        let text = Recent::read(folder.path());
        assert!((BYTES_MAX..=2 * BYTES_MAX + 64).contains(&(text.len() as u64)), "{}", text.len());
        assert!(text.ends_with(&format!("line number {:>20}\n", 39_999)));
        Recent::open(folder.path()).keep(b"after a restart\n");
        assert!(Recent::read(folder.path()).ends_with("after a restart\n"));
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &fs::metadata(folder.path().join(NAME)).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
