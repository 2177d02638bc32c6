//! What came of a backtest as a JSON document with a committed schema.

use librato_apply::offline::{Backtest, Fidelity, Incident, Known, Totals, compare};
use librato_apply::render::FORMAT_VERSION;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::outcome::{Outcome, Results, Swept};

/// What came of `backtest`. Times are epoch seconds.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct BacktestDocument {
    /// The version of this form: 1.
    pub format_version: u32,
    /// Why there is no backtest; nothing else is said then but what was found in the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The service.
    pub endpoint: String,
    /// The first second.
    pub start: i64,
    /// The last one.
    pub end: i64,
    /// How many requests were made for measurements.
    pub requests: usize,
    /// How many measurements were read.
    pub points: usize,
    /// The limit that kept it from reading everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
    /// Metrics of which nothing was measured in this time.
    pub missing: Vec<String>,
    /// The alerts, those that change first.
    pub alerts: Vec<AlertDocument>,
    /// What was found in the files, as by `validate`, where they cannot be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Value>,
}

/// An alert.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AlertDocument {
    /// Its name.
    pub name: String,
    /// As it is on the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<SideDocument>,
    /// As the files will have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SideDocument>,
    /// What was changed, in words.
    pub changed: Vec<String>,
    /// Incidents of `after` that `before` does not have; only where both can be evaluated.
    pub new: Vec<IncidentDocument>,
    /// Incidents of `before` that `after` does not have.
    pub gone: Vec<IncidentDocument>,
    /// What came of several values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepDocument>,
}

/// One definition of an alert.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct SideDocument {
    /// Why it cannot be evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The titles of the services it notifies.
    pub services: Vec<String>,
    /// The first second that is counted; none where nothing could be evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_since: Option<i64>,
    /// How well each condition is known, stretch by stretch.
    pub known: Vec<KnownDocument>,
    /// The numbers.
    pub totals: TotalsDocument,
    /// Seconds of the time for which there are measurements.
    pub covered: i64,
    /// The share of them in which an incident was open, from 0 to 1.
    pub share: f64,
    /// The places of conditions that no stream was measured for, from 0: the alert cannot fire.
    pub blind: Vec<usize>,
    /// The numbers of what cannot be told from rolled-up data.
    pub unsure: TotalsDocument,
    /// The incidents, in order of time.
    pub incidents: Vec<IncidentDocument>,
}

/// What is known of a condition in a stretch of time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KnownDocument {
    /// Its place, from 0.
    pub condition: usize,
    /// The first second.
    pub start: i64,
    /// The last one.
    pub end: i64,
    /// Seconds that one value stands for.
    pub resolution: i64,
    /// How well.
    pub fidelity: FidelityDocument,
}

/// How what is found compares to what single measurements would have shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FidelityDocument {
    /// The same.
    Exact,
    /// Times may be off by an interval.
    Shifted,
    /// It may fire more.
    More,
    /// It may fire less.
    Less,
    /// It may fire more or less.
    Either,
    /// It cannot be told: counted apart.
    Unknown,
    /// Left out: values of intervals cannot be compared with the threshold.
    Incomparable,
    /// Left out: not read.
    Unread,
}

/// Numbers of incidents.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct TotalsDocument {
    /// How many there are.
    pub incidents: usize,
    /// How often each service would have been told that the alert triggers, repetitions included.
    pub notifications: usize,
    /// How often that it is over.
    pub clears: usize,
    /// Seconds of the longest one.
    pub longest: i64,
    /// Seconds in which at least one was open.
    pub firing: i64,
}

/// An incident.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IncidentDocument {
    /// When it opened.
    pub opened: i64,
    /// When it closed; not said where it did not before the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<i64>,
    /// Whether it was open when the time in question began.
    pub open_before: bool,
    /// Its streams.
    pub streams: Vec<String>,
    /// The value farthest beyond the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<f64>,
    /// How often each service would have been told that it triggers.
    pub notifications: usize,
    /// Whether the data can tell that it was there.
    pub sure: bool,
}

/// What came of several values.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SweepDocument {
    /// What was varied.
    pub fields: Vec<String>,
    /// Every choice.
    pub runs: Vec<RunDocument>,
    /// The most sensitive choice that keeps to --at-most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_sensitive: Option<Vec<f64>>,
}

