//! The connections at hand: who holds one, which of them only wait for a request, and which of these goes when there
//! is no room. Knows addresses and times; reads and writes nothing.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

/// All of them.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    /// How many there may be.
    most: usize,
    table: Mutex<Table>,
    /// One ended, or began to wait.
    freed: Notify,
}

#[derive(Default)]
struct Table {
    /// Counts connections and requests, for names and for the order of waiting.
    counter: u64,
    held: HashMap<u64, Held>,
    /// The connections that wait for a request by their turn: who has waited longest comes first.
    waiting: BTreeMap<u64, u64>,
    /// How many each address holds.
    of: HashMap<IpAddr, usize>,
}

struct Held {
    /// Whose share it counts for.
    address: Option<IpAddr>,
    /// The number of its latest request.
    request: u64,
    /// `None` while a request is worked on.
    waiting: Option<Waiting>,
    close: Arc<Notify>,
}

struct Waiting {
    turn: u64,
    /// Since when the headers of a request are on their way: from the start of the connection, and later from the
    /// first byte. `None` between two requests.
    reading: Option<Instant>,
}

enum Entry {
    In(u64, Arc<Notify>),
    /// Everybody is being served: wait.
    Full,
    /// The share of the address is used up by requests that are being worked on.
    Refused,
}

impl Table {
    fn enter(&mut self, address: Option<IpAddr>, most: usize, now: Instant) -> Entry {
        if let Some(address) = address
            && self.of.get(&address).is_some_and(|held| *held >= most.div_ceil(2))
        {
            match self.longest(|held| held.address == Some(address)) {
                Some(id) => self.close(id),
                None => return Entry::Refused,
            }
        }
        if self.held.len() >= most {
            match self.longest(|_| true) {
                Some(id) => self.close(id),
                None => return Entry::Full,
            }
        }
        let id = self.next();
        self.waiting.insert(id, id);
        if let Some(address) = address {
            *self.of.entry(address).or_default() += 1;
        }
        let close = Arc::new(Notify::new());
        let waiting = Some(Waiting { turn: id, reading: Some(now) });
        self.held.insert(id, Held { address, request: 0, waiting, close: Arc::clone(&close) });
        Entry::In(id, close)
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The connection that has waited longest of those that are `meant`.
    fn longest(&self, meant: impl Fn(&Held) -> bool) -> Option<u64> {
        self.waiting.values().copied().find(|id| self.held.get(id).is_some_and(&meant))
    }

    fn leave(&mut self, id: u64) -> Option<Held> {
        let held = self.held.remove(&id)?;
        if let Some(waiting) = &held.waiting {
            self.waiting.remove(&waiting.turn);
        }
        if let Some(address) = held.address
            && let Some(count) = self.of.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&address);
            }
        }
        Some(held)
    }

    /// Gives its place away at once; the connection itself ends as soon as it sees that.
    fn close(&mut self, id: u64) {
        if let Some(held) = self.leave(id) {
            held.close.notify_one();
        }
    }

    fn close_waiting(&mut self, meant: impl Fn(&Waiting) -> bool) {
        let waiting = self.held.iter().filter(|(_, held)| held.waiting.as_ref().is_some_and(&meant));
        for id in waiting.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.close(id);
        }
    }

    /// The number of the request that begins; `None` where the connection was closed.
    fn begin(&mut self, id: u64) -> Option<u64> {
        let request = self.next();
        let held = self.held.get_mut(&id)?;
        held.request = request;
        if let Some(waiting) = held.waiting.take() {
            self.waiting.remove(&waiting.turn);
        }
        Some(request)
    }

    /// Whether the connection waits again after this request.
    fn wait(&mut self, id: u64, request: u64) -> bool {
        let turn = self.next();
        let Some(held) = self.held.get_mut(&id).filter(|held| held.request == request) else { return false };
        held.waiting = Some(Waiting { turn, reading: None });
        self.waiting.insert(turn, id);
        true
    }

    fn heard(&mut self, id: u64, now: Instant) {
        if let Some(waiting) = self.held.get_mut(&id).and_then(|held| held.waiting.as_mut()) {
            waiting.reading.get_or_insert(now);
        }
    }
}

