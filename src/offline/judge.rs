//! What came of a test against what was expected: every difference, with the reason, in words that can be copied into the test.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::Coverage;
use super::reason;
use super::run::{Moments, Observation, Outcome, Script, run};
use super::series::Given;
use super::subject::Subject;
use super::written::flow;
use crate::composite::Problem;
use crate::diag::Route;
use crate::model::check::at;
use crate::model::{
    AlertState, AlertTest, ClearedHow, Expectation, ExpectedNotice, ExpectedStreams, Moment, NoticeKind,
};
use crate::watch::{How, Message, Notice, Transition};

/// One expectation that does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Where it stands in the test.
    pub route: Route,
    /// The second it is about, unless it is about all notifications.
    pub at: Option<i64>,
    /// What was expected, as YAML, an item a line.
    pub expected: Vec<String>,
    /// What there was, likewise; in the place of what was expected, it holds.
    pub actual: Vec<String>,
    /// Why it was so.
    pub reasons: Vec<String>,
    /// The conditions whose streams are not as expected, else all.
    pub conditions: Vec<usize>,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// How many expectations there are.
    pub checks: usize,
    /// Those that do not hold, in the order of the test.
    pub failures: Vec<Failure>,
    /// What was seen of each condition.
    pub coverage: Vec<Coverage>,
    /// Everything on the way, where there are failures.
    pub seen: Option<Outcome>,
}

/// Runs a test and judges it.
///
/// # Errors
/// Where a composite has no answer.
pub fn judge(test: &AlertTest, subject: &Subject, given: &[Given]) -> Result<Verdict, Problem> {
    let expected: Vec<&Expectation> = test.expect.iter().flatten().collect();
    let wanted: Moments = expected.iter().map(|one| one.at.0).collect();
    let clears = test.actions.iter().flatten().filter(|action| action.clear).map(|action| action.at.0);
    let until = test.notifications.iter().flatten().map(|notice| notice.at.0);
    let until = until.chain(test.actions.iter().flatten().map(|action| action.at.0)).max().unwrap_or(0);
    let script = Script { clears: clears.collect(), until, ..Script::default() };
    let checks = expected.len() + usize::from(test.notifications.is_some());

    let outcome = run(subject, given, &script, &wanted, false)?;
    let failed: Vec<usize> = (0..expected.len())
        .filter(|i| observed(&outcome, expected[*i].at.0).is_none_or(|seen| !holds(expected[*i], seen)))
        .collect();
    let sent: Vec<ExpectedNotice> = notices(subject, &outcome).collect();
    let notified = test.notifications.as_ref().is_none_or(|wanted| all_sent(wanted, &sent));
    if failed.is_empty() && notified {
        return Ok(Verdict { checks, failures: Vec::new(), coverage: outcome.coverage, seen: None });
    }

    let seen = run(subject, given, &script, &wanted, true)?;
    let mut failures = Vec::new();
    for i in failed {
        let Some(observation) = observed(&seen, expected[i].at.0) else { continue };
        failures.push(Failure {
            route: at(["expect"]).index(i),
            at: Some(observation.at),
            expected: vec![flow(expected[i])],
            actual: vec![flow(&actual(expected[i], subject, observation))],
            reasons: reason::reasons(subject, given, &seen, script.clears.iter().copied(), observation),
            conditions: differing(expected[i], observation),
        });
    }
    if let Some(wanted) = test.notifications.as_ref().filter(|_| !notified) {
        let mut failure = of_notices(wanted, &sent, subject, &seen);
        // Why it did not come at the first time it should have.
        let missing = wanted.iter().find(|wanted| !sent.iter().any(|sent| is_sent(wanted, sent)));
        let before = |moment: Moment| seen.observations.iter().rev().find(move |one| one.at <= moment.0);
        if let Some(observation) = missing.and_then(|missing| before(missing.at)) {
            let why = reason::reasons(subject, given, &seen, script.clears.iter().copied(), observation);
            failure
                .reasons
                .extend(why.into_iter().map(|why| format!("at {}: {why}", Moment(observation.at))));
        }
        failures.push(failure);
    }
    Ok(Verdict { checks, failures, coverage: seen.coverage.clone(), seen: Some(seen) })
}

fn observed(outcome: &Outcome, at: i64) -> Option<&Observation> {
    // The last of a second is the one after what people did in it.
    outcome.observations.iter().rev().find(|one| one.at == at)
}

fn same(wanted: &[String], found: &[String]) -> bool {
    wanted.iter().collect::<BTreeSet<_>>() == found.iter().collect::<BTreeSet<_>>()
}

fn names<'s>(streams: impl Iterator<Item = &'s crate::watch::Stream>) -> Vec<String> {
    streams.map(|stream| stream.as_str().to_owned()).collect()
}

fn all_met(seen: &Observation) -> Vec<String> {
    let all: BTreeSet<String> = (0..seen.conditions.len()).flat_map(|place| names(seen.met(place))).collect();
    all.into_iter().collect()
}

fn state(seen: &Observation) -> AlertState {
    if seen.triggered { AlertState::Triggered } else { AlertState::Ok }
}

fn of_condition(seen: &Observation, key: &str) -> ExpectedStreams {
    let place = key.parse().unwrap_or(usize::MAX);
    ExpectedStreams { pending: Some(names(seen.pending(place))), met: Some(names(seen.met(place))) }
}

fn condition_holds(wanted: &ExpectedStreams, found: &ExpectedStreams) -> bool {
    let fits = |wanted: &Option<Vec<String>>, found: &Option<Vec<String>>| {
        wanted.as_ref().is_none_or(|wanted| same(wanted, found.as_deref().unwrap_or_default()))
    };
    fits(&wanted.pending, &found.pending) && fits(&wanted.met, &found.met)
}

