//! Which service the binary talks to, with which credentials, and what it refuses; and the flags that every command takes.

use std::path::Path;

use crate::cli::{Cli, Server, TOKEN, Trap, USER, http_answer, json_answer, project};

const METRIC: &str = "metrics:\n  web.ms: { type: gauge }\n";

/// A project with one metric and these settings.
fn with_settings(settings: &str) -> tempfile::TempDir {
    project(&[("sub/monitoring.yaml", &format!("settings: {settings}\n{METRIC}"))])
}

fn given(cli: Cli) -> Cli {
    cli.env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN)
}

/// A service without any metric, which keeps what it was asked.
fn empty_service() -> Trap {
    let page = r#"{"query":{"found":0,"length":0,"offset":0,"total":0},"metrics":[]}"#;
    Trap::start(Some(json_answer(200, page)))
}

#[test]
fn who_looks_after_a_file_that_is_not_there_or_serves_nobody_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| Cli::new(dir.path()).run(args);
    for args in [
        &["serve", "check", "no.db"][..],
        &["serve", "backup", "no.db", "to.db"],
        &["serve", "adopt", "no.db"],
    ] {
        run(args).exits(1).says(&["there is no file no.db", "is the path right?"]);
    }
    run(&["serve", "--data", "new.db"]).exits(64).says(&["there is no user", "--credentials FILE"]);
    run(&["annotate", "deploys", "--title", "x", "--endpoint", "embedded:a.db"]).exits(0);
    let copied = run(&["serve", "backup", "a.db", "b.db"]).exits(0).prints(&["1 stream, 1 event\n"]);
    assert!(!copied.stdout.contains("file_properties"), "{}", copied.stdout);
    assert!(!dir.path().join("no.db").exists() && !dir.path().join("new.db").exists());
}

#[test]
fn without_an_endpoint_the_error_says_how_to_give_one() {
    let dir = project(&[("a.yaml", METRIC)]);
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["submit", "x", "1"]] {
        let hints = ["there is no endpoint", "--endpoint", "LIBRATO_ENDPOINT", "embedded:./librato.db"];
        Cli::new(dir.path()).run(command).exits(64).says(&hints);
    }
    assert!(!dir.path().join("librato.db").exists());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_settings() {
    let dir = with_settings("{ endpoint: embedded:settings.db }");
    let plan = |cli: Cli, more: &[&str]| cli.run(&[&["plan", "sub"], more].concat()).exits(0);
    plan(Cli::new(dir.path()), &[]).prints(&["Plan for embedded:sub/settings.db"]);
    let env = || Cli::new(dir.path()).env("LIBRATO_ENDPOINT", "embedded:env.db");
    plan(env(), &[]).prints(&["Plan for embedded:env.db"]);
    plan(env(), &["--endpoint", "embedded:flag.db"]).prints(&["Plan for embedded:flag.db"]);
    let blank = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", " ");
    plan(blank, &[]).prints(&["Plan for embedded:sub/settings.db"]);
}

#[test]
fn an_embedded_path_is_relative_to_whoever_says_it() {
    let dir = with_settings("{ endpoint: embedded:mine.db }");
    let apply = ["apply", "sub", "--auto-approve"];
    Cli::new(dir.path()).run(&apply).exits(0);
    assert!(dir.path().join("sub/mine.db").exists());
    Cli::new(dir.path()).env("LIBRATO_ENDPOINT", "embedded:mine.db").run(&apply).exits(0);
    assert!(dir.path().join("mine.db").exists());
    Cli::new(dir.path()).run(&["plan", "sub", "--endpoint", "embedded:"]).exits(64).says(&["needs a path"]);
}

#[test]
fn a_target_that_is_printed_can_be_typed_back() {
    for written in ["mine.db", "./mine.db", "../mine.db", "deep/./mine.db"] {
        let dir = with_settings(&format!("{{ endpoint: \"embedded:{written}\" }}"));
        std::fs::create_dir(dir.path().join("sub/deep")).unwrap();
        Cli::new(dir.path()).run(&["apply", "sub", "--auto-approve"]).exits(0);
        let plan = Cli::new(dir.path()).run(&["plan", "sub"]).exits(0);
        let target = plan.stdout.lines().next().unwrap().strip_prefix("Plan for ").unwrap().to_owned();
        let again = Cli::new(dir.path()).run(&["plan", "sub", "--endpoint", &target]).exits(0);
        assert!(again.stdout.contains("Nothing to change: 1 object"), "{written}: {}", again.stdout);
    }
}

