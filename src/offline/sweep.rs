//! One alert with several values in the place of one: `conditions[0].threshold=400..1200:100`.

use super::backtest::{Totals, backtest};
use super::compare::with;
use super::history::{History, Span};
use super::subject::Subject;
use crate::composite::Problem;
use crate::diag::{number, seconds_in};
use crate::model::{DURATIONS, Seconds};
use crate::watch::Test;

/// So many values at most, of all sweeps together.
pub const MOST: usize = 400;

/// What is varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// What values are held against.
    Threshold,
    /// How long they must violate, or be absent.
    Duration,
}

/// What is varied, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The place of the condition.
    pub condition: usize,
    /// What of it.
    pub knob: Knob,
    /// The values in order, durations in seconds.
    pub values: Vec<f64>,
}

/// What came of one choice of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// One for each sweep.
    pub values: Vec<f64>,
    /// What there would have been.
    pub totals: Totals,
    /// What cannot be told.
    pub unsure: Totals,
}

impl Sweep {
    /// Reads `conditions[0].threshold=400..1200:100`.
    ///
    /// # Errors
    /// In words, where it is something else.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "write conditions[0].threshold=400..1200:100, or conditions[0].duration=1m..10m:1m";
        let form = || FORM.to_owned();
        let (path, range) = text.split_once('=').ok_or_else(form)?;
        let path = path.trim().strip_prefix("conditions[").ok_or_else(form)?;
        let (place, field) = path.split_once("].").ok_or_else(form)?;
        let condition = place.parse().map_err(|_| form())?;
        let knob = match field {
            "threshold" => Knob::Threshold,
            "duration" => Knob::Duration,
            other => return Err(format!("only `threshold` and `duration` can be varied, not `{other}`")),
        };
        let (ends, step) = range.rsplit_once(':').ok_or_else(form)?;
        let (low, high) = ends.split_once("..").ok_or_else(form)?;
        let read =
            |text: &str| knob.read(text.trim()).ok_or_else(|| format!("`{}` is no such value", text.trim()));
        let (low, high, step) = (read(low)?, read(high)?, read(step)?);
        if step <= 0.0 || high < low {
            return Err(
                "the second value is not less than the first, and the step is more than nothing".into()
            );
        }
        let steps = ((high - low) / step + 1e-9).floor();
        if steps >= MOST as f64 {
            return Err(format!("these are more than {MOST} values: take longer steps"));
        }
        // Each from the first one, so that errors do not add up.
        let mut values = Vec::new();
        let mut step_number = 0.0;
        while step_number <= steps {
            values.push(low + step_number * step);
            step_number += 1.0;
        }
        Ok(Self { condition, knob, values })
    }

    /// Its name, as it is written.
    pub fn name(&self) -> String {
        let knob = match self.knob {
            Knob::Threshold => "threshold",
            Knob::Duration => "duration",
        };
        format!("conditions[{}].{knob}", self.condition)
    }

    /// One of its values, as it is written.
    pub fn shown(&self, value: f64) -> String {
        match self.knob {
            Knob::Threshold => number(value),
            Knob::Duration => Seconds(value as u64).to_string(),
        }
    }

    /// Whether smaller values make the condition fire more.
    fn rises(&self, subject: &Subject) -> bool {
        let above = |test: &Test| matches!(test, Test::Threshold { above: true, .. });
        let condition = subject.alert.conditions.get(self.condition);
        self.knob == Knob::Duration || condition.is_some_and(|condition| above(&condition.test))
    }
}

impl Knob {
    fn read(self, text: &str) -> Option<f64> {
        match self {
            Self::Threshold => text.parse().ok().filter(|value: &f64| value.is_finite()),
            Self::Duration => {
                let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
                let amount: u32 = text[..unit].parse().ok()?;
                let factor = if unit == text.len() { 1 } else { seconds_in(&text[unit..])? };
                let seconds = u64::from(amount).checked_mul(factor).filter(|all| *all <= 864_000)?;
                Some(seconds as f64)
            }
        }
    }
}

