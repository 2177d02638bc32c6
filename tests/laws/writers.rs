//! Runs that meet: two and three at once, with and without latency, a run beside which somebody else writes, and requests that
//! arrive late. In the end every object is there once and as written, and what the runs say is true.
//! `WRITERS=200` meets so many times; by default ten times each.
#![allow(clippy::print_stdout)] // how many meetings there were

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::fault_proxy::{Fault, FaultProxy};
use crate::support::world::{self, Input, Whose, World};
use librato_apply::plan::{Done, Outcome};
use librato_apply::remote::{Client, Config, ReadApi as _};
use librato_apply::render;
use serde_json::{Value, json};
use tokio::sync::Notify;

const FILES: &str = "
services:
  ops: { type: mail, settings: { addresses: ops@example.org } }
  pager: { type: pagerduty, settings: { service_key: '${secret.X}', event_type: trigger, description: d } }
metrics:
  web.ms: { type: gauge, period: 60 }
  web.errors: { type: counter }
alerts:
  web.slow: { services: [ops, pager], conditions: [{ type: above, metric_name: web.ms, threshold: 5 }] }
  web.dead: { services: [pager], conditions: [{ type: absent, metric_name: web.ms, duration: 5m }] }
  web.odd: { services: [ops], conditions: [{ type: below, metric_name: web.ms, threshold: 1 }] }
spaces:
  Shop:
    charts:
      - { name: a, type: line, streams: [{ metric: web.ms, source: '*' }] }
      - { name: b, type: stacked, related_space: Depot, streams: [{ metric: web.errors, source: '*' }] }
  Depot:
    charts:
      - { name: a, type: bignumber, streams: [{ metric: web.ms, source: '*' }] }
";

