//! How much the data may take of the disk, where that is limited (`--max-disk`), and how far it is used. Pure; sizes are handed in, and
//! what is refused for them is for those who ask.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// How the data stand to their limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Headroom {
    /// There is room, or no limit.
    #[default]
    Enough,
    /// Nine tenths are used.
    Near,
    /// No more measurements are taken, until a twentieth is free.
    Reached,
}

#[derive(Debug, Default)]
pub struct Room {
    /// The limit in bytes; 0 without one.
    most: AtomicU64,
    used: AtomicU64,
    space: Mutex<Headroom>,
}

impl Room {
    pub fn limit(&self, most: Option<u64>) {
        self.most.store(most.unwrap_or(0), Ordering::Relaxed);
    }

    pub fn most(&self) -> Option<u64> {
        Some(self.most.load(Ordering::Relaxed)).filter(|most| *most > 0)
    }

    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub fn space(&self) -> Headroom {
        *self.space.lock()
    }

    /// So many bytes are used now; what that means, where it is something else than before.
    pub fn measured(&self, used: u64) -> Option<Headroom> {
        self.used.store(used, Ordering::Relaxed);
        let mut space = self.space.lock();
        let found = self.most().map_or(Headroom::Enough, |most| next(*space, used, most));
        (std::mem::replace(&mut *space, found) != found).then_some(found)
    }
}

/// What is reached is left a bit further down, so that a limit does not come and go with every request.
fn next(before: Headroom, used: u64, most: u64) -> Headroom {
    let share = |percent: u64| most / 100 * percent;
    match before {
        _ if used >= most => Headroom::Reached,
        Headroom::Reached if used >= share(95) => Headroom::Reached,
        _ if used >= share(90) => Headroom::Near,
        Headroom::Near | Headroom::Reached if used >= share(88) => Headroom::Near,
        _ => Headroom::Enough,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_come_near_reached_and_left() {
        let room = Room::default();
        assert_eq!((room.measured(u64::MAX), room.space(), room.most()), (None, Headroom::Enough, None));
        room.limit(Some(1000));
        for (used, told, space) in [
            (500, None, Headroom::Enough),
            (899, None, Headroom::Enough),
            (900, Some(Headroom::Near), Headroom::Near),
            (885, None, Headroom::Near),
            (1000, Some(Headroom::Reached), Headroom::Reached),
            (951, None, Headroom::Reached),
            (949, Some(Headroom::Near), Headroom::Near),
            (5000, Some(Headroom::Reached), Headroom::Reached),
            (10, Some(Headroom::Enough), Headroom::Enough),
        ] {
            assert_eq!((room.measured(used), room.space()), (told, space), "{used}");
            assert_eq!(room.used(), used);
        }
    }
}
