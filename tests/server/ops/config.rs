//! `serve --config FILE`: what wins over what, what is refused and how, what is read again.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::server::{Server, client, fresh};

/// `serve --config` with more arguments, and nothing of the environment that it did not get here.
fn command(config: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.args(["serve", "--color", "never", "--config"]).arg(config).args(arguments);
    for name in ["LIBRATO_TOKEN", "LIBRATO_USER", "LIBRATO_EMAIL", "LIBRATO_USERNAME"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    command
}

/// How it ends where it does not start.
fn refused(config: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let done = command(config, arguments, environment).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(64), "{said}");
    said
}

async fn posted(server: &Server) -> u16 {
    let body = r#"{"gauges": [{"name": "a.longer.name", "value": 1}]}"#;
    let request = client().post(server.url("/v1/metrics")).basic_auth("ops", Some("file-canary"));
    request.header("content-type", "application/json").body(body).send().await.unwrap().status().as_u16()
}

const FILE: &str = "listen: 127.0.0.1:0\ndata: a.db\nuser: ops\ntoken_file: token\nlimits: {max_body: 10}\n";

/// A directory with a file of settings and the token that it names.
fn project(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let (dir, _) = fresh();
    std::fs::write(dir.path().join("token"), "file-canary\n").unwrap();
    let config = dir.path().join("serve.yaml");
    std::fs::write(&config, text).unwrap();
    (dir, config)
}

#[tokio::test]
async fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let (dir, config) = project(FILE);
    let large = [("LIBRATO_SERVE_MAX_BODY", "1000000")];
    for (arguments, environment, status) in [
        (&[][..], &[][..], 413),
        (&[], &large, 200),
        (&["--max-body", "11"], &large, 413),
        (&["--max-body", "1000000"], &[("LIBRATO_SERVE_MAX_BODY", "11")], 200),
    ] {
        let server = Server::spawn(command(&config, arguments, environment));
        assert_eq!(posted(&server).await, status, "{arguments:?} {environment:?}");
        server.stop();
    }
    assert!(dir.path().join("a.db").exists(), "paths of the file are relative to it");
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place_and_nothing_is_made() {
    let (dir, config) = project("data: a.db\nlimits:\n  max_bdy: 5\nlisten: nowhere\n");
    let said = refused(&config, &[], &[]);
    for expected in ["serve.yaml:3:3", "did you mean `limits.max_body`?", "serve.yaml:4:9", "write HOST:PORT"]
    {
        assert!(said.contains(expected), "no {expected} in {said}");
    }
    assert!(!dir.path().join("a.db").exists());
    for (font, why) in [("none.ttf", "cannot read the font"), ("serve.yaml", "is no font that can be read")] {
        let (dir, config) = project("data: a.db\n");
        let said = refused(&config, &["--picture-font", dir.path().join(font).to_str().unwrap()], &[]);
        assert!(said.contains(why) && said.contains(font), "{said}");
        assert!(!dir.path().join("a.db").exists());
    }
    let said = refused(&dir.path().join("none.yaml"), &[], &[]);
    assert!(said.contains("cannot read the settings of") && said.contains("none.yaml"), "{said}");
    let (_dir, config) = project(FILE);
    let said = refused(&config, &[], &[("LIBRATO_SERVE_ALERT_SETTLE", "1h")]);
    assert!(said.contains("the value of LIBRATO_SERVE_ALERT_SETTLE") && said.contains("1 to 300"), "{said}");
}