/// How often each kind of meeting is tried.
fn meetings() -> usize {
    std::env::var("WRITERS").map_or(10, |asked| asked.parse().unwrap())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// One run of the program; one that finds what another is about to reduce is refused, and run again by its user.
async fn run(client: Client, files: &'static str, start: Duration) -> Outcome {
    tokio::time::sleep(start).await;
    let input = Input::read(files);
    for _ in 0..50 {
        match world::apply(&client, &input, 8).await {
            Ok((planned, outcome)) if planned.plan.refusals.is_empty() => return outcome,
            // Refused for duplicates, or the listing kept changing.
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("never got through");
}

/// How many objects have each name, by collection; charts by their space.
async fn names(world: &World) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for (key, object) in world.truth().await {
        let name = object.get("title").or(object.get("name")).and_then(Value::as_str).unwrap_or_default();
        let space = object.get("space_id").map(Value::to_string).unwrap_or_default();
        *names.entry(format!("{}/{space}/{name}", key.split('/').next().unwrap())).or_insert(0) += 1;
    }
    names
}

async fn check(world: &World, files: &str) {
    let planned = world::plan(&world.client(), &Input::read(files)).await.unwrap();
    assert!(planned.plan.is_empty() && planned.plan.refusals.is_empty(), "{}", planned.text());
    let doubled: Vec<_> = names(world).await.into_iter().filter(|(_, count)| *count > 1).collect();
    assert_eq!(doubled, [], "made more than once");
}

/// What was not done, with the reasons; nothing where all was.
fn undone(outcome: &Outcome) -> String {
    let steps: Vec<&Done> = outcome.steps.iter().filter(|done| !done.is_done()).collect();
    if outcome.is_complete() { String::new() } else { format!("{steps:?} {:?}", outcome.duplicates) }
}

/// So many runs at once, again and again, on a way where each request takes so long.
fn meet(runs: usize, latency: Option<u64>) {
    runtime().block_on(async {
        for meeting in 0..meetings() {
            let world = World::new(Whose::Ours).await;
            let count = AtomicUsize::new(meeting);
            let proxy = FaultProxy::start(world.addr, move |_| {
                // Neither all alike nor at random.
                let odd = count.fetch_add(7919, Ordering::SeqCst) as u64 % 5;
                latency.map(|ms| Fault::Delay(Duration::from_millis(ms + odd)))
            })
            .await;
            let addr = if latency.is_some() { proxy.addr() } else { world.addr };
            let apart = [0, 1, 3, 10, 40][meeting % 5];
            let all = (0..runs as u64).map(|i| {
                let client = world::client(addr, Duration::from_secs(10));
                run(client, FILES, Duration::from_millis(i * apart))
            });
            for outcome in futures_util::future::join_all(all).await {
                assert_eq!(undone(&outcome), "", "meeting {meeting}");
            }
            check(&world, FILES).await;
        }
        println!("{runs} runs met {} times, latency {latency:?}", meetings());
    });
}

#[test]
fn two_runs_that_meet_leave_everything_once() {
    meet(2, None);
}

#[test]
fn three_runs_that_meet_leave_everything_once() {
    meet(3, None);
}

#[test]
fn two_runs_that_meet_on_a_slow_way_leave_everything_once() {
    meet(2, Some(10));
}

#[test]
fn three_runs_that_meet_on_a_slow_way_leave_everything_once() {
    meet(3, Some(10));
}

/// So many runs at once that want other values, first where nothing is and then where all is there: each object is there once,
/// as one of them wants it, and whoever came too late is told so.
fn disagree(runs: usize) {
    runtime().block_on(async {
        for meeting in 0..meetings() {
            let world = World::new(Whose::Ours).await;
            for round in 0..2 {
                let wants = |run: usize| -> &'static str {
                    let value = 10 + 10 * round + run;
                    let files = FILES.replace("threshold: 5", &format!("threshold: {value}"));
                    let files = files.replace("period: 60", &format!("period: {}", 60 * value));
                    Box::leak(
                        files
                            .replace("type: bignumber", "type: line")
                            .replace("ops@", &format!("ops{value}@"))
                            .into_boxed_str(),
                    )
                };
                let apart = [0, 1, 3, 10, 40][meeting % 5];
                let all =
                    (0..runs).map(|i| run(world.client(), wants(i), Duration::from_millis(i as u64 * apart)));
                let outcomes = futures_util::future::join_all(all).await;
                let late = |done: &Done| match done {
                    Done::Failed(why) => why.message.contains("changed since the plan was made"),
                    Done::Skipped(why) => why.starts_with("it needs"),
                    Done::Written | Done::Met => true,
                };
                for outcome in &outcomes {
                    assert!(
                        outcome.duplicates.is_empty() && outcome.steps.iter().all(late),
                        "{}",
                        undone(outcome)
                    );
                }
                let doubled: Vec<_> =
                    names(&world).await.into_iter().filter(|(_, count)| *count > 1).collect();
                assert_eq!(doubled, [], "made more than once");
            }
            // Whoever runs again alone gets what it wants.
            let outcome = run(world.client(), FILES, Duration::ZERO).await;
            assert_eq!(undone(&outcome), "");
            check(&world, FILES).await;
        }
    });
}

#[test]
fn two_runs_that_want_other_values_leave_everything_once() {
    disagree(2);
}

#[test]
fn three_runs_that_want_other_values_leave_everything_once() {
    disagree(3);
}

#[tokio::test]
async fn what_somebody_changed_since_the_plan_was_made_is_left_as_it_is() {
    let world = World::new(Whose::Ours).await;
    let (_, outcome) = world::apply(&world.client(), &Input::read(FILES), 8).await.unwrap();
    assert_eq!(undone(&outcome), "");
    let (done, reached) = (AtomicBool::new(false), Arc::new(Notify::new()));
    let signal = Arc::clone(&reached);
    let proxy = FaultProxy::start(world.addr, move |request| {
        let is_change = request.method == "PUT" && request.path.starts_with("/v1/alerts/");
        (is_change && !done.swap(true, Ordering::SeqCst)).then(|| {
            signal.notify_one();
            Fault::Delay(Duration::from_millis(300))
        })
    })
    .await;
    let theirs = json!({"description": "theirs", "conditions": []});
    let somebody = async {
        reached.notified().await;
        world.seed("PUT", "/alerts/web.slow", theirs).await;
    };
    let changed: &'static str = Box::leak(FILES.replace("threshold: 5", "threshold: 6").into_boxed_str());
    let client = world::client(proxy.addr(), Duration::from_secs(10));
    let input = Input::read(changed);
    let (ran, ()) = tokio::join!(world::apply(&client, &input, 1), somebody);
    let outcome = ran.unwrap().1;
    assert_eq!(outcome.counts().1, 1, "{}", undone(&outcome));
    let said = "it was changed since the plan was made, so it was left as it is; plan again";
    assert!(undone(&outcome).contains(said), "{}", undone(&outcome));
    let left = world.client().get("/alerts/web.slow", &[]).await.unwrap();
    assert_eq!(left["description"], "theirs");
    let (_, outcome) = world::apply(&world.client(), &input, 1).await.unwrap();
    assert_eq!(undone(&outcome), "");
    check(&world, changed).await;
}

/// Applies the files through a proxy that does this, when asked whether it is done, before a request is let through.
async fn beside(
    files: &'static str,
    when: fn(&str, &str) -> bool,
    writes: &[(&str, &str, Value)],
) -> (World, Outcome) {
    let world = World::new(Whose::Ours).await;
    let (done, reached) = (AtomicBool::new(false), Arc::new(Notify::new()));
    let signal = Arc::clone(&reached);
    let proxy = FaultProxy::start(world.addr, move |request| {
        let now = when(&request.method, &request.path) && !done.swap(true, Ordering::SeqCst);
        now.then(|| {
            signal.notify_one();
            Fault::Delay(Duration::from_millis(100))
        })
    })
    .await;
    let somebody = async {
        reached.notified().await;
        for (method, path, body) in writes {
            world.seed(method, path, body.clone()).await;
        }
    };
    let client = world::client(proxy.addr(), Duration::from_secs(10));
    let input = Input::read(files);
    let (ran, ()) = tokio::join!(world::apply(&client, &input, 1), somebody);
    (world, ran.unwrap().1)
}

#[tokio::test]
async fn what_somebody_made_meanwhile_under_a_name_that_is_unique_is_taken_over_and_corrected() {
    let theirs = json!({"name": "web.slow", "description": "theirs", "conditions": []});
    let (world, outcome) = beside(
        FILES,
        |method, path| method == "POST" && path == "/v1/alerts",
        &[("POST", "/alerts", theirs)],
    )
    .await;
    assert_eq!(undone(&outcome), "");
    assert_eq!(
        outcome.notes,
        ["somebody else has made the alert \"web.slow\" since the plan was made: it was taken over"]
    );
    check(&world, FILES).await;
}

#[tokio::test]
async fn what_somebody_did_meanwhile_is_not_counted_as_written() {
    const FILES: &str = "
alerts:
  web.slow: { description: slow, active: true, rearm_seconds: 600, conditions: [], services: [] }
  web.old: { ensure: absent }
";
    let world = World::new(Whose::Ours).await;
    let old = world.seed("POST", "/alerts", json!({"name": "web.old", "conditions": []})).await;
    let same = json!({"name": "web.slow", "description": "slow", "rearm_seconds": 600, "conditions": []});
    // The plan is made, then somebody else does just the same.
    let client = world.client();
    let mut planned = world::plan(&client, &Input::read(FILES)).await.unwrap();
    world.seed("POST", "/alerts", same).await;
    world.seed("DELETE", &format!("/alerts/{}", old["id"]), Value::Null).await;
    let outcome = planned.write(&client, 1).await;
    assert_eq!((outcome.counts(), outcome.met()), ((2, 0, 0), 2), "{outcome:?}");
    let text = render::outcome_text(&planned.plan, &outcome);
    assert!(
        text.contains("somebody else has deleted the alert \"web.old\" since the plan was made"),
        "{text}"
    );
    assert!(text.ends_with("\nDone: 0 changes written, 2 made already by somebody else.\n"), "{text}");
    check(&world, FILES).await;
}

#[tokio::test]
async fn a_refusal_for_what_was_sent_stays_a_failure() {
    let world = World::new(Whose::Ours).await;
    let proxy = FaultProxy::start(world.addr, |request| {
        (request.method == "POST" && request.path == "/v1/alerts").then_some(Fault::HtmlErrorPage(422))
    })
    .await;
    let client = world::client(proxy.addr(), Duration::from_secs(10));
    let (_, outcome) = world::apply(&client, &Input::read(FILES), 1).await.unwrap();
    assert_eq!(outcome.counts().1, 3, "each alert: {}", undone(&outcome));
    assert!(undone(&outcome).contains("POST /alerts: 422"), "{}", undone(&outcome));
}

#[tokio::test]
async fn what_somebody_else_made_is_never_deleted() {
    // A space that was made by hand first, and a second one after ours.
    let by_hand = ("POST", "/spaces", json!({"name": "Shop"}));
    let (world, outcome) = beside(
        FILES,
        |method, path| method == "POST" && path == "/v1/spaces",
        std::slice::from_ref(&by_hand),
    )
    .await;
    assert_eq!(undone(&outcome), "");
    check(&world, FILES).await;

    let after = |method: &str, path: &str| method == "GET" && path.starts_with("/v1/spaces/");
    let (world, outcome) = beside(FILES, after, &[by_hand]).await;
    assert_eq!(names(&world).await["spaces//Shop"], 2);
    assert!(
        outcome.is_complete(),
        "what comes after the last look is the next plan's affair: {}",
        undone(&outcome)
    );
}

#[tokio::test]
async fn what_another_run_has_left_is_reported_with_what_to_do() {
    // Both made under our eyes: one before ours, one after it.
    let both = |method: &str, path: &str| method == "GET" && path.starts_with("/v1/spaces?");
    let seen = AtomicUsize::new(0);
    let world = World::new(Whose::Ours).await;
    let reached = Arc::new(Notify::new());
    let signal = Arc::clone(&reached);
    let proxy = FaultProxy::start(world.addr, move |request| {
        // The second listing of the spaces is the one after creating.
        let now = both(&request.method, &request.path) && seen.fetch_add(1, Ordering::SeqCst) == 1;
        now.then(|| {
            signal.notify_one();
            Fault::Delay(Duration::from_millis(100))
        })
    })
    .await;
    let somebody = async {
        reached.notified().await;
        world.seed("POST", "/spaces", json!({"name": "Shop"})).await;
    };
    let client = world::client(proxy.addr(), Duration::from_secs(10));
    let input = Input::read(FILES);
    let (ran, ()) = tokio::join!(world::apply(&client, &input, 1), somebody);
    let (planned, outcome) = ran.unwrap();
    assert!(!outcome.is_complete() && outcome.steps.iter().all(|done| *done == Done::Written));
    let text = render::outcome_text(&planned.plan, &outcome);
    assert!(text.contains("duplicate: the space \"Shop\" exists more than once: this run uses id"), "{text}");
    assert!(text.contains("librato-apply delete space --id"), "{text}");
    assert!(text.ends_with("changes written, but see above.\n"), "{text}");
    let document =
        render::outcome_document(&planned.plan, render::document(&planned.plan, Vec::new()), &outcome);
    assert_eq!(document.duplicates, outcome.duplicates);
    assert_eq!(names(&world).await["spaces//Shop"], 2, "it was not made by this run");
}

#[test]
fn a_request_that_arrives_late_leaves_nothing_twice() {
    runtime().block_on(async {
        for (collection, key) in
            [("services", "title"), ("spaces", "name"), ("charts", "name"), ("alerts", "name")]
        {
            let world = World::new(Whose::Ours).await;
            let once = AtomicBool::new(false);
            let proxy = FaultProxy::start(world.addr, move |request| {
                let is_creation =
                    request.method == "POST" && request.path.ends_with(&format!("/{collection}"));
                let first = is_creation && !once.swap(true, Ordering::SeqCst);
                first.then_some(Fault::Delay(Duration::from_millis(300)))
            })
            .await;
            let client = world::client(proxy.addr(), Duration::from_millis(200));
            let (_, outcome) = world::apply(&client, &Input::read(FILES), 8).await.unwrap();
            assert_eq!(undone(&outcome), "", "{collection} by {key}");
            check(&world, FILES).await;
        }
    });
}

#[tokio::test]
async fn creating_costs_one_listing_for_each_kind_and_changing_none() {
    let world = World::new(Whose::Ours).await;
    let (_, outcome) = world::apply(&world.client(), &Input::read(FILES), 8).await.unwrap();
    assert_eq!(undone(&outcome), "");
    let mut gets: BTreeMap<String, usize> = BTreeMap::new();
    for request in world.take_log().into_iter().filter(|request| request.method == "GET") {
        *gets.entry(request.path).or_insert(0) += 1;
    }
    let twice: Vec<&str> =
        gets.iter().filter(|(_, count)| **count == 2).map(|(path, _)| path.as_str()).collect();
    assert_eq!(twice, ["/services", "/spaces"], "{gets:?}");
    assert_eq!(gets.iter().filter(|(path, _)| path.ends_with("/charts")).count(), 2, "{gets:?}");

    let changed =
        Box::leak(FILES.replace("ops@", "all@").replace("period: 60", "period: 30").into_boxed_str());
    let (_, outcome) = world::apply(&world.client(), &Input::read(changed), 8).await.unwrap();
    assert_eq!(undone(&outcome), "");
    let log = world.take_log();
    let gets = log.iter().filter(|request| request.method == "GET" && !request.path.ends_with("/charts"));
    let gets: Vec<&str> = gets.map(|request| request.path.as_str()).collect();
    assert_eq!(gets.len(), gets.iter().collect::<std::collections::BTreeSet<_>>().len(), "{gets:?}");
}

/// A way that lets so many requests through and then, for as long as it is closed, none.
async fn closing(world: &World, after: usize) -> (FaultProxy, Arc<AtomicBool>) {
    let open = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    let proxy = FaultProxy::start(world.addr, move |request| {
        (request.index >= after && !is_open.load(Ordering::SeqCst)).then_some(Fault::Refuse)
    });
    (proxy.await, open)
}

#[tokio::test]
async fn a_service_that_goes_away_ends_the_run_and_what_was_not_tried_is_counted() {
    let alert =
        |i: usize| format!("  a{i}: {{ conditions: [{{ type: above, metric_name: m, threshold: 5 }}] }}\n");
    let files = format!("alerts:\n{}", (0..60).map(alert).collect::<String>());
    let world = World::new(Whose::Ours).await;
    let (proxy, open) = closing(&world, 30).await;
    let patient = world::client(proxy.addr(), Duration::from_secs(10));
    let give_up_after = Some(Duration::from_millis(200));
    let client = Client::new(Config { give_up_after, ..patient.config().clone() }).unwrap();
    let input = Input::read(&files);
    let (planned, outcome) = world::apply(&client, &input, 8).await.unwrap();
    let (done, failed, skipped) = outcome.counts();
    assert!(done > 10 && (1..=16).contains(&failed) && skipped > 10, "{done} {failed} {skipped}");
    let text = render::outcome_text(&planned.plan, &outcome);
    let last = format!(
        "{failed} failed, {skipped} not tried, since the service could not be reached. Run again to go on."
    );
    assert!(text.trim_end().ends_with(&last), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("skipped")).count(), 0, "{text}");

    open.store(true, Ordering::SeqCst);
    let (_, outcome) = world::apply(&patient, &input, 8).await.unwrap();
    assert_eq!(undone(&outcome), "");
    check(&world, &files).await;
}