#[test]
fn a_mistyped_file_is_not_made_by_who_reads_and_is_named_by_who_writes() {
    let dir = tempfile::tempdir().unwrap();
    let run =
        |args: &[&str]| Cli::new(dir.path()).run(&[args, &["--endpoint", "embedded:./typo.db"]].concat());
    for reads in [
        &["get", "alerts"][..],
        &["get", "space", "x"],
        &["query", "x"],
        &["export"],
        &["resolve", "x"],
        &["delete", "alert", "x", "--auto-approve"],
        &["annotate", "deploys", "--close", "1"],
    ] {
        run(reads).exits(1).says(&["there is no file ./typo.db"]);
        assert!(!dir.path().join("typo.db").exists(), "{reads:?}");
    }
    run(&["submit", "x", "1"]).exits(0).says(&["note: made ./typo.db"]);
    let again = run(&["submit", "x", "1"]).exits(0);
    assert_eq!(again.stderr, "");
}

#[test]
fn addresses_are_understood_or_completed() {
    let dir = project(&[("a.yaml", METRIC)]);
    for (endpoint, hint) in [
        ("127.0.0.1:18080", "write http://127.0.0.1:18080"),
        ("localhost:8080/v1", "write http://localhost:8080/v1"),
        ("metrics.example.org", "write https://metrics.example.org"),
        ("what", "write https://host, or embedded:PATH"),
        ("embeded:foo.db", "did you mean `embedded:foo.db`?"),
        ("metrics:example.org", "write https://host, or embedded:PATH"),
    ] {
        given(Cli::new(dir.path())).run(&["plan", "--endpoint", endpoint]).exits(64).says(&[hint]);
    }
    let wrong = given(Cli::new(dir.path())).run(&["serve", "--listen", "8080"]).exits(64);
    wrong.says(&["write HOST:PORT, such as 127.0.0.1:8080"]);
}

#[test]
fn a_target_that_means_nothing_is_an_error() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    let plan = |targets: &[&str]| {
        let flags: Vec<&str> = targets.iter().flat_map(|target| ["--target", target]).collect();
        Cli::new(dir.path()).run(&[&["plan", "sub"], &flags[..]].concat())
    };
    plan(&["metric/web.ms"]).exits(0);
    plan(&["alert/typo*"]).exits(1).says(&["error[nothing-targeted]", "--target alert/typo*"]);
    plan(&["metric/web.ms", "metric/web.sm"]).exits(1).says(&["did you mean metric/web.ms?"]);
    let wrong = plan(&["web.ms"]).exits(64);
    assert_eq!(wrong.stderr.matches("write KIND/GLOB").count(), 1, "{}", wrong.stderr);
}

#[test]
fn planning_on_a_file_that_does_not_exist_leaves_none() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    Cli::new(dir.path()).run(&["plan", "sub"]).exits(0).prints(&["1 to create"]);
    let left: Vec<_> = std::fs::read_dir(dir.path().join("sub")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn credentials_and_an_embedded_file_of_the_settings_do_not_go_together() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    for name in ["LIBRATO_TOKEN", "LIBRATO_USER", "LIBRATO_EMAIL", "LIBRATO_USERNAME"] {
        let says = ["credentials are given", "LIBRATO_ENDPOINT"];
        Cli::new(dir.path()).env(name, "x").run(&["plan", "sub"]).exits(64).says(&says);
    }
    Cli::new(dir.path()).run(&["plan", "sub", "--user", "x"]).exits(64);
    // Whoever says it in so many words may.
    let explicit = ["plan", "sub", "--endpoint", "embedded:./new.db"];
    given(Cli::new(dir.path())).run(&explicit).exits(0);
}

#[test]
fn under_ci_an_embedded_file_of_the_settings_is_warned_of() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    Cli::new(dir.path()).env("CI", "true").run(&["plan", "sub", "-q"]).exits(0).says(&["warning: under CI"]);
    let quiet = Cli::new(dir.path()).run(&["plan", "sub"]).exits(0);
    assert!(!quiet.stderr.contains("CI"), "{}", quiet.stderr);
}

#[test]
fn a_pull_request_cannot_redirect_the_token() {
    let trap = empty_service();
    let dir = with_settings(&format!("{{ endpoint: \"{}\" }}", trap.endpoint()));
    for command in [&["plan", "sub"][..], &["apply", "sub", "--auto-approve"]] {
        let says =
            ["comes only from `settings.endpoint` in sub/monitoring.yaml", "--trust-settings-endpoint"];
        given(Cli::new(dir.path())).run(command).exits(64).says(&says);
    }
    // Not even without credentials is anything sent.
    Cli::new(dir.path()).run(&["plan", "sub"]).exits(64).says(&["there is no user"]);
    assert_eq!(trap.seen(), [""; 0]);

    given(Cli::new(dir.path())).run(&["plan", "sub", "--trust-settings-endpoint"]).exits(0);
    assert!(!trap.seen().is_empty());
}

