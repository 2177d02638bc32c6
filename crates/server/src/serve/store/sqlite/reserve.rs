//! Room on the disk that is kept for the time when there is none: `-reserve` beside the data file. It is given up when the
//! disk is full, so that what is not needed can still be deleted, and taken again once there is room.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::lock::{private, sibling};

/// Enough for the log of some thousand pages that deleting changes.
const SIZE: usize = 8 << 20;

#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
    is_held: Mutex<bool>,
}

impl Reserve {
    pub fn beside(data: &Path) -> Reserve {
        Reserve { path: sibling(data, "-reserve"), is_held: Mutex::new(false) }
    }

    /// Takes the room unless it is taken; whether it is now.
    pub fn hold(&self) -> bool {
        let mut is_held = self.is_held.lock();
        if !*is_held {
            // Zeros that are written take room, unlike a length that is set.
            let file = private().write(true).create(true).truncate(true).open(&self.path);
            let taken =
                file.and_then(|mut file| file.write_all(&vec![0; SIZE]).and_then(|()| file.sync_data()));
            *is_held = taken.is_ok();
            if taken.is_err() {
                let _ = std::fs::remove_file(&self.path);
            }
        }
        *is_held
    }

    pub fn give_up(&self) {
        let mut is_held = self.is_held.lock();
        let _ = std::fs::remove_file(&self.path);
        *is_held = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_taken_and_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&dir.path().join("a.db"));
        for _ in 0..2 {
            assert!(reserve.hold() && reserve.hold());
            assert_eq!(std::fs::metadata(dir.path().join("a.db-reserve")).unwrap().len(), SIZE as u64);
            reserve.give_up();
            assert!(!dir.path().join("a.db-reserve").exists());
        }
        assert!(!Reserve::beside(&dir.path().join("none/a.db")).hold());
    }
}
