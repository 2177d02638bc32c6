//! `serve --demo`: charts with hours of data, an alert that fires, a plan against it; nothing leaves the machine, and nobody else comes in.

use std::process::Command;

use crate::cli::{Cli, Ran};
use crate::server::Server;

/// A demo, with options that would notify and call if anything could.
fn demo() -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--color", "never", "--notify"]);
    command.args(["--smtp", "smtp://127.0.0.1:9", "--notify-allow", "127.0.0.0/8"]);
    command
        .env("LIBRATO_SERVE_HEARTBEAT_URL", "http://127.0.0.1:9/canary")
        .env("LIBRATO_TOKEN", "a-real-token");
    Server::spawn(command)
}

fn curl(server: &Server, method: &str, path: &str) -> String {
    let url = server.url(path);
    let mut command = Command::new("curl");
    command.args(["-s", "-u", "demo:demo-token", "-X", method, "-H", "content-type: application/json"]);
    if method == "POST" {
        command.args(["-d", "{}"]);
    }
    String::from_utf8(command.arg(&url).output().unwrap().stdout).unwrap()
}

fn run(server: &Server, dir: &std::path::Path, args: &[&str]) -> Ran {
    Cli::new(dir)
        .env("LIBRATO_ENDPOINT", &server.url(""))
        .env("LIBRATO_USER", "demo")
        .env("LIBRATO_TOKEN", "demo-token")
        .run(args)
}

#[test]
fn a_newcomer_sees_data_a_firing_alert_and_a_plan_and_nothing_leaves() {
    let server = demo();
    let said = server.log_with("12 hours of measurements");
    assert!(said.contains("nobody is notified, and no heartbeat is called"), "{said}");
    assert!(said.contains("log in as demo") && !said.contains("canary"), "{said}");

    let home = tempfile::tempdir().unwrap();
    run(&server, home.path(), &["init", "--example", "quickstart"]).exits(0);
    run(&server, home.path(), &["plan", "quickstart", "--detailed-exitcode"])
        .exits(0)
        .prints(&["Nothing to change"]);
    run(&server, home.path(), &["plan", "quickstart", "--var", "slow_ms=500", "--evidence=6h"])
        .exits(0)
        .prints(&["update alert site.slow", " · 6 h: fired 2 → 3"]);

    let mut tries = 0..600;
    while !curl(&server, "GET", "/v1/violations").contains("site.slow") {
        tries.next().expect("site.slow does not fire");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // Every page says what it is, also those before the login.
    for page in ["/ui/login", "/ui/nothing"] {
        assert!(curl(&server, "GET", page).contains("Everything here is invented") || page != "/ui/login");
    }
    assert!(curl(&server, "POST", "/v1/services/1/test").contains("sends nothing to anybody"));
    assert_eq!(curl(&server, "GET", "/v1/deliveries?status=waiting").matches("\"id\"").count(), 0);
}

#[test]
fn a_demo_is_for_this_machine_and_has_a_file_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let refused = |args: &[&str]| Cli::new(home.path()).run(&[&["serve", "--demo"], args].concat());
    refused(&["--listen", "0.0.0.0:0"]).exits(64).says(&["for addresses of this machine"]);
    refused(&["--data", "ours.db"]).exits(64).says(&["temporary file"]);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn an_example_is_written_whole_or_not_at_all_and_applies() {
    let home = tempfile::tempdir().unwrap();
    let cli = || Cli::new(home.path());
    cli().run(&["init", "--example", "quickstart", "mine"]).exits(0).says(&["quickstart"]);
    cli().run(&["validate", "mine", "--strict"]).exits(0);
    cli().run(&["test", "mine"]).exits(0);
    cli().run(&["init", "--example", "quickstart", "mine"]).exits(1).says(&["nothing was overwritten"]);
    cli().run(&["init", "--example", "nothing"]).exits(64).says(&["quickstart", "platform", "shop"]);
    std::fs::create_dir(home.path().join("shop")).unwrap();
    std::fs::write(home.path().join("shop/web.yaml"), "ours").unwrap();
    cli().run(&["init", "--example", "shop"]).exits(1).says(&["shop/web.yaml"]);
    assert_eq!(std::fs::read_dir(home.path().join("shop")).unwrap().count(), 1);
    for example in ["platform", "shop"] {
        let dir = format!("all/{example}");
        cli().run(&["init", "--example", example, &dir]).exits(0);
        cli().run(&["validate", &dir]).exits(0);
    }
}
