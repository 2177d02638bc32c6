//! What measurements say of alerts that a plan touches: fired and notified before and after, and what keeps them from working.
//! Reads nothing itself.

use std::collections::{BTreeMap, BTreeSet};

use librato_apply::model::{Address, Alert, Collection, Kind, Resource, Seconds};
use librato_apply::offline::{self, Backtest, Fidelity, History, Known, Span, Subject};
use librato_apply::plan::{Figures, Finding, KnownStretch, Plan, length};
use librato_apply::watch::{Condition, Test};

use super::super::backtest::sides::{Definitions, Pair};
use super::super::backtest::{blind, coverage};
use super::pictures;
use super::streams::{Seen, history};

/// The alerts of a plan, each as it is and as it will be.
pub struct Alerts<'a> {
    definitions: &'a Definitions<'a>,
    sides: BTreeMap<String, [Option<&'a Alert>; 2]>,
    pub pairs: Vec<Pair>,
}

impl<'a> Alerts<'a> {
    /// Those that come, go, or are evaluated otherwise than before; also those of which only a metric changes.
    pub fn of(plan: &'a Plan, definitions: &'a Definitions<'a>) -> Self {
        let mut sides = BTreeMap::new();
        for step in plan.steps.iter().filter(|step| step.change.kind == Kind::Alert && !step.parks()) {
            let action = &step.change.action;
            sides.insert(step.change.address.name.clone(), [action.before(), action.after()].map(alert));
        }
        let changed: BTreeSet<String> = sides.keys().cloned().collect();
        for indirect in &plan.indirect {
            let found =
                alert(definitions.actual.get(&Address::new(Collection::Alerts, indirect.alert.as_str())));
            sides.insert(indirect.alert.clone(), [found, found]);
        }
        let metrics: BTreeSet<&Address> = plan
            .steps
            .iter()
            .map(|step| &step.change.address)
            .filter(|it| it.collection == Collection::Metrics)
            .collect();
        let names = sides.keys().cloned().collect();
        let mut pairs = definitions.pairs(&names);
        pairs.retain(|pair| {
            let [before, after] = sides.get(&pair.name).copied().unwrap_or_default();
            let differs = before.is_some() != after.is_some()
                || before.map(Alert::is_active) != after.map(Alert::is_active);
            let watches = |subject: &Subject| {
                let direct = subject.alert.conditions.iter().map(|condition| condition.metric.as_str());
                direct
                    .chain(subject.metrics.iter().map(String::as_str))
                    .any(|name| metrics.contains(&Address::metric(name)))
            };
            let asked = changed.contains(&pair.name)
                && (differs || !pair.changed.is_empty() || pair.subjects().count() == 0);
            asked || pair.subjects().any(watches)
        });
        Self { definitions, sides, pairs }
    }

    /// What came of one of them; `drawn`: with pictures.
    pub fn finding(&self, pair: &Pair, histories: &[History], span: Span, drawn: bool) -> Finding {
        let mut finding = Finding::default();
        let mut shown = [pictures::Side::default(), pictures::Side::default()];
        let [before, after] = self.sides.get(&pair.name).copied().unwrap_or_default();
        let (mut newest, mut limits_of) = (None, Vec::new());
        for (side, alert, is_after) in [(&pair.before, before, false), (&pair.after, after, true)] {
            let (Some(side), Some(alert)) = (side, alert) else { continue };
            let found = match side {
                Ok(subject) => offline::backtest(subject, histories, span).map_err(|problem| problem.message),
                Err(why) => Err(why.clone()),
            };
            let mut figures = figures(&found, alert, side.as_ref().ok());
            if let (Ok(found), Ok(subject)) = (&found, side) {
                let time = length(span.end - span.start);
                let reasons = blind::reasons(found, subject, self.definitions, &time);
                figures.cannot_fire = (!reasons.is_empty()).then(|| reasons.join("; "));
            }
            if let (Ok(found), Ok(subject)) = (&found, side) {
                let sure = found.incidents.iter().filter(|incident| incident.sure && found.span.is_some());
                shown[usize::from(is_after)] =
                    pictures::Side { subject: Some(subject), incidents: sure.cloned().collect() };
            }
            newest = found.ok().or(newest);
            if is_after { finding.after = Some(figures) } else { finding.before = Some(figures) }
        }
        if drawn {
            let [before, after] = &shown;
            let metric = |name: &str| self.definitions.metric(name);
            finding.sketches = pictures::sketches(&pair.name, before, after, histories, span, &metric);
        }
        if let Some(found) = newest {
            finding.covered = found.span.map(|_| found.seconds_covered());
            finding.coverage =
                Some(coverage::known(&found, span).join(", ")).filter(|words| !words.is_empty());
            finding.missed =
                found.span.is_none() || found.known.iter().any(|one| one.fidelity == Fidelity::Unread);
            limits_of = limits(&found);
            finding.known = found.known.iter().map(known).collect();
        }
        if let Some(subject) = pair.newest() {
            let direct = subject
                .alert
                .conditions
                .iter()
                .filter_map(|condition| Some((history(histories, &condition.metric)?, condition)));
            let parts: Vec<_> =
                direct.clone().map(|(history, condition)| (history, condition.streams.clone())).collect();
            if !parts.is_empty() {
                finding.streams = Some(Seen::all(parts).found(span.end));
            }
            // What was never measured is known well enough.
            if finding.streams.as_ref().is_none_or(|found| found.count > 0) {
                finding.notes.append(&mut limits_of);
            }
            if after.is_some() {
                finding.notes.extend(direct.flat_map(|(history, condition)| notes(condition, history)));
            }
        }
        finding
    }
}

