//! How an answer came about: the tree of a definition with what each step made, to find out why a chart is empty.
//! Says what happened; what to do about it is for the reader.

use crate::composite::words::in_words;
use crate::diag::counted;
use std::fmt;
use std::sync::Arc;

use super::super::selector::Labels;

/// One step of an evaluation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// What was done: a function's name, or the whole text of a `series` call.
    pub what: String,
    /// How many series came out.
    pub series: usize,
    /// How many points they have together.
    pub points: usize,
    /// Of a `series` call: what it matched.
    pub matched: Vec<Matched>,
    /// What is worth knowing, as sentences.
    pub notes: Vec<String>,
    /// The steps before this one.
    pub inputs: Vec<Step>,
}

/// A series that a `series` call matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// The metric.
    pub metric: String,
    /// Its source and tags.
    pub labels: Arc<Labels>,
    /// How many stored samples lie in the stretch of time.
    pub samples: usize,
    /// The period it was brought to, in seconds.
    pub period: u64,
}

/// So many matches of one call are shown.
const SHOWN: usize = 10;

/// The tree as lines, indented by depth.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Step {
    /// Why there is no point, as sentences: the steps in which what there was came to nothing.
    pub fn nothing(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        self.collect(&mut reasons);
        reasons
    }

    fn collect(&self, reasons: &mut Vec<String>) {
        if self.points > 0 {
            return;
        }
        let what = &self.what;
        let reason = match (self.notes.first(), self.series) {
            (Some(note), 0) if self.inputs.iter().all(|input| input.points > 0) => format!("{what}: {note}"),
            (_, series) if self.inputs.is_empty() && series > 0 => {
                let samples: usize = self.matched.iter().map(|matched| matched.samples).sum();
                format!("{what}: {series} series match, with {samples} samples in this time")
            }
            (_, _) if self.inputs.iter().any(|input| input.points > 0) && what != "[ ]" => {
                format!(
                    "{what}: makes nothing of the {} points it gets",
                    self.inputs.iter().map(|i| i.points).sum::<usize>()
                )
            }
            _ => String::new(),
        };
        if !reason.is_empty() && !reasons.contains(&reason) {
            reasons.push(reason);
        }
        self.inputs.iter().for_each(|input| input.collect(reasons));
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        let points = counted(self.points, "point");
        writeln!(f, "{indent}{}: {} series, {points}", self.what, self.series)?;
        for note in &self.notes {
            writeln!(f, "{indent}  - {note}")?;
        }
        for matched in self.matched.iter().take(SHOWN) {
            let labels: Vec<_> =
                matched.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
            let Matched { metric, samples, period, .. } = matched;
            let (samples, period) = (counted(*samples, "sample"), in_words(*period));
            writeln!(f, "{indent}  = {metric} {{{}}}: {samples}, every {period}", labels.join(", "))?;
        }
        if self.matched.len() > SHOWN {
            writeln!(f, "{indent}  = and {} more", self.matched.len() - SHOWN)?;
        }
        self.inputs.iter().try_for_each(|step| step.write(f, depth + 1))
    }
}
