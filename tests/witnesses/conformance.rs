//! The server against clients as they were published: other people's code is the witness of compatibility.
//! Installs them with their own package managers into target/, drives each against a server of its own, set up as
//! docs/emitters.md shows, and prints a table. Where that is not possible it says so and passes, unless CONFORMANCE=required is set.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{Server, TOKEN, USER, client, fresh};

/// A published client and the script that drives it.
struct Client {
    name: &'static str,
    version: &'static str,
    install: fn(&Client) -> Result<PathBuf, String>,
    /// How docs/emitters.md points it at the server.
    shown: Shown,
    /// Runs the script with what `install` gave; `None` where what the page shows is all there is to run.
    script: Option<fn(&Path) -> Command>,
}

impl Client {
    /// What it is called below target/.
    fn directory(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// What the block of docs/emitters.md is that is marked with a client's name and version.
enum Shown {
    /// A program, to be run with the file as its last argument. It submits `site.response.ms` as 312.
    Program(fn(&Path) -> Command),
    /// A part of a configuration, which the script lays over its own.
    Configuration,
}

use Shown::{Configuration, Program};

const CLIENTS: &[Client] = &[
    Client {
        name: "curl",
        version: "any",
        install: curl,
        shown: Program(|_| Command::new("sh")),
        script: None,
    },
    Client {
        name: "python-librato",
        version: "0.8.6",
        install: pip,
        shown: Program(python),
        script: Some(|home| run(python(home), "python_librato_086.py")),
    },
    Client {
        name: "python-librato",
        version: "3.1.0",
        install: pip,
        shown: Program(python),
        script: Some(|home| run(python(home), "python_librato_310.py")),
    },
    Client {
        name: "appoptics-metrics",
        version: "5.1.0",
        install: pip,
        shown: Program(python),
        script: Some(|home| run(python(home), "python_appoptics_510.py")),
    },
    Client {
        name: "statsd-librato-backend",
        version: "2.0.16",
        install: npm,
        shown: Configuration,
        script: Some(|home| run(node(home), "statsd_librato.js")),
    },
    Client {
        name: "statsd-appoptics-backend",
        version: "1.0.0",
        install: npm,
        shown: Configuration,
        script: Some(|home| run(node(home), "statsd_appoptics.js")),
    },
    Client {
        name: "librato-node",
        version: "5.0.6",
        install: npm,
        shown: Program(node),
        script: Some(|home| run(node(home), "librato_node.js")),
    },
    Client {
        name: "librato-metrics",
        version: "0.0.7",
        install: npm,
        shown: Program(node),
        script: Some(|home| run(node(home), "librato_metrics.js")),
    },
    Client {
        name: "collectd",
        version: "5.12.0",
        install: collectd,
        shown: Configuration,
        script: Some(|home| {
            let mut command = Command::new("python3");
            command.env("COLLECTD_ROOT", home);
            run(command, "collectd.py")
        }),
    },
    Client {
        name: "go-metrics",
        version: "0.0~git20180125",
        install: go,
        shown: Program(go_run),
        script: Some(|home| run(go_run(home), "go_metrics.go")),
    },
];

/// The blocks of docs/emitters.md that are marked with a client, and how they are marked.
fn guide() -> BTreeMap<String, String> {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/emitters.md")).unwrap();
    let mut lines = page.lines();
    let mut found = BTreeMap::new();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if let [_, name, version] = info.split(' ').collect::<Vec<_>>()[..] {
            found.insert(format!("{name} {version}"), body.join("\n") + "\n");
        }
    }
    found
}

pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// The directory called `name`, which `make` fills when it is not there. It is moved into place when it is whole, so
/// that a run that was cut short leaves nothing that looks finished.
pub fn installed(name: &str, make: impl FnOnce(&Path) -> Result<Command, String>) -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = target.join(name);
    // One at a time: tests that run beside each other want the same program.
    let lock = File::create(target.join(format!("{name}.lock"))).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if home.is_dir() {
        return Ok(home);
    }
    let fresh = tempfile::tempdir_in(target).map_err(|error| error.to_string())?;
    let mut command = make(fresh.path())?;
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|error| format!("{program} cannot be run: {error}"))?;
    if !done.status.success() {
        let reason = String::from_utf8_lossy(&done.stderr);
        return Err(format!("{name} cannot be installed with {program}:\n{}", reason.trim_end()));
    }
    std::fs::rename(fresh.path(), &home).map_err(|error| error.to_string())?;
    Ok(home)
}