#[test]
fn endpoints_that_could_leak_are_refused() {
    let dir = project(&[("a.yaml", METRIC)]);
    for (endpoint, says) in [
        ("http://metrics.invalid", "--allow-insecure-http"),
        ("https://me:hidden@metrics.invalid", "no user or password"),
        ("https://metrics.invalid/?token=hidden", "ends with its path"),
        ("ftp://metrics.invalid", "https://"),
        ("metrics.invalid", "not a URL"),
    ] {
        let ran = given(Cli::new(dir.path())).run(&["plan", "--endpoint", endpoint]).exits(64).says(&[says]);
        assert!(!ran.all().contains("hidden"), "{}", ran.stderr);
    }
}

#[test]
fn a_user_and_a_token_are_needed_for_a_service() {
    let trap = empty_service();
    let dir = project(&[("a.yaml", METRIC)]);
    let cli = || Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &trap.endpoint());
    cli().run(&["plan"]).exits(64).says(&["there is no user", "LIBRATO_USER"]);
    cli().env("LIBRATO_USER", USER).run(&["plan"]).exits(64).says(&["there is no token", "--token-file"]);
    for name in ["LIBRATO_USER", "LIBRATO_EMAIL", "LIBRATO_USERNAME"] {
        cli().env(name, USER).env("LIBRATO_TOKEN", TOKEN).run(&["plan"]).exits(0);
    }
    // A token is no argument, where everybody on the machine could read it.
    given(cli()).run(&["plan", "--token", TOKEN]).exits(64);
}

#[test]
fn a_token_file_holds_exactly_one_token() {
    let dir = project(&[
        ("a.yaml", METRIC),
        ("good", &format!("  {TOKEN}\n")),
        ("empty", "\n"),
        ("two", "token-one\ntoken-two\n"),
        ("wrong", "not-the-token\n"),
    ]);
    let server = Server::start(&dir.path().join("a.db"));
    let plan = |file: &str| {
        let cli = Cli::new(dir.path()).env("LIBRATO_USER", USER).env("LIBRATO_ENDPOINT", &server.endpoint());
        // The flag wins over the environment.
        let ran = cli.env("LIBRATO_TOKEN", "token-of-somebody-else").run(&["plan", "--token-file", file]);
        for token in ["token-one", "token-two", "not-the-token", TOKEN, "token-of-somebody-else"] {
            assert!(!ran.all().contains(token), "{}", ran.all());
        }
        ran
    };
    plan("good").exits(0);
    plan("empty").exits(64).says(&["token file empty", "exactly one token"]);
    plan("two").exits(64).says(&["token file two", "exactly one token"]);
    plan("missing").exits(64).says(&["cannot read the token file missing: there is no such file"]);
    let serve = Cli::new(dir.path()).run(&["serve", "--credentials", "missing"]).exits(64);
    serve.says(&["cannot use the credentials of missing: there is no such file"]);
    plan("wrong").exits(1).says(&["401"]);
}

#[test]
fn a_ca_file_must_hold_certificates() {
    let dir = project(&[("a.yaml", METRIC), ("empty.pem", ""), ("text.pem", "no certificate")]);
    for (file, says) in [
        ("missing.pem", "No such file"),
        ("empty.pem", "no PEM certificate"),
        ("text.pem", "no PEM certificate"),
    ] {
        let args = ["plan", "--endpoint", "https://127.0.0.1:9", "--ca-file", file];
        given(Cli::new(dir.path())).run(&args).exits(64).says(&[file, says]);
    }
}

#[test]
fn a_service_that_never_answers_is_given_up() {
    let trap = Trap::start(None);
    let dir = project(&[("a.yaml", METRIC)]);
    let args = ["submit", "x", "1", "--timeout", "100ms", "--endpoint", &trap.endpoint()];
    given(Cli::new(dir.path())).run(&args).exits(1).says(&["timed out"]);
    for wrong in ["0", "0s", "soon", "-1s", "10h"] {
        let timeout = format!("--timeout={wrong}");
        given(Cli::new(dir.path())).run(&["plan", &timeout]).exits(64).says(&["--timeout"]);
    }
}

