//! `annotate` as a deploy script runs it.

use crate::cli::{Ran, Server, project};
use crate::fault_proxy::{Fault, FaultProxy};
use serde_json::{Value, json};

struct World {
    dir: tempfile::TempDir,
    server: Server,
}

impl World {
    fn new() -> Self {
        let dir = project(&[]);
        let server = Server::start(&dir.path().join("a.db"));
        Self { dir, server }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.server.cli(self.dir.path()).run(&[&["annotate"], args].concat())
    }

    /// Posts or closes; gives back the printed id.
    fn id(&self, args: &[&str]) -> String {
        let printed = self.run(args).exits(0).stdout;
        printed.trim_end().to_owned()
    }

    fn event(&self, id: &str) -> Value {
        self.server.call("GET", &format!("/v1/annotations/deploys/{id}"), "").1
    }
}

#[test]
fn an_event_is_started_and_closed() {
    let world = World::new();
    let id = world.id(&[
        "deploys",
        "--title=web 1.2",
        "--source=web",
        "--description=All of it",
        "--start=2026-01-02T03:04:05Z",
        "--link=build=https://ci.example.org/42,Build, 42",
    ]);
    let event = world.event(&id);
    assert_eq!((&event["title"], &event["source"]), (&json!("web 1.2"), &json!("web")));
    assert_eq!((&event["start_time"], &event["end_time"]), (&json!(1_767_323_045), &Value::Null));

    assert_eq!(world.id(&["deploys", "--close", &id, "--link", "log=https://ci.example.org/log"]), id);
    let event = world.event(&id);
    assert!(event["end_time"].as_i64().unwrap() >= 1_767_323_045);
    assert_eq!(event["description"], "All of it");
    let links = json!([{"rel": "build", "href": "https://ci.example.org/42", "label": "Build, 42"},
        {"rel": "log", "href": "https://ci.example.org/log", "label": null}]);
    assert_eq!(event["links"], links);

    let shown = world.run(&["deploys", "--title", "t", "--end", "-0s", "--format", "json"]).exits(0).json();
    assert_eq!((&shown["title"], shown["start_time"] == shown["end_time"]), (&json!("t"), true));
}

#[test]
fn an_event_with_a_start_is_made_once() {
    let world = World::new();
    let args = ["deploys", "--title", "web", "--source", "s", "--start", "1700000000"];
    let id = world.id(&args);
    let again = world.run(&args).exits(0).says(&["exists already"]);
    assert_eq!(again.stdout.trim_end(), id);
    assert_ne!(world.id(&["deploys", "--title", "web", "--start", "1700000000"]), id, "without a source");
    assert_ne!(world.id(&["deploys", "--title", "web", "--source", "s", "--start", "1700000001"]), id);
    assert_ne!(world.id(&["deploys", "--title", "web"]), world.id(&["deploys", "--title", "web"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_event() {
    let world = World::new();
    for fault in [Fault::CutAfterExecuted, Fault::CutBeforeForward, Fault::BadGatewayAfterExecuted] {
        let proxy =
            FaultProxy::start(world.server.addr, move |info| (info.index == 0).then_some(fault)).await;
        let endpoint = format!("http://{}", proxy.addr());
        let command = world.server.cli(world.dir.path()).env("LIBRATO_ENDPOINT", &endpoint);
        let title = format!("{fault:?}");
        let args = ["annotate", "lost", "--title", title.as_str()].map(str::to_owned);
        let run = move || command.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.unwrap().exits(0);
        let (_, stream) = world.server.call("GET", "/v1/annotations/lost?count=100", "");
        let events = stream["events"]["unassigned"].as_array().unwrap();
        assert_eq!(events.iter().filter(|event| event["title"] == title.as_str()).count(), 1, "{fault:?}");
    }
}

#[test]
fn mistakes_are_told() {
    let world = World::new();
    world.run(&["deploys", "--close", "7"]).exits(1).says(&["there is no event 7 in the stream deploys"]);
    world.run(&["deploys", "--title", " "]).exits(1).says(&["the event was not posted", "title"]);
    for wrong in [
        &["deploys"][..],
        &["deploys", "--title", "t", "--start", "noon"],
        &["deploys", "--title", "t", "--start", "100", "--end", "99"],
        &["deploys", "--title", "t", "--link", "https://example.org"],
        &["deploys", "--close", "1", "--source", "s"],
        &["deploys", "--close", "x"],
    ] {
        world.run(wrong).exits(64);
    }
    let id = world.id(&["deploys", "--title", "t", "--start", "1700000000"]);
    world.run(&["deploys", "--close", &id, "--end", "1600000000"]).exits(64).says(&["ends before it starts"]);
}
