//! An apply that is broken at any request, in any way, and run again, ends where an unbroken one does.
//! A sample of the cases runs by default. `FAULT_MATRIX=full` breaks every request of a change set of some sixty
//! objects in every way, `FAULT_MATRIX=9` every ninth of these; `--release` halves the time.
#![allow(clippy::print_stdout)] // how many cases there were

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use crate::support::breaks::{Break, Broken, until_complete, work_off};
use crate::support::change_set::{Size, change_set, retyped, spaces};
use crate::support::oracle::{Truth, kept, mentioned, undeclared_alerts};
use crate::support::world::{self, Input, Template, Whose, World};
use librato_apply::model::Intent;
use librato_apply::remote::Client;
use librato_apply::render;

/// Where everything starts and must end.
struct Matrix {
    template: Template,
    after: String,
    /// What is kept after an unbroken run, and how many requests that took.
    wanted: Truth,
    start: Truth,
    requests: usize,
}

#[test]
fn every_break_is_mended_on_our_own_service() {
    let (size, stride) = extent().map_or((Size::Small, 9), |stride| (Size::Full, stride));
    run(Whose::Ours, change_set(size), stride);
}

#[test]
fn every_break_is_mended_on_a_service_with_other_habits() {
    run(Whose::Other(7), change_set(Size::Small), extent().map_or(17, |stride| stride * 3));
}

#[test]
fn every_break_is_mended_where_types_of_services_cannot_be_changed() {
    run(Whose::FixedTypes(422), retyped(), extent().unwrap_or(11));
}

#[test]
fn every_break_of_spaces_and_charts_is_mended() {
    run(Whose::Ours, spaces(), extent().unwrap_or(19));
}

#[test]
fn the_program_itself_is_killed_and_run_again() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let matrix = Matrix::new(Whose::Ours, change_set(Size::Small)).await;
        let input = Input::read(&matrix.after);
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("all.yaml"), &matrix.after).unwrap();
        let mut killed = 0;
        for index in (0..matrix.requests).step_by(extent().map_or(11, |stride| stride.min(11))) {
            killed += 1;
            let world = matrix.template.world().await;
            let before = world.truth().await;
            let broken = Broken::at(world.addr, Break::KilledAfter, index).await;
            let program = || {
                let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_librato-apply"));
                command.env_clear().envs(world::environment(broken.addr())).current_dir(files.path());
                command.args([
                    "apply",
                    "--auto-approve",
                    "--delete-data",
                    "--max-deletes",
                    "1000",
                    "--no-backup",
                ]);
                command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
                command.spawn().unwrap()
            };
            let mut first = program();
            let reached = tokio::time::timeout(Duration::from_secs(60), broken.now()).await;
            first.kill().unwrap();
            assert!(reached.is_ok(), "the program never sent request {index}");
            first.wait().unwrap();
            broken.mend().await;
            let second = program().wait_with_output().unwrap();
            assert!(second.status.success(), "{index}: {}", String::from_utf8_lossy(&second.stderr));
            let checked = matrix.check(&world, &world.client(), &input, &before).await;
            assert_eq!(checked, Ok(()), "killed at request {index}");
        }
        println!("the program: killed at {killed} of {} requests", matrix.requests);
    });
}

/// What `FAULT_MATRIX` asks for: to try one of how many cases.
fn extent() -> Option<usize> {
    let asked = std::env::var("FAULT_MATRIX").ok()?;
    Some(if asked == "full" { 1 } else { asked.parse().unwrap() })
}

/// Breaks an apply in every way at every request, `stride` cases at a time.
fn run(whose: Whose, change_set: (String, String), stride: usize) {
    let begun = Instant::now();
    let matrix = runtime().block_on(Matrix::new(whose, change_set));
    let all = Break::everywhere(matrix.requests);
    let cases: Vec<(Break, usize)> = all.skip(stride / 2).step_by(stride).collect();
    let next = AtomicUsize::new(0);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| runtime().block_on(matrix.take_cases(&cases, &next))));
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{whose:?}: {} cases on {} requests in {:?}", cases.len(), matrix.requests, begun.elapsed());
    let shown = failures.iter().take(12).map(String::as_str).collect::<Vec<_>>().join("\n\n");
    assert!(failures.is_empty(), "{} failed, such as\n{shown}", failures.len());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