#[test]
fn parallelism_has_bounds() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    for wrong in ["0", "257", "-1", "many"] {
        let parallelism = format!("--parallelism={wrong}");
        Cli::new(dir.path()).run(&["plan", "sub", &parallelism]).exits(64).says(&["--parallelism"]);
    }
    for right in ["1", "256"] {
        Cli::new(dir.path()).run(&["plan", "sub", "--parallelism", right]).exits(0);
    }
}

#[test]
fn redirects_are_not_followed() {
    let target = empty_service();
    let location = format!("location: {}/v1/metrics\r\n", target.endpoint());
    for status in [301, 302, 307, 308] {
        let mut answer = String::from_utf8(http_answer(status, "text/html", "moved")).unwrap();
        answer = answer.replacen("\r\n", &format!("\r\n{location}"), 1);
        let trap = Trap::start(Some(answer.into_bytes()));
        let dir = project(&[("a.yaml", METRIC)]);
        let args = ["plan", "--endpoint", &trap.endpoint()];
        given(Cli::new(dir.path()))
            .run(&args)
            .exits(1)
            .says(&[&status.to_string(), "points to http://127.0.0.1"]);
    }
    assert_eq!(target.seen(), [""; 0]);
}

#[test]
fn a_file_in_use_is_named() {
    let dir = project(&[("a.yaml", METRIC)]);
    let server = Server::start(&dir.path().join("used.db"));
    let ran = Cli::new(dir.path()).run(&["plan", "--endpoint", "embedded:used.db"]).exits(1);
    ran.says(&["used.db is in use by `librato-apply serve` (process ", "stop that one", "--endpoint http"]);
    drop(server);
    let text = "this is no database, only a text of some length. ".repeat(3);
    std::fs::write(dir.path().join("text.db"), text).unwrap();
    let ran = Cli::new(dir.path()).run(&["plan", "--endpoint", "embedded:text.db"]).exits(1);
    ran.says(&["text.db is not a data file"]);
    Cli::new(dir.path())
        .run(&["apply", "--auto-approve", "--endpoint", "embedded:no/dir.db"])
        .exits(1)
        .says(&["no/dir.db"]);
}

#[test]
fn nobody_can_confirm_without_a_terminal() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    Cli::new(dir.path()).run(&["apply", "sub"]).exits(64).says(&["not a terminal", "--auto-approve"]);
    let piped = Cli::new(dir.path()).run_with(&["apply", "-"], METRIC.as_bytes());
    piped.exits(64).says(&["--auto-approve"]);
    assert!(!dir.path().join("sub/new.db").exists());
}

/// `script` gives the program a terminal; what is typed comes from a file.
#[test]
fn only_yes_is_a_yes() {
    if !Path::new("/usr/bin/script").exists() {
        eprintln!("skipped: there is no `script` to make a terminal with");
        return;
    }
    for (typed, code, written) in [("no\n", 1, false), ("y\n", 1, false), ("yes\n", 0, true)] {
        let dir = with_settings("{ endpoint: embedded:./new.db }");
        let program = env!("CARGO_BIN_EXE_librato-apply");
        let mut command = std::process::Command::new("/usr/bin/script");
        command.args(["-qec", &format!("{program} apply sub --no-progress"), "/dev/null"]);
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(dir.path());
        let ran = Cli { command }.run_with(&[], typed.as_bytes());
        assert!(ran.stdout.contains("Only `yes` is a yes"), "{}", ran.stdout);
        assert_eq!(ran.code, code, "{}", ran.stdout);
        let plan = Cli::new(dir.path()).run(&["plan", "sub"]).exits(0);
        assert_eq!(plan.stdout.contains("Nothing to change"), written, "{typed:?}: {}", plan.stdout);
    }
}

#[test]
fn colour_is_as_asked() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    let colours = |cli: Cli, args: &[&str]| {
        cli.run(&[&["plan", "sub"], args].concat()).exits(0).stdout.contains('\u{1b}')
    };
    assert!(!colours(Cli::new(dir.path()), &[]), "not on a terminal");
    assert!(colours(Cli::new(dir.path()), &["--color", "always"]));
    assert!(!colours(Cli::new(dir.path()), &["--color=never"]));
    assert!(!colours(Cli::new(dir.path()).env("NO_COLOR", "1"), &["--color", "auto"]));
    Cli::new(dir.path()).run(&["plan", "--color", "sometimes"]).exits(64).says(&["auto", "always", "never"]);
}

