//! What series of a metric say of the streams that someone looks at: how many, how often, since when silent. Pure.

use std::collections::BTreeSet;

use librato_apply::offline::History;
use librato_apply::plan::StreamsFound;
use librato_apply::watch::{Series, Streams};

/// How many streams are named.
const NAMED: usize = 5;

/// What is known of a metric.
pub fn history<'h>(histories: &'h [History], metric: &str) -> Option<&'h History> {
    histories.iter().find(|history| history.metric.eq_ignore_ascii_case(metric))
}

/// How far apart the measurements of a stream are, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gaps {
    /// One in twenty is shorter.
    pub short: i64,
    pub usual: i64,
    /// One in twenty is longer.
    pub long: i64,
}

/// The series of some histories that are looked at.
pub struct Seen<'a> {
    parts: Vec<(&'a History, Streams)>,
}

impl<'a> Seen<'a> {
    /// Of one metric.
    pub fn of(history: &'a History, streams: Streams) -> Self {
        Self { parts: vec![(history, streams)] }
    }

    /// Of several.
    pub fn all(parts: Vec<(&'a History, Streams)>) -> Self {
        Self { parts }
    }

    fn series(
        &self,
    ) -> impl Iterator<Item = (&'a History, &'a Series, &'a [(i64, librato_apply::watch::Sample)])> {
        let within = |(history, streams): &(&'a History, Streams)| {
            let (history, streams) = (*history, streams.clone());
            let meant = move |(series, _): &&(Series, Vec<_>)| streams.stream_of(series).is_some();
            history
                .series
                .iter()
                .filter(meant)
                .filter(|(_, all)| !all.is_empty())
                .map(move |(series, all)| (history, series, all.as_slice()))
        };
        self.parts.iter().flat_map(within).collect::<Vec<_>>().into_iter()
    }

    /// What there is of them.
    pub fn found(&self, now: i64) -> StreamsFound {
        let names: BTreeSet<String> = self
            .series()
            .filter_map(|(_, series, _)| Some(Streams::All.stream_of(series)?.to_string()))
            .collect();
        let last = self.series().filter_map(|(_, _, all)| Some(all.last()?.0)).max();
        StreamsFound {
            count: names.len(),
            names: names.into_iter().take(NAMED).collect(),
            silent_for: last.map(|last| now.saturating_sub(last).max(0)),
            every: self.gaps().map(|gaps| gaps.usual),
        }
    }

    /// How many measurements there are; a value that stands for an interval stands for as many as are in it.
    pub fn measurements(&self) -> usize {
        let count: f64 = self.series().flat_map(|(_, _, all)| all).map(|(_, sample)| sample.count).sum();
        count as usize
    }

    /// How far apart they are, where they were not rolled up.
    pub fn gaps(&self) -> Option<Gaps> {
        let mut gaps: Vec<i64> = Vec::new();
        for (history, _, all) in self.series() {
            let raw = history.stretches.iter().filter(|one| one.resolution == 1);
            for stretch in raw {
                let times =
                    all.iter().map(|(at, _)| *at).filter(|at| (stretch.start..=stretch.end).contains(at));
                let times: Vec<i64> = times.collect();
                gaps.extend(times.windows(2).map(|pair| pair[1] - pair[0]));
            }
        }
        gaps.sort_unstable();
        let at = |share: usize| gaps.get((gaps.len().saturating_sub(1)) * share / 100).copied();
        Some(Gaps { short: at(5)?, usual: at(50)?, long: at(95)? })
    }
}

#[cfg(test)]
mod tests {
    use librato_apply::offline::{Metric, Stretch};
    use librato_apply::watch::Sample;

    use super::*;

    #[test]
    fn streams_are_counted_and_their_measure_is_taken_where_nothing_is_rolled_up() {
        let sample = |at: i64, count: f64| (at, Sample { count, sum: count, min: 1.0, max: 1.0, last: 1.0 });
        let source = |name: &str| Series::Source(Some(name.to_owned()));
        let history = History {
            metric: "m".into(),
            known: Metric::default(),
            stretches: vec![
                Stretch { start: 0, end: 999, resolution: 60 },
                Stretch { start: 1_000, end: 2_000, resolution: 1 },
            ],
            series: vec![
                (
                    source("web1"),
                    vec![sample(900, 6.0), sample(1_000, 1.0), sample(1_058, 1.0), sample(1_118, 1.0)],
                ),
                (source("db1"), vec![sample(960, 6.0)]),
                (source("web2"), vec![]),
            ],
        };
        let web = Seen::of(&history, Streams::Source("web*".into()));
        let found = web.found(1_130);
        assert_eq!((found.count, found.silent_for, found.every), (1, Some(12), Some(58)));
        assert_eq!(web.gaps(), Some(Gaps { short: 58, usual: 58, long: 58 }));
        let all = Seen::of(&history, Streams::All);
        assert_eq!(
            (all.found(1_130).names, all.measurements()),
            (vec!["db1".to_owned(), "web1".to_owned()], 15)
        );
        assert_eq!(Seen::of(&history, Streams::Source("x".into())).found(1_130), StreamsFound::default());
    }
}
