//! Measurements that make an alert fire in the shortest time, and those that stop one value short of it.
//! Knows nothing of how tests are written.

use std::collections::BTreeSet;

use crate::composite::Labels;
use crate::offline::{Given, Metric, Subject};
use crate::watch::{Condition, Function, Kind, Sample, Series, Streams, Test};

use super::levels::{Level, held};

/// Measurements of one alert, and the moments at which it is looked at.
pub struct Probe {
    /// What is measured.
    pub given: Vec<Given>,
    /// When someone looks.
    pub moments: BTreeSet<i64>,
}

/// How long it is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As long as it must be.
    Enough,
    /// One value less.
    Short,
    /// All the time, and looked at when everything has long been the same.
    Always,
    /// Never, looked at likewise.
    Never,
}

impl Length {
    /// Whether it makes the alert fire.
    pub fn fires(self) -> bool {
        matches!(self, Self::Enough | Self::Always)
    }

    /// Whether only the end is looked at.
    pub fn is_steady(self) -> bool {
        matches!(self, Self::Always | Self::Never)
    }
}

/// What is to be known of what an alert watches.
pub struct Surroundings<'a> {
    /// What metrics are.
    pub known: &'a dyn Fn(&str) -> Metric,
    /// How long their points are.
    pub period: &'a dyn Fn(&str) -> i64,
    /// What brings the composite of a condition over its threshold.
    pub levels: &'a dyn Fn(usize) -> Option<Vec<Level>>,
    /// Seconds from evaluation to evaluation.
    pub interval: i64,
}

/// A probe; nothing where there is no shorter run.
///
/// # Errors
/// Why values alone do not decide.
pub fn probe(
    subject: &Subject,
    length: Length,
    around: &Surroundings<'_>,
) -> Result<Option<Probe>, &'static str> {
    let Surroundings { known, period, levels, interval } = *around;
    let conditions = &subject.alert.conditions;
    let is_composite = |condition: &Condition| matches!(condition.shape.kind, Kind::Composite { .. });
    let none = "it has no conditions";
    let longest = conditions.iter().map(lasts).max().ok_or(none)?;
    let width = conditions.iter().map(|condition| period(&condition.metric)).max().ok_or(none)?;
    // A composite may look at points before.
    let begin = if conditions.iter().any(is_composite) { 3 * width } else { width };
    let cut = if length == Length::Short { width } else { 0 };
    let last = begin + longest - cut;
    // What looks back does so for a quarter of an hour.
    let rest = if length.is_steady() { 900 + 3 * width } else { 2 * width };
    let end = (begin + longest + rest + interval) / interval * interval;
    if last < begin {
        return Ok(None);
    }
    let (begin, last) = match length {
        Length::Enough | Length::Short => (begin, last),
        Length::Always => (0, end),
        Length::Never => (end + 1, end),
    };
    let mut given = Vec::new();
    for (place, condition) in conditions.iter().enumerate() {
        if is_composite(condition) && matches!(condition.test, Test::Threshold { .. }) {
            let levels =
                levels(place).ok_or("no values were found that bring its composite over the threshold")?;
            for Level { metric, series, calm, wrong } in levels {
                let value = |at: i64| if (begin..=last).contains(&at) { wrong } else { calm };
                given.push(held(&metric, &series, known(&metric), period(&metric), end, &value));
            }
            continue;
        }
        given.push(Given {
            metric: condition.metric.clone(),
            series: series(&condition.streams),
            known: known(&condition.metric),
            samples: samples(condition, period(&condition.metric), begin, last, end)?,
            end,
        });
    }
    // Where two conditions read one series, the first has it as it needs it; whether that is enough is found out.
    let mut taken = BTreeSet::new();
    given.retain(|given: &Given| taken.insert((crate::pattern::fold(&given.metric), given.series.clone())));
    if length.is_steady() {
        return Ok(Some(Probe { given, moments: BTreeSet::from([end]) }));
    }
    let mut moments = BTreeSet::new();
    let mut at = 0;
    while at <= end {
        moments.insert(at);
        at += interval;
    }
    Ok(Some(Probe { given, moments }))
}

/// How long it must hold, or be silent.
fn lasts(condition: &Condition) -> i64 {
    match condition.test {
        Test::Threshold { duration, .. } => duration.unwrap_or(0),
        Test::Absent { duration } => duration,
    }
}

fn samples(
    condition: &Condition,
    step: i64,
    begin: i64,
    last: i64,
    end: i64,
) -> Result<Vec<(i64, Sample)>, &'static str> {
    let times = || (0..).map(|n: i64| n * step).take_while(move |at| *at <= end);
    let Test::Threshold { above, threshold, function, .. } = condition.test else {
        if matches!(condition.shape.kind, Kind::Composite { .. }) {
            return Err("it waits for a composite to be silent");
        }
        let reported = times().filter(|at| *at < begin || *at >= last);
        return Ok(reported.map(|at| (at, Sample::single(1.0))).collect());
    };
    if function == Function::Count {
        return Err("it counts measurements, of which there is one each time");
    }
    let changes = matches!(function, Function::Derivative { .. });
    let beyond = match threshold.abs() {
        size if size >= 100.0 || changes => 1.0,
        0.0 => 1.0,
        size => size / 100.0,
    };
    let wrong = if above { threshold + beyond } else { threshold - beyond };
    let value = |at: i64| if (begin..=last).contains(&at) { wrong } else { threshold };
    if !changes {
        return Ok(times().map(|at| (at, Sample::single(value(at)))).collect());
    }
    // A decrease may count as none, and sums of fractions are not exact.
    if wrong < 0.0 || threshold < 0.0 || wrong.fract() != 0.0 || threshold.fract() != 0.0 {
        return Err("its threshold is none that changes of whole numbers come just beyond");
    }
    let mut total = 0.0;
    let grown = times().map(|at| {
        total += value(at);
        (at, Sample::single(total))
    });
    Ok(grown.collect())
}

/// A series that is watched.
fn series(streams: &Streams) -> Series {
    let value = |pattern: &str| if pattern == "%" { "1".to_owned() } else { pattern.replace('*', "1") };
    match streams {
        Streams::All => Series::Source(Some("probe".to_owned())),
        Streams::Source(source) if source == "unassigned" => Series::Source(None),
        Streams::Source(source) => Series::Source(Some(value(source))),
        Streams::Tags(tags) => {
            let tags = tags.iter().map(|tag| {
                (tag.name.clone(), tag.values.first().map_or_else(|| "1".to_owned(), |one| value(one)))
            });
            Series::Tags(tags.collect::<Labels>())
        }
    }
}