/// The program, told to talk to `addr`, with its stderr to be read line by line.
#[cfg(unix)]
fn program(addr: std::net::SocketAddr, dir: &std::path::Path, args: &[&str]) -> std::process::Child {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.env_clear().envs(world::environment(addr)).current_dir(dir).args(args);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
}

#[cfg(unix)]
#[test]
fn an_interrupt_says_that_it_stops_and_cuts_waits_short() {
    use std::io::BufRead as _;
    let runtime = runtime();
    let (world, (proxy, _open)) = runtime.block_on(async {
        let world = World::new(Whose::Ours).await;
        let way = closing(&world, 6).await;
        (world, way)
    });
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("all.yaml"), FILES).unwrap();
    let args = ["apply", "--auto-approve", "--parallelism", "1", "--give-up-after", "10m"];
    let mut child = program(proxy.addr(), dir.path(), &args);
    let mut said = String::new();
    for line in std::io::BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        said.push_str(&(line.clone() + "\n"));
        if line.contains("the service cannot be reached; waiting (3 s)") {
            let id = child.id().to_string();
            assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        }
    }
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}{printed}");
    assert!(
        said.contains("stopping: what is under way is still waited for; once more ends at once"),
        "{said}"
    );
    assert!(printed.contains("Interrupted: "), "{printed}");
    drop(world);
}

