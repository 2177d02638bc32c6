//! Laws of pages: what goes in comes out, whatever is cut where; merging is what a plain model does; hostile bytes are refused.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::merge::merge;
use super::write::{LARGEST, Pages, Written};
use super::*;
use crate::serve::tsdb::aggregate::{Aggregate, downsample};
use crate::serve::tsdb::block::tests::{any_point, bits};
use crate::serve::tsdb::tier::TIERS;

const START: i64 = 1_700_006_400;

/// Points by metric and series.
type Model = BTreeMap<(i64, i64), Vec<Point>>;

fn single(time: i64, value: f64) -> Point {
    Point { time, stats: Aggregate::single(value) }
}

fn write(tier: Tier, model: &Model) -> Vec<Written> {
    let mut pages = Pages::new(tier, START);
    model.iter().for_each(|((metric, series), points)| pages.put(*metric, *series, points));
    let pages = pages.finish();
    for (at, page) in pages.iter().enumerate() {
        assert!(page.bytes.len() <= LARGEST, "{}", page.bytes.len());
        let (_, places) = open(tier, START, &page.bytes).unwrap();
        assert_eq!((page.first, page.last), (places[0].metric, places[places.len() - 1].metric));
        assert!(at == 0 || pages[at - 1].last <= page.first);
    }
    pages
}

fn read(tier: Tier, pages: &[Written]) -> Model {
    let mut model = Model::new();
    for page in pages {
        for run in runs(tier, START, &page.bytes).unwrap() {
            let run = run.unwrap();
            model.entry((run.metric, run.series)).or_default().extend(run.points);
        }
    }
    model
}

fn to_the_bit(model: &Model) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    model.iter().map(|(key, points)| (*key, bits(points))).collect()
}

fn walks(series: i64, count: i64, step: i64) -> Model {
    let mut random = 7_u64;
    let mut walk = |at: &mut i64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *at += (random >> 54).cast_signed() - 512;
        *at as f64 / 100.0
    };
    let key = |series: i64| (1 + series / 10, 1 + series);
    let mut points =
        |mut at: i64| (0..count).map(|n| single(START + step * n, walk(&mut at))).collect::<Vec<_>>();
    (0..series).map(|one| (key(one), points(50_000))).collect()
}

#[test]
fn many_series_share_a_page_and_their_times() {
    let [raw, ..] = TIERS;
    let model = walks(1_000, 60, 60);
    let pages = write(raw, &model);
    let bytes: usize = pages.iter().map(|page| page.bytes.len()).sum();
    assert!(bytes < 60_000 * 18 / 10, "{:.2} bytes a point", bytes as f64 / 60_000.0);
    assert!(pages[..pages.len() - 1].iter().all(|page| page.bytes.len() > LARGEST * 96 / 100));
    assert_eq!(read(raw, &pages), model);
}

#[test]
fn long_runs_are_cut_where_a_page_ends() {
    let minutes = TIERS[1];
    let model = walks(20, 1_440, 60);
    let pages = write(minutes, &model);
    let bytes: usize = pages.iter().map(|page| page.bytes.len()).sum();
    assert!(bytes < 20 * 1_440 * 17 / 10, "{:.2} bytes a point", bytes as f64 / 28_800.0);
    assert!(pages[..pages.len() - 1].iter().all(|page| page.bytes.len() > LARGEST * 96 / 100));
    assert_eq!(read(minutes, &pages), model);
}

/// One page may mean more points than a run may have.
#[test]
fn runs_without_end_are_cut() {
    let tier = Tier { resolution: 1, span: 1 << 30 };
    let points: Vec<_> = (0..200_000).map(|n| single(START + n, 1.0)).collect();
    let model = Model::from([((3, 4), points)]);
    let pages = write(tier, &model);
    assert_eq!((pages.len(), read(tier, &pages) == model), (1, true));
}

#[test]
fn one_series_is_found_by_the_directory() {
    let [raw, ..] = TIERS;
    let model = walks(40, 60, 60);
    let pages = write(raw, &model);
    let mut found = 0;
    for written in &pages {
        let (page, places) = open(raw, START, &written.bytes).unwrap();
        for place in places.iter().filter(|place| place.series == 17) {
            assert_eq!(page.points(place).unwrap(), model[&(place.metric, 17)]);
            assert!(place.bytes() < 120);
            found += 1;
        }
    }
    assert_eq!(found, 1);
}

