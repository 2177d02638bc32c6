//! The write-ahead log as bytes: what SQLite will not say. It reads the log up to the first frame that does not match its
//! checksum and drops the rest, since that is how an unfinished write looks. Commits behind such a frame tell that it was
//! damaged later, and that what they wrote is lost.
//!
//! The format is at <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEAD: usize = 32;
const FRAME_HEAD: usize = 24;
/// In the magic number: whether checksums are of big-endian words.
const BIG_ENDIAN: u32 = 0x377f_0683;
const LITTLE_ENDIAN: u32 = 0x377f_0682;

/// The commits in the log at `path` that stand behind a damaged frame; none when there is no log.
pub fn lost_commits(path: &Path) -> io::Result<u64> {
    match File::open(path) {
        Ok(file) => lost(BufReader::new(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn lost(mut log: impl Read) -> io::Result<u64> {
    let mut head = [0; HEAD];
    if !fill(&mut log, &mut head)? {
        return Ok(0);
    }
    let big_endian = match word(&head, 0) {
        BIG_ENDIAN => true,
        LITTLE_ENDIAN => false,
        _ => return Ok(0),
    };
    let page = word(&head, 2) as usize;
    if !page.is_power_of_two() || page > 65_536 {
        return Ok(0);
    }
    let salts = (word(&head, 4), word(&head, 5));
    let mut before = (word(&head, 6), word(&head, 7));
    let (mut frame, mut broken, mut lost) = (vec![0; FRAME_HEAD + page], false, 0);
    while fill(&mut log, &mut frame)? {
        let sum = checksum(before, big_endian, &frame[..8]);
        let sum = checksum(sum, big_endian, &frame[FRAME_HEAD..]);
        // Frames of a generation before have other salts.
        let own = (word(&frame, 2), word(&frame, 3)) == salts;
        before = (word(&frame, 4), word(&frame, 5));
        let is_whole = own && sum == before;
        broken |= !is_whole;
        let commits = word(&frame, 1) != 0;
        lost += u64::from(broken && is_whole && commits);
    }
    Ok(lost)
}

/// Whether there was as much as that.
fn fill(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The big-endian number at a place counted in words.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(4 * at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_be_bytes(*word))
}

fn checksum((mut a, mut b): (u32, u32), big_endian: bool, bytes: &[u8]) -> (u32, u32) {
    let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    for pair in bytes.as_chunks::<8>().0 {
        let [x0, x1, x2, x3, y0, y1, y2, y3] = *pair;
        a = a.wrapping_add(read([x0, x1, x2, x3])).wrapping_add(b);
        b = b.wrapping_add(read([y0, y1, y2, y3])).wrapping_add(a);
    }
    (a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn only_commits_behind_a_damaged_frame_are_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
        // A generation before, whose frames stay behind the new ones.
        let insert = |times| {
            for n in 0..times {
                connection.execute("INSERT INTO t VALUES (?1)", [n]).unwrap();
            }
        };
        insert(20);
        connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
        insert(10);
        let log = std::fs::read(dir.path().join("a.db-wal")).unwrap();
        assert_eq!(lost(&log[..]).unwrap(), 0);
        let frame = FRAME_HEAD + 4096;
        assert!(log.len() >= HEAD + 20 * frame);
        for (at, expected) in [(0, 9), (3, 6), (8, 1), (9, 0), (15, 0)] {
            for byte in [4, 9, 20, 2000] {
                let mut damaged = log.clone();
                damaged[HEAD + at * frame + byte] ^= 4;
                // A damaged checksum takes the next frame along, which rests on it.
                let expected = if byte == 20 { i64::from(expected) - 1 } else { expected.into() };
                assert_eq!(lost(&damaged[..]).unwrap(), expected.max(0) as u64, "frame {at}, byte {byte}");
            }
        }
        // An unfinished write at the end, as a kill leaves it.
        assert_eq!(lost(&log[..HEAD + 9 * frame + 100]).unwrap(), 0);
        assert_eq!(lost(&[][..]).unwrap(), 0);
    }
}