/// Part of most systems; nothing is installed.
fn curl(_: &Client) -> Result<PathBuf, String> {
    let found = Command::new("curl").arg("--version").output();
    found.map_err(|error| format!("curl cannot be run: {error}")).map(|_| PathBuf::new())
}

fn pip(wanted: &Client) -> Result<PathBuf, String> {
    from_pip(&wanted.directory())
}

/// A package of Python, by its name and version: `tests/clients/` has what belongs to it, by content.
pub fn from_pip(name: &str) -> Result<PathBuf, String> {
    let requirements = format!("{name}.txt");
    installed(name, |fresh| {
        let mut command = Command::new("python3");
        command
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
                "--retries",
                "2",
            ])
            .args(["--root-user-action", "ignore", "--no-deps", "--require-hashes", "--requirement"])
            .arg(scripts().join(requirements))
            .arg("--target")
            .arg(fresh);
        Ok(command)
    })
}

/// All of Node's clients are in one directory, at the versions and contents that the committed lock file names. The
/// directory is called after that file, so that a change of it is seen.
fn npm(_: &Client) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    std::fs::read(scripts().join("node/package-lock.json")).unwrap().hash(&mut hasher);
    installed(&format!("node-clients-{:016x}", hasher.finish()), |fresh| {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(scripts().join("node").join(file), fresh.join(file))
                .map_err(|error| error.to_string())?;
        }
        let mut command = Command::new("npm");
        command
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional"])
            .current_dir(fresh);
        Ok(command)
    })
}

fn collectd(wanted: &Client) -> Result<PathBuf, String> {
    unpacked(&wanted.directory(), "collectd-core libyajl2")
}

/// Debian's packages, unpacked and not installed: the tests change nothing outside of target/. What else they need is part
/// of most systems.
pub fn unpacked(name: &str, packages: &str) -> Result<PathBuf, String> {
    installed(name, |fresh| {
        // A new machine has no lists of packages yet.
        let script = "take() { apt-get download --quiet \"$@\"; }; take \"$@\" || { apt-get update --quiet; take \"$@\"; }; \
                      for one in *.deb; do dpkg -x \"$one\" .; rm \"$one\"; done";
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script, "sh"]).args(packages.split(' ')).current_dir(fresh);
        Ok(command)
    })
}

/// Debian's Go and the library, where they are part of the system; else unpacked like the other packages.
fn go(wanted: &Client) -> Result<PathBuf, String> {
    const LIBRARY: &str = "usr/share/gocode/src/github.com/rcrowley/go-metrics/librato";
    if Path::new("/").join(LIBRARY).is_dir() && Command::new("go").arg("version").output().is_ok() {
        return Ok(PathBuf::from("/"));
    }
    unpacked(&wanted.directory(), "golang-1.19-go golang-1.19-src golang-github-rcrowley-go-metrics-dev")
}

/// Compiles and runs the file that is the last argument, whatever it is called.
fn go_run(home: &Path) -> Command {
    let mut command = Command::new("sh");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache");
    let own = home.join("usr/lib/go-1.19");
    if own.is_dir() {
        let path = std::env::var("PATH").unwrap();
        command.env("GOROOT", &own).env("PATH", format!("{}:{path}", own.join("bin").display()));
    }
    command.env("GOCACHE", cache).env("GOPATH", home.join("usr/share/gocode")).env("GO111MODULE", "off");
    command.args([
        "-e",
        "-c",
        "at=$(mktemp -d); trap 'rm -r $at' EXIT; cp \"$0\" $at/main.go; go run $at/main.go",
    ]);
    command
}

fn python(home: &Path) -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", home).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn node(home: &Path) -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", home.join("node_modules"));
    command
}

fn run(mut command: Command, script: &str) -> Command {
    command.arg(scripts().join(script));
    command
}

/// What one client did.
struct Driven {
    steps: u32,
    /// Methods and routes.
    calls: usize,
    requests: u64,
}

