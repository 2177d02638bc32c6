//! Writes a plan to a ruler, group by group: each is read again right before, and left alone where it is not what the plan was made from.
//! A rule that moves is in its new group before it goes from the old one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value, json};

use super::normal::digest_of_group;
use super::subtree::{self, Subtree};
use super::writing::{Gone, GroupWriting, RoutesWriting, Writing, digest_of_subtree, find};
use crate::apply::{Observer, Options};
use crate::model::Address;
use crate::plan::{Done, Failure, INTERRUPTED, Outcome, Plan, Remedy, UNREACHED};
use crate::remote::ruler::{Group, Ruler, RulerError};
use crate::remote::{ApiError, Method, WriteApi};

/// How often who waits looks whether there is still something to wait for.
const GLANCE: Duration = Duration::from_millis(100);

/// Where the text stands in the envelope of a configuration.
const CONFIG: &str = "alertmanager_config";

pub async fn write(
    ruler: &Ruler,
    writing: &Writing,
    plan: &Plan,
    options: &Options,
    observer: &dyn Observer,
) -> Outcome {
    let mut run =
        Run { ruler, writing, plan, options, observer, done: BTreeMap::new(), routed: None, others: None };
    let mut outcome = Outcome::default();
    match run.moved().await {
        Ok(moved) if moved.is_empty() => run.write().await,
        Ok(moved) => {
            outcome.refused = Some(format!("changed since the plan was made: {}", moved.join(", ")));
            let why = || {
                failed("nothing was written: another group has changed since the plan was made", Remedy::Plan)
            };
            run.done = writing.groups.iter().map(|group| (group.name.clone(), why())).collect();
            run.routed = Some(why());
        }
        Err(error) => {
            let failure = || Done::Failed(failure(error.clone()));
            run.done = writing.groups.iter().map(|group| (group.name.clone(), failure())).collect();
            run.routed = Some(failure());
        }
    }
    for step in &plan.steps {
        let own = writing.groups.iter().filter(|group| group.objects.contains(&step.change.address));
        let routed = writing.alertmanager.as_ref().filter(|it| it.objects.contains(&step.change.address));
        let routed = routed.and(run.routed.as_ref());
        let mut all = own.filter_map(|group| run.done.get(&group.name)).chain(routed).peekable();
        let done = match all.peek() {
            None if step.parks() => Done::Written,
            None => failed("it is not known which group it belongs to", Remedy::Plan),
            Some(_) => all.max_by_key(|done| gravity(done)).cloned().unwrap_or(Done::Written),
        };
        observer.ended(step, &done);
        outcome.steps.push(done);
    }
    outcome.interrupted = observer.stopped();
    outcome
}

/// Of what became of the groups of one object, the worst counts.
fn gravity(done: &Done) -> u8 {
    match done {
        Done::Met => 0,
        Done::Written => 1,
        Done::Skipped(_) => 2,
        Done::Failed(_) => 3,
    }
}

fn failed(why: &str, remedy: Remedy) -> Done {
    Done::Failed(Failure { remedy, ..why.into() })
}

fn failure(error: RulerError) -> Failure {
    match error {
        RulerError::Api(error) => error.into(),
        other => other.to_string().into(),
    }
}

struct Run<'a> {
    ruler: &'a Ruler,
    writing: &'a Writing,
    plan: &'a Plan,
    options: &'a Options,
    observer: &'a dyn Observer,
    /// What became of groups, by name.
    done: BTreeMap<String, Done>,
    /// What became of the configuration of Alertmanager.
    routed: Option<Done>,
    /// What stands in it beside our part. It is written back whole, so it is read twice and must be the same both times.
    others: Option<String>,
}

