//! Requests that wait for a lane. Knows no database.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot::{self, Receiver, Sender};

use crate::serve::store::error::StoreError;
use crate::serve::tsdb::sample::Sample;

/// Samples that go together, unless one request has more.
const TOGETHER: usize = 20_000;

/// What becomes of the samples of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Stored,
    /// They were resolved by what is not true any more.
    Stale,
    /// They are not stored.
    Failed,
    /// The lane was ended before it found out.
    Unknown,
}

#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// The number of the next request.
    next: u64,
    is_closed: bool,
}

struct Waiting {
    number: u64,
    samples: Vec<Sample>,
    epoch: i64,
    answer: Sender<Fate>,
}

/// That of a request in the queue, which it leaves when this goes: nobody waits for an answer any more.
pub struct Place<'q> {
    queue: &'q Queue,
    number: u64,
}

/// Requests that go together.
pub struct Group {
    pub samples: Vec<Sample>,
    pub epoch: i64,
    answers: Vec<Sender<Fate>>,
}

impl Queue {
    pub fn put(&self, samples: Vec<Sample>, epoch: i64) -> Result<(Place<'_>, Receiver<Fate>), StoreError> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(StoreError::Unavailable);
        }
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(Waiting { number, samples, epoch, answer });
        self.filled.notify_one();
        Ok((Place { queue: self, number }, answered))
    }

    /// Waits for requests. Nothing once it is closed and empty.
    pub fn take(&self) -> Option<Group> {
        let mut state = self.state.lock();
        while state.waiting.is_empty() {
            if state.is_closed {
                return None;
            }
            self.filled.wait(&mut state);
        }
        let (mut together, mut count) = (Vec::new(), 0);
        while let Some(next) = state.waiting.front()
            && (together.is_empty() || count + next.samples.len() <= TOGETHER)
        {
            count += next.samples.len();
            together.extend(state.waiting.pop_front());
        }
        if !state.waiting.is_empty() {
            self.filled.notify_one();
        }
        drop(state);
        Some(Group::of(together))
    }

    /// Takes no more in.
    pub fn close(&self) {
        self.state.lock().is_closed = true;
        self.filled.notify_all();
    }
}

impl Place<'_> {
    /// Leaves the queue; whether it was still in there.
    pub fn leave(&self) -> bool {
        let waiting = &mut self.queue.state.lock().waiting;
        let place = waiting.binary_search_by_key(&self.number, |one| one.number);
        place.is_ok_and(|place| waiting.remove(place).is_some())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Group {
    /// Whoever comes from an earlier epoch than another is late.
    fn of(all: Vec<Waiting>) -> Group {
        let epoch = all.iter().map(|one| one.epoch).max().unwrap_or_default();
        let mut group = Group { samples: Vec::new(), epoch, answers: Vec::with_capacity(all.len()) };
        for Waiting { mut samples, epoch: of, answer, .. } in all {
            if of == epoch {
                group.samples.append(&mut samples);
                group.answers.push(answer);
            } else {
                let _ = answer.send(Fate::Stale);
            }
        }
        group
    }

    pub fn answer(self, fate: Fate) {
        self.answers.into_iter().for_each(|answer| _ = answer.send(fate));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::tsdb::sample::Stats;

    fn samples(count: usize) -> Vec<Sample> {
        (0..count).map(|_| Sample { metric: 1, series: 1, time: 0, stats: Stats::Single(1.0) }).collect()
    }

    #[test]
    fn what_waits_goes_together_up_to_a_bound_and_nothing_is_left_behind() {
        let queue = Queue::default();
        let places: Vec<_> = [10, TOGETHER - 20, 11, 3 * TOGETHER, 1]
            .iter()
            .map(|count| queue.put(samples(*count), 0).unwrap())
            .collect();
        queue.close();
        let sizes: Vec<_> = std::iter::from_fn(|| queue.take()).map(|group| group.samples.len()).collect();
        assert_eq!(sizes, [TOGETHER - 10, 11, 3 * TOGETHER, 1]);
        assert!(places.iter().all(|(place, _)| !place.leave()));
        assert!(queue.put(samples(1), 0).is_err(), "nobody would send it");
    }

    #[test]
    fn who_gives_up_is_not_sent_and_who_comes_late_looks_again() {
        let queue = Queue::default();
        let (gone, _) = queue.put(samples(1), 1).unwrap();
        drop(gone);
        let (_late, mut late) = queue.put(samples(2), 1).unwrap();
        let (_place, mut answer) = queue.put(samples(3), 2).unwrap();
        let group = queue.take().unwrap();
        assert_eq!((group.samples.len(), group.epoch), (3, 2));
        group.answer(Fate::Stored);
        assert_eq!((late.try_recv(), answer.try_recv()), (Ok(Fate::Stale), Ok(Fate::Stored)));
    }
}
