//! Bad input of every sort: files that are no files, texts that are no YAML, services that answer nonsense. The program says what is
//! wrong and ends with its code; it never panics, hangs or writes.

use crate::cli::{Cli, Ran, Trap, USER, http_answer, json_answer, project};

const ENDPOINT: [&str; 2] = ["--endpoint", "embedded:never.db"];

/// `validate` and `plan` of files that cannot be used: both must fail, and neither may panic (see `Cli::run`).
#[track_caller]
fn refused(files: &[(&str, &str)], says: &[&str]) {
    let dir = project(files);
    Cli::new(dir.path()).run(&["validate", files[0].0]).exits(1).says(says);
    Cli::new(dir.path()).run(&["plan", files[0].0, ENDPOINT[0], ENDPOINT[1]]).exits(1).says(says);
}

#[test]
fn texts_that_are_no_definitions_are_refused() {
    for (text, says) in [
        ("\u{0}\u{1}\u{2}", "a.yaml"),
        ("alerts: [", "yaml-syntax"),
        ("alerts: {a: b: c}", "yaml-syntax"),
        ("alerts: 5", "wrong-type"),
        ("alerts: {a: 5}", "wrong-type"),
        ("alerts: {a: {conditions: {}}}", "wrong-type"),
        ("alerts: {a: {conditions: [[]]}}", "wrong-type"),
        (
            "alerts: {a: {conditions: [{type: above, metric_name: m, threshold: 1, tags: [[]]}]}}",
            "wrong-type",
        ),
        ("services: {a: {settings: [[]]}}", "wrong-type"),
        ("services: {a: {settings: {a: {}}}}", "wrong-type"),
        ("settings: {prune: {alerts: {}}}\nmetrics: {}", "wrong-type"),
        ("settings: []\nmetrics: {}", "wrong-type"),
        ("vars: {a: &x [*x]}\nmetrics: {}", "yaml"),
        ("metrics: {a: {for_each: 1e400}}", "yaml-number"),
        ("metrics: {? {a: b} : c}", "yaml-key"),
        ("metrics:\n  a: !!binary x\n", "yaml-tag"),
        ("alerts: {a: {rearm_seconds: 99999999999999999999}}", "yaml-number"),
        ("alerts: {a: {rearm_seconds: 18446744073709551615h}}", "wrong-value"),
        ("metrics: {a: {display_name: '${var.a.b.c.d}'}}", "unknown-variable"),
        ("metrics: {a: {display_name: '${${var.a}}'}}", "unknown-reference"),
        ("vars: {a: '${var.a}'}\nmetrics: {a: {display_name: '${var.a}'}}", "variable-cycle"),
    ] {
        refused(&[("a.yaml", text)], &[says]);
    }
}

#[test]
fn deep_nesting_ends_in_an_error() {
    let deep = |open: &str, close: &str| {
        format!("metrics: {{ a: {} {} }}", open.repeat(100_000), close.repeat(100_000))
    };
    for text in [
        deep("[", "]"),
        deep("{a: ", "}"),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        "a:\n ".repeat(50_000),
    ] {
        refused(&[("a.yaml", &text)], &["a.yaml"]);
    }
    let composite = format!("composites: {{ c: {{ composite: '{}' }} }}", "sum(".repeat(10_000));
    refused(&[("a.yaml", &composite)], &["invalid-composite", "deeply"]);
    let path = format!(
        "metrics: {{ a: {{ display_name: '${{var.a{}}}' }} }}\nvars: {{ a: 1 }}",
        ".a".repeat(100_000)
    );
    refused(&[("a.yaml", &path)], &["unknown-reference"]);
}

#[test]
fn files_too_large_to_be_meant_are_not_read() {
    let dir = project(&[("ok.yaml", "metrics: {}\n")]);
    let large = std::fs::File::create(dir.path().join("large.yaml")).unwrap();
    large.set_len(100 << 20).unwrap();
    Cli::new(dir.path()).run(&["validate"]).exits(1).says(&["[file-too-large]", "32 MiB", "large.yaml"]);
}

