//! Which part of the past measurements cover: each stands for the time to the next one, unless its stream was silent for much longer
//! than it is as a rule. Says how much is known; knows nothing of what happened in it.

use super::history::{History, Span};
use super::subject::Subject;
use crate::pattern::matches;
use crate::watch::{Kind, Sample};

/// A stream may be silent for so many times as long as it is as a rule,
const PAUSES: i64 = 3;
/// and for so long in any case.
const PAUSE: i64 = 300;

/// What a condition was given.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The time that its measurements cover, in order, without overlaps.
    pub covered: Vec<Span>,
    /// Whether no stream that it watches was measured at all.
    pub nothing: bool,
}

/// What each condition was given in a stretch of time.
pub(super) fn given(subject: &Subject, histories: &[History], span: Span) -> Vec<Given> {
    let conditions = subject.alert.conditions.iter().zip(&subject.depends);
    let each = conditions.map(|(condition, depends)| {
        let composite = matches!(condition.shape.kind, Kind::Composite { .. });
        let meant = histories.iter().filter(|one| depends.iter().any(|name| matches(name, &one.metric)));
        let series = meant.flat_map(|history| history.series.iter().map(move |one| (history, one)));
        let series = series
            .filter(|(_, (series, _))| composite || condition.streams.stream_of(series).is_some())
            .filter(|(_, (_, samples))| !samples.is_empty());
        let mut covered: Vec<Span> = Vec::new();
        let mut nothing = true;
        for (history, (_, samples)) in series {
            nothing = false;
            match samples.first() {
                // Silence is what it waits for: it tells as much as a measurement.
                Some((first, _)) if condition.is_absent() => {
                    covered.push(Span { start: *first, end: span.end });
                }
                _ => covered.extend(of_series(history, samples)),
            }
        }
        Given { covered: clipped(joined(covered), span), nothing }
    });
    each.collect()
}

/// The time in which all of them are covered.
pub(super) fn all(given: &[Given]) -> Vec<Span> {
    let mut each = given.iter().map(|one| one.covered.clone());
    let first = each.next().unwrap_or_default();
    each.fold(first, |both, one| both.iter().flat_map(|span| clipped(one.clone(), *span)).collect())
}

/// How many seconds of a stretch of time are among these.
pub(super) fn within(covered: &[Span], span: Span) -> i64 {
    covered.iter().map(|one| common(*one, span).seconds().max(0)).sum()
}

fn of_series(history: &History, samples: &[(i64, Sample)]) -> Vec<Span> {
    let mut gaps: Vec<i64> = samples.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(1);
    let mut found: Vec<Span> = Vec::new();
    for (at, _) in samples {
        let resolution = history.resolution(*at).unwrap_or(1);
        let stands = at.saturating_add(usual.max(resolution) - 1);
        let pause = (PAUSES * usual).max(PAUSE).max(2 * resolution);
        match found.last_mut() {
            Some(last) if at - last.end <= pause => last.end = stands.max(last.end),
            _ => found.push(Span { start: *at, end: stands }),
        }
    }
    found
}

/// The same time without overlaps, in order.
fn joined(mut all: Vec<Span>) -> Vec<Span> {
    all.sort_unstable_by_key(|span| span.start);
    let mut found: Vec<Span> = Vec::new();
    for span in all {
        match found.last_mut() {
            Some(last) if span.start <= last.end.saturating_add(1) => last.end = last.end.max(span.end),
            _ => found.push(span),
        }
    }
    found
}

fn clipped(all: Vec<Span>, span: Span) -> Vec<Span> {
    all.into_iter().map(|one| common(one, span)).filter(|one| one.seconds() > 0).collect()
}

fn common(a: Span, b: Span) -> Span {
    Span { start: a.start.max(b.start), end: a.end.min(b.end) }
}

#[cfg(test)]
mod tests {
    use super::super::history::Stretch;
    use super::super::subject::{Metric, subject};
    use super::*;
    use crate::model::Alert;
    use crate::watch::Series;

    fn history(metric: &str, series: &[(&str, Vec<i64>)]) -> History {
        let samples = |times: &Vec<i64>| times.iter().map(|at| (*at, Sample::single(1.0))).collect();
        let of =
            |(name, times): &(&str, Vec<i64>)| (Series::Source(Some((*name).to_owned())), samples(times));
        History {
            metric: metric.into(),
            known: Metric::default(),
            stretches: vec![Stretch { start: -9_000, end: 90_000, resolution: 1 }],
            series: series.iter().map(of).collect(),
        }
    }

    fn found(conditions: &str, histories: &[History]) -> (Vec<(i64, i64)>, Vec<bool>) {
        let alert: Alert = serde_json::from_str(&format!(r#"{{"conditions": [{conditions}]}}"#)).unwrap();
        let subject = subject("a", &alert, &|_: &str| Metric::default()).unwrap();
        let given = given(&subject, histories, Span { start: 0, end: 9_999 });
        let covered = all(&given).iter().map(|span| (span.start, span.end)).collect();
        (covered, given.iter().map(|one| one.nothing).collect())
    }

    const ABOVE: &str = r#"{"type": "above", "metric_name": "m", "source": "web*", "threshold": 1}"#;
    const ABSENT: &str = r#"{"type": "absent", "metric_name": "m", "duration": 600}"#;

    #[test]
    fn measurements_cover_the_time_to_the_next_one_but_no_long_silence() {
        let every = |from: i64, to: i64, step: usize| (from..=to).step_by(step).collect::<Vec<i64>>();
        let minutes = history("m", &[("web1", every(600, 1_200, 60))]);
        assert_eq!(found(ABOVE, std::slice::from_ref(&minutes)), (vec![(600, 1_259)], vec![false]));
        let pauses = [every(0, 600, 60), every(900, 1_200, 60), every(5_000, 5_300, 60)].concat();
        let paused = history("m", &[("web1", pauses), ("db1", every(0, 9_999, 60))]);
        assert_eq!(found(ABOVE, &[paused]).0, [(0, 1_259), (5_000, 5_359)]);
        let streams = history("m", &[("web1", every(0, 600, 60)), ("web2", every(300, 1_200, 60))]);
        assert_eq!(found(ABOVE, &[streams]).0, [(0, 1_259)]);
        // Who reports by the hour is not silent in between.
        let hours = history("m", &[("web1", every(-3_600, 9_000, 3_600))]);
        assert_eq!(found(ABOVE, &[hours]).0, [(0, 9_999)]);
        // Silence is what an absent condition waits for.
        assert_eq!(found(ABSENT, std::slice::from_ref(&minutes)).0, [(600, 9_999)]);
        // All conditions must be met, so all must be known.
        let other = history("n", &[("web1", every(1_000, 2_000, 60))]);
        let both = format!("{ABOVE}, {}", ABOVE.replace("\"m\"", "\"n\""));
        assert_eq!(found(&both, &[minutes.clone(), other]).0, [(1_000, 1_259)]);
        assert_eq!(found(&both, &[minutes]), (vec![], vec![false, true]));
    }
}