#[cfg(unix)]
#[test]
fn a_wait_is_one_line_for_people() {
    // A port that nobody listens on.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("all.yaml"), FILES).unwrap();
    let plan = program(closed, dir.path(), &["plan"]).wait_with_output().unwrap();
    let said = String::from_utf8(plan.stderr).unwrap();
    assert_eq!(plan.status.code(), Some(1), "{said}");
    assert_eq!(said.matches(&format!("{closed} refuses connections; trying for 2 s\n")).count(), 1, "{said}");
    assert!(said.lines().count() == 3 && said.ends_with("is from LIBRATO_ENDPOINT\n"), "{said}");

    let runtime = runtime();
    let world = runtime.block_on(World::new(Whose::Ours));
    let proxy = runtime.block_on(FaultProxy::start(world.addr, |request| {
        (request.index == 0).then_some(Fault::TooManyRequests { retry_after: Some(2) })
    }));
    let submit = program(proxy.addr(), dir.path(), &["submit", "x", "1"]).wait_with_output().unwrap();
    let said = String::from_utf8(submit.stderr).unwrap();
    assert_eq!((submit.status.code(), said.lines().count()), (Some(0), 1), "{said}");
    assert!(said.contains("the service asks to be left alone (rate limit); waiting 2 s"), "{said}");
}
