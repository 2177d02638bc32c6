//! The end of docs/emitters.md, as it stands there: a server, a listener, an alert, values, and the page that arrives. Only the addresses
//! are others, and values that are on their way are waited for a second, not ten.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Nothing here takes so long; who waits longer waits for nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What stands behind the fences of the last section, and what between them.
fn section() -> Vec<(String, String)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/emitters.md")).unwrap();
    let (_, section) = page.split_once("\n## A page that arrives\n").unwrap();
    let parts: Vec<&str> = section.split("```").collect();
    let blocks = parts.chunks_exact(2).map(|part| part[1].split_once('\n').unwrap());
    blocks.map(|(info, body)| (info.to_owned(), body.to_owned())).collect()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens.
fn listens(address: &str) {
    for _ in 0..1200 {
        if TcpStream::connect(address).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nobody listens on {address}");
}

#[test]
fn the_page_of_the_guide_arrives() {
    let has_python = Command::new("python3").arg("--version").output().is_ok();
    if !has_python {
        assert!(
            std::env::var_os("CONFORMANCE").is_none_or(|declared| declared != "required"),
            "there is no python3"
        );
        // Past the capture of the test runner, which would swallow it.
        let _ = writeln!(std::io::stderr(), "the page of the guide SKIPPED: there is no python3");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_librato-apply"), home.path().join("librato-apply"))
        .unwrap();
    let (server, listener) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let listener_port = listener.rsplit(':').next().unwrap();
    let blocks: Vec<(String, String)> = section()
        .into_iter()
        .map(|(info, body)| {
            let body = body.replace("127.0.0.1:8080", &server).replace("127.0.0.1:9000", &listener);
            (info, body.replace("\"127.0.0.1\", 9000", &format!("\"127.0.0.1\", {listener_port}")))
        })
        .collect();
    let infos: Vec<&str> = blocks.iter().map(|(info, _)| &**info).collect();
    let known =
        ["sh page", "python listen.py", "yaml page.yaml", "sh page", "text page", "sh page", "text page"];
    assert_eq!(infos, known, "what this test does with the section");

    let path = format!("{}:{}", home.path().display(), std::env::var("PATH").unwrap());
    let in_home = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(home.path()).env_clear().env("PATH", &path).stdin(Stdio::null());
        command
    };
    fs::write(home.path().join("listen.py"), &blocks[1].1).unwrap();
    fs::write(home.path().join("page.yaml"), &blocks[2].1).unwrap();
    let serve = blocks[0].1.replace("librato-apply serve", "exec librato-apply serve --quiet");
    let mut command = in_home("bash");
    let _server =
        Running(command.args(["-c", &serve]).env("LIBRATO_SERVE_ALERT_SETTLE", "1s").spawn().unwrap());
    let mut python = in_home("python3").arg("listen.py").stdout(Stdio::piped()).spawn().unwrap();
    let (sender, printed) = channel();
    let lines = BufReader::new(python.stdout.take().unwrap()).lines();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let _listener = Running(python);
    listens(&server);
    listens(&listener);

    // One terminal, in which what was exported stays.
    let mut script = "set -e\n".to_owned();
    for (at, (info, body)) in blocks.iter().enumerate().skip(3) {
        if info == "sh page" {
            let done = in_home("bash").args(["-c", &format!("{script}{body}")]).output().unwrap();
            assert!(done.status.success(), "{body}\n{}", String::from_utf8_lossy(&done.stderr));
            script.extend(
                body.lines().filter(|line| line.starts_with("export ")).map(|line| format!("{line}\n")),
            );
        } else {
            let line =
                printed.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("block {at}: nothing arrives"));
            assert_eq!(format!("{line}\n"), *body, "what the listener prints");
        }
    }
}