impl Run<'_> {
    /// The groups that are neither what the plan was made from nor what it makes of them: then nothing is written at all.
    async fn moved(&mut self) -> Result<Vec<String>, RulerError> {
        let groups = self.ruler.groups(&self.writing.namespace).await?;
        let moved = self.writing.groups.iter().filter(|group| {
            let current = find(&groups, &group.name);
            !group.is_as_seen(current) && !is_applied(group, current, &|_| false)
        });
        let mut moved: Vec<String> = moved.map(|group| format!("group \"{}\"", group.name)).collect();
        if let Some(routes) = &self.writing.alertmanager {
            let envelope = self.ruler.alertmanager().await?;
            self.others = envelope.as_ref().and_then(|it| self.others(it));
            let found = envelope.as_ref().map_or_else(|| Ok(Subtree::default()), |it| self.subtree(it));
            let as_seen = found.as_ref().is_ok_and(|found| {
                digest_of_subtree(found) == routes.seen || self.applied(routes, found).as_ref() == Some(found)
            });
            if !as_seen {
                moved.push("our part of the configuration of Alertmanager".to_owned());
            }
        }
        Ok(moved)
    }

    fn subtree(&self, envelope: &Map<String, Value>) -> Result<Subtree, String> {
        text_of(envelope)
            .map_or_else(|| Ok(Subtree::default()), |text| subtree::read(text, &self.writing.owner))
    }

    fn others(&self, envelope: &Map<String, Value>) -> Option<String> {
        let rest: Map<String, Value> = envelope
            .iter()
            .filter(|(key, _)| *key != CONFIG)
            .map(|(key, one)| (key.clone(), one.clone()))
            .collect();
        let text = subtree::without(text_of(envelope)?, &self.writing.owner).ok()?;
        Some(text + &Value::Object(rest).to_string())
    }

    fn applied(&self, routes: &RoutesWriting, found: &Subtree) -> Option<Subtree> {
        let service = |title: &str| {
            let step = self.plan.steps.iter().find(|step| step.change.address == Address::service(title))?;
            step.change.action.after().cloned()
        };
        routes.applied(found, &service)
    }

    /// Writes routes and receivers: before the rules that need them.
    async fn route(&self, routes: &RoutesWriting) -> Done {
        let mut attempts = self.options.retry.attempts(Method::Post).accounted();
        let mend = |why: &str| failed(&format!("the configuration of Alertmanager: {why}"), Remedy::Mend);
        loop {
            if let Some(skipped) = self.skipped() {
                return skipped;
            }
            let mut envelope = match self.ruler.alertmanager().await {
                Ok(envelope) => envelope.unwrap_or_default(),
                Err(error) => return Done::Failed(failure(error)),
            };
            let found = match self.subtree(&envelope) {
                Ok(found) => found,
                Err(why) => return mend(&why),
            };
            let Some(wanted) = self.applied(routes, &found) else {
                return mend("a secret of a receiver is not known");
            };
            let next = match subtree::written(text_of(&envelope), &self.writing.owner, &wanted) {
                Ok(next) => next,
                Err(why) => return mend(&why),
            };
            if Some(next.as_str()) == text_of(&envelope) {
                return if attempts.may_have_been_executed() { Done::Written } else { Done::Met };
            }
            let is_first = self.others.is_none() && text_of(&envelope).is_none();
            let is_same = is_first || self.others.is_some() && self.others(&envelope) == self.others;
            if !is_same {
                let why = "the configuration of Alertmanager is changing under our hands";
                return failed(why, Remedy::Again);
            }
            if digest_of_subtree(&found) != routes.seen {
                let why = "our part of the configuration of Alertmanager was changed since the plan was made";
                return failed(why, Remedy::Plan);
            }
            envelope.insert(CONFIG.to_owned(), next.into());
            envelope.entry("template_files").or_insert_with(|| json!({}));
            let secrets = subtree::scalars(&envelope);
            match self.ruler.set_alertmanager(&envelope, &secrets).await {
                Ok(()) => return Done::Written,
                Err(error) => {
                    let rest = |delay| self.rest(delay);
                    if let Err(error) = attempts.next(error, rest).await {
                        return Done::Failed(error.into());
                    }
                }
            }
        }
    }

    /// What becomes of what was not begun, where nothing is begun any more.
    fn skipped(&self) -> Option<Done> {
        if self.observer.stopped() {
            return Some(Done::Skipped(INTERRUPTED.into()));
        }
        self.ruler.client().has_given_up().then(|| Done::Skipped(UNREACHED.into()))
    }

    async fn write(&mut self) {
        if let Some(routes) = &self.writing.alertmanager {
            let done = self.route(routes).await;
            let is_done = done.is_done();
            self.routed = Some(done);
            if !is_done {
                // An alert that comes would page no one, and of one that goes the route would be left behind.
                let skipped = || Done::Skipped("the routes that go with it were not written".to_owned());
                self.done = self.writing.groups.iter().map(|group| (group.name.clone(), skipped())).collect();
                return;
            }
        }
        let mut pending: BTreeSet<&str> =
            self.writing.groups.iter().map(|group| group.name.as_str()).collect();
        let groups: BTreeMap<&str, &GroupWriting> =
            self.writing.groups.iter().map(|group| (group.name.as_str(), group)).collect();
        // Groups in a circle of moves: these are written once with what leaves them, and once without.
        let mut again: Vec<(GroupWriting, &GroupWriting)> = Vec::new();
        while !pending.is_empty() {
            let waits = |group: &GroupWriting, on: &BTreeSet<&str>| {
                group.gone.iter().any(|gone| gone.moved_to.as_deref().is_some_and(|to| on.contains(to)))
            };
            let mut ready: Vec<&GroupWriting> = pending
                .iter()
                .filter_map(|name| groups.get(name))
                .filter(|group| !waits(group, &pending))
                .copied()
                .collect();
            let circle = ready.is_empty();
            if circle {
                ready.extend(pending.first().and_then(|name| groups.get(name)).copied());
            }
            let left = pending.clone();
            let run = &*self;
            let written = stream::iter(ready.iter().copied()).map(|group| {
                let left = &left;
                async move {
                    let held = |gone: &Gone| {
                        run.is_held(gone) || gone.moved_to.as_deref().is_some_and(|to| left.contains(to))
                    };
                    (group, run.group(group, &held).await)
                }
            });
            let written: Vec<_> = written.buffer_unordered(self.options.parallelism.max(1)).collect().await;
            for (group, (done, now)) in written {
                pending.remove(group.name.as_str());
                if circle && matches!(done, Done::Written | Done::Met) {
                    let seen = now.as_ref().map(digest_of_group);
                    let rest = GroupWriting { seen, put: Vec::new(), ..group.clone() };
                    again.push((rest, group));
                }
                self.done.insert(group.name.clone(), done);
            }
        }
        for (rest, _) in again {
            let held = |gone: &Gone| self.is_held(gone);
            let (done, _) = self.group(&rest, &held).await;
            if !done.is_done() {
                self.done.insert(rest.name.clone(), done);
            }
        }
    }

    /// Whether a rule stays where it is, since its new group does not have it.
    fn is_held(&self, gone: &Gone) -> bool {
        let arrived = |to: &str| self.done.get(to).is_some_and(Done::is_done);
        gone.moved_to.as_deref().is_some_and(|to| {
            self.writing.groups.iter().any(|group| group.name == to)
                && self.done.contains_key(to)
                && !arrived(to)
        })
    }

    /// Writes one group; gives it as it is then.
    async fn group(&self, group: &GroupWriting, held: &dyn Fn(&Gone) -> bool) -> (Done, Option<Group>) {
        let mut attempts = self.options.retry.attempts(Method::Post).accounted();
        loop {
            if let Some(skipped) = self.skipped() {
                return (skipped, None);
            }
            let current = match self.ruler.group(&self.writing.namespace, &group.name).await {
                Ok(current) => current,
                Err(error) => return (Done::Failed(failure(error)), None),
            };
            if is_applied(group, current.as_ref(), held) {
                let ours = attempts.may_have_been_executed();
                return (if ours { Done::Written } else { Done::Met }, current);
            }
            if !group.is_as_seen(current.as_ref()) {
                let why = format!(
                    "group \"{}\" was changed since the plan was made, so it was left as it is",
                    group.name
                );
                return (failed(&why, Remedy::Plan), None);
            }
            let next = group.applied(current.as_ref(), held);
            match self.send(&group.name, next.as_ref()).await {
                Ok(()) => return (Done::Written, next),
                Err(error) => {
                    let rest = |delay| self.rest(delay);
                    if let Err(error) = attempts.next(error, rest).await {
                        let failure: Failure = error.into();
                        let message = format!("group \"{}\": {}", group.name, failure.message);
                        return (Done::Failed(Failure { message, ..failure }), None);
                    }
                }
            }
        }
    }

    async fn send(&self, name: &str, group: Option<&Group>) -> Result<(), ApiError> {
        match group {
            Some(group) => self.ruler.set_group(&self.writing.namespace, group).await,
            None => self.ruler.remove_group(&self.writing.namespace, name).await,
        }
    }

    /// Waits, unless there is nothing to wait for any more: then false.
    async fn rest(&self, delay: Duration) -> bool {
        let end = tokio::time::Instant::now() + delay;
        loop {
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return true;
            }
            if self.observer.stopped() || self.ruler.client().has_given_up() {
                return false;
            }
            tokio::time::sleep(left.min(GLANCE)).await;
        }
    }
}

/// The text of a configuration.
pub fn text_of(envelope: &Map<String, Value>) -> Option<&str> {
    envelope.get(CONFIG).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// Whether nothing is left to write.
fn is_applied(group: &GroupWriting, current: Option<&Group>, held: &dyn Fn(&Gone) -> bool) -> bool {
    group.applied(current, held).as_ref().map(digest_of_group) == current.map(digest_of_group)
}
