//! Moving in from other tools: what Terraform and lbrt know becomes definitions that are valid and change nothing.
//! The services hold what those tools sent, request by request, and not what we would have sent.

use std::path::{Path, PathBuf};

use crate::cli::{Cli, Ran, Server, project};
use serde_json::Value;

/// What the variables of the imported definitions are set to.
const SECRETS: &[(&str, &str)] = &[
    ("HOOK_0_URL", "https://hook-canary.example.org/0"),
    ("HOOK_1_URL", "https://hook-canary.example.org/1"),
    ("OPS_SLACK_URL", "https://hooks.example.org/T0/slack-canary"),
    ("PAGER_SERVICE_KEY", "pager-canary"),
];

fn fixture(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name);
    path.to_str().unwrap().to_owned()
}

/// Imports into a directory of its own.
fn import(home: &Path, args: &[&str]) -> Ran {
    let ran = Cli::new(home).run(&[&["import"], args].concat());
    assert!(!ran.all().contains("canary"), "a secret is shown:\n{}", ran.all());
    ran
}

/// A server on which every request of a file was made.
fn service(home: &Path, requests: &str) -> Server {
    let server = Server::start(&home.join("there.db"));
    for line in std::fs::read_to_string(fixture(requests)).unwrap().lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
        let (status, answer) = server.call(method, path, &request["body"].to_string());
        assert!((200..300).contains(&status), "{line}: {status} {answer}");
        // States and other requests of the file use these ids.
        assert_eq!(answer.get("id"), request.get("id"), "{line}");
    }
    server
}

/// Definitions are valid, and nothing is to be done.
fn changes_nothing(home: &Path, server: &Server, definitions: &str) {
    let validated = Cli::new(home).run(&["validate", definitions]).exits(0);
    assert!(!validated.stderr.contains("error"), "{}", validated.stderr);
    let cli = SECRETS.iter().fold(server.cli(home), |cli, (name, value)| cli.env(name, value));
    let planned = cli.run(&["plan", definitions, "--detailed-exitcode"]).exits(0);
    assert!(planned.stdout.contains("Nothing to change"), "{}", planned.stdout);
    assert!(!planned.all().contains("canary"), "{}", planned.all());
    server.writes();
}

#[test]
fn a_state_becomes_definitions_that_change_nothing() {
    let home = tempfile::tempdir().unwrap();
    let server = service(home.path(), "terraform/sent.jsonl");
    import(home.path(), &["terraform", &fixture("terraform/state.json"), "--out", "monitoring"])
        .exits(0)
        .says(&[
            "39 objects written",
            "PAGER_SERVICE_KEY: the secret of service \"pager\", settings.service_key",
        ]);
    changes_nothing(home.path(), &server, "monitoring");
}

#[test]
fn configurations_say_the_same_as_their_state() {
    let home = tempfile::tempdir().unwrap();
    let state = import(home.path(), &["terraform", &fixture("terraform/state.json")]).exits(0);
    let files = import(home.path(), &["terraform", &fixture("terraform")]).exits(0);
    // The one thing a state cannot tell: that somebody wrote a zero.
    files.says(&["note[never-sent]: `min = 0` of librato_space_chart.checkout", "spaces.tf:13:19"]);
    let again = import(home.path(), &["terraform", &fixture("terraform")]).exits(0);
    assert_eq!(state.stdout, again.stdout);
}

#[test]
fn a_state_beside_its_configuration_is_named_and_both_together_are_imported_once() {
    let home = project(&[
        ("a/main.tf", "resource \"librato_metric\" \"ms\" {\n  name = \"web.ms\"\n  type = \"gauge\"\n}\n"),
        ("a/terraform.tfstate", "{}"),
        ("b/terraform.tfstate", "{}"),
    ]);
    let says = ["read the configuration; a state is beside it", "import terraform a/terraform.tfstate"];
    import(home.path(), &["terraform", "a"]).exits(0).says(&says).prints(&["web.ms:"]);
    let says = ["nothing to import in b", "import terraform b/terraform.tfstate"];
    import(home.path(), &["terraform", "b"]).exits(1).says(&says);

    let state = import(home.path(), &["terraform", &fixture("terraform/state.json")]).exits(0);
    let more = "resource \"librato_metric\" \"new\" {\n  name = \"web.new\"\n  type = \"gauge\"\n}\n";
    std::fs::write(home.path().join("new.tf"), more).unwrap();
    let both = ["terraform", &fixture("terraform"), "new.tf", &fixture("terraform/state.json")];
    let both = import(home.path(), &both).exits(0);
    assert_eq!(both.stdout, state.stdout);
    both.says(&["the state holds what this configuration made", "`librato_metric.new` is not in the state"]);
}