impl Connections {
    /// Room for `most`, of which one address gets half.
    pub fn new(most: usize) -> Connections {
        Connections(Arc::new(Inner { most: most.max(1), table: Mutex::default(), freed: Notify::new() }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock()
    }

    /// A place for a connection that counts for the share of `address`. Where all are taken, the connection that has
    /// waited longest for a request goes; where none waits, this waits. `None` where the share is used up.
    pub async fn enter(&self, address: Option<IpAddr>) -> Option<Place> {
        loop {
            let entry = self.table().enter(address, self.0.most, Instant::now());
            match entry {
                Entry::In(id, close) => return Some(Place { all: self.clone(), id, close }),
                Entry::Refused => return None,
                Entry::Full => self.0.freed.notified().await,
            }
        }
    }

    /// Closes the connection that has waited longest.
    pub fn close_longest(&self) {
        let mut table = self.table();
        if let Some(id) = table.longest(|_| true) {
            table.close(id);
        }
    }

    /// Closes the connections whose headers have taken longer than `most`, once in a while, for ever.
    pub async fn watch_headers(self, most: Duration) {
        let mut often =
            tokio::time::interval((most / 4).clamp(Duration::from_millis(10), Duration::from_secs(1)));
        loop {
            let now = often.tick().await;
            let late = |since: Instant| now.saturating_duration_since(since) > most;
            self.table().close_waiting(|waiting| waiting.reading.is_some_and(late));
        }
    }

    /// Closes the connections that have no request to be answered.
    pub fn close_waiting(&self) {
        self.table().close_waiting(|_| true);
    }
}

/// What one connection holds, for as long as it lives.
pub struct Place {
    all: Connections,
    id: u64,
    close: Arc<Notify>,
}

impl Place {
    /// The head of a request is here. `None` where the connection was closed meanwhile.
    pub fn begin(self: &Arc<Self>) -> Option<Busy> {
        let request = self.all.table().begin(self.id)?;
        Some(Busy { place: Arc::clone(self), request })
    }

    /// Bytes came.
    pub fn heard(&self) {
        self.all.table().heard(self.id, Instant::now());
    }

    /// Returns once the connection has to end.
    pub async fn closed(&self) {
        self.close.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.table().leave(self.id);
        self.all.0.freed.notify_one();
    }
}

/// A request that is being worked on or answered. Its connection is not closed to make room.
pub struct Busy {
    place: Arc<Place>,
    request: u64,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Place { all, id, .. } = &*self.place;
        if all.table().wait(*id, self.request) {
            all.0.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    async fn enter(all: &Connections, who: Option<IpAddr>) -> Arc<Place> {
        Arc::new(all.enter(who).await.expect("there is a place"))
    }

    fn is_closed(place: &Place) -> bool {
        !place.all.table().held.contains_key(&place.id)
    }

    #[tokio::test]
    async fn who_has_waited_longest_goes_first() {
        let all = Connections::new(3);
        let first = enter(&all, None).await;
        let busy = first.begin().unwrap();
        let (second, third) = (enter(&all, None).await, enter(&all, None).await);
        drop(busy); // the first waits anew, behind the others
        let fourth = enter(&all, None).await;
        assert!(is_closed(&second) && second.begin().is_none(), "a closed connection starts nothing");
        second.closed().await;
        assert!(!is_closed(&first) && !is_closed(&third) && !is_closed(&fourth));
        let _busy = third.begin().unwrap();
        enter(&all, None).await;
        assert!(is_closed(&first) && !is_closed(&third) && !is_closed(&fourth));
    }

    #[tokio::test]
    async fn where_all_are_served_a_new_one_waits_for_the_first_that_is_done() {
        let all = Connections::new(2);
        let (one, other) = (enter(&all, None).await, enter(&all, None).await);
        let (busy, _other_busy) = (one.begin().unwrap(), other.begin().unwrap());
        assert!(all.enter(None).now_or_never().is_none());
        drop(busy);
        enter(&all, None).await;
        assert!(is_closed(&one) && !is_closed(&other));
    }

    #[tokio::test]
    async fn an_address_has_half_and_closes_only_its_own() {
        let all = Connections::new(4);
        let stranger = address(1);
        let mut places = Vec::new();
        places.push(enter(&all, address(2)).await);
        for _ in 0..10 {
            places.push(enter(&all, stranger).await);
        }
        let open: Vec<bool> = places.iter().map(|place| !is_closed(place)).collect();
        assert_eq!(open, [true, false, false, false, false, false, false, false, false, true, true]);
        let _busy = (places[9].begin().unwrap(), places[10].begin().unwrap());
        assert!(all.enter(stranger).await.is_none(), "its share is at work");
        drop(places.remove(9));
        assert!(
            all.enter(stranger).await.is_none(),
            "the place of a connection lasts as long as its request"
        );
        drop(_busy);
        enter(&all, stranger).await;
        let counted: usize = all.table().of.values().sum();
        assert_eq!(counted, all.table().held.len());
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_take_too_long_end_the_connection() {
        let all = Connections::new(10);
        tokio::spawn(all.clone().watch_headers(Duration::from_secs(10)));
        let (silent, idle, slow) =
            (enter(&all, None).await, enter(&all, None).await, enter(&all, None).await);
        for place in [&idle, &slow] {
            place.heard();
            drop(place.begin().unwrap());
        }
        let busy = enter(&all, None).await;
        let _request = busy.begin().unwrap();
        tokio::time::sleep(Duration::from_secs(9)).await;
        slow.heard();
        assert!(!is_closed(&silent));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(is_closed(&silent) && !is_closed(&slow) && !is_closed(&idle));
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            slow.heard(); // a byte now and then helps nothing
        }
        assert!(is_closed(&slow) && !is_closed(&idle) && !is_closed(&busy));
        all.close_waiting();
        assert!(is_closed(&idle) && !is_closed(&busy));
    }
}
