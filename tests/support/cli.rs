//! Runs the real binary, and a real `serve` beside it whose log can be read. No flags or environment of the outside reach either.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // shared by several tests, none of which uses all

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use base64::Engine as _;
use serde_json::Value;

pub const USER: &str = "ops@example.org";
pub const TOKEN: &str = "token-of-the-tests";

/// How a run ended and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Expects this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Expects all of these texts on stderr.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in stderr:\n{}", self.stderr);
        }
        self
    }

    /// Expects all of these texts on stdout.
    #[track_caller]
    pub fn prints(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text), "no {text:?} in stdout:\n{}", self.stdout);
        }
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.stdout))
    }

    /// Everything that was said.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// The binary, in a directory, with an environment of its own.
pub struct Cli {
    pub command: Command,
}

impl Cli {
    pub fn new(dir: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
        command.current_dir(dir).env_clear().stdin(Stdio::null());
        Self { command }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn run(mut self, args: &[&str]) -> Ran {
        ran(&self.command.args(args).output().unwrap())
    }

    /// Runs with a text on standard input.
    pub fn run_with(mut self, args: &[&str], input: &[u8]) -> Ran {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.args(args).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || _ = stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        ran(&output)
    }
}

fn ran(output: &std::process::Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).expect("output is UTF-8");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let code = output.status.code().unwrap_or(-1);
    assert!(!stderr.contains("panicked"), "a panic: {stderr}");
    Ran { code, stdout, stderr }
}

/// A `serve` in a process of its own; killed when dropped.
pub struct Server {
    child: Child,
    pub addr: SocketAddr,
    log: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Server {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, TOKEN, &[])
    }

    pub fn start_with(data: &Path, token: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
            .args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--data", data.to_str().unwrap()])
            .args(more)
            .env_clear()
            .env("LIBRATO_TOKEN", token)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let addr = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "the server did not start: {said}");
            said.push_str(&line);
            if let Some(rest) = line.split_once("listening on http://") {
                break rest.1.split_whitespace().next().unwrap().parse().unwrap();
            }
        };
        let log = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let lines = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lines.0.lock().unwrap().push(line);
                lines.1.notify_all();
            }
        });
        Self { child, addr, log }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The binary, told to talk to this server.
    pub fn cli(&self, dir: &Path) -> Cli {
        Cli::new(dir)
            .env("LIBRATO_ENDPOINT", &self.endpoint())
            .env("LIBRATO_USER", USER)
            .env("LIBRATO_TOKEN", TOKEN)
    }

    /// A request by hand: status and JSON.
    pub fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        request(self.addr, method, path, body)
    }

    /// What the server logged since the last call of this, as far as requests are done: a last request marks the end.
    pub fn log(&self) -> Vec<String> {
        static MARKS: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("/v1/mark-{}", MARKS.fetch_add(1, Ordering::SeqCst));
        self.call("GET", &mark, "");
        let (lines, changed) = &*self.log;
        let reached = |lines: &mut Vec<String>| !lines.iter().any(|line| line.contains(&mark));
        let mut lines = changed.wait_while(lines.lock().unwrap(), reached).unwrap();
        std::mem::take(&mut *lines).into_iter().filter(|line| !line.contains("/v1/mark-")).collect()
    }

    /// The writes since the last look, as `METHOD path`.
    pub fn writes(&self) -> Vec<String> {
        self.requests().into_iter().filter(|line| !line.starts_with("GET ")).collect()
    }

    /// The requests since the last look, as `METHOD path`.
    pub fn requests(&self) -> Vec<String> {
        let field = |line: &str, name: &str| {
            let (_, rest) = line.split_once(&format!(" {name}="))?;
            rest.split(' ').next().map(|value| value.trim_matches('"').to_owned())
        };
        let entry = |line: &String| Some(format!("{} {}", field(line, "method")?, field(line, "path")?));
        // What changed has a line of its own beside that of the request.
        self.log().iter().filter(|line| line.contains(" request ")).filter_map(entry).collect()
    }

    /// Ends at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request(addr: SocketAddr, method: &str, path: &str, body: &str) -> (u16, Value) {
    let answer = exchange(addr, method, path, body);
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// The whole answer to a request by hand.
pub fn exchange(addr: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{TOKEN}"));
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nauthorization: Basic {credentials}\r\ncontent-type: application/json\r\n"
    );
    write!(stream, "{head}content-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A port that takes connections, keeps what is sent to it, and gives one answer to all of them (or none: it then never answers).
pub struct Trap {
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Trap {
    pub fn start(answer: Option<Vec<u8>>) -> Self {
        Self::start_by(move |_| answer.clone())
    }

    /// Answers by the request, head and body.
    pub fn start_by(answer: impl Fn(&str) -> Option<Vec<u8>> + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), answer.clone());
                std::thread::spawn(move || talk(stream, &log, &answer));
            }
        });
        Self { addr, seen }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// All requests so far, heads and bodies.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn talk(mut stream: TcpStream, log: &Mutex<Vec<String>>, answer: &impl Fn(&str) -> Option<Vec<u8>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    let request = format!("{head}{}", String::from_utf8_lossy(&body));
    log.lock().unwrap().push(request.clone());
    match answer(&request) {
        Some(answer) => {
            // Whoever hangs up early has seen enough.
            let _ = stream.write_all(&answer);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut [0; 1024]);
        }
        // Until the other side gives up.
        None => while stream.read(&mut byte).is_ok_and(|read| read > 0) {},
    }
}

/// A complete answer with a JSON body.
pub fn json_answer(status: u16, body: &str) -> Vec<u8> {
    http_answer(status, "application/json", body)
}

/// A complete answer.
pub fn http_answer(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// A directory with files.
pub fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path: PathBuf = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}