/// What keeps a condition from working as it is meant, though it is measured.
fn notes(condition: &Condition, history: &History) -> Vec<String> {
    let metric = &condition.metric;
    if history.stretches.is_empty() {
        return vec![format!("`{metric}` was not read")];
    }
    let seen = Seen::of(history, condition.streams.clone());
    let Some(gaps) = seen.gaps() else { return Vec::new() };
    let seconds = |some: i64| Seconds(some.unsigned_abs()).to_string();
    let between = if gaps.short == gaps.long {
        seconds(gaps.usual)
    } else {
        format!("{} to {}", seconds(gaps.short), seconds(gaps.long))
    };
    match condition.test {
        Test::Absent { duration } if duration <= gaps.long => {
            vec![format!(
                "streams of `{metric}` report every {between}: absent for {} will flap",
                seconds(duration)
            )]
        }
        Test::Threshold { duration: Some(duration), .. } if duration <= gaps.usual => {
            vec![format!(
                "streams of `{metric}` report every {between}: a duration of {} takes two measurements",
                seconds(duration)
            )]
        }
        _ => Vec::new(),
    }
}

fn alert(resource: Option<&Resource>) -> Option<&Alert> {
    match resource {
        Some(Resource::Alert(alert)) => Some(alert),
        _ => None,
    }
}

fn figures(found: &Result<Backtest, String>, alert: &Alert, subject: Option<&Subject>) -> Figures {
    let pages = alert.is_active() && subject.is_none_or(|subject| !subject.services.is_empty());
    match found {
        Ok(found) => {
            let totals = found.totals();
            let unread = found.known.iter().any(|one| one.fidelity == Fidelity::Unread);
            let why = if unread { "not enough was read" } else { "what is known cannot be compared" };
            let error = found.span.is_none().then(|| why.to_owned());
            Figures {
                fired: totals.incidents,
                notified: totals.notifications,
                unsure: found.unsure().incidents,
                pages,
                cannot_fire: None,
                error,
            }
        }
        Err(why) => Figures { pages, error: Some(why.clone()), ..Figures::default() },
    }
}

/// What is not exact, each kind once for each condition.
fn limits(found: &Backtest) -> Vec<String> {
    let known = &found.known;
    let worse = known.iter().filter(|one| one.fidelity != Fidelity::Exact && coverage::matters(found, one));
    let words: BTreeSet<(usize, &str)> = worse.map(|one| (one.condition, one.fidelity.words())).collect();
    let several = known.iter().any(|one| one.condition > 0);
    let of = |condition: usize| if several { format!("conditions[{condition}]: ") } else { String::new() };
    words
        .into_iter()
        .map(|(condition, words)| format!("where it is not exact, {}{words}", of(condition)))
        .collect()
}

fn known(known: &Known) -> KnownStretch {
    let fidelity = format!("{:?}", known.fidelity).to_lowercase();
    let stretch = known.stretch;
    KnownStretch {
        condition: known.condition,
        start: stretch.start,
        end: stretch.end,
        resolution: stretch.resolution,
        fidelity,
    }
}