#[test]
fn what_lbrt_exported_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let server = service(home.path(), "lbrt/there.jsonl");
    let files = ["lbrt/services.rb", "lbrt/alerts.rb", "lbrt/spaces.rb"].map(fixture);
    let args: Vec<&str> = std::iter::once("lbrt").chain(files.iter().map(String::as_str)).collect();
    let ran = import(home.path(), &args).exits(0).says(&["11 objects written"]);
    std::fs::write(home.path().join("all.yaml"), &ran.stdout).unwrap();
    changes_nothing(home.path(), &server, "all.yaml");
}

#[test]
fn alerts_alone_refer_to_services_that_exist() {
    let home = tempfile::tempdir().unwrap();
    let server = service(home.path(), "lbrt/there.jsonl");
    let ran = import(home.path(), &["lbrt", &fixture("lbrt/alerts.rb")]).exits(0);
    assert!(ran.stdout.contains("  ops slack:\n    external: true\n    type: slack\n"), "{}", ran.stdout);
    std::fs::write(home.path().join("alerts.yaml"), &ran.stdout).unwrap();
    changes_nothing(home.path(), &server, "alerts.yaml");
}

/// Of a service the files name by its type, another one of that title will not do.
#[test]
fn services_that_the_files_do_not_declare_keep_their_type() {
    let home = project(&[("x.rb", "alert \"db.down\" do\n  service \"pagerduty\", \"ops\"\nend\n")]);
    let ran = import(home.path(), &["lbrt", "x.rb"]).exits(0);
    assert!(ran.stdout.contains("  ops:\n    external: true\n    type: pagerduty\n"), "{}", ran.stdout);
    std::fs::write(home.path().join("x.yaml"), &ran.stdout).unwrap();
    let server = Server::start(&home.path().join("there.db"));
    let mail = r#"{"type": "mail", "title": "ops", "settings": {"addresses": "a@example.org"}}"#;
    assert_eq!(server.call("POST", "/v1/services", mail).0, 201);
    server.cli(home.path()).run(&["plan", "x.yaml"]).exits(1).says(&["external-type", "is of type mail"]);
}

#[test]
fn what_is_lost_is_listed_and_the_rest_is_valid() {
    let home = project(&[
        (
            "main.tf",
            "variable \"env\" {}\n\
             resource \"librato_space\" \"a\" {\n  name = \"A ${var.env}\"\n}\n\
             resource \"librato_alert\" \"b\" {\n  name = \"b\"\n  services = [data.x.y.id]\n  condition {\n    type = \"above\"\n    metric_name = \"m\"\n  }\n}\n",
        ),
        ("x.rb", "alert \"c\" do\n  include_template \"t\"\nend\n"),
    ]);
    let ran = import(home.path(), &["terraform", "main.tf"])
        .exits(4)
        .says(&[
            "librato_space.a is left out",
            "`var.env`, which has no value in these files",
            "main.tf:3:10",
            "main.tf:7:15",
        ])
        .says(&["1 object written, 2 left out"]);
    std::fs::write(home.path().join("all.yaml"), &ran.stdout).unwrap();
    Cli::new(home.path()).run(&["validate", "all.yaml"]).exits(0);
    // What is in a module of somebody else may be nothing of ours: counted, but no failure.
    let text = "module \"far\" {\n  source = \"org/far/librato\"\n}\nresource \"librato_metric\" \"m\" {\n  name = \"m\"\n  type = \"gauge\"\n}\n";
    std::fs::write(home.path().join("far.tf"), text).unwrap();
    let ran = import(home.path(), &["terraform", "far.tf"]).exits(0);
    ran.says(&["warning[module-not-read]", "module \"far\" {\n", "1 object written, 1 left out"]);
    import(home.path(), &["lbrt", "x.rb"])
        .exits(4)
        .says(&["x.rb:2:3", "what a template adds to alert \"c\" is not read"]);
}

