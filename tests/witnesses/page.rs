//! The end of docs/emitters.md and the tour of the front page, as they stand there: a server, an alert, values, and the page that arrives.
//! Only the addresses are others, and values that are on their way are waited for a second, not ten.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::sinks::Sink;

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

/// What stands behind the fences of a section of a page, and what between them.
fn section(page: &str, heading: &str) -> Vec<(String, String)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let parts: Vec<&str> = section.split("```").collect();
    let blocks = parts.chunks_exact(2).map(|part| part[1].split_once('\n').unwrap());
    blocks.map(|(info, body)| (info.to_owned(), body.to_owned())).collect()
}

/// A directory with the program under its own name.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_librato-apply"), home.path().join("librato-apply"))
            .unwrap();
        Self(home)
    }

    fn command(&self, program: &str) -> Command {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env_clear().env("PATH", path).stdin(Stdio::null());
        command
    }

    /// The server of a page, which waits for a second where it waits for ten.
    fn serve(&self, script: &str) -> Running {
        let serve = script.replace("librato-apply serve", "exec librato-apply serve --quiet");
        let mut command = self.command("bash");
        command.args(["-c", &serve]).env("LIBRATO_SERVE_ALERT_SETTLE", "1s");
        Running(command.env("LIBRATO_SERVE_NOTIFY_ALLOW", "127.0.0.1").spawn().unwrap())
    }

    /// Runs a block as one terminal does after those before it: what was exported stays.
    fn run(&self, exported: &mut String, body: &str) {
        let done = self.command("bash").args(["-ec", &format!("{exported}{body}")]).output().unwrap();
        assert!(done.status.success(), "{body}\n{}", String::from_utf8_lossy(&done.stderr));
        exported
            .extend(body.lines().filter(|line| line.starts_with("export ")).map(|line| format!("{line}\n")));
    }
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
    let home = Home::new();
    let (server, listener) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let listener_port = listener.rsplit(':').next().unwrap();
    let blocks: Vec<(String, String)> = section("docs/emitters.md", "A page that arrives")
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

    fs::write(home.0.path().join("listen.py"), &blocks[1].1).unwrap();
    fs::write(home.0.path().join("page.yaml"), &blocks[2].1).unwrap();
    let _server = home.serve(&blocks[0].1);
    let mut python = home.command("python3").arg("listen.py").stdout(Stdio::piped()).spawn().unwrap();
    let (sender, printed) = channel();
    let lines = BufReader::new(python.stdout.take().unwrap()).lines();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let _listener = Running(python);
    listens(&server);
    listens(&listener);

    let mut exported = String::new();
    for (at, (info, body)) in blocks.iter().enumerate().skip(3) {
        if info == "sh page" {
            home.run(&mut exported, body);
        } else {
            let line =
                printed.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("block {at}: nothing arrives"));
            assert_eq!(format!("{line}\n"), *body, "what the listener prints");
        }
    }
}

/// A sink of Slack's stands for the phone.
#[test]
fn the_tour_of_the_front_page_ends_on_a_phone() {
    let (home, phone) = (Home::new(), Sink::open());
    let server = format!("127.0.0.1:{}", free_port());
    let blocks: Vec<(String, String)> = section("README.md", "Five minutes to a page on your phone")
        .into_iter()
        .map(|(info, body)| {
            let body = body.replace("127.0.0.1:8080", &server);
            let url = format!("http://{}/slack", phone.address);
            (info, body.replace("https://hooks.example.org/services/…", &url))
        })
        .collect();
    let infos: Vec<&str> = blocks.iter().map(|(info, _)| &**info).collect();
    assert_eq!(infos, ["sh tour", "yaml try/tour.yaml", "sh tour", "sh tour"], "what this test does with it");
    let _server = home.serve(&blocks[0].1);
    listens(&server);
    fs::write(home.0.path().join("tour.yaml"), &blocks[1].1).unwrap();
    let mut exported = String::new();
    for (block, is_over) in [(&blocks[2], false), (&blocks[3], true)] {
        home.run(&mut exported, &block.1);
        let (verdict, arrived) = phone.next();
        assert_eq!(verdict, Ok(("slack", is_over)), "{}", arrived.body);
        assert!(arrived.body.contains("kettle.boils"), "{}", arrived.body);
        assert!(is_over || arrived.body.contains("kitchen"), "{}", arrived.body);
    }
}