#[test]
fn flags_stand_before_or_after_the_command() {
    let dir = project(&[("a.yaml", METRIC)]);
    let flags = ["--endpoint", "embedded:./x.db", "--timeout", "5s", "--no-progress"];
    let before = Cli::new(dir.path()).run(&[&flags[..], &["plan"]].concat()).exits(0);
    let after = Cli::new(dir.path()).run(&[&["plan"], &flags[..]].concat()).exits(0);
    assert_eq!(before.stdout, after.stdout);
}

#[test]
fn quiet_leaves_errors_and_the_result() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    let ran = Cli::new(dir.path()).run(&["apply", "sub", "--auto-approve", "-q"]).exits(0);
    assert_eq!((ran.stderr.as_str(), ran.stdout.as_str()), ("", "Done: 1 change written.\n"));
    let ran = Cli::new(dir.path()).run(&["plan", "nowhere.yaml", "-q"]).exits(1);
    ran.says(&["nowhere.yaml"]);
    Cli::new(dir.path()).run(&["plan", "sub", "-q", "-v"]).exits(64);
    let at = ["--endpoint", "embedded:./new.db", "-q"];
    let quiet = |args: &[&str]| Cli::new(dir.path()).run(&[args, &at[..]].concat()).exits(0).all();
    assert_eq!(quiet(&["submit", "x", "1"]), "");
    std::fs::write(dir.path().join("lines"), "x 1\n").unwrap();
    assert_eq!(quiet(&["submit", "--from", "lines"]), "");
    assert_eq!(quiet(&["plan", "sub"]), "1 to create, 0 to update, 0 to delete; 0 unchanged.\n");
}

#[test]
fn verbose_is_what_the_help_says_and_about_us_alone() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    let said = |more: &[&str]| Cli::new(dir.path()).run(&[&["plan", "sub"], more].concat()).exits(0).stderr;
    assert_eq!(said(&["-v"]), said(&[]), "no request is shown");
    let all = said(&["-v", "-v", "-v"]);
    assert!(all.contains("/metrics") && !all.contains("glob"), "{all}");
}

#[test]
fn manual_pages_are_whole_and_say_how_to_be_read() {
    let dir = tempfile::tempdir().unwrap();
    Cli::new(dir.path()).run(&["man", "--out", "pages"]).exits(0);
    let read = |name: &str| std::fs::read_to_string(dir.path().join("pages").join(name)).unwrap();
    let plan = read("librato-apply-plan.1");
    assert!(
        plan.contains("\\-\\-detailed\\-exitcode")
            && plan.contains("[PATH]")
            && plan.contains(".SH EXAMPLES"),
        "{plan}"
    );
    assert!(!plan.contains("EXTRA"));
    let root = read("librato-apply.1");
    let pages = root.matches("(1)").count();
    assert_eq!(pages + 1, std::fs::read_dir(dir.path().join("pages")).unwrap().count(), "{root}");
    assert!(!read("librato-apply-man.1").contains("endpoint"), "no flags that mean nothing there");
    Cli::new(dir.path()).run(&["man", "pla"]).exits(64).says(&["did you mean `plan`?"]);
    if Path::new("/usr/bin/script").exists() {
        let mut command = std::process::Command::new("/usr/bin/script");
        command.args(["-qec", &format!("{} man plan", env!("CARGO_BIN_EXE_librato-apply")), "/dev/null"]);
        let ran = Cli { command }.run(&[]).exits(0);
        assert!(ran.stdout.contains("man plan | man -l -") && !ran.stdout.contains(".SH"), "{}", ran.stdout);
    }
}