async fn drive(wanted: &Client, home: &Path, snippet: &str) -> Driven {
    let (dir, data) = fresh();
    // Alerts of clients fire soon, and nobody hears of it.
    let server = Server::start(&data, &["--alert-settle", "1", "--no-notify"]);
    let file = dir.path().join("snippet");
    let snippet = snippet.replace("127.0.0.1:8080", &server.host).replace("YOUR-TOKEN", TOKEN);
    std::fs::write(&file, snippet).unwrap();
    let mut steps = 0;
    if let Program(program) = wanted.shown {
        let mut command = program(home);
        command.arg(&file);
        attend(wanted, &server, command).await;
        is_measured(&server).await;
        steps += 1;
    }
    if let Some(script) = wanted.script {
        let mut command = script(home);
        command.env("CONFORMANCE_SNIPPET", &file);
        let said = attend(wanted, &server, command).await;
        let passed = number_after(&said, "passed ").or_else(|| number_after(&said, "Ran "));
        steps += passed.unwrap_or_else(|| panic!("{} does not say what it did: {said}", wanted.name));
    }
    assert!(!server.log().contains(TOKEN), "the token is in the server's log");
    let (calls, requests) = exercised(&server).await;
    assert!(steps > 0 && requests > 0, "{}: {steps} {requests}", wanted.name);
    Driven { steps, calls, requests }
}

/// Runs a command against the server to its end, which must be a good one; what it said.
async fn attend(wanted: &Client, server: &Server, mut command: Command) -> String {
    command.env("CONFORMANCE_HOST", &server.host);
    command.env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN).env("APPOPTICS_TOKEN", TOKEN);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr) + String::from_utf8_lossy(&ended.stdout);
    let name = format!("{} {}", wanted.name, wanted.version);
    assert!(ended.status.success(), "{name}: {said}\n--- the server's log:\n{}", server.log());
    said.into_owned()
}

/// What the programs of docs/emitters.md send has arrived.
async fn is_measured(server: &Server) {
    let ask = async |path: &str| {
        let answer = client().get(server.url(path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    let by_source = ask("/v1/metrics/site.response.ms?count=1&resolution=1").await;
    let by_tags = ask("/v1/measurements/site.response.ms?resolution=1&duration=600").await;
    assert!(
        by_source.contains("\"value\":312.0") || by_tags.contains("\"value\":312.0"),
        "{by_source}\n{by_tags}"
    );
}

fn number_after(text: &str, mark: &str) -> Option<u32> {
    let (_, rest) = text.rsplit_once(mark)?;
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// How many methods of how many routes were asked for, and how often: what the server itself counted.
async fn exercised(server: &Server) -> (usize, u64) {
    let answer = client().get(server.url("/metrics")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    let page = answer.text().await.unwrap();
    let (mut calls, mut requests) = (BTreeSet::new(), 0);
    for line in page.lines().filter_map(|line| line.strip_prefix("librato_apply_requests_total{")) {
        let (labels, count) = line.rsplit_once("} ").unwrap();
        let (call, _) = labels.split_once(",status=").unwrap();
        calls.insert(call.to_owned());
        requests += count.parse::<u64>().unwrap();
    }
    (calls.len(), requests)
}

#[test]
fn the_guide_shows_how_to_point_each_client_at_the_server() {
    let shown: BTreeSet<String> = guide().into_keys().collect();
    let driven = CLIENTS.iter().map(|client| format!("{} {}", client.name, client.version)).collect();
    assert_eq!(shown, driven, "marked blocks of docs/emitters.md (left), clients that are driven (right)");
}

#[tokio::test(flavor = "multi_thread")]
async fn published_clients_work_unmodified() {
    let guide = guide();
    let required = std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required");
    let mut table =
        format!("\n{:<26}{:<10}{:>7}{:>10}{:>7}\n", "client", "version", "calls", "requests", "passed");
    for wanted in CLIENTS {
        let row = match (wanted.install)(wanted) {
            Ok(home) => {
                let snippet = &guide[&format!("{} {}", wanted.name, wanted.version)];
                let driven = drive(wanted, &home, snippet).await;
                format!("{:>7}{:>10}{:>7}", driven.calls, driven.requests, driven.steps)
            }
            Err(reason) if required => panic!("CONFORMANCE=required, but {reason}"),
            Err(reason) => format!("  SKIPPED: {reason}"),
        };
        table += &format!("{:<26}{:<10}{row}\n", wanted.name, wanted.version);
    }
    // Past the capture of the test runner, which would swallow it.
    let _ = writeln!(std::io::stderr(), "{table}");
}
