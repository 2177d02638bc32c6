//! Where a series is tracked, by its id: one look into an array for each sample, most of which no one watches. Pure.

/// Ids in a page.
const PAGE: usize = 4096;
/// Pages at most. Ids are given one after the other, so only a damaged one lies beyond.
const PAGES: usize = 1 << 22;

/// What is known of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It was not met yet.
    Unknown,
    /// No condition watches it.
    Nobody,
    /// Its slot.
    At(u32),
}

/// The places of all series. Those that no one has met take nothing.
#[derive(Debug, Default)]
pub struct Places(Vec<Option<Box<[u32; PAGE]>>>);

impl Places {
    pub fn get(&self, series: i64) -> Place {
        let Some((page, at)) = split(series) else { return Place::Nobody };
        match self.0.get(page) {
            Some(Some(page)) => match page[at] {
                0 => Place::Unknown,
                1 => Place::Nobody,
                slot => Place::At(slot - 2),
            },
            _ => Place::Unknown,
        }
    }

    pub fn set(&mut self, series: i64, place: Place) {
        let Some((page, at)) = split(series) else { return };
        if page >= self.0.len() {
            self.0.resize_with(page + 1, || None);
        }
        if let Some(page) = self.0.get_mut(page) {
            page.get_or_insert_with(|| Box::new([0; PAGE]))[at] = match place {
                Place::Unknown => 0,
                Place::Nobody => 1,
                Place::At(slot) => slot + 2,
            };
        }
    }
}

fn split(series: i64) -> Option<(usize, usize)> {
    let id = usize::try_from(series).ok()?;
    (id / PAGE < PAGES).then_some((id / PAGE, id % PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_again() {
        let mut places = Places::default();
        for (series, place) in [(1, Place::At(0)), (4096, Place::Nobody), (9_000_000, Place::At(7))] {
            assert_eq!(places.get(series), Place::Unknown);
            places.set(series, place);
            assert_eq!(places.get(series), place);
        }
        assert_eq!(places.get(2), Place::Unknown);
        for odd in [-1, i64::MAX] {
            places.set(odd, Place::At(1));
            assert_eq!(places.get(odd), Place::Nobody);
        }
    }
}
