//! What was written lately, as far as those need to know who remember what they read: measurements of which metrics, or anything. Told after
//! each commit, before whoever asked for it is answered. Knows no tables.

use std::sync::atomic::{AtomicU64, Ordering};

/// Places that metrics share.
const PLACES: usize = 1_024;

/// What a job of the writer changes.
#[derive(Debug, Clone, Default)]
pub enum Touched {
    /// Who knows.
    #[default]
    Anything,
    /// Nothing but measurements of these metrics, by their ids.
    Measurements(Vec<i64>),
    /// How things lie, and not what they are.
    Nothing,
}

/// What somebody read.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// Measurements of these metrics.
    pub metrics: Vec<i64>,
    /// Those of metrics that nobody can name beforehand.
    pub any: bool,
}

/// Each commit has a number; a place holds the last one that changed what belongs there.
#[derive(Debug)]
pub struct Changes {
    last: AtomicU64,
    anything: AtomicU64,
    measurements: Box<[AtomicU64]>,
    /// Others write as well, who tell nothing here.
    by_others: bool,
}

impl Default for Changes {
    fn default() -> Changes {
        let measurements = (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        Changes { last: AtomicU64::new(0), anything: AtomicU64::new(0), measurements, by_others: false }
    }
}

impl Changes {
    /// Those of a database that others write, of which it is never known that there are none.
    #[cfg(feature = "postgres")]
    pub fn by_others() -> Changes {
        Changes { by_others: true, ..Changes::default() }
    }

    /// What is read from now on holds all that was told so far.
    pub fn now(&self) -> u64 {
        self.last.load(Ordering::SeqCst)
    }

    /// Whether what was read at a moment of [`Changes::now`] or later is still what would be read.
    pub fn are_none(&self, since: u64, read: &Read) -> bool {
        let is_old = |place: &AtomicU64| place.load(Ordering::SeqCst) <= since;
        !self.by_others
            && is_old(&self.anything)
            && (!read.any || is_old(&self.last))
            && read.metrics.iter().all(|metric| is_old(self.place(*metric)))
    }

    /// Says that something was committed, or may have been.
    pub fn tell(&self, touched: &Touched) {
        let metrics = match touched {
            Touched::Nothing => return,
            Touched::Measurements(metrics) => metrics.as_slice(),
            Touched::Anything => &[],
        };
        let number = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        if matches!(touched, Touched::Anything) {
            self.anything.fetch_max(number, Ordering::SeqCst);
        }
        for metric in metrics {
            self.place(*metric).fetch_max(number, Ordering::SeqCst);
        }
    }

    fn place(&self, metric: i64) -> &AtomicU64 {
        &self.measurements[(metric.unsigned_abs() % PLACES as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_of_others_change_nothing() {
        let changes = Changes::default();
        let of = |metrics: &[i64], any| Read { metrics: metrics.to_vec(), any };
        let since = changes.now();
        changes.tell(&Touched::Nothing);
        changes.tell(&Touched::Measurements(vec![1, 2]));
        assert!(changes.are_none(since, &of(&[3], false)));
        for read in [of(&[3, 2], false), of(&[], true)] {
            assert!(!changes.are_none(since, &read), "{read:?}");
            assert!(changes.are_none(changes.now(), &read), "{read:?}");
        }
        let since = changes.now();
        changes.tell(&Touched::Anything);
        assert!(!changes.are_none(since, &of(&[], false)));
        #[cfg(feature = "postgres")]
        assert!(!Changes::by_others().are_none(0, &of(&[], false)));
    }
}
