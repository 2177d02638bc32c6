//! Whatever a definition says and whatever is stored, evaluation ends within its limit, with points that are finite and in order.
//! The first line of the input is the definition; the bytes behind it are samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use librato_apply::composite::eval::{EvalError, Limits, Request, Sample, Stored, Window, evaluate};
use librato_apply::composite::{Labels, SOURCE, Statistic, compile, matches};

const LIMIT: u64 = 20_000;

fn stored(bytes: &[u8]) -> Vec<Stored> {
    let sample = |chunk: &[u8]| {
        let number = |i: usize| i64::from(i16::from_le_bytes([chunk[i], chunk[i + 1]]));
        Sample::single(number(0), number(2) as f64)
    };
    let series = [("x", "a"), ("x", "b"), ("y", "a")].into_iter().enumerate();
    series
        .map(|(i, (metric, source))| Stored {
            metric: metric.into(),
            labels: Labels::from([(SOURCE.to_owned(), source.to_owned())]).into(),
            period: bytes.get(i).map(|period| u64::from(*period)),
            interval: 1,
            samples: bytes.chunks_exact(4).skip(i).step_by(3).map(sample).collect(),
        })
        .collect()
}

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (head, tail) = data.split_at(end);
    let Ok(query) = std::str::from_utf8(head).map_err(drop).and_then(|text| compile(text).map_err(drop))
    else {
        return;
    };
    let stored = stored(tail);
    let mut fetch = |request: &Request<'_>| {
        let found = stored.iter().filter(|stored| matches(request.metric, &stored.metric));
        Ok(found.filter(|stored| request.selector.matches(&stored.labels)).cloned().collect())
    };
    let window = Window { start: -100, end: 900, resolution: 7, summarize: Statistic::Mean, source: None };
    match evaluate(&query, &mut fetch, &window, Limits { work: LIMIT, ..Limits::default() }) {
        Ok(outcome) => {
            for series in &outcome.series {
                assert!(series.points.iter().all(|point| point.value.is_finite()));
                assert!(series.points.windows(2).all(|pair| pair[0].time < pair[1].time));
            }
        }
        Err(EvalError::TooMuch { limit, .. }) => assert_eq!(limit, LIMIT),
        // The work that is allowed needs far less memory than that.
        Err(error @ EvalError::TooLarge { .. }) => panic!("{error:?}"),
        Err(EvalError::UnknownPeriod { span, .. }) => assert!(span.end <= head.len()),
        Err(EvalError::Fetch { why, .. }) => panic!("{why}"),
    }
});
