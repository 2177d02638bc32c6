//! A socket that is handed over, as systemd does: whoever listens goes on while the server is another.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::file::{PROGRAM, text};
use crate::server::{Server, TOKEN, USER, fresh};

/// Listens, and has one server after the other answer.
const LISTENS: &str = r#"
import os, socket, subprocess, sys, time
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen(16)
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
for n in ("first", "second"):
    hands = 'export LISTEN_PID=$$; exec "$0" "$@"'
    child = subprocess.Popen(["sh", "-c", hands, *sys.argv[1:]], close_fds=False, env={**os.environ, "LISTEN_FDS": "1"})
    print(n, child.pid, flush=True, file=sys.stderr)
    child.wait()
    print(n, "ended", flush=True, file=sys.stderr)
    time.sleep(1)
"#;

fn answered(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn ask(host: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    stream
}

/// Ends the server of this name, and gives what was written until then.
fn end(server: &Server, name: &str) -> String {
    let log = server.log_with(&format!("{name} "));
    let process = log.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    assert!(Command::new("kill").args(["-TERM", process]).status().unwrap().success());
    server.log_with(&format!("{name} ended"))
}

#[test]
fn connections_wait_for_the_next_server() {
    let (_dir, data) = fresh();
    let mut command = Command::new("python3");
    // An address that nobody could have: it is not asked for.
    command
        .args(["-c", LISTENS, PROGRAM, "serve", "--listen", "192.0.2.1:1"])
        .args(["--user", USER, "--color", "never", "--data"])
        .arg(&data)
        .env("LIBRATO_TOKEN", TOKEN);
    let server = Server::spawn(command);
    assert!(answered(&mut ask(&server.host)).starts_with("HTTP/1.1 200"));
    end(&server, "first");
    // Nobody takes it yet, and nobody refuses it.
    let mut waiting = ask(&server.host);
    assert!(answered(&mut waiting).starts_with("HTTP/1.1 200"));
    let log = end(&server, "second");
    assert_eq!(log.matches("listening on http://127.0.0.1:").count(), 2, "{log}");
}

#[test]
fn what_is_no_socket_or_more_than_one_is_refused() {
    for (count, why) in [("1", "LISTEN_FDS"), ("2", "there are several")] {
        let (_dir, data) = fresh();
        let hands = r#"exec 3</dev/null 4</dev/null; export LISTEN_PID=$$; exec "$0" "$@""#;
        let output = Command::new("sh")
            .args(["-c", hands, PROGRAM, "serve", "--user", USER, "--data"])
            .arg(&data)
            .envs([("LISTEN_FDS", count), ("LIBRATO_TOKEN", TOKEN)])
            .output()
            .unwrap();
        let said = text(&output);
        assert!(!output.status.success() && said.contains(why) && said.contains("ListenStream="), "{said}");
        assert!(!data.exists(), "a start that fails leaves nothing behind");
    }
}
