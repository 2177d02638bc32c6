//! Evidence for a plan against a ruler: the expressions of its alerts, as they stand there and as they will be, over the past that the
//! ruler's own engine has. Only reads. What cannot be had is a note, never an error.

use std::collections::BTreeMap;

use librato_apply::diff::Action;
use librato_apply::model::{Address, Alert, Collection, Kind, Resource};
use librato_apply::plan::{Evidence, Figures, Finding, Looked, Plan, StreamsFound, length};
use librato_apply::prometheus::{Manner, Question, fired, notified};
use librato_apply::target::ruler::Questions;

use super::past::{Answers, Past, Unknown};

/// An alert of the plan.
struct Touched<'a> {
    address: Address,
    /// As it is, and as it will be: what to ask, and who would be told.
    sides: [Option<(&'a Question, &'a Alert)>; 2],
}

/// Finds evidence; `strict`: routes tell of further streams no sooner than again. `limit` is said where the time was up.
pub async fn evidence(
    past: &Past,
    plan: &Plan,
    questions: &Questions,
    alert: &dyn Fn(&Address) -> Option<Alert>,
    (strict, limit): (bool, &str),
) -> Evidence {
    let indirect: Vec<(Address, Option<Alert>)> = plan
        .indirect
        .iter()
        .map(|one| Address::new(Collection::Alerts, one.alert.as_str()))
        .map(|address| (address.clone(), alert(&address)))
        .collect();
    let touched = touched(plan, &indirect, questions);
    let asked = touched.iter().flat_map(|one| one.sides.iter().flatten().map(|(question, _)| *question));
    let answers = past.ask(asked).await;
    let of: BTreeMap<Address, Finding> =
        touched.iter().map(|one| (one.address.clone(), finding(one, &answers, past, strict))).collect();
    let missed: Vec<String> = of
        .iter()
        .filter(|(_, finding)| finding.missed)
        .map(|(address, _)| format!("{}/{address}", address.collection.kind()))
        .collect();
    let (requests, measurements) = past.spent();
    let cut = (!missed.is_empty()).then(|| limit.to_owned());
    let (start, end) = past.span;
    Evidence { looked: Looked { start, end, requests, measurements, cut, missed }, of }
}

/// The alerts that come, go, or would be evaluated otherwise than they are; also where only a composite changes.
fn touched<'a>(
    plan: &'a Plan,
    indirect: &'a [(Address, Option<Alert>)],
    questions: &'a Questions,
) -> Vec<Touched<'a>> {
    let mut all = Vec::new();
    for step in plan.steps.iter().filter(|step| step.change.kind == Kind::Alert && !step.parks()) {
        let (address, action) = (&step.change.address, &step.change.action);
        let old = match action {
            Action::Update { renamed_from: Some(old), .. } => old,
            _ => address,
        };
        let side = |questions: &'a BTreeMap<String, Question>, name: &str, alert: Option<&'a Resource>| {
            Some((questions.get(name)?, alert?.as_alert()?))
        };
        let sides = [
            side(&questions.before, &old.name, action.before()),
            side(&questions.after, &address.name, action.after()),
        ];
        all.push(Touched { address: address.clone(), sides });
    }
    for (address, alert) in indirect {
        let side = |questions: &'a BTreeMap<String, Question>| {
            Some((questions.get(&address.name)?, alert.as_ref()?))
        };
        all.push(Touched {
            address: address.clone(),
            sides: [side(&questions.before), side(&questions.after)],
        });
    }
    all.retain(|one| match &one.sides {
        [Some((before, _)), Some((after, _))] => {
            (&before.expression, before.wait) != (&after.expression, after.wait)
        }
        sides => sides.iter().any(Option::is_some),
    });
    all
}

fn finding(one: &Touched<'_>, answers: &Answers, past: &Past, strict: bool) -> Finding {
    let mut finding = Finding::default();
    let time = length(past.span.1 - past.span.0);
    for (place, side) in one.sides.iter().enumerate() {
        let Some((question, alert)) = side else { continue };
        let pages = alert.is_active() && alert.services.value().is_some_and(|services| !services.is_empty());
        let figures = match answers.firing(question) {
            Ok(streams) => {
                let rearm = i64::try_from(alert.rearm().0).unwrap_or(i64::MAX);
                let per_stream = alert.rearm_per_signal.value() == Some(&true);
                let manner = Manner { rearm, per_stream, strict };
                let notified = if pages { notified(streams, past.step, manner) } else { 0 };
                let fired = fired(streams, past.step).times;
                let missing = answers.missing(question);
                // Of what is not measured, something else may still make an alert.
                let all = !missing.is_empty() && missing.len() == question.reads.len() && fired == 0;
                let cannot_fire = all.then(|| format!("no samples of {} in {time}", quoted(&missing)));
                Figures { fired, notified, pages, cannot_fire, ..Figures::default() }
            }
            Err(why) => {
                finding.missed |= *why == Unknown::Late;
                Figures { pages, error: Some(why.to_string()), ..Figures::default() }
            }
        };
        *(if place == 0 { &mut finding.before } else { &mut finding.after }) = Some(figures);
        if question.reads_recorded {
            let which = if place == 0 { "as it is" } else { "as it will be" };
            finding.notes.push(format!("{which} it reads a recorded series, which may be younger"));
        }
    }
    let newest = one.sides.iter().flatten().next_back();
    if let Some((question, _)) = newest {
        known(question, answers, past, &mut finding);
    }
    finding.requests = one.sides.iter().flatten().map(|(question, _)| 1 + question.reads.len()).sum();
    finding
}

/// For how much of the time there is anything of what it reads.
fn known(question: &Question, answers: &Answers, past: &Past, finding: &mut Finding) {
    let reads: Vec<(&str, &[(i64, f64)])> = answers.reads(question).collect();
    let Some((_, least)) = reads.iter().min_by_key(|(_, points)| points.len()) else { return };
    let (start, end) = past.span;
    let covered = i64::try_from(least.len()).unwrap_or(i64::MAX).saturating_mul(past.step).min(end - start);
    finding.covered = Some(covered);
    // A look or two may fail without anything being wrong.
    if covered < (end - start) / 100 * 99 {
        finding.coverage = Some(match covered {
            0 => "no samples".to_owned(),
            some => format!("samples for {}", lasting(some)),
        });
    }
    let (_, most) = reads.iter().max_by_key(|(_, points)| points.len()).unwrap_or(&reads[0]);
    if let Some((at, count)) = most.last() {
        let silent = end - at;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Series are counted.
        let count = if silent == 0 { *count as usize } else { 0 };
        finding.streams = (count > 0).then(|| StreamsFound { count, ..StreamsFound::default() });
    }
    let partly: Vec<String> = reads
        .iter()
        .filter(|(_, points)| points.is_empty())
        .map(|(series, _)| (*series).to_owned())
        .collect();
    let told = finding.after.as_ref().is_some_and(|after| after.cannot_fire.is_some());
    if !partly.is_empty() && !told {
        finding.notes.push(format!("there are no samples of {}", quoted(&partly)));
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn lasting(seconds: i64) -> String {
    match seconds {
        some if some >= 172_800 => format!("{} d", some / 86_400),
        some if some >= 7_200 => format!("{} h", some / 3_600),
        some => format!("{} min", some / 60),
    }
}
