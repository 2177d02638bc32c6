//! What a server remembers of lists that others change as well: how many objects a filter lets through, and where pages ended. The database
//! gives each list a state, a number that is another one after every change of what is listed or of its order; what is remembered counts in its
//! state alone, so it is never wrong. Asks nothing.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use parking_lot::Mutex;

use super::value::Held;

/// Lists that are remembered, and places of each: those that were asked for last.
const LISTS: usize = 64;
const PLACES: usize = 64;

/// One list: of what, in which order, and what is looked for where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct List {
    pub table: String,
    pub order: &'static str,
    pub descending: bool,
    pub filter: Option<(String, String)>,
}

/// The place behind an object: what it is sorted by, and its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub order: Held,
    pub id: i64,
}

#[derive(Debug, Default)]
pub struct Lists(Mutex<IndexMap<List, Known>>);

#[derive(Debug, Default)]
struct Known {
    state: i64,
    found: Option<i64>,
    /// By how many objects come before them.
    places: BTreeMap<i64, Place>,
}

impl Lists {
    /// How many objects are found in this state.
    pub fn found(&self, list: &List, state: i64) -> Option<i64> {
        let known = self.0.lock();
        known.get(list).filter(|known| known.state == state)?.found
    }

    /// The last place in this state that has no more than `offset` objects before it, and how many.
    pub fn place(&self, list: &List, state: i64, offset: i64) -> Option<(i64, Place)> {
        let known = self.0.lock();
        let (before, place) =
            known.get(list).filter(|known| known.state == state)?.places.range(..=offset).next_back()?;
        Some((*before, place.clone()))
    }

    /// Remembers of this state how many objects are found, and a place with so many before it.
    pub fn learn(&self, list: List, state: i64, found: i64, place: Option<(i64, Place)>) {
        let mut all = self.0.lock();
        let known = all.shift_remove(&list).filter(|known| known.state == state);
        let mut known = known.unwrap_or_else(|| Known { state, ..Known::default() });
        known.found = Some(found);
        known.places.extend(place);
        if known.places.len() > PLACES {
            known.places.pop_first();
        }
        all.insert(list, known);
        if all.len() > LISTS {
            all.shift_remove_index(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(table: &str) -> List {
        List { table: table.to_owned(), order: "key", descending: false, filter: None }
    }

    fn place(id: i64) -> Place {
        Place { order: Held::Text(format!("{id:03}")), id }
    }

    #[test]
    fn what_is_remembered_counts_in_its_state() {
        let lists = Lists::default();
        lists.learn(list("alerts"), 7, 300, Some((100, place(100))));
        lists.learn(list("alerts"), 7, 300, Some((200, place(200))));
        assert_eq!(lists.found(&list("alerts"), 7), Some(300));
        assert_eq!(lists.place(&list("alerts"), 7, 199), Some((100, place(100))), "the last before it");
        assert_eq!(lists.place(&list("alerts"), 7, 200), Some((200, place(200))));
        assert_eq!(lists.place(&list("alerts"), 7, 99), None);
        assert_eq!((lists.found(&list("alerts"), 8), lists.place(&list("alerts"), 8, 200)), (None, None));
        assert_eq!(lists.found(&list("spaces"), 7), None, "another list");
        lists.learn(list("alerts"), 8, 301, None);
        assert_eq!(lists.place(&list("alerts"), 8, 200), None, "places of the state before are none");
        assert_eq!(lists.found(&list("alerts"), 7), None);
    }

    #[test]
    fn what_was_asked_for_last_is_remembered() {
        let lists = Lists::default();
        for n in 1..=1000 {
            lists.learn(list("alerts"), 1, 5000, Some((n, place(n))));
            lists.learn(list(&format!("list {n}")), 1, n, None);
        }
        assert_eq!(lists.place(&list("alerts"), 1, 5000), Some((1000, place(1000))));
        assert_eq!(lists.place(&list("alerts"), 1, 500), None);
        assert_eq!(lists.0.lock().len(), LISTS);
        assert_eq!(lists.0.lock()[&list("alerts")].places.len(), PLACES);
    }
}
