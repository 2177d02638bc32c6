//! The machines that follow the one on which a database is written, as the server sees them that asks. Pure; what is found is handed in.

use parking_lot::Mutex;

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Those that have a commit before it is acknowledged; nothing where the user of the database may not know.
    pub synchronous: Option<i64>,
    /// How far the last of all replays behind, in milliseconds.
    pub behind: i64,
}

/// What is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// There is none, as far as the database knows.
    None,
    /// There was one.
    Lost,
    /// There is one again.
    Back,
}

#[derive(Debug, Default)]
pub struct Standbys(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    found: Option<Found>,
    /// Whether there was a synchronous one at any time.
    had: bool,
}

impl Standbys {
    /// Notes what was found now.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub fn see(&self, found: Found) -> Option<News> {
        let mut known = self.0.lock();
        let before = known.found.replace(found).map(|before| before.synchronous);
        let now = found.synchronous?;
        let news = match before {
            None if now == 0 => Some(News::None),
            Some(Some(1..)) if now == 0 => Some(News::Lost),
            Some(Some(0)) if now > 0 => Some(News::Back),
            _ => None,
        };
        known.had |= now > 0;
        news
    }

    /// What was found last.
    pub fn found(&self) -> Option<Found> {
        self.0.lock().found
    }

    /// Whether there was a synchronous one and is none now.
    pub fn are_missed(&self) -> bool {
        let known = self.0.lock();
        known.had && known.found.is_some_and(|found| found.synchronous == Some(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_told_once_and_only_what_was_there_is_missed() {
        let standbys = Standbys::default();
        for (synchronous, news, missed) in [
            (Some(0), Some(News::None), false),
            (Some(0), None, false),
            (Some(2), Some(News::Back), false),
            (Some(1), None, false),
            (Some(0), Some(News::Lost), true),
            (Some(0), None, true),
            (None, None, false),
            (Some(1), None, false),
        ] {
            let found = Found { synchronous, behind: 7 };
            assert_eq!((standbys.see(found), standbys.are_missed()), (news, missed), "{synchronous:?}");
            assert_eq!(standbys.found(), Some(found));
        }
        let none = Found { synchronous: None, behind: 0 };
        assert_eq!(Standbys::default().see(none), None, "who may not know says nothing");
    }
}
