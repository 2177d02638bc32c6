//! Measurements that are kept for less, and for longer again.

use std::collections::HashMap;

use super::aging::{change, read};
use super::points::Reader;
use super::sqlite::{Sqlite, testing};
use crate::serve::store::{Scratch, scratch};
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::retention::Retention;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// A window of each tier begins.
const NOW: i64 = 615 * 32 * DAY;

fn retention(text: &str) -> Retention {
    text.parse().unwrap()
}

/// A value every ten seconds of the last day, and one of a hundred days ago.
fn filled() -> Scratch {
    let scratch = scratch();
    let labels = || Labels::Source(None);
    let mut values: Vec<_> = (1..=DAY / 10).map(|n| (labels(), NOW - 10 * n, 1.0)).collect();
    values.push((labels(), NOW - 100 * DAY, 1.0));
    for some in values.chunks(1000) {
        testing::submit(&scratch, "m", NOW, some);
    }
    testing::tidy(&scratch, NOW, Aging::default());
    scratch
}

/// How many points there are in each tier, and how many values they stand for.
fn kept(scratch: &Scratch) -> (HashMap<i64, i64>, u64) {
    let points = Sqlite(scratch);
    let mut reader = Reader::new(&points, &[1].into(), TimeRange::ALWAYS).unwrap();
    let count = reader.points(1, 1).unwrap().iter().map(|point| point.stats.count).sum();
    let mut select = scratch.prepare("SELECT tier, count(*) FROM pages GROUP BY tier").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    (rows.map(Result::unwrap).collect(), count)
}

#[test]
fn the_data_remember_what_was_said() {
    let scratch = scratch();
    let tx = scratch.tx();
    assert_eq!(read(&tx).unwrap(), Aging::default());
    assert_eq!(change(&tx, Retention::default(), NOW).unwrap(), None);
    let wanted = retention("1s=7d,60s=14d");
    let changed = change(&tx, wanted, NOW).unwrap().unwrap();
    assert_eq!((changed.before, read(&tx).unwrap()), (Retention::default(), changed.aging));
    assert_eq!(change(&tx, wanted, NOW + DAY).unwrap(), None);
    scratch.execute("DELETE FROM retention WHERE tier = 60", []).unwrap();
    assert!(read(&tx).is_err(), "what is half there is no default");
}

#[test]
fn what_is_kept_for_less_goes_and_the_rest_does_not() {
    let scratch = filled();
    let (before, values) = kept(&scratch);
    assert!(before[&1] > 1 && before[&3600] == 1 && values == DAY.unsigned_abs() / 10 + 1, "{before:?}");
    let changed = change(&scratch.tx(), retention("1s=4h,60s=1d,3600s=100d"), NOW).unwrap().unwrap();
    // Windows of raw measurements that begin 12 to 24 hours ago; the one of hours lasts to 96 days ago.
    assert_eq!(changed.windows(), [(1, 4)]);
    assert_eq!(kept(&scratch), (before, values), "nothing goes at once");
    testing::tidy(&scratch, NOW, changed.aging);
    let (after, values) = kept(&scratch);
    assert!(after[&60] >= 1 && after[&3600] == 1 && values == DAY.unsigned_abs() / 10 + 1, "{after:?}");
    let changed = change(&scratch.tx(), retention("1s=4h,60s=1d,900s=8d,3600s=32d"), NOW).unwrap().unwrap();
    assert_eq!(changed.windows(), [(3600, 1)]);
    testing::tidy(&scratch, NOW, changed.aging);
    assert_eq!(kept(&scratch).1, DAY.unsigned_abs() / 10, "what outlived the last tier is gone");
}

#[test]
fn what_was_rolled_up_is_still_answered_when_it_is_kept_for_longer() {
    let scratch = filled();
    let shorter = change(&scratch.tx(), retention("1s=4h"), NOW).unwrap().unwrap().aging;
    testing::tidy(&scratch, NOW, shorter);
    let longer = change(&scratch.tx(), retention("1s=7d,60s=14d"), NOW).unwrap().unwrap().aging;
    let finely = |hours: i64| longer.promised(NOW - hours * HOUR, NOW).resolution;
    assert_eq!([1, 5, 6, 24].map(finely), [1, 1, 60, 60]);
    testing::tidy(&scratch, NOW, longer);
    let points = Sqlite(&scratch);
    let of = |from: i64, to: i64| {
        let time = TimeRange { start: NOW - from * HOUR, end: NOW - to * HOUR };
        Reader::new(&points, &[1].into(), time)
            .unwrap()
            .points(1, 60)
            .unwrap()
            .iter()
            .filter(|point| point.time < time.end)
            .map(|point| point.stats.count)
            .sum::<u64>()
    };
    assert_eq!((of(4, 0), of(23, 20)), (4 * 360, 3 * 360));
}