impl Matrix {
    async fn new(whose: Whose, (before, after): (String, String)) -> Matrix {
        let template = Template::new(whose, &before).await;
        let world = template.world().await;
        let start = world.truth().await;
        let client = world.client();
        let (planned, outcome) = world::apply(&client, &Input::read(&after), 1).await.unwrap();
        assert!(outcome.is_complete(), "{}", render::outcome_text(&planned.plan, &outcome));
        let requests = world.take_log().len();
        Matrix { wanted: world.truth().await, start, requests, template, after }
    }

    /// Works off cases as long as there are any, some at once, since many of them wait; what failed.
    async fn take_cases(&self, cases: &[(Break, usize)], next: &AtomicUsize) -> Vec<String> {
        let input = Input::read(&self.after);
        let worker = || work_off(cases, next, async |how, index| self.case(&input, how, index).await);
        futures_util::future::join_all([(); 4].map(|()| worker())).await.concat()
    }

    /// Runs broken once and then again until all is done; what is wrong in the end.
    async fn case(&self, input: &Input, how: Break, index: usize) -> Result<(), String> {
        let world = self.template.world().await;
        let before = world.truth().await;
        let broken = Broken::at(world.addr, how, index).await;
        let patient = world::client(broken.addr(), Duration::from_secs(20));
        let client = world::client(broken.addr(), how.patience());

        let parallelism = if index.is_multiple_of(2) { 1 } else { 8 };
        let first = async {
            let applied = world::apply(&client, input, parallelism).await;
            applied.map(|(_, outcome)| outcome.is_complete())
        };
        let complete = broken.run(first).await;
        let runs = until_complete(complete, async || {
            let (planned, outcome) = world::apply(&patient, input, 8).await.map_err(|e| e.to_string())?;
            if planned.plan.refusals.is_empty() { Ok(outcome.is_complete()) } else { Err(planned.text()) }
        });
        let runs = runs.await?;
        self.check(&world, &patient, input, &before).await.map_err(|why| format!("after {runs} runs: {why}"))
    }

    async fn check(
        &self,
        world: &World,
        client: &Client,
        input: &Input,
        before: &Truth,
    ) -> Result<(), String> {
        let planned = world::plan(client, input).await.map_err(|e| e.to_string())?;
        if !planned.plan.is_empty() || !planned.plan.refusals.is_empty() {
            return Err(format!("the plan is not empty:\n{}", planned.text()));
        }
        let truth = world.truth().await;
        let (wanted, is) = (names(&self.wanted), names(&truth));
        if wanted != is {
            let difference: BTreeSet<_> = wanted
                .iter()
                .chain(&is)
                .filter(|(name, count)| wanted.get(*name) != Some(*count) || is.get(*name) != Some(*count))
                .collect();
            return Err(format!("other objects than wanted: {difference:?}"));
        }
        if world::foreign(&truth) != world::foreign(before) {
            return Err("what nobody declared was touched".into());
        }
        if mentioned(&truth, &input.desired) != mentioned(&self.wanted, &input.desired) {
            return Err("something is not as written".into());
        }
        let others = |truth| undeclared_alerts(truth, &input.desired);
        if others(&truth) != others(&self.wanted) {
            return Err(format!("other alerts were touched: {:#?}", others(&truth)));
        }
        if truth.values().any(|object| object.to_string().contains("created by librato-apply")) {
            return Err("a placeholder is left".into());
        }
        for (address, declared) in
            input.desired.objects.iter().filter(|(_, input)| input.intent == Intent::Present)
        {
            let key = |truth| kept(truth, address).map(|(key, _)| key.to_owned());
            let lasting = key(&self.wanted).filter(|key| self.start.contains_key(key));
            if lasting.is_some() && lasting != key(&truth) {
                return Err(format!("{} \"{address}\" is another one than it was", declared.kind));
            }
        }
        Ok(())
    }
}

/// How many objects have each name.
fn names(truth: &Truth) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for (key, object) in truth {
        let name = object.get("title").or(object.get("name")).and_then(serde_json::Value::as_str);
        let name = format!("{}/{}", key.split('/').next().unwrap_or_default(), name.unwrap_or_default());
        *names.entry(name).or_insert(0) += 1;
    }
    names
}