/// A choice of values.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunDocument {
    /// One for each field; durations in seconds.
    pub values: Vec<f64>,
    /// The numbers.
    pub totals: TotalsDocument,
    /// The numbers of what cannot be told.
    pub unsure: TotalsDocument,
}

impl BacktestDocument {
    /// Of everything that came of it.
    pub fn of(results: &Results) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            endpoint: results.target.clone(),
            start: results.span.start,
            end: results.span.end,
            requests: results.requests,
            points: results.points,
            cut: results.cut.clone(),
            missing: results.missing.clone(),
            alerts: results.outcomes.iter().map(alert).collect(),
            ..Self::default()
        }
    }

    /// Where there is none: why, and what was found in the files.
    pub fn without(why: &str, diagnostics: Vec<Value>) -> Self {
        Self { format_version: FORMAT_VERSION, error: Some(why.to_owned()), diagnostics, ..Self::default() }
    }
}

fn alert(outcome: &Outcome) -> AlertDocument {
    let pair = &outcome.pair;
    let (new, gone) = match (&outcome.before, &outcome.after) {
        (Some(Ok(before)), Some(Ok(after))) => {
            let found = compare(before, after);
            let all = |these: &[&Incident]| these.iter().map(|one| incident(one)).collect();
            (all(&found.new), all(&found.gone))
        }
        _ => (Vec::new(), Vec::new()),
    };
    let services = |side: &Option<Result<librato_apply::offline::Subject, String>>| {
        side.iter().flatten().flat_map(|subject| subject.services.clone()).collect::<Vec<_>>()
    };
    let of = |found: &Option<Result<Backtest, String>>, services: Vec<String>| {
        found.as_ref().map(|found| side(found, services))
    };
    AlertDocument {
        name: pair.name.clone(),
        before: of(&outcome.before, services(&pair.before)),
        after: of(&outcome.after, services(&pair.after)),
        changed: pair.changed.clone(),
        new,
        gone,
        sweep: outcome.swept.as_ref().map(sweep),
    }
}

fn side(found: &Result<Backtest, String>, services: Vec<String>) -> SideDocument {
    match found {
        Err(why) => SideDocument { error: Some(why.clone()), services, ..SideDocument::default() },
        Ok(found) => SideDocument {
            error: None,
            services,
            counted_since: found.span.map(|span| span.start),
            known: found.known.iter().map(known).collect(),
            totals: totals(&found.totals()),
            covered: found.seconds_covered(),
            share: found.share().unwrap_or_default(),
            blind: found.blind.clone(),
            unsure: totals(&found.unsure()),
            incidents: found.incidents.iter().map(incident).collect(),
        },
    }
}

fn known(known: &Known) -> KnownDocument {
    let fidelity = match known.fidelity {
        Fidelity::Exact => FidelityDocument::Exact,
        Fidelity::Shifted => FidelityDocument::Shifted,
        Fidelity::More => FidelityDocument::More,
        Fidelity::Less => FidelityDocument::Less,
        Fidelity::Either => FidelityDocument::Either,
        Fidelity::Unknown => FidelityDocument::Unknown,
        Fidelity::Incomparable => FidelityDocument::Incomparable,
        Fidelity::Unread => FidelityDocument::Unread,
    };
    let stretch = known.stretch;
    KnownDocument {
        condition: known.condition,
        start: stretch.start,
        end: stretch.end,
        resolution: stretch.resolution,
        fidelity,
    }
}

fn totals(totals: &Totals) -> TotalsDocument {
    let Totals { incidents, notifications, clears, longest, firing } = *totals;
    TotalsDocument { incidents, notifications, clears, longest, firing }
}

fn incident(one: &Incident) -> IncidentDocument {
    IncidentDocument {
        opened: one.opened,
        closed: one.closed,
        open_before: one.before,
        streams: one.streams.iter().map(ToString::to_string).collect(),
        peak: one.peak,
        notifications: one.notifications,
        sure: one.sure,
    }
}

fn sweep(swept: &Swept) -> SweepDocument {
    let run = |run: &librato_apply::offline::Run| RunDocument {
        values: run.values.clone(),
        totals: totals(&run.totals),
        unsure: totals(&run.unsure),
    };
    let most_sensitive = swept.at_most.as_ref().and_then(|(_, run)| run.as_ref());
    SweepDocument {
        fields: swept.sweeps.iter().map(|sweep| sweep.name()).collect(),
        runs: swept.runs.iter().map(run).collect(),
        most_sensitive: most_sensitive.map(|run| run.values.clone()),
    }
}
