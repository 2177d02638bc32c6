//! The servers that are measured beside each other, and how each is talked to: `serve`, and VictoriaMetrics where it is installed
//! (Debian's package of that name).

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::http::{Kept, request};
use crate::ingest::Load;
use crate::points::{Form, Points};
use crate::process::middle;
use crate::service::{Service, cpu_of, scratch};
use crate::table::Figure;

/// How often each question is asked.
const ASKED: usize = 20;

/// For so long after the last measurement the journal is compacted, and files are merged.
const SETTLED: Duration = Duration::from_secs(40);

/// A server over an empty directory.
pub struct Side {
    pub id: u32,
    host: String,
    server: Server,
}

/// What ends with its value.
enum Server {
    Ours(Service),
    Theirs(Peer),
}

struct Peer {
    process: Child,
    directory: TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ours, and the peer where it is installed.
pub fn both() -> Vec<Side> {
    [Some(Side::ours()), Side::theirs()].into_iter().flatten().collect()
}

impl Side {
    fn ours() -> Side {
        let service = Service::start();
        Side { id: service.id(), host: service.host().to_owned(), server: Server::Ours(service) }
    }

    fn theirs() -> Option<Side> {
        let directory = scratch();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let host = free.to_string();
        let process = Command::new("victoria-metrics")
            .arg("-storageDataPath")
            .arg(directory.path())
            .args(["-httpListenAddr", &host])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let begun = Instant::now();
        while std::net::TcpStream::connect(&host).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "victoria-metrics does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        let id = process.id();
        Some(Side { id, host, server: Server::Theirs(Peer { process, directory }) })
    }

    fn is_ours(&self) -> bool {
        matches!(self.server, Server::Ours(_))
    }

    /// Processor time for each measurement; the series come into being first.
    pub fn ingest(&self, minutes: usize) -> Figure {
        let load = if self.is_ours() { Load::new(minutes) } else { Load::lines(minutes) };
        load.send(&self.host, 0..1);
        let before = cpu_of(self.id);
        let sent = load.send(&self.host, 1..minutes);
        Figure::Time((cpu_of(self.id) - before) / u32::try_from(sent.measurements()).unwrap())
    }

    /// Sends the points, a request for each time.
    pub fn fill(&self, points: Points) {
        let mut kept = Kept::to(&self.host);
        let (form, path) = match self.is_ours() {
            true => (Form::Json, "/v1/metrics"),
            false => (Form::Lines, "/write?precision=s"),
        };
        points.bodies(form).for_each(|body| {
            kept.exchange(&request("POST", path, &body));
        });
    }

    /// What a question for the mean takes of the processor and of time.
    pub fn ask(&self, points: Points, step: u64) -> (Figure, Figure) {
        let mut kept = Kept::to(&self.host);
        let (start, end) = (points.start, points.end());
        let path = match (self.is_ours(), step == points.step) {
            (true, _) => format!(
                "/v1/metrics?compose=mean(s(%22day%22,%22*%22))&start_time={start}&end_time={end}&resolution={step}"
            ),
            (false, true) => format!(
                "/api/v1/query_range?query=avg(day_value)&start={start}&end={end}&step={step}&nocache=1"
            ),
            (false, false) => format!(
                "/api/v1/query_range?query=avg(avg_over_time(day_value[{step}s]))&start={start}&end={end}&step={step}&nocache=1"
            ),
        };
        let request = request("GET", &path, "");
        assert!(kept.exchange(&request).len() > 100);
        let before = cpu_of(self.id);
        let wall = middle((0..ASKED).map(|_| {
            let begun = Instant::now();
            kept.exchange(&request);
            begun.elapsed()
        }));
        (Figure::Time((cpu_of(self.id) - before) / ASKED as u32), Figure::Time(wall))
    }

    /// Bytes of what it keeps once it has put that in order and ended.
    pub fn kept(self) -> u64 {
        thread::sleep(SETTLED);
        match self.server {
            Server::Ours(service) => service.stopped(),
            Server::Theirs(mut peer) => {
                let mut kept = Kept::to(&self.host);
                kept.exchange(&request("GET", "/internal/force_flush", ""));
                kept.exchange(&request("GET", "/internal/force_merge", ""));
                thread::sleep(SETTLED);
                let id = peer.process.id().to_string();
                assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
                peer.process.wait().unwrap();
                bytes_in(peer.directory.path())
            }
        }
    }
}

/// Bytes of all files below.
fn bytes_in(directory: &Path) -> u64 {
    let all = fs::read_dir(directory).unwrap().map(Result::unwrap);
    all.map(|entry| match entry.metadata().unwrap() {
        found if found.is_dir() => bytes_in(&entry.path()),
        found => found.len(),
    })
    .sum()
}
