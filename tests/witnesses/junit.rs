//! What `test --junit` writes, read by somebody else's reader of that form.

use std::io::Write as _;
use std::process::Command;

use crate::conformance::from_pip;

const DEFINITIONS: &str = r#"
services: { ops: { external: true } }
alerts:
  web.slow:
    conditions: [{ type: above, metric_name: web.ms, threshold: 5 }]
    services: [ops]
tests:
  holds:
    alert: web.slow
    input: [{ metric: web.ms, values: "1" }]
    expect: [{ at: 0, state: ok }]
  "fails: <a> & \"b\" é \u0007":
    alert: web.slow
    input: [{ metric: web.ms, values: "1 9" }]
    expect: [{ at: 0, state: triggered }, { at: 1m, streams: ["<&>"] }]
"#;

const READER: &str = r#"
import sys
from junitparser import JUnitXml, Failure
for suite in JUnitXml.fromfile(sys.argv[1]):
    print(suite.name, suite.tests, suite.failures, suite.errors)
    for case in suite:
        failures = [one for one in case.result if isinstance(one, Failure)]
        print(case.name, case.classname, len(failures))
        for one in failures:
            print(one.message, "|", one.text.splitlines()[0])
"#;

#[test]
fn a_reader_of_junit_finds_every_test_and_failure() {
    let home = match from_pip("junitparser-5.0.3") {
        Ok(home) => home,
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "junitparser SKIPPED: {reason}");
            return;
        }
    };
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), DEFINITIONS).unwrap();
    let tested = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
        .args(["test", "a.yaml", "--junit", "tests.xml"])
        .current_dir(directory.path())
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(tested.status.code(), Some(1), "{}", String::from_utf8_lossy(&tested.stderr));
    let read = Command::new("python3")
        .args(["-c", READER, "tests.xml"])
        .current_dir(directory.path())
        .env("PYTHONPATH", home)
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&read.stdout);
    let expected = "a.yaml 2 1 0
holds web.slow 0
fails: <a> & \"b\" é \u{fffd} web.slow 2
at 0s | expected: { at: 0s, state: triggered }
at 1m | expected: { at: 1m, streams: [\"<&>\"] }
";
    assert_eq!(said, expected, "{}", String::from_utf8_lossy(&read.stderr));
}
