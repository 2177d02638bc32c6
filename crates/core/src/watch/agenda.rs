//! What has to be looked at again, and when. Entries are only ever too early: who is looked at says when he is really due, and is
//! put down again. So a reading costs the agenda nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::matching::Stream;

/// What an entry is about. At one second, in this order: streams before notifications.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A stream under an `absent` condition.
    Silence(usize, Stream),
    /// A stream that is held met after an edit.
    Held(usize, Stream),
    /// The end of waiting after an edit for what lets incidents open.
    Gate,
    /// The next notification of an incident.
    Due(u64, Option<Stream>),
    /// Whether an incident has had no reading for so long that it ends by itself.
    Stale(u64, Option<Stream>),
}

impl Subject {
    /// Whether it changes what is met, rather than what is said of it.
    pub(super) fn is_of_streams(&self) -> bool {
        matches!(self, Self::Silence(..) | Self::Held(..) | Self::Gate)
    }
}

/// Entries in order of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<(i64, Subject)>>,
}

impl Agenda {
    pub(super) fn put(&mut self, time: i64, subject: Subject) {
        self.entries.push(Reverse((time, subject)));
    }

    pub(super) fn next(&self) -> Option<(i64, &Subject)> {
        self.entries.peek().map(|Reverse((time, subject))| (*time, subject))
    }

    pub(super) fn pop(&mut self) -> Option<(i64, Subject)> {
        self.entries.pop().map(|Reverse(entry)| entry)
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}