/// Whether sweeps can be made of an alert.
///
/// # Errors
/// In words, where they cannot.
pub fn check(subject: &Subject, sweeps: &[Sweep]) -> Result<(), String> {
    for sweep in sweeps {
        let Some(condition) = subject.alert.conditions.get(sweep.condition) else {
            return Err(format!("`{}` has no condition {}", subject.alert.name, sweep.condition));
        };
        if sweep.knob == Knob::Threshold && condition.is_absent() {
            return Err(format!("conditions[{}] asks for silence: it has no threshold", sweep.condition));
        }
        let outside = |value: &&f64| sweep.knob == Knob::Duration && !DURATIONS.contains(&(**value as u64));
        if let Some(value) = sweep.values.iter().find(outside) {
            return Err(format!(
                "no alert can have a duration of {}: it is {} to {}",
                sweep.shown(*value),
                Seconds(*DURATIONS.start()),
                Seconds(*DURATIONS.end())
            ));
        }
    }
    if sweeps.iter().map(|sweep| sweep.values.len()).product::<usize>() > MOST {
        return Err(format!("these are more than {MOST} choices: take longer steps"));
    }
    Ok(())
}

/// Every choice of values, the first sweep in the outer loop.
///
/// # Errors
/// Where a composite has no answer.
pub fn sweep(
    subject: &Subject,
    histories: &[History],
    asked: Span,
    sweeps: &[Sweep],
) -> Result<Vec<Run>, Problem> {
    let mut choices: Vec<Vec<f64>> = vec![Vec::new()];
    for sweep in sweeps {
        let longer = |choice: Vec<f64>| {
            sweep.values.iter().map(move |value| [choice.as_slice(), &[*value]].concat()).collect::<Vec<_>>()
        };
        choices = choices.into_iter().flat_map(longer).collect();
    }
    let run = |values: Vec<f64>| {
        let mut subject = subject.clone();
        for (sweep, value) in sweeps.iter().zip(&values) {
            if let Some(condition) = subject.alert.conditions.get_mut(sweep.condition) {
                condition.test = match sweep.knob {
                    Knob::Threshold => with(condition.test, Some(*value), None),
                    Knob::Duration => with(condition.test, None, Some(Some(*value as i64))),
                };
            }
        }
        let found = backtest(&subject, histories, asked)?;
        Ok(Run { values, totals: found.totals(), unsure: found.unsure() })
    };
    choices.into_iter().map(run).collect()
}

/// The most sensitive choice that notifies no more often than this: the one that fires most easily, the first sweep counting first.
pub fn most_sensitive<'r>(
    subject: &Subject,
    sweeps: &[Sweep],
    runs: &'r [Run],
    most: usize,
) -> Option<&'r Run> {
    let rises: Vec<bool> = sweeps.iter().map(|sweep| sweep.rises(subject)).collect();
    let easier = |a: &&Run, b: &&Run| {
        let each = a.values.iter().zip(&b.values).zip(&rises);
        let orders = each.map(|((a, b), rises)| if *rises { a.total_cmp(b) } else { b.total_cmp(a) });
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    };
    let quiet = |run: &&Run| run.totals.notifications + run.unsure.notifications <= most;
    runs.iter().filter(quiet).min_by(easier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_are_read_or_refused() {
        let read = Sweep::parse("conditions[0].threshold=400..1200:400").unwrap();
        assert_eq!(read.values, [400.0, 800.0, 1200.0]);
        assert_eq!((read.name().as_str(), read.shown(400.0).as_str()), ("conditions[0].threshold", "400"));
        let read = Sweep::parse("conditions[1].duration=1m..5m:2m").unwrap();
        assert_eq!((read.condition, read.values.as_slice()), (1, &[60.0, 180.0, 300.0][..]));
        assert_eq!(read.shown(180.0), "3m");
        assert_eq!(Sweep::parse("conditions[0].threshold=-1..0.3:0.1").unwrap().values.len(), 14);
        for wrong in [
            "",
            "conditions[0].threshold",
            "conditions[0].threshold=1..2",
            "conditions[0].threshold=2..1:1",
            "conditions[0].threshold=1..2:0",
            "conditions[0].threshold=1..2:-1",
            "conditions[x].threshold=1..2:1",
            "conditions[0].metric=1..2:1",
            "conditions[0].threshold=nan..2:1",
            "conditions[0].duration=1y..2y:1y",
            "conditions[0].threshold=0..400:1",
            "threshold=1..2:1",
            "conditions[0].threshold=0..inf:1",
        ] {
            assert!(Sweep::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Sweep::parse("conditions[0].threshold=1..400:1").unwrap().values.len(), 400);
    }
}
