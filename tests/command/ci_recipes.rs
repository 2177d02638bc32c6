//! The recipes for CI: they are YAML, their scripts are bash, and the scripts do what they say when run with the real
//! binary, a real server, and stand-ins for what only the CI service has.

#![cfg(unix)]

use crate::cli;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use librato_apply::diag::Files;
use librato_apply::load::yaml;
use serde_json::Value;

const TOKEN: &str = "ci-recipes-token";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Who plans, and may not write.
const PLANNER: (&str, &str) = ("planner", "ci-recipes-planner");

fn recipe(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("examples/ci/{name}")).unwrap();
    let file = Files::default().add(name, text.clone(), yaml::index);
    yaml::parse(&text, file).unwrap_or_else(|problem| panic!("{name}: {}", problem.message))
}

/// The scripts of a job, each as one text. GitHub has steps with `run`, GitLab lists of lines.
fn scripts(job: &Value) -> Vec<String> {
    let steps = job["steps"].as_array().into_iter().flatten().filter_map(|step| step["run"].as_str());
    let lines =
        ["before_script", "script"].into_iter().flat_map(|key| job[key].as_array().into_iter().flatten());
    let lines = lines.flat_map(|line| match line {
        Value::Array(inner) => inner.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect::<Vec<_>>(),
    });
    steps.chain(lines).map(str::to_owned).collect()
}

fn jobs(recipe: &Value) -> Vec<(&String, &Value)> {
    let jobs = recipe.get("jobs").unwrap_or(recipe).as_object().unwrap();
    jobs.iter().filter(|(_, job)| !scripts(job).is_empty()).collect()
}

#[test]
fn every_script_is_bash() {
    for (name, least) in
        [("github-actions.yml", 3), ("gitlab-ci.yml", 3), ("librato-apply-action/action.yml", 1)]
    {
        let recipe = recipe(name);
        let jobs = jobs(&recipe);
        assert!(jobs.len() >= least, "{name} has lost its jobs");
        for (job, body) in jobs {
            for script in scripts(body) {
                let checked = Command::new("bash").args(["-n", "-c", &script]).output().unwrap();
                assert!(
                    checked.status.success(),
                    "{name}, {job}: {}",
                    String::from_utf8_lossy(&checked.stderr)
                );
            }
        }
    }
}

/// What is downloaded of a release: an archive and its sum.
const RELEASE: &str = r#"case "$*" in
*SHA256SUMS*)
    archive=$(grep -o '[^/ ]*[.]tar[.]gz' <<< "$*")
    mkdir -p "${archive%.tar.gz}" && echo '#!/bin/sh' > "${archive%.tar.gz}/librato-apply"
    tar -czf "$archive" "${archive%.tar.gz}" && sha256sum "$archive" > SHA256SUMS
    test ! -e forged || echo more >> "$archive"
    ;;
esac
"#;

/// A directory with definitions, and programs that stand in for those of the CI service: they write down how they were
/// called.
struct Runner {
    dir: tempfile::TempDir,
    endpoint: String,
}