#[test]
fn wrong_usage_is_64_and_help_is_0() {
    let dir = tempfile::tempdir().unwrap();
    for wrong in [&[][..], &["pln"], &["plan", "--nope"], &["plan", "--var", "x"], &["plan", "--target", "x"]]
    {
        Cli::new(dir.path()).run(wrong).exits(64);
    }
    Cli::new(dir.path()).run(&["--help"]).exits(0).prints(&["Exit codes:"]);
    Cli::new(dir.path()).run(&["plan", "--help"]).exits(0).prints(&["--detailed-exitcode"]);
    Cli::new(dir.path()).run(&["--version"]).exits(0).prints(&[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn serve_needs_credentials_and_tells_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", "a.db"];
    Cli::new(dir.path()).run(&serve).exits(64).says(&["there is no user"]);
    Cli::new(dir.path()).env("LIBRATO_USER", USER).run(&serve).exits(64).says(&["there is no token"]);
    assert!(!dir.path().join("a.db").exists());
}

/// A device that takes nothing more stands in for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_no_success_in_any_command() {
    let dir = project(&[
        ("m/a.yaml", METRIC),
        ("services.rb", include_str!("../import/lbrt/services.rb")),
        ("state.json", include_str!("../import/terraform/state.json")),
    ]);
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data.path().join("a.db"));
    for (method, path, body) in [
        ("POST", "/v1/metrics", r#"{"gauges":[{"name":"web.ms","value":1}]}"#),
        ("PUT", "/v1/metrics/gone.ms", r#"{"type":"gauge"}"#),
        ("POST", "/v1/alerts", r#"{"name":"web.slow","conditions":[]}"#),
    ] {
        assert!(server.call(method, path, body).0 < 300, "{path}");
    }
    let run = |args: &[&str]| {
        let mut cli = server.cli(dir.path());
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        cli.command.stdout(full);
        (cli.command.args(args).stderr(std::process::Stdio::piped()).output().unwrap(), args.join(" "))
    };
    for args in [
        &["--help"][..],
        &["--version"],
        &["validate", "m"],
        &["validate", "m", "--format", "json"],
        &["plan", "m"],
        &["plan", "m", "--format", "json"],
        &["plan", "m", "--format", "markdown", "--detailed-exitcode"],
        &["apply", "m", "--auto-approve"],
        &["apply", "m", "--auto-approve", "--format", "json"],
        &["export"],
        &["query", "web.ms", "--start", "-1h"],
        &["submit", "web.ms", "1"],
        &["annotate", "deploys", "--title", "v1"],
        &["get", "metrics"],
        &["get", "metric", "web.ms", "--format", "yaml"],
        &["get", "measurements", "web.ms", "--start", "-1h"],
        &["resolve", "web.slow"],
        &["delete", "metric", "gone.ms", "--delete-data", "--auto-approve"],
        &["init", "new"],
        &["import", "terraform", "state.json"],
        &["import", "lbrt", "services.rb"],
        &["schema"],
        &["completions", "bash"],
        &["man"],
    ] {
        let (done, said) = run(args);
        let stderr = String::from_utf8_lossy(&done.stderr);
        let all_said = args[0] == "init" && stderr.is_empty();
        assert!(
            all_said || stderr.contains("cannot write to standard output: No space left on device\n"),
            "{said}: {stderr}"
        );
        assert_eq!(done.status.code(), Some(i32::from(!all_said)), "{said}: {stderr}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut cli = Cli::new(dir.path());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let done =
        cli.command.arg("schema").stdout(writer).stderr(std::process::Stdio::piped()).output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn terminals_without_colours_or_signs_get_neither() {
    let dir = with_settings("{ endpoint: embedded:./new.db }");
    Cli::new(dir.path()).run(&["apply", "sub", "--auto-approve"]).exits(0);
    let change = "metrics:\n  web.ms: { type: gauge, period: 5m, display_name: \"é →\" }\n";
    std::fs::write(dir.path().join("sub/monitoring.yaml"), change).unwrap();
    let at = ["plan", "sub", "--endpoint", "embedded:sub/new.db"];
    let plan = |name: &str, value: &str, more: &[&str]| {
        Cli::new(dir.path()).env(name, value).run(&[&at[..], more].concat()).exits(0).stdout
    };
    let plain = plan("LC_ALL", "C", &[]);
    assert!(plain.contains("é ->") && !plain.contains('→'), "ours are replaced, others kept: {plain}");
    assert!(plan("LC_ALL", "C.UTF-8", &[]).contains('→') && plan("LANG", "", &[]).contains('→'));
    assert!(!plan("TERM", "dumb", &[]).contains('→'));
    assert!(plan("LC_ALL", "C", &["--format", "json"]).contains('→'), "documents stay what they are");
    if Path::new("/usr/bin/script").exists() {
        for (term, coloured) in [("dumb", false), ("xterm", true)] {
            let mut command = std::process::Command::new("/usr/bin/script");
            let line = format!("{} {}", env!("CARGO_BIN_EXE_librato-apply"), at.join(" "));
            command
                .args(["-qec", &line, "/dev/null"])
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .env("TERM", term);
            command.current_dir(dir.path());
            let ran = Cli { command }.run(&[]).exits(0);
            assert_eq!(ran.stdout.contains('\u{1b}'), coloured, "{term}: {}", ran.stdout);
        }
    }
}

#[test]
fn the_system_speaks_in_plain_words() {
    let dir = project(&[("a.yaml", METRIC)]);
    let run = |args: &[&str]| Cli::new(dir.path()).run(args);
    run(&["init", "new"]).exits(0);
    let ran = run(&["init", "new"]).exits(1).says(&["it exists already", "nothing was overwritten"]);
    assert!(!ran.stderr.contains("os error"), "{}", ran.stderr);
    let ran = run(&["submit", "--from", "nowhere", "--endpoint", "embedded:x.db"]).exits(1);
    assert!(
        ran.stderr.contains("there is no such file") && !ran.stderr.contains("os error"),
        "{}",
        ran.stderr
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("gone.yaml", dir.path().join("link.yaml")).unwrap();
        run(&["validate", "."]).exits(1).says(&["cannot read `link.yaml`: the link leads nowhere"]);
    }
}

/// Every command that reaches a service, as it is typed.
const REACH: &[&[&str]] = &[
    &["get", "metrics"],
    &["export"],
    &["query", "web.ms"],
    &["submit", "web.ms", "1"],
    &["annotate", "deploys", "--title", "v1"],
    &["delete", "metric", "web.ms", "--delete-data", "--auto-approve"],
    &["resolve", "web.slow"],
];

#[test]
fn every_command_finds_the_endpoint_of_the_files_below_the_working_directory() {
    let stage = "vars: { stage: mine }\nalerts: { web.slow: { conditions: [], services: [] } }\n";
    // A broken file of somebody else is none of their business, as long as it has no settings.
    let files = [("vars.yaml", stage), ("broken.yaml", "metrics: [\n")];
    let settings = format!("settings: {{ endpoint: \"embedded:${{var.stage}}.db\" }}\n{METRIC}");
    let all = [&files[..], &[("sub/monitoring.yaml", &settings)]].concat();
    let dir = project(&all);
    Cli::new(dir.path()).run(&["apply", "vars.yaml", "sub", "--auto-approve"]).exits(0);
    for command in REACH {
        Cli::new(dir.path()).run(command).exits(0);
    }
    assert!(dir.path().join("sub/mine.db").exists() && !dir.path().join("mine.db").exists());
    let elsewhere = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", "embedded:env.db");
    elsewhere.run(&["submit", "web.ms", "1"]).exits(0).prints(&["to embedded:env.db"]);
    let flag = ["submit", "web.ms", "1", "--endpoint", "embedded:flag.db"];
    Cli::new(dir.path()).env("LIBRATO_ENDPOINT", "embedded:env.db").run(&flag).exits(0).prints(&["flag.db"]);
}

#[test]
fn settings_that_cannot_be_read_are_shown_by_every_command() {
    let dir = project(&[("a.yaml", "settings: { endpoint: \"embedded:${var.stage}.db\" }\n")]);
    for command in REACH {
        let says = ["a.yaml:1:", "stage", "give --endpoint, or set LIBRATO_ENDPOINT"];
        Cli::new(dir.path()).run(command).exits(64).says(&says);
    }
    let a = "settings: { endpoint: embedded:a.db }\nvars: { twice: 1 }\n";
    let two = project(&[("a.yaml", a), ("b/b.yaml", a), ("c.yaml", "settings: [\n")]);
    let says = ["several files below here name an endpoint: a.yaml, b/b.yaml", "give --endpoint"];
    Cli::new(two.path()).run(&["submit", "a", "1"]).exits(64).says(&says);
    // What is wrong with others is not their business.
    std::fs::write(two.path().join("b/b.yaml"), "settings: { max_deletes: 1 }\nvars: { twice: 1 }\nx: 1\n")
        .unwrap();
    let ran = Cli::new(two.path()).run(&["submit", "a", "1"]).exits(0);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    std::fs::remove_file(two.path().join("a.yaml")).unwrap();
    Cli::new(two.path()).run(&["submit", "a", "1"]).exits(64).says(&["c.yaml:", "cannot be read"]);
}

#[test]
fn an_endpoint_that_fails_is_named_with_whoever_said_it() {
    let nobody = "http://127.0.0.1:1";
    let dir = with_settings(&format!("{{ endpoint: \"{nobody}\" }}"));
    let source = "is from `settings.endpoint` in sub/monitoring.yaml";
    for command in [&["plan", "sub"][..], &["get", "metrics"], &["export"], &["query", "web.ms"]] {
        let trusting = [command, &["--trust-settings-endpoint"]].concat();
        given(Cli::new(dir.path())).run(&trusting).exits(1).says(&["cannot connect", source]);
        let env = given(Cli::new(dir.path())).env("LIBRATO_ENDPOINT", nobody);
        env.run(command).exits(1).says(&["is from LIBRATO_ENDPOINT"]);
        let typed = given(Cli::new(dir.path())).run(&[command, &["--endpoint", nobody]].concat()).exits(1);
        assert!(!typed.stderr.contains(" is from "), "{}", typed.stderr);
        // The rules that guard the token are those of `plan`.
        let says = ["comes only from `settings.endpoint` in sub/monitoring.yaml"];
        given(Cli::new(dir.path())).run(command).exits(64).says(&says);
    }
    Cli::new(dir.path())
        .env("LIBRATO_ENDPOINT", "metrics.invalid")
        .run(&["get", "alerts"])
        .exits(64)
        .says(&["says no scheme", "is from LIBRATO_ENDPOINT"]);
}

/// Holds a data file as another command would.
fn held(data: &Path) -> Vec<std::fs::File> {
    ["", "-lock"]
        .map(|end| {
            let name = format!("{}{end}", data.display());
            let file = std::fs::File::options().write(true).create(true).truncate(false).open(name).unwrap();
            file.lock().unwrap();
            file
        })
        .into()
}

#[test]
fn two_commands_at_once_wait_for_each_other() {
    let dir = project(&[("a.yaml", METRIC)]);
    let at = ["--endpoint", "embedded:used.db"];
    Cli::new(dir.path()).run(&[&["apply", "--auto-approve"], &at[..]].concat()).exits(0);
    let holding = held(&dir.path().join("used.db"));
    let mut waits = Cli::new(dir.path()).command;
    waits
        .args(["get", "metrics"])
        .args(at)
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = waits.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.as_mut().unwrap()), &mut line)
        .unwrap();
    assert!(line.contains("used.db is in use by another librato-apply; waiting for up to 10 s"), "{line}");
    drop(holding);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert!(String::from_utf8(done.stdout).unwrap().contains("web.ms"));

    let _holding = held(&dir.path().join("used.db"));
    std::fs::write(dir.path().join("used.db-lock"), std::process::id().to_string()).unwrap();
    let holder = format!("used.db is in use by another librato-apply (process {})", std::process::id());
    let bounded = [&["get", "metrics", "--give-up-after", "200ms"], &at[..]].concat();
    Cli::new(dir.path()).run(&bounded).exits(1).says(&[&holder, "wait until that one has ended"]);
    // That nobody can look at a file says nothing about it.
    let says = ["not checked, so nothing is known of it", "in use", "serve backup used.db"];
    Cli::new(dir.path()).run(&["serve", "check", "used.db"]).exits(3).says(&says);
}

#[cfg(unix)]
#[test]
fn who_interrupts_a_command_that_only_looks_is_told_that_nothing_was_changed() {
    let dir = project(&[("a.yaml", METRIC)]);
    let changes = ["apply", "--auto-approve"];
    for command in [&["plan"][..], &["get", "metrics"], &["query", "web.ms"], &changes, &["submit", "a", "1"]]
    {
        let trap = Trap::start(None);
        let mut cli = given(Cli::new(dir.path())).env("LIBRATO_ENDPOINT", &trap.endpoint()).command;
        cli.args(command).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = cli.spawn().unwrap();
        while trap.seen().is_empty() {
            std::thread::yield_now();
        }
        let id = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        let told = match command[0] {
            "submit" => "interrupted: what was being sent may have been done all the same\n",
            _ => "interrupted: nothing was changed\n",
        };
        assert!(
            done.status.code() == Some(130) && said.ends_with(told),
            "{command:?} {:?}: {said}",
            done.status
        );
    }
}

#[test]
fn init_leaves_out_what_is_there_and_is_no_definition() {
    let files = [
        ("docker-compose.yml", "services:\n  web: { image: nginx }\n"),
        ("deploy [old]/values.yaml", "metrics:\n  enabled: true\n"),
        ("mine.yaml", METRIC),
    ];
    let dir = project(&files);
    let ran = Cli::new(dir.path()).run(&["init"]).exits(0);
    ran.says(&["left out by its `settings.exclude`", "deploy [old]/values.yaml, docker-compose.yml"]);
    Cli::new(dir.path()).run(&["apply", "--auto-approve"]).exits(0).prints(&["Done: 7 changes written."]);
    Cli::new(dir.path()).run(&["get", "metric", "web.ms"]).exits(0);
    let settled = project(&[("mine.yaml", "settings: { endpoint: embedded:a.db }\n")]);
    let says = ["mine.yaml has settings already", "librato-apply plan"];
    Cli::new(settled.path()).run(&["init"]).exits(1).says(&says);
    assert!(!settled.path().join("librato-apply.yaml").exists());
}