#[test]
fn what_belongs_elsewhere_or_is_newer_is_refused() {
    let [raw, minutes, ..] = TIERS;
    let pages = write(raw, &walks(3, 5, 60));
    let bytes = &pages[0].bytes;
    assert_eq!(open(minutes, START, bytes).err(), Some(Error::Checksum), "of another tier");
    assert_eq!(open(raw, START + raw.span, bytes).err(), Some(Error::Unreadable), "of another time");
    assert_eq!(open(raw, START, &bytes[..3]).err(), Some(Error::CutShort));
    let resealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut content = bytes[..bytes.len() - SUM].to_vec();
        change(&mut content);
        sealed(raw, &content)
    };
    assert!(open(raw, START, &resealed(&|_| ())).is_ok());
    assert_eq!(open(raw, START, &resealed(&|content| content[0] = 2)).err(), Some(Error::Newer));
    assert_eq!(open(raw, START, &resealed(&|content| content[0] = 0)).err(), Some(Error::Unreadable));
    let more = resealed(&|content| content.push(0));
    assert_eq!(open(raw, START, &more).err(), Some(Error::Unreadable), "something is left over");
    let mut late = Pages::new(raw, START);
    late.put(1, 1, &[single(START + raw.span, 1.0)]);
    let late = late.finish();
    let (page, places) = open(raw, START, &late[0].bytes).unwrap();
    assert_eq!(page.points(&places[0]), Err(Error::Unreadable), "a time behind the window");
}

/// What many series may have in a window, and whether it has few forms.
fn any_model() -> impl Strategy<Value = Model> {
    let key = (1..6_i64, prop_oneof![6 => 1..30_i64, 1 => 1..i64::MAX]);
    let points = |long| prop::collection::vec(any_point(), 1..if long { 600 } else { 12 });
    let one = prop_oneof![6 => points(false), 1 => points(true)];
    prop::collection::btree_map(key, (one, 1..4_i64), 1..25).prop_map(|model| {
        let in_window = |mut points: Vec<Point>, step: i64| {
            for (at, point) in points.iter_mut().enumerate() {
                // On a grid or anywhere.
                let off = if step == 1 { point.time } else { step * at as i64 };
                point.time = START + off.rem_euclid(TIERS[0].span);
            }
            downsample(points, 1)
        };
        model.into_iter().map(|(key, (points, step))| (key, in_window(points, step))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out(model in any_model(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let [raw, ..] = TIERS;
        let pages = write(raw, &model);
        prop_assert_eq!(to_the_bit(&read(raw, &pages)), to_the_bit(&model));
        let mut spoilt = pages[0].bytes.clone();
        let at = at.index(spoilt.len());
        spoilt[at] ^= 1 << bit;
        prop_assert!(open(raw, START, &spoilt).is_err());
        prop_assert!(open(raw, START, &pages[0].bytes[..at]).is_err());
    }

    #[test]
    fn merging_is_what_a_plain_model_does(models in prop::collection::vec(any_model(), 1..6), coarse in any::<bool>()) {
        let [raw, ..] = TIERS;
        let resolution = if coarse { 60 } else { 1 };
        let written: Vec<_> = models.iter().map(|model| write(raw, model)).collect();
        let sources = written.iter().map(|pages| {
            let runs = pages.iter().flat_map(|page| runs(raw, START, &page.bytes).unwrap());
            runs.map(|run| Ok::<_, Infallible>(run.unwrap()))
        });
        let mut merged = Pages::new(raw, START);
        merge(sources.collect(), resolution, |metric, series, points| {
            merged.put(metric, series, &points);
            Ok(())
        }).unwrap();
        let mut expected = Model::new();
        for (key, points) in models.into_iter().flatten() {
            expected.entry(key).or_default().extend(points);
        }
        expected.values_mut().for_each(|points| *points = downsample(std::mem::take(points), resolution));
        prop_assert_eq!(to_the_bit(&read(raw, &merged.finish())), to_the_bit(&expected));
    }

    /// Behind a sound checksum anything may stand.
    #[test]
    fn hostile_bytes_are_refused_or_read_in_order(
        model in any_model(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let [raw, ..] = TIERS;
        let page = &write(raw, &model)[0].bytes;
        let mut content = page[..page.len() - SUM].to_vec();
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let content = sealed(raw, &content);
        let Ok(found) = runs(raw, START, &content) else { return Ok(()) };
        for run in found.flatten() {
            prop_assert!(run.points.is_sorted_by(|a, b| a.time < b.time));
            prop_assert!(run.points.iter().all(|point| point.time - START < raw.span && point.time >= START));
        }
    }
}
