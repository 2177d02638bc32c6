//! Writes a plan: level by level, concurrently within one, and says what became of every step.
//! Knows steps and calls; what only some kinds need stands in files of its own. Prints nothing.

mod create;
mod duplicates;
mod failure;
mod recreate;
mod run;
mod send;
mod stream;

use futures_util::stream::StreamExt;
use parking_lot::Mutex;

use crate::diff::Action;
use crate::model::Collection;
use crate::plan::{Done, Failure, INTERRUPTED, Outcome, Plan, Step, UNREACHED};
use crate::remote::WriteApi;
use crate::remote::call::{self, Request};
use crate::remote::fetch::Ids;
use run::{Creation, Run};

pub use run::{Observer, Options};

/// Writes the plan. Every step ends in the outcome, whatever happens to the others.
pub async fn apply<A: WriteApi>(
    plan: &Plan,
    ids: Ids,
    api: &A,
    options: &Options,
    observer: &dyn Observer,
) -> Outcome {
    let run = Run {
        api,
        options,
        observer,
        ids: Mutex::new(ids),
        created: Mutex::new(Vec::new()),
        watched: Mutex::new(Vec::new()),
        duplicates: Mutex::new(Vec::new()),
        retyping: tokio::sync::Mutex::new(()),
        notes: Mutex::new(Vec::new()),
    };
    let mut done: Vec<Option<Done>> = vec![None; plan.steps.len()];
    let mut next = 0;
    while let Some(first) = plan.steps.get(next) {
        let level = plan.steps[next..].iter().take_while(|step| step.level == first.level).count();
        run.reduce_before(&plan.steps[next..next + level]).await;
        let mut ready = Vec::new();
        for i in next..next + level {
            let Some(unmet_dependency) = unmet_dependency(&plan.steps[i], plan, &done) else {
                ready.push(i);
                continue;
            };
            let skipped = Done::Skipped(if api.has_given_up() { UNREACHED.into() } else { unmet_dependency });
            observer.ended(&plan.steps[i], &skipped);
            done[i] = Some(skipped);
        }
        let run = &run;
        let ended = futures_util::stream::iter(ready)
            .map(|i| async move { (i, run.step(&plan.steps[i]).await) })
            .buffer_unordered(options.parallelism.max(1));
        let ended: Vec<(usize, Done)> = ended.collect().await;
        for (i, result) in ended {
            done[i] = Some(result);
        }
        next += level;
    }
    run.settle().await;
    let steps = done.into_iter().map(ended).collect();
    let [notes, duplicates] = [run.notes, run.duplicates].map(Mutex::into_inner);
    Outcome { steps, notes, duplicates, interrupted: observer.stopped(), refused: None }
}

/// What became of a step. Of which nothing is known, is not called written: whoever reads it looks at the service.
fn ended(done: Option<Done>) -> Done {
    done.unwrap_or_else(|| Done::Failed("nothing is known of what became of it".into()))
}

/// Why a step makes no sense any more: the first thing it needs that was not written.
fn unmet_dependency(step: &Step, plan: &Plan, done: &[Option<Done>]) -> Option<String> {
    let broken = step.needs.iter().find(|need| !done[**need].as_ref().is_some_and(Done::is_done))?;
    let change = &plan.steps[*broken].change;
    Some(format!("it needs the {} of {} \"{}\"", change.action.verb(), change.kind, change.address))
}

impl<'a, A: WriteApi> Run<'a, A> {
    async fn step(&self, step: &'a Step) -> Done {
        let done = if self.observer.stopped() {
            Done::Skipped(INTERRUPTED.into())
        } else if self.api.has_given_up() {
            Done::Skipped(UNREACHED.into())
        } else {
            match self.write(step).await {
                Ok(done) => done,
                Err(failure) => Done::Failed(failure),
            }
        };
        self.observer.ended(step, &done);
        done
    }

    async fn write(&self, step: &'a Step) -> Result<Done, Failure> {
        let change = &step.change;
        if self.is_underway(change) {
            self.make_anew(step, None).await?;
            return Ok(Done::Written);
        }
        let request = self.with_ids(|ids| call::request(change, ids))?;
        let current = match &change.action {
            Action::Update { renamed_from: Some(old), .. } => old,
            _ => &change.address,
        };
        let mut done = Done::Written;
        let created = match &request {
            Request::One(call) if call.method == crate::remote::Method::Post => {
                let made = self.create(call, change).await?;
                if made.met {
                    done = Done::Met;
                }
                Some(made)
            }
            Request::One(call) => match self.send_as_read(call, self.tag_of(current)).await {
                Ok(reply) if send::had_gone(&reply) => {
                    let (noun, name) = (change.kind.noun(), &change.address);
                    self.note(format!(
                        "somebody else has deleted the {noun} \"{name}\" since the plan was made"
                    ));
                    done = Done::Met;
                    None
                }
                Ok(reply) => {
                    self.heed(change, &reply);
                    None
                }
                Err(refusal) if recreate::may_help(change, &refusal) => {
                    self.make_anew(step, Some(&refusal)).await?;
                    return Ok(Done::Written);
                }
                Err(error) => return Err(error.into()),
            },
            Request::Replace(delete, create) => {
                self.send_as_read(delete, self.tag_of(current)).await?;
                self.send(create).await?;
                None
            }
            Request::Stream(put) => {
                self.put_stream(put).await?;
                None
            }
        };
        self.forget_tag(current);
        if change.address.collection == Collection::Services && matches!(change.action, Action::Delete { .. })
        {
            self.forget_tags_of_alerts();
        }
        if let Action::Update { renamed_from: Some(old), .. } = &change.action {
            self.rename_ids(old, &change.address);
        }
        if let Some(made) = created {
            self.with_ids(|ids| ids.insert(change.address.clone(), made.remote.clone()));
            self.created.lock().push(Creation::new(change, made));
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_which_nothing_is_known_does_not_count_as_written() {
        assert!(matches!(ended(None), Done::Failed(_)));
        assert_eq!(ended(Some(Done::Written)), Done::Written);
    }
}
