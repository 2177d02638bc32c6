//! What holds for any bytes that clients send and for any bytes that stand in the data file. The tests run it over generated
//! and committed inputs, fuzz targets over mutated ones.

use super::http::form;
use super::remote_read;
use super::submit;
use super::tsdb::aggregate::Point;
use super::tsdb::page::write::Pages;
use super::tsdb::sample::Sample;
use super::tsdb::tier::TIERS;
use super::tsdb::{block, journal, page};

/// Epoch seconds at which submissions are judged.
const NOW: i64 = 1_800_000_000;

/// A form is JSON of texts, no deeper than the server reads JSON.
pub fn form(bytes: &[u8]) {
    let Ok(read) = form::decode(bytes) else { return };
    let text = serde_json::to_string(&read).ok();
    let again = text.as_deref().and_then(|text| serde_json::from_str(text).ok());
    assert_eq!(again, Some(read), "{text:?}");
}

/// What is taken in, in any of the dialects, is finite, near now, and the same after it was packed into the journal.
pub fn submitted(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        submit::plain_is_read_as_ever(text, NOW);
    }
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    for samples in submit::read_all(&body, NOW).into_iter().flatten() {
        let points: Vec<Sample> = (1..)
            .zip(&samples)
            .map(|(series, sample)| Sample {
                metric: series / 3,
                series,
                time: sample.time,
                stats: sample.stats,
            })
            .collect();
        for sample in &samples {
            assert!((sample.time - NOW).abs() <= 365 * 86_400, "{sample:?}");
        }
        // What is no number would not equal itself.
        assert_eq!(journal::decode(&journal::encode(&points)), Some(points));
    }
}

/// A request of remote read is refused or written as something that reads as the same; packed, and as it is.
pub fn remote_read(bytes: &[u8]) {
    let pack = |bytes: &[u8]| snap::raw::Encoder::new().compress_vec(bytes);
    for body in [Ok(bytes.to_vec()), pack(bytes)].into_iter().flatten() {
        let Some(written) = remote_read::request(&body) else { continue };
        let again = pack(&written).ok().and_then(|packed| remote_read::request(&packed));
        assert_eq!(again, Some(written));
    }
}

/// A row of the journal is refused or packs to something that reads as the same.
pub fn journal_row(bytes: &[u8]) {
    let Some(points) = journal::decode(bytes) else { return };
    let packed = journal::encode(&points);
    // Not the points: those of a damaged row may be no numbers, which equal nothing.
    assert_eq!(journal::decode(&packed).map(|again| journal::encode(&again)), Some(packed));
}

/// A block is refused or, where its times are some that the server stores, packs to something that reads as the same.
pub fn block(bytes: &[u8]) {
    let Some(points) = block::decode(bytes) else { return };
    let stored = |time: i64| (0..1 << 33).contains(&time);
    if points.iter().all(|point| stored(point.time)) && points.is_sorted_by_key(|point| point.time) {
        let packed = block::encode(&points);
        assert_eq!(block::decode(&packed).map(|again| block::encode(&again)), Some(packed));
    }
}

/// A page behind a sound checksum is refused, or its runs lie in their window, in order, and are the same when they are written again.
pub fn page(bytes: &[u8]) {
    let [tier, ..] = TIERS;
    let sealed = page::sealed(tier, bytes);
    let Ok(found) = page::runs(tier, 0, &sealed) else { return };
    for run in found.flatten() {
        let page::Run { metric, series, points } = run;
        assert!(points.is_sorted_by(|a, b| a.time < b.time), "{points:?}");
        assert!(points.iter().all(|point| (0..tier.span).contains(&point.time)), "{points:?}");
        let written = |points: &[Point]| {
            let mut pages = Pages::new(tier, 0);
            pages.put(metric, series, points);
            pages.finish()
        };
        let pages = written(&points);
        let again =
            pages.iter().flat_map(|one| page::runs(tier, 0, &one.bytes).into_iter().flatten().flatten());
        // Not the points: they may be no numbers, which equal nothing.
        assert_eq!(written(&again.flat_map(|run| run.points).collect::<Vec<_>>()), pages);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::serve::tsdb::sample::Stats;

    #[test]
    fn hold_for_the_committed_inputs() {
        for (target, law) in [
            ("form", form as fn(&[u8])),
            ("submitted", submitted),
            ("remote_read", remote_read),
            ("journal_row", journal_row),
            ("block", block),
            ("page", page),
        ] {
            crate::fuzz_inputs(target).iter().for_each(|input| law(input));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases * 2, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn hold_for_any_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..80), version in 0..3_u8) {
            form(&bytes);
            submitted(&bytes);
            remote_read(&bytes);
            // Else few get past the first byte.
            if let Some(first) = bytes.first_mut() {
                *first = version;
            }
            journal_row(&bytes);
            block(&bytes);
            page(&bytes);
        }

        #[test]
        fn hold_for_damaged_rows(
            values in prop::collection::vec((0..9_i64, 0..2_000_000_000_i64, any::<f64>()), 1..20),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let sample = |&(series, time, value): &(i64, i64, f64)| Sample {
                metric: series / 3,
                series,
                time,
                stats: Stats::Single(value),
            };
            let mut row = journal::encode(&values.iter().map(sample).collect::<Vec<_>>());
            journal_row(&row);
            let at = at.index(row.len());
            row[at] ^= 1 << bit;
            journal_row(&row);
        }
    }
}