#[test]
fn nothing_readable_is_an_error() {
    let raw = r#"{"version": 4, "terraform_version": "1.5.7", "resources": []}"#;
    let home = project(&[
        ("raw.json", raw),
        ("older.json", r#"{"version": 1, "terraform_version": "0.6.0", "modules": []}"#),
        ("empty.json", r#"{"format_version": "1.0"}"#),
        ("half.json", "{\"values\": {\"root_module\": {\"resources\": [\n{"),
        ("other.json", "{\"a\": 1}"),
        ("half.tf", "resource \"librato_service\" \"x\" {\n  settings = \"canary"),
        ("other.tf", "resource \"aws_instance\" \"x\" {\n}\n"),
        ("half.rb", "service \"slack\", \"x\" do\n  settings \"url\"=>\"canary"),
        ("dir/readme.txt", ""),
    ]);
    for (tool, file, said) in [
        ("terraform", "raw.json", "no resources in this state"),
        ("terraform", "older.json", "versions 3 and 4"),
        ("terraform", "empty.json", "nothing has been applied"),
        ("terraform", "half.json", "half.json:2:"),
        ("terraform", "other.json", "neither a state nor the output of"),
        ("terraform", "half.tf", "half.tf:2:"),
        ("terraform", "other.tf", "no alert, metric, service, space or chart"),
        ("terraform", "absent.tf", "does not exist"),
        ("terraform", "dir", "no alert, metric"),
        ("lbrt", "half.rb", "not closed"),
    ] {
        let ran = import(home.path(), &[tool, file]).exits(1).says(&[said, "nothing to import"]);
        assert_eq!(ran.stdout, "", "{file}");
    }
    std::fs::write(home.path().join("bytes.rb"), b"alert \"\xff\" do\nend\n").unwrap();
    import(home.path(), &["lbrt", "bytes.rb"]).exits(1).says(&["not UTF-8"]);
}

#[test]
fn files_that_exist_are_kept() {
    let home = project(&[("out/services.yaml", "mine\n")]);
    let services = fixture("lbrt/services.rb");
    let args = ["lbrt", &services, "--out", "out"];
    import(home.path(), &args).exits(1).says(&["would be overwritten"]);
    assert_eq!(std::fs::read_to_string(home.path().join("out/services.yaml")).unwrap(), "mine\n");
    import(home.path(), &[&args[..], &["--force"]].concat()).exits(0);
    Cli::new(home.path()).run(&["validate", "out"]).exits(0);
}

/// Inputs that are made to hurt end soon, and with a diagnostic.
#[test]
fn hostile_files_are_refused() {
    let doubled: String =
        (1..60).map(|n| format!(" l{n} = \"${{local.l{}}}${{local.l{}}}\"\n", n - 1, n - 1)).collect();
    let space = "resource \"librato_space\" \"x\" {\n name = ";
    let hostile: Vec<(&str, String)> = vec![
        ("deep.tf", format!("x = {}", "[".repeat(100_000))),
        ("blocks.tf", "a {\n".repeat(50_000)),
        ("texts.tf", "x = \"${".repeat(50_000)),
        ("signs.tf", format!("x = {}1", "!".repeat(100_000))),
        ("sum.tf", format!("x = {}1", "1+".repeat(100_000))),
        ("doubled.tf", format!("locals {{\n l0 = \"aaaa\"\n{doubled}}}\n{space}local.l59\n}}\n")),
        (
            "circle.tf",
            format!("locals {{\n a = \"${{local.b}}${{local.b}}\"\n b = local.a\n}}\n{space}local.a\n}}\n"),
        ),
        (
            "itself.tf",
            format!(
                "module \"m\" {{\n count = 1000\n source = \"./\"\n}}\n{space}librato_space.x.name\n}}\n"
            ),
        ),
        ("many.tf", format!("{}\n count = 999999999999\n}}\n", space.replace("name = ", "name = \"x\""))),
        ("large.tf", "# comment\n".repeat(500_000)),
        ("deep.json", "{\"a\":".repeat(100_000)),
        ("list.json", format!("{{\"values\":{}", "[".repeat(100_000))),
    ];
    let home = project(&[]);
    for (name, text) in hostile {
        // Files about other things are passed over.
        let text = if name.ends_with(".tf") { format!("# librato_\n{text}") } else { text };
        std::fs::write(home.path().join(name), text).unwrap();
        let ran = import(home.path(), &["terraform", name]);
        assert!(ran.code == 1 && ran.stderr.contains("error["), "{name}: {} {}", ran.code, ran.stderr);
    }
    let hostile: [(&str, String); 10] = [
        ("braces.rb", "{".repeat(500_000)),
        ("brackets.rb", "a [".repeat(200_000)),
        ("round.rb", "a ((".repeat(200_000)),
        ("blocks.rb", "alert \"a\" do\n".repeat(100_000)),
        ("params.rb", "a do |x|\n".repeat(100_000)),
        ("lines.rb", "x <<A\n".repeat(200_000)),
        ("quotes.rb", "\"".repeat(500_001)),
        ("inside.rb", "x \"#{".repeat(100_000)),
        ("words.rb", "alert \"a\" do\nx %w[\n".repeat(20_000)),
        ("ends.rb", "end\n".repeat(200_000)),
    ];
    for (name, text) in hostile {
        std::fs::write(home.path().join(name), text).unwrap();
        let ran = import(home.path(), &["lbrt", name]);
        assert!(ran.code == 1 && ran.stderr.contains("error["), "{name}: {} {}", ran.code, ran.stderr);
    }
}