#[test]
fn bytes_that_are_no_text_are_refused_where_they_stand() {
    let dir = project(&[]);
    std::fs::write(dir.path().join("a.yaml"), b"metrics:\n  m: { display_name: \"\xff\xfe\" }\n").unwrap();
    Cli::new(dir.path()).run(&["validate"]).exits(1).says(&["[not-utf8]", "a.yaml:2:23"]);
    // This program itself is a binary of some size; whole it might be too large to be read at all.
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    std::fs::write(dir.path().join("a.yaml"), &program[..program.len().min(8 << 20)]).unwrap();
    let binary = Cli::new(dir.path()).run(&["validate"]).exits(1);
    assert!(binary.stderr.len() < 10_000, "a screen full of bytes");
    let piped = Cli::new(dir.path()).run_with(&["validate", "-"], b"metrics: {m: {display_name: \"\xff\"}}");
    piped.exits(1).says(&["<stdin>", "[not-utf8]"]);
}

#[cfg(unix)]
#[test]
fn odd_entries_of_directories_do_no_harm() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = project(&[("def/ok.yaml", "metrics: { m: { type: gauge } }\n")]);
    let def = dir.path().join("def");
    symlink(&def, def.join("loop")).unwrap();
    symlink("/nowhere", def.join("dangling.txt")).unwrap();
    std::fs::create_dir(def.join("directory.yaml")).unwrap();
    std::process::Command::new("mkfifo").arg(def.join("fifo.yaml")).status().unwrap();
    let valid = Cli::new(dir.path()).run(&["validate", "def"]).exits(0);
    assert_eq!(valid.stdout, "Valid: 1 object in 1 file.\n");

    symlink("/nowhere", def.join("dangling.yaml")).unwrap();
    Cli::new(dir.path()).run(&["validate", "def"]).exits(1).says(&["dangling.yaml"]);
    std::fs::remove_file(def.join("dangling.yaml")).unwrap();

    let secret = def.join("secret.yaml");
    std::fs::write(&secret, "metrics: {}\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o0)).unwrap();
    if std::fs::read(&secret).is_err() {
        // The superuser reads everything.
        Cli::new(dir.path()).run(&["validate", "def"]).exits(1).says(&["secret.yaml", "permission denied"]);
    }
}

/// A service that gives this answer to everything: `apply` must end with 1 and a message.
#[track_caller]
fn answered(answer: Vec<u8>) -> Ran {
    let service = Trap::start(Some(answer));
    let dir = project(&[(
        "a.yaml",
        "services: { ops: { external: true } }\nmetrics: { m: { type: gauge } }\nannotations: { d: {} }\nalerts: { a: { conditions: [] } }\n",
    )]);
    let cli = Cli::new(dir.path()).env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", "a-token");
    // An apply plans first, and must come no further.
    let ran = cli.env("LIBRATO_ENDPOINT", &service.endpoint()).run(&["apply", "--auto-approve"]);
    let writes: Vec<String> =
        service.seen().into_iter().filter(|request| !request.starts_with("GET ")).collect();
    assert_eq!(writes, [""; 0], "nothing may be written that was not planned");
    ran.exits(1).says(&["error: cannot read http://127.0.0.1"])
}

#[test]
fn answers_of_another_kind_are_named() {
    let page =
        "<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head><body>\u{1b}[2J</body></html>";
    let ran = answered(http_answer(200, "text/html", page)).says(&["not JSON", "text/html"]);
    assert!(!ran.stderr.contains("\u{1b}[2J"), "{}", ran.stderr);
    for body in
        ["", "null", "true", "5", "\"text\"", "[1]", "[[]]", "{}", "[{}]", "{\"errors\": {}}", "not json"]
    {
        answered(json_answer(200, body));
    }
}

