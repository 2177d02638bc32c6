//! Drawings of the last moments: whoever asks for what was just drawn is given that, as long as nothing it shows was changed. A wall of screens
//! costs one drawing, and those who ask at the same time wait for it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::{Drawing, PictureRequest, drawing};
use crate::serve::http::problem::Problem;
use crate::serve::store::Store;
use crate::serve::store::changes::Read;
use crate::serve::store::tx::Tx;

/// Bytes of drawings that are kept, about, and how many there may be.
const MOST: usize = 16_000_000;
const PLACES: usize = 500;

/// A digest of what is asked for, time included.
type Key = [u8; 32];

/// Held by whoever draws what belongs there.
type Place = Arc<tokio::sync::Mutex<Option<Kept>>>;

struct Kept {
    drawing: Drawing,
    read: Read,
    since: u64,
}

/// Clones share what is kept.
#[derive(Clone, Default)]
pub struct Drawings(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    places: HashMap<Key, Place>,
    /// What each takes, the oldest first.
    sizes: VecDeque<(Key, usize)>,
    bytes: usize,
}

impl Drawings {
    /// Draws the charts, unless they were drawn and would look the same.
    ///
    /// # Errors
    /// As [`super::draw`].
    pub async fn draw(&self, store: &Store, request: PictureRequest) -> Result<Drawing, Problem> {
        if !store.tells_changes() {
            return super::draw(store, request).await;
        }
        let changes = &store.condition().changes;
        let key: Key = Sha256::digest(format!("{request:?}")).into();
        let place = self.0.lock().place(key);
        let mut place = place.lock().await;
        if let Some(kept) = place.as_ref().filter(|kept| changes.are_none(kept.since, &kept.read)) {
            return Ok(kept.drawing.clone());
        }
        // Before anything is read, so that what comes meanwhile is noticed.
        let since = changes.now();
        let (drawing, read) = store.query(move |tx: &Tx| drawing(tx, &request)).await?;
        let bytes = drawing.bytes();
        *place = Some(Kept { drawing: drawing.clone(), read, since });
        self.0.lock().keep(key, bytes);
        Ok(drawing)
    }

    /// How many places there are, and what they take.
    #[cfg(test)]
    pub fn held(&self) -> (usize, usize) {
        let shelf = self.0.lock();
        (shelf.places.len(), shelf.bytes)
    }
}

impl Shelf {
    fn place(&mut self, key: Key) -> Place {
        if self.places.len() >= 2 * PLACES {
            // Only those whose drawing failed, or is under way, have no size.
            let sizes = &self.sizes;
            self.places.retain(|key, _| sizes.iter().any(|(kept, _)| kept == key));
        }
        Arc::clone(self.places.entry(key).or_default())
    }

    fn keep(&mut self, key: Key, bytes: usize) {
        if let Some(at) = self.sizes.iter().position(|(kept, _)| *kept == key) {
            self.bytes -= self.sizes.remove(at).map_or(0, |(_, bytes)| bytes);
        }
        self.sizes.push_back((key, bytes));
        self.bytes += bytes;
        while self.bytes > MOST || self.sizes.len() > PLACES {
            let Some((oldest, bytes)) = self.sizes.pop_front() else { return };
            self.places.remove(&oldest);
            self.bytes -= bytes;
        }
    }
}