fn holds(wanted: &Expectation, seen: &Observation) -> bool {
    wanted.state.is_none_or(|wanted| wanted == state(seen))
        && wanted.streams.as_ref().is_none_or(|wanted| same(wanted, &all_met(seen)))
        && differing_conditions(wanted, seen).next().is_none()
}

fn differing_conditions<'w>(wanted: &'w Expectation, seen: &'w Observation) -> impl Iterator<Item = &'w str> {
    let conditions = wanted.conditions.iter().flatten();
    let wrong = conditions.filter(|(key, wanted)| !condition_holds(wanted, &of_condition(seen, key)));
    wrong.map(|(key, _)| key.as_str())
}

fn differing(wanted: &Expectation, seen: &Observation) -> Vec<usize> {
    let some: Vec<usize> = differing_conditions(wanted, seen).filter_map(|key| key.parse().ok()).collect();
    if some.is_empty() { (0..seen.conditions.len()).collect() } else { some }
}

/// What there was: state and streams, and of conditions what was asked for and what is not seen from these.
fn actual(wanted: &Expectation, subject: &Subject, seen: &Observation) -> Expectation {
    let several = subject.alert.conditions.len() > 1;
    let mut conditions: BTreeMap<String, ExpectedStreams> = BTreeMap::new();
    for place in 0..seen.conditions.len() {
        let key = place.to_string();
        let asked = wanted.conditions.as_ref().and_then(|all| all.get(&key));
        let ExpectedStreams { pending, met } = of_condition(seen, &key);
        let keep = |list: &Vec<String>, asked: bool, alone: bool| asked || alone && !list.is_empty();
        let pending = pending.filter(|list| keep(list, asked.is_some_and(|a| a.pending.is_some()), true));
        let met = met.filter(|list| keep(list, asked.is_some_and(|a| a.met.is_some()), several));
        if asked.is_some() || pending.is_some() || met.is_some() {
            conditions.insert(key, ExpectedStreams { pending, met });
        }
    }
    Expectation {
        at: wanted.at,
        state: Some(state(seen)),
        streams: Some(all_met(seen)),
        conditions: Some(conditions).filter(|all| !all.is_empty()),
    }
}

/// What services are told, in the words of tests.
fn notices<'a>(subject: &'a Subject, outcome: &'a Outcome) -> impl Iterator<Item = ExpectedNotice> + 'a {
    let titles = |notice: &Notice| -> Vec<String> {
        let title = |id: &i64| usize::try_from(*id).ok().and_then(|id| subject.services.get(id)).cloned();
        notice.services.iter().filter_map(title).collect()
    };
    outcome.transitions.iter().filter_map(move |transition| {
        let Transition::Notice(notice) = transition else { return None };
        let services = Some(titles(notice));
        let moment = Moment(notice.at);
        Some(match &notice.message {
            Message::Trigger { violations, .. } => {
                let streams: BTreeSet<&str> = violations.iter().map(|one| one.stream.as_str()).collect();
                let streams = Some(streams.into_iter().map(str::to_owned).collect());
                ExpectedNotice { at: moment, kind: NoticeKind::Trigger, services, streams, how: None }
            }
            Message::Clear(how) => {
                let how = Some(match how {
                    How::Normal => ClearedHow::Normal,
                    How::Manual => ClearedHow::Manual,
                    How::Auto => ClearedHow::Auto,
                });
                ExpectedNotice { at: moment, kind: NoticeKind::Clear, services, streams: None, how }
            }
        })
    })
}

fn is_sent(wanted: &ExpectedNotice, sent: &ExpectedNotice) -> bool {
    let fits = |wanted: &Option<Vec<String>>, sent: &Option<Vec<String>>| {
        wanted.as_ref().is_none_or(|wanted| same(wanted, sent.as_deref().unwrap_or_default()))
    };
    wanted.at == sent.at
        && wanted.kind == sent.kind
        && fits(&wanted.services, &sent.services)
        && fits(&wanted.streams, &sent.streams)
        && wanted.how.is_none_or(|how| Some(how) == sent.how)
}

fn all_sent(wanted: &[ExpectedNotice], sent: &[ExpectedNotice]) -> bool {
    wanted.len() == sent.len() && wanted.iter().zip(sent).all(|(wanted, sent)| is_sent(wanted, sent))
}

fn of_notices(
    wanted: &[ExpectedNotice],
    sent: &[ExpectedNotice],
    subject: &Subject,
    seen: &Outcome,
) -> Failure {
    let mut left: Vec<&ExpectedNotice> = sent.iter().collect();
    let (mut reasons, mut route) = (Vec::new(), at(["notifications"]));
    for (i, notice) in wanted.iter().enumerate() {
        if let Some(place) = left.iter().position(|sent| is_sent(notice, sent)) {
            left.remove(place);
            continue;
        }
        if reasons.is_empty() {
            route = route.index(i);
        }
        reasons.push(format!("not sent: {}", flow(notice)));
    }
    reasons.extend(left.into_iter().map(|sent| format!("not expected: {}", flow(sent))));
    if reasons.is_empty() {
        reasons.push("the order is another one".to_owned());
    }
    reasons.extend(reason::silent(subject, &seen.transitions));
    let lines = |all: &[ExpectedNotice]| match all {
        [] => vec!["[]".to_owned()],
        all => all.iter().map(|notice| format!("- {}", flow(notice))).collect(),
    };
    Failure {
        route,
        at: None,
        expected: lines(wanted),
        actual: lines(sent),
        reasons,
        conditions: (0..subject.alert.conditions.len()).collect(),
    }
}