#[test]
fn listings_of_the_wrong_shape_are_errors() {
    let with = |query: &str, items: &str| {
        let lists = ["services", "metrics", "annotations", "alerts"].map(|key| format!("\"{key}\": {items}"));
        answered(json_answer(200, &format!("{{\"query\": {query}, {}}}", lists.join(", "))))
    };
    let one = r#"{"found": 1, "length": 1, "offset": 0, "total": 1}"#;
    for items in ["null", "5", "{}", "\"x\"", "[null]", "[5]", "[[]]", "[{}]", "[{\"id\": {}, \"name\": []}]"]
    {
        with(one, items);
    }
    let item = r#"[{"id": 1, "name": "x", "title": "x"}]"#;
    for query in [
        "5",
        "[]",
        "{}",
        r#"{"found": -1}"#,
        r#"{"found": "many"}"#,
        r#"{"found": 18446744073709551615}"#,
        r#"{"found": 2}"#,
        r#"{"found": 0}"#,
    ] {
        with(query, item);
    }
}

/// What breaks off or is no HTTP at all may pass and is tried again for a minute: that is tested in process, with less patience.
#[test]
fn deep_and_broken_json_is_an_error() {
    answered(json_answer(200, &"[".repeat(200_000)));
    answered(json_answer(200, &"{\"a\":".repeat(200_000)));
    answered(json_answer(200, "{\"query\": {\"found\": 1e999}}"));
}

#[test]
fn an_endless_answer_is_cut_off() {
    let mut endless = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[".to_vec();
    endless.extend(std::iter::repeat_n(b"1234567,".as_slice(), 9 << 20).flatten());
    let ran = answered(endless);
    assert!(ran.stderr.contains("MiB"), "{}", ran.stderr);
}

#[test]
fn refusals_are_told_in_the_words_of_the_service() {
    for (status, body) in [
        (401, r#"{"errors":{"request":["Authorization Required"]}}"#),
        (403, r#"{"errors":{"request":"forbidden by plan"}}"#),
        (404, "<html><title>Nothing here</title></html>"),
        (400, r#"{"errors":["odd"]}"#),
        (402, r#"{"error":"pay"}"#),
        (418, ""),
    ] {
        answered(json_answer(status, body)).says(&[&status.to_string()]);
    }
}

/// Names, texts and ids of the service may be anything; what is shown cannot steer the terminal.
#[test]
fn odd_objects_of_the_service_do_no_harm() {
    let odd = r#"[{"id": "7", "name": "\u001b[31m\u0000\u202e", "title": "\u001b]0;x\u0007", "type": 5, "settings": [], "attributes": [[]],
        "conditions": [null, 5, {}, {"type": "odd", "threshold": "x"}], "services": [null, {}, "x", 9], "active": {}, "period": -1},
        {"id": 8, "name": "m", "title": "ops", "type": "odd", "attributes": {"color": {}}, "period": 1e300}]"#;
    let lists = ["services", "metrics", "annotations", "alerts"].map(|key| format!("\"{key}\": {odd}"));
    let query = r#"{"found": 2, "length": 2, "offset": 0, "total": 2}"#;
    let service =
        Trap::start(Some(json_answer(200, &format!("{{\"query\": {query}, {}}}", lists.join(", ")))));
    let dir = project(&[(
        "a.yaml",
        concat!(
            "settings: { prune: { alerts: ['*'], metrics: ['*'], services: ['*'], annotations: ['*'] } }\n",
            "metrics: { m: { type: gauge, period: 60, attributes: { color: '#ffffff' } } }\n",
            "services: { ops: { type: mail, settings: { addresses: a@b.c } } }\n",
        ),
    )]);
    for format in ["text", "json"] {
        let cli = Cli::new(dir.path()).env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", "a-token");
        let ran = cli.env("LIBRATO_ENDPOINT", &service.endpoint()).run(&["plan", "--format", format]);
        assert!([0, 3].contains(&ran.code), "{}", ran.all());
        assert!(
            ran.all().chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'),
            "{:?}",
            ran.all()
        );
    }
}