#[test]
fn secrets_in_arguments_are_refused_with_the_way_out() {
    let (_dir, config) = project(FILE);
    for (arguments, way) in [
        (["--heartbeat-url", "https://beat.example.org/canary"], "--heartbeat-url-file FILE"),
        (["--notify-proxy", "http://u:canary@proxy:3128"], "LIBRATO_SERVE_NOTIFY_PROXY"),
        (["--notify-proxy", "http://canary@proxy:3128"], "`notify.proxy` into the file of --config"),
        (["--smtp", "smtp://u:canary@mail"], "--smtp-file FILE"),
        (["--smtp", "smtps://mail?password=canary"], "LIBRATO_SERVE_SMTP"),
        (["--smtp-password", "canary"], "--smtp-password-file FILE"),
        (["--store", "postgres://u:canary@h1,h2/d"], "LIBRATO_APPLY_STORE"),
        (["--store", "postgres://u@h/d?password=canary"], "--store-file FILE"),
        (["--store-password", "canary"], "--store-password-file FILE"),
    ] {
        let said = refused(&config, &arguments, &[]);
        assert!(said.contains(way) && said.contains("everybody on this machine"), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
    // Also where something else is wrong, and where the value is no URL.
    for (name, value) in [
        ("LIBRATO_SERVE_HEARTBEAT_URL", "canary-is-no-url"),
        ("LIBRATO_SERVE_NOTIFY_PROXY", "ftp://u:canary@proxy"),
        ("LIBRATO_SERVE_SMTP_PASSWORD", "canary"),
        ("LIBRATO_APPLY_STORE", "mysql://u:canary@h/d"),
    ] {
        let said = refused(&config, &[], &[(name, value)]);
        assert!(said.contains(name) && !said.contains("canary"), "{said}");
    }
}

#[cfg(feature = "postgres")]
#[test]
fn what_does_not_go_with_a_database_is_refused_with_the_way_out() {
    const STORE: &[(&str, &str)] = &[("LIBRATO_APPLY_STORE", "postgres://u:canary@db.example.org/d")];
    let (_dir, config) = project("user: ops\ntoken_file: token\n");
    for (arguments, environment, expected) in [
        (&["--data", "a.db"][..], STORE, "two places for the data"),
        (&["--max-disk", "5000000"], STORE, "watch the disk of the database"),
        (&["--demo"], STORE, "--demo keeps its data in a temporary file"),
        (&["--data", "postgres://u@h/d"], &[], "give its address as --store"),
        (&["--parts", "64"], &[], "`store.parts` is about a database, and none is named"),
        (&["--store", "postgres://u@h/d", "--parts", "48"], &[], "write 16, 32, 64"),
        (&["--store", "postgres://u@db/d?sslmode=disable"], &[], "--allow-insecure-store"),
        (&["--store", "postgres://u@db/d?sslmode=odd"], &[], "verify-full is what is done without it"),
        (&["--store", "postgres:///d"], &[], "names no host"),
        (&["--store", "postgres://u@h/d"], &[("PGPASSFILE", "none")], "passwords of none"),
        (&[], &[STORE[0], ("LIBRATO_SERVE_STORE_PASSWORD", "canary2")], "leave one of them out"),
    ] {
        let said = refused(&config, arguments, environment);
        assert!(said.contains(expected) && !said.contains("canary"), "{arguments:?}: {said}");
    }
    let (_dir, config) = project("data: postgres://u:canary@h/d\nuser: ops\ntoken_file: token\n");
    let said = refused(&config, &[], &[]);
    assert!(said.contains("give its address as --store") && !said.contains("canary"), "{said}");
}

#[cfg(feature = "postgres")]
#[test]
fn commands_that_look_after_files_say_who_looks_after_a_database() {
    let database = "postgres://u@h/d";
    for (arguments, expected) in [
        (&["backup", database, "b.db"][..], "pg_basebackup"),
        (&["restore", "b.db", database], "pg_restore"),
        (&["adopt", database], "serve upgrade --adopt"),
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_librato-apply")).arg("serve").args(arguments).output();
        let done = done.unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(64) && said.contains(expected), "{said}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let beat = "heartbeat: {url: https://beat.example.org/canary}\n";
    for (text, expected) in [
        (format!("{FILE}tls: {{cert: a.pem}}\n"), "`tls.cert` without a `tls.key`"),
        (format!("{FILE}token: abc\n"), "both `token` and `token_file`"),
        (format!("{FILE}{beat}alerts: {{enabled: false}}\n"), "a heartbeat says that alerts are evaluated"),
    ] {
        let (_dir, config) = project(&text);
        let said = refused(&config, &[], &[]);
        assert!(said.contains(expected) && !said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn a_hangup_takes_what_it_can_and_names_what_needs_a_restart() {
    let (_dir, config) = project(FILE);
    let server = Server::spawn(command(&config, &[], &[("LIBRATO_SERVE_LISTN", ":80")]));
    assert!(
        server
            .log()
            .contains("LIBRATO_SERVE_LISTN is no option of `serve`; did you mean LIBRATO_SERVE_LISTEN?")
    );
    let status = async |token: &'static str| {
        let request = client().get(server.url("/v1/metrics")).basic_auth("ops", Some(token));
        request.send().await.unwrap().status().as_u16()
    };
    let write = |text: &str| std::fs::write(&config, text).unwrap();
    let again = async |words: &str, times: usize| {
        server.hang_up();
        let mut tries = 0..1000;
        while server.log().matches(words).count() < times {
            tries.next().unwrap_or_else(|| panic!("no {words:?} in {}", server.log()));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    write(
        "listen: 127.0.0.1:0\ndata: b.db\nuser: ops\ntoken: newer-canary\nlimits: {max_body: 20}\nlog: {level: warn}\n",
    );
    again("need a restart", 1).await;
    server.log_with("the level of the log was changed");
    assert!(server.log().contains("data, limits.max_body"), "{}", server.log());
    assert_eq!((status("file-canary").await, status("newer-canary").await), (401, 200));
    write("lisen: 1\n");
    again("the settings stay as they were", 1).await;
    assert_eq!(status("newer-canary").await, 200);
    assert!(!server.log().contains("-canary"), "{}", server.log());
}

/// Where nothing is evaluated the address is not called, whatever else is well; and nothing that is said holds it.
#[tokio::test]
async fn a_heartbeat_that_stopped_says_why_and_not_where() {
    let (_dir, config) =
        project(&format!("{FILE}heartbeat: {{url: 'http://127.0.0.1:9/canary-of-the-heart'}}\n"));
    let server = Server::spawn(command(&config, &[], &[]));
    let health = async || {
        let request = client().get(server.url("/v1/health")).basic_auth("ops", Some("file-canary"));
        request.send().await.unwrap().json::<serde_json::Value>().await.unwrap()["heartbeat"].clone()
    };
    let mut tries = 0..1000;
    while health().await["status"] == "off" {
        tries.next().unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let said = health().await;
    assert!(said["reason"].is_string() && said["last_answered"].is_null(), "{said}");
    assert!(!format!("{said}{}", server.log()).contains("canary"), "{said} {}", server.log());
}

/// Who is on call sees whether alerts are looked after, and why the heartbeat stopped; nothing of its address.
#[tokio::test]
async fn the_health_says_what_each_check_came_to() {
    let (_dir, config) = project(FILE);
    let server = Server::spawn(command(&config, &["--no-alerts"], &[]));
    let request = client().get(server.url("/v1/health")).basic_auth("ops", Some("file-canary"));
    let health: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    let names: Vec<&str> =
        health["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["storage", "original", "evaluation", "delivery", "arrival"]);
    assert_eq!((&health["status"], &health["checks"][2]["status"]), (&"ok".into(), &"off".into()));
    assert_eq!(health["heartbeat"]["status"], "off");
}
