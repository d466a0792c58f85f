//! SQLite's write-ahead log, read as its file format says: which pages of the database file it stands for, and whether
//! all of it is there that was acknowledged.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

const HEADER: usize = 32;
const FRAME: usize = 24;
const MAGIC: u32 = 0x377f_0682;

/// What tells one log from the one that is written over it: the first half grows by one, the second is random.
pub(crate) type Salts = [u8; 8];

/// Logs that are begun anew follow each other more closely than this.
const FAR: u32 = 1 << 20;

/// What a log holds that counts: the frames up to the last commit, as far as their sums are right.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) salts: Salts,
    /// How often it was begun anew, as far as whoever began it knew.
    sequence: u32,
    /// How many frames.
    pub(crate) frames: u32,
    /// The pages that are in them.
    pub(crate) pages: HashSet<u32>,
    /// How many pages the database has after the last commit.
    pub(crate) size: u32,
}

/// The running sum of the format, over words of the order that the magic number tells.
fn sum(bytes: &[u8], big: bool, (mut a, mut b): (u32, u32)) -> (u32, u32) {
    for pair in bytes.chunks_exact(8) {
        let [x, y] = [word(pair, 0, big), word(pair, 4, big)];
        a = a.wrapping_add(x).wrapping_add(b);
        b = b.wrapping_add(y).wrapping_add(a);
    }
    (a, b)
}

fn word(bytes: &[u8], at: usize, big: bool) -> u32 {
    let four = bytes[at..at + 4].try_into().expect("four bytes");
    if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
}

fn salts(header: &[u8], at: usize) -> Salts {
    header[at..at + 8].try_into().expect("eight bytes")
}

/// Fills the buffer; false at the end of the file.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

impl Log {
    /// Reads the log; `None` where there is no file, none of that page size, or nothing readable at its beginning.
    pub(crate) fn read(path: &Path, page_size: usize) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        // What is there now: another process may write faster than this one reads.
        let length = file.metadata()?.len();
        let mut file = BufReader::with_capacity(1 << 20, file.take(length));
        let mut header = [0; HEADER];
        if !fill(&mut file, &mut header)? {
            return Ok(None);
        }
        let magic = word(&header, 0, true);
        let big = magic & 1 == 1;
        let mut running = sum(&header[..24], big, (0, 0));
        let whole = running == (word(&header, 24, true), word(&header, 28, true));
        if magic & !1 != MAGIC || !whole || word(&header, 8, true) as usize != page_size {
            return Ok(None);
        }
        let mut log =
            Self { salts: salts(&header, 16), sequence: word(&header, 12, true), ..Self::default() };
        let (mut frame, mut number, mut open) = (vec![0; FRAME + page_size], 0, Vec::new());
        while fill(&mut file, &mut frame)? {
            running = sum(&frame[..8], big, running);
            running = sum(&frame[FRAME..], big, running);
            if salts(&frame, 8) != log.salts || running != (word(&frame, 16, true), word(&frame, 20, true)) {
                break;
            }
            number += 1;
            open.push(word(&frame, 0, true));
            let size = word(&frame, 4, true);
            if size > 0 {
                (log.frames, log.size) = (number, size);
                log.pages.extend(open.drain(..));
            }
        }
        Ok(Some(log))
    }

    /// Whether it is older than the log with those salts. The number in their first half grows with each log, also from
    /// the highest to 0; but a connection that has begun none yet, and finds one that was begun and not written to, takes
    /// a random number.
    pub(crate) fn is_older_than(&self, salts: Salts) -> bool {
        let number = |salts: Salts| u32::from_be_bytes([salts[0], salts[1], salts[2], salts[3]]);
        let age = number(self.salts).wrapping_sub(number(salts)).cast_signed();
        let random = self.sequence == 0 && age.unsigned_abs() > FAR;
        age < 0 && !random
    }

    /// Hands over the page in each frame behind `from` up to `to`, which the caller knows to be whole.
    pub(crate) fn frames(
        file: &File,
        page_size: usize,
        (from, to): (u32, u32),
        mut each: impl FnMut(u32, &[u8]),
    ) -> io::Result<()> {
        let mut frame = vec![0; FRAME + page_size];
        (from..to).try_for_each(|number| {
            file.read_exact_at(&mut frame, (HEADER + number as usize * (FRAME + page_size)) as u64)?;
            each(word(&frame, 0, true), &frame[FRAME..]);
            Ok(())
        })
    }

    /// The salts in the log's file.
    pub(crate) fn salts_of(file: &File) -> io::Result<Salts> {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, 16)?;
        Ok(bytes)
    }
}

/// What the processes that use the log agree on: SQLite's shared memory, which stays as a file when they die.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) salts: Salts,
    /// How many frames were committed.
    pub(crate) frames: u32,
    /// How many of them had been moved into the database file.
    pub(crate) moved: u32,
}

impl Agreed {
    const HEADER: usize = 48;

    /// Reads what dead processes left; `None` where it is not there or not whole. Only before SQLite opens the database: it
    /// begins anew then, and from then on to close the file would free SQLite's locks on it.
    pub(crate) fn left(path: &Path) -> Option<Self> {
        Self::read(&File::open(path).ok()?)
    }

    /// Reads it; `None` where it is not whole, as while somebody writes it.
    pub(crate) fn read(shared_memory: &File) -> Option<Self> {
        let mut bytes = [0; 2 * Self::HEADER + 4];
        shared_memory.read_exact_at(&mut bytes, 0).ok()?;
        let (first, second) = bytes[..2 * Self::HEADER].split_at(Self::HEADER);
        let native = cfg!(target_endian = "big");
        let whole = sum(&first[..40], native, (0, 0)) == (word(first, 40, native), word(first, 44, native));
        // Its first word is the version of the format.
        let known = word(first, 0, native) == 3_007_000;
        (first == second && whole && known).then(|| Self {
            salts: salts(first, 32),
            frames: word(first, 16, native),
            moved: word(&bytes, 2 * Self::HEADER, native),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t44_an_older_log_is_told_from_one_that_was_begun_at_random() {
        let salts = |number: u32| {
            let mut salts = Salts::default();
            salts[..4].copy_from_slice(&number.to_be_bytes());
            salts
        };
        let log = |number, sequence| Log { salts: salts(number), sequence, ..Log::default() };
        for (number, sequence, known, older) in [
            (7, 3, 7, false),
            (8, 4, 7, false),
            (6, 2, 7, true),
            (6, 0, 7, true),
            (0, 9, u32::MAX, false),
            (u32::MAX, 8, 0, true),
            (7, 0, 7 + FAR, true),
            (7, 0, 8 + FAR, false),
            (7, 1, 8 + FAR, true),
            (9 + FAR, 0, 7, false),
        ] {
            assert_eq!(
                log(number, sequence).is_older_than(salts(known)),
                older,
                "{number} {sequence} {known}"
            );
        }
    }
}
