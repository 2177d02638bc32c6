//! The pages in a real browser: `tests/browser/` drives Debian's Chromium, and axe-core judges what it finds. What is missing is said and
//! passed over, unless CONFORMANCE=required is set. `REFRESHES=1000` makes the longest of them as long as it may be.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::conformance::installed;

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// The first of the browsers that is there.
fn chromium() -> Result<PathBuf, String> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let known =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    named
        .into_iter()
        .chain(known)
        .find(|path| path.is_file())
        .ok_or_else(|| "there is no chromium".to_owned())
}

/// The packages that drive it, by the content of their lock file.
fn modules() -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    std::fs::read(scripts().join("package-lock.json")).map_err(|error| error.to_string())?.hash(&mut hasher);
    installed(&format!("browser-{:016x}", hasher.finish()), |fresh| {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(scripts().join(file), fresh.join(file)).map_err(|error| error.to_string())?;
        }
        let mut command = Command::new("npm");
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(fresh);
        Ok(command)
    })
}

fn ready() -> Result<(PathBuf, PathBuf), String> {
    let version =
        Command::new("node").arg("--version").output().map_err(|_| "there is no node".to_owned())?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 20) {
        return Err(format!("node is {}, and 20 is needed", version.trim()));
    }
    Ok((chromium()?, modules()?))
}

#[test]
fn pages_in_chromium() {
    run(None);
}

/// The same over three servers of a PostgreSQL, of which any is asked by whatever the browser does not ask.
#[cfg(unix)]
#[test]
fn pages_of_three_servers_in_chromium() {
    let Some(postgres) = crate::store::durable(&[]) else { return };
    run(Some(postgres.dir()));
}

fn run(postgres: Option<&Path>) {
    let (chromium, modules) = match ready() {
        Ok(found) => found,
        Err(reason) => {
            let required = std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required");
            assert!(!required, "CONFORMANCE=required, but {reason}");
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "the pages in a browser SKIPPED: {reason}");
            return;
        }
    };
    let tests = std::fs::read_dir(scripts()).unwrap().map(|entry| entry.unwrap().path());
    let mut tests: Vec<PathBuf> =
        tests.filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect();
    tests.sort();
    let mut command = Command::new("node");
    if let Some(postgres) = postgres {
        command.env("BROWSER_POSTGRES", postgres);
    }
    let done = command
        .args(["--test", "--test-concurrency=2", "--test-reporter=spec"])
        .args(&tests)
        .env("LIBRATO_APPLY", env!("CARGO_BIN_EXE_librato-apply"))
        .env("CHROMIUM", chromium)
        .env("BROWSER_MODULES", modules)
        .env_remove("NODE_OPTIONS")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}\n{err}");
    // So that nobody takes no test for a good one.
    let passed = out
        .lines()
        .find_map(|line| line.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).strip_prefix("pass "));
    let passed: usize = passed.and_then(|count| count.trim().parse().ok()).unwrap_or(0);
    assert!(passed >= tests.len(), "{out}");
}