impl Runner {
    fn new(endpoint: String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runner = Self { dir, endpoint };
        std::fs::create_dir(runner.path("monitoring")).unwrap();
        std::fs::create_dir(runner.path("bin")).unwrap();
        std::fs::write(
            runner.path("monitoring/all.yaml"),
            "metrics: { web.ms: { type: gauge } }\nservices:\n  hook: { type: webhook, settings: { url: '${secret.HOOK}' } }\nalerts:\n  web.slow:\n    services: [hook]\n    conditions: [{ type: above, metric_name: web.ms, threshold: 5 }]\ntests:\n  six is slow:\n    alert: web.slow\n    input: [{ metric: web.ms, source: a, values: \"1 6\" }]\n    expect: [{ at: 1m, state: triggered }]\n",
        )
        .unwrap();
        let record = "#!/usr/bin/env bash\nprintf '%s %s\\n' \"$(basename \"$0\")\" \"$*\" >> calls.txt\n";
        for program in ["gh", "curl", "apt-get", "jq"] {
            // Once there is a file `found`, there is a comment with the id 7.
            let body = match program {
                "jq" => "cat > /dev/null\ntest ! -e found || echo 7\n",
                "gh" => "case \"$*\" in *--paginate*) test ! -e found || echo 7 ;; esac\n",
                "curl" => RELEASE,
                _ => "",
            };
            let path = runner.path(&format!("bin/{program}"));
            std::fs::write(&path, format!("{record}{body}")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_librato-apply"), runner.path("bin/librato-apply"))
            .unwrap();
        runner
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.dir.path().join(below)
    }

    /// Runs a script as GitHub and GitLab do: bash, stopping at the first failure.
    fn run(&self, script: &str, (user, token): (&str, &str)) -> Output {
        // What `${{ … }}` becomes is not known here, and in no script that is run does it matter.
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env("LIBRATO_ENDPOINT", &self.endpoint)
            .env("LIBRATO_USER", user)
            .env("LIBRATO_TOKEN", token)
            .env("HOOK", "https://hooks.example.org/canary")
            .env("CI", "true")
            .env("GITHUB_OUTPUT", self.path("output.txt"))
            .env("GITHUB_STEP_SUMMARY", self.path("summary.md"))
            .env("GITHUB_PATH", self.path("path.txt"))
            .env("RUNNER_TEMP", self.dir.path())
            .env("LIBRATO_APPLY_VERSION", VERSION)
            .env("LIBRATO_APPLY_REPOSITORY", "o/librato-apply")
            .env("VERSION", format!("v{VERSION}"))
            .env("NUMBER", "1")
            .env("FILES", "monitoring")
            .env("ARGS", "--strict")
            .env("COMMENTS", "repos/o/r/issues/1/comments")
            .env("REPOSITORY", "o/r")
            .env("CODE", self.code())
            .env("LABELS", self.labels())
            .env("CI_MERGE_REQUEST_LABELS", self.labels())
            .env("PLAN_NOTE_TOKEN", "note")
            .env("CI_API_V4_URL", "https://gitlab.invalid/api/v4")
            .env("CI_PROJECT_ID", "1")
            .env("CI_MERGE_REQUEST_IID", "1")
            .output()
            .unwrap()
    }

    /// What an earlier step gave out as its exit code.
    fn code(&self) -> String {
        let given = self.read_if_there("output.txt");
        given.lines().rev().find_map(|line| line.strip_prefix("code=")).unwrap_or("2").to_owned()
    }

    /// The labels of the pull request.
    fn labels(&self) -> String {
        self.read_if_there("labels")
    }

    fn read_if_there(&self, file: &str) -> String {
        if self.path(file).exists() { self.read(file) } else { String::new() }
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }
}

fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn run_all(runner: &Runner, job: &Value, who: (&str, &str)) {
    for script in scripts(job).iter().filter(|script| !script.contains("${{")) {
        let done = runner.run(script, who);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{script}\n{said}");
        assert!(!said.contains(TOKEN) && !said.contains(PLANNER.1) && !said.contains("canary"));
    }
}

/// The first exit code that is not 0, of steps that each run whatever came of the others.
fn ended(runner: &Runner, job: &Value) -> i32 {
    let scripts = scripts(job);
    let runs = scripts.iter().filter(|script| !script.contains("${{"));
    let codes: Vec<i32> = runs.map(|script| runner.run(script, PLANNER).status.code().unwrap()).collect();
    codes.into_iter().find(|code| *code != 0).unwrap_or(0)
}

/// Six hours above the threshold: a notification every ten minutes.
fn measure_noise(server: &cli::Server) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let measured = |back: u64| serde_json::json!({ "name": "web.ms", "value": 9, "source": "a", "measure_time": now - 60 * back });
    let gauges: Vec<Value> = (1..=360).map(measured).collect();
    let (status, said) =
        server.call("POST", "/v1/metrics", &serde_json::json!({ "gauges": gauges }).to_string());
    assert_eq!(status, 200, "{said}");
}

#[test]
fn a_noisy_alert_fails_the_job_and_stands_in_the_comment_until_a_label_accepts_it() {
    for name in ["github-actions.yml", "gitlab-ci.yml"] {
        let data = tempfile::tempdir().unwrap();
        let credentials = data.path().join("credentials");
        write_private(&credentials, &format!("{} {} operator\n", PLANNER.0, PLANNER.1));
        let more = ["--credentials", credentials.to_str().unwrap()];
        let server = cli::Server::start_with(&data.path().join("data.db"), cli::TOKEN, &more);
        measure_noise(&server);
        let runner = Runner::new(server.endpoint());
        let recipe = recipe(name);
        let job = &recipe.get("jobs").unwrap_or(&recipe)["plan"];
        assert_eq!(ended(&runner, job), 3, "{name}");
        let comment = runner.read("plan.md");
        assert!(comment.contains("#### Refused") && comment.contains("noisy-alerts"), "{name}: {comment}");
        assert!(
            runner.read("calls.txt").contains("plan.md"),
            "{name}: the comment is posted before the job fails"
        );
        std::fs::write(runner.path("labels"), "other,accept-noisy-alerts").unwrap();
        assert_eq!(ended(&runner, job), 0, "{name}: {}", runner.read("plan.md"));
    }
}

fn drift_code(runner: &Runner, job: &Value) -> Option<i32> {
    let script = scripts(job).into_iter().find(|script| script.contains("librato-apply plan")).unwrap();
    runner.run(&script, PLANNER).status.code()
}

#[test]
fn a_pull_request_is_planned_and_commented_a_merge_applied_and_drift_found() {
    for (name, commented, updated) in [
        ("github-actions.yml", "gh api --method POST", "gh api --method PATCH repos/o/r/issues/comments/7"),
        ("gitlab-ci.yml", "curl -sSf -X POST", "curl -sSf -X PUT"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let credentials = data.path().join("credentials");
        write_private(&credentials, &format!("{} {} operator\n", PLANNER.0, PLANNER.1));
        let more = ["--credentials", credentials.to_str().unwrap()];
        let server = cli::Server::start_with(&data.path().join("data.db"), TOKEN, &more);
        let runner = Runner::new(server.endpoint());
        let recipe = recipe(name);
        let jobs = recipe.get("jobs").unwrap_or(&recipe);
        run_all(&runner, &jobs["plan"], PLANNER);
        assert!(runner.read("plan.md").starts_with("<!-- librato-apply plan -->\n"), "{name}");
        assert!(runner.read("plan.md").contains("| cannot fire |"), "{name}: with evidence");
        let calls = runner.read("calls.txt");
        assert_eq!(calls.matches(commented).count(), 1, "{name} makes one comment: {calls}");
        assert!(calls.contains("body=@plan.md") || calls.contains("body@plan.md"), "{name}: {calls}");
        std::fs::write(runner.path("found"), "").unwrap();
        run_all(&runner, &jobs["plan"], PLANNER);
        assert!(runner.read("calls.txt").contains(updated), "{name}: {}", runner.read("calls.txt"));
        let text = std::fs::read_to_string(format!("examples/ci/{name}")).unwrap();
        let sought = "startswith(\"<!-- librato-apply plan -->\")";
        assert!(text.contains(sought), "{name} looks for the comment");
        assert_eq!(drift_code(&runner, &jobs["drift"]), Some(2), "{name}: nothing is applied yet");
        run_all(&runner, &jobs["apply"], (cli::USER, TOKEN));
        assert_eq!(drift_code(&runner, &jobs["drift"]), Some(0), "{name}");
        // Who plans cannot write, and the recipe gives the plan and the drift job no other credentials.
        let apply = scripts(&jobs["apply"])
            .into_iter()
            .find(|script| script.contains("librato-apply apply"))
            .unwrap();
        let more =
            runner.read("monitoring/all.yaml").replace("{ web.ms", "{ web.errors: { type: counter }, web.ms");
        std::fs::write(runner.path("monitoring/all.yaml"), more).unwrap();
        assert_eq!(runner.run(&apply, PLANNER).status.code(), Some(1), "{name}");
        run_all(&runner, &jobs["apply"], (cli::USER, TOKEN));
        for job in ["plan", "drift"] {
            let of_the_job = format!("{}{}{}", recipe["env"], jobs[job]["env"], jobs[job]["variables"]);
            assert!(of_the_job.contains("LIBRATO_PLAN_TOKEN"), "{name}, {job}: {of_the_job}");
        }
        std::fs::write(
            Path::new(&runner.path("monitoring/all.yaml")),
            "metrics: { web.ms: { type: counter } }\n",
        )
        .unwrap();
        assert_eq!(drift_code(&runner, &jobs["drift"]), Some(3), "{name}: replacing a metric is refused");
    }
}

/// What is copied from here gets the release that it was written for.
#[test]
fn recipes_and_pages_name_this_version() {
    let pinned = format!("LIBRATO_APPLY_VERSION: \"{VERSION}\"");
    let action = format!("librato-apply-action@v{VERSION}");
    let status = format!("**Status**: version {VERSION},");
    for (file, words) in [
        ("examples/ci/github-actions.yml", &pinned),
        ("examples/ci/gitlab-ci.yml", &pinned),
        ("examples/ci/librato-apply-action/action.yml", &action),
        ("docs/ci.md", &action),
        ("README.md", &status),
    ] {
        assert!(std::fs::read_to_string(file).unwrap().contains(words.as_str()), "{file}: no {words}");
    }
}

/// What was forged is not installed, and what is installed is found.
#[test]
fn a_release_is_installed_if_its_sum_is_right() {
    for (name, job) in [
        ("github-actions.yml", "plan"),
        ("gitlab-ci.yml", "plan"),
        ("librato-apply-action/action.yml", "runs"),
    ] {
        let runner = Runner::new("embedded:unused.db".to_owned());
        let recipe = recipe(name);
        let jobs = recipe.get("jobs").unwrap_or(&recipe);
        let install = scripts(&jobs[job]).into_iter().find(|script| script.contains("SHA256SUMS")).unwrap();
        let done = runner.run(&install, PLANNER);
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        let calls = runner.read_if_there("calls.txt") + &runner.read_if_there("librato-apply/calls.txt");
        let address = "https://github.com/o/";
        assert!(
            calls.contains(address)
                && calls.contains(&format!("/releases/download/v{VERSION}/librato-apply-{VERSION}-")),
            "{calls}"
        );
        std::fs::write(runner.path("forged"), "").unwrap();
        std::fs::create_dir_all(runner.path("librato-apply")).unwrap();
        std::fs::write(runner.path("librato-apply/forged"), "").unwrap();
        let refused = runner.run(&install, PLANNER);
        assert!(!refused.status.success(), "{name}: {}", String::from_utf8_lossy(&refused.stdout));
    }
}

#[test]
fn the_action_plans_with_a_comment_and_applies() {
    let data = tempfile::tempdir().unwrap();
    let server = cli::Server::start_with(&data.path().join("data.db"), TOKEN, &[]);
    let runner = Runner::new(server.endpoint());
    let action = recipe("librato-apply-action/action.yml");
    let scripts = scripts(&action["runs"]);
    let [_, check, plan, apply] = &scripts[..] else { panic!("{}", scripts.len()) };
    for script in [check, plan, apply] {
        let done = runner.run(script, (cli::USER, TOKEN));
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && !said.contains(TOKEN), "{script}\n{said}");
    }
    assert!(runner.read("calls.txt").contains("gh api --method POST repos/o/r/issues/1/comments"));
    assert!(runner.read("plan.md").starts_with("<!-- librato-apply plan -->\n"));
    std::fs::write(runner.path("found"), "").unwrap();
    assert!(runner.run(plan, (cli::USER, TOKEN)).status.success());
    assert!(runner.read("calls.txt").contains("gh api --method PATCH repos/o/r/issues/comments/7"));
    assert!(runner.read("plan.md").contains("othing to change"), "{}", runner.read("plan.md"));
}
