//! `serve` beside VictoriaMetrics, which people would run instead to keep their measurements: the same data and the same questions by
//! turns, where `victoria-metrics` can be found (Debian's package of that name). What counts is processor time: the client uses the same
//! processors.

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Effort;
use crate::http::{Kept, request};
use crate::ingest::{Load, begun};
use crate::process::middle;
use crate::service::{Service, cpu_of, peak_of, scratch};
use crate::table::{Figure, Row, Table};

const SERIES: usize = 1000;
/// How often each question is asked.
const ASKED: usize = 20;
const WHY: &str = "victoria-metrics, the same";

pub fn run(effort: Effort, table: &mut Table) {
    let (ours, theirs) = (Side::ours(), Side::theirs());
    if theirs.is_none() {
        eprintln!("    victoria-metrics is not installed: no figures of it");
    }
    let sides: Vec<&Side> = [Some(&ours), theirs.as_ref()].into_iter().flatten().collect();
    let mut add = |what: &str, figures: Vec<Figure>| {
        let row = Row::new(format!("beside: {what}"), figures[0]);
        table.add(match figures.get(1) {
            Some(peer) => row.goal(*peer).limit(*peer, WHY),
            None => row,
        });
    };
    let minutes = 144 / effort.divide.min(4);
    let rates = sides.iter().map(|side| side.ingest(minutes));
    add("measurements for each second of processor", rates.collect());
    let minutes = 1440 / effort.divide;
    let start = begun(minutes);
    sides.iter().for_each(|side| side.fill(start, minutes));
    for (what, step) in [("minutes", 60), ("hours", 3600)] {
        let asked: Vec<(Figure, Figure)> =
            sides.iter().map(|side| side.ask(start, start + 60 * (minutes as u64 - 1), step)).collect();
        let what = format!("mean of {SERIES} series, {minutes} minutes by {what}");
        add(&format!("{what}, processor"), asked.iter().map(|one| one.0).collect());
        add(&format!("{what}, wall"), asked.iter().map(|one| one.1).collect());
    }
    add("peak memory", sides.iter().map(|side| Figure::Bytes(peak_of(side.id))).collect());
}

/// A server that is measured, and how it is talked to.
struct Side {
    id: u32,
    host: String,
    is_ours: bool,
    _server: Server,
}

/// What ends with its value.
enum Server {
    Ours { _service: Service },
    Theirs { process: Child, _directory: TempDir },
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Server::Theirs { process, .. } = self {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Side {
    fn ours() -> Side {
        let service = Service::start();
        let (id, host) = (service.id(), service.host().to_owned());
        Side { id, host, is_ours: true, _server: Server::Ours { _service: service } }
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
        Some(Side { id, host, is_ours: false, _server: Server::Theirs { process, _directory: directory } })
    }

    /// Measurements for each second of the server's processor; the series come into being first.
    fn ingest(&self, minutes: usize) -> Figure {
        let load = if self.is_ours { Load::new(minutes) } else { Load::lines(minutes) };
        load.send(&self.host, 0..1);
        let before = cpu_of(self.id);
        let sent = load.send(&self.host, 1..minutes);
        Figure::Rate(sent.measurements() as f64 / (cpu_of(self.id) - before).as_secs_f64())
    }

    /// Walks with two decimals, minute by minute.
    fn fill(&self, start: u64, minutes: usize) {
        let mut kept = Kept::to(&self.host);
        let mut random = 7_u64;
        let mut walks = vec![50_000_i64; SERIES];
        for minute in 0..minutes {
            let (time, mut text) = (start + 60 * minute as u64, String::new());
            for (n, walk) in walks.iter_mut().enumerate() {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *walk = (*walk + (random >> 54).cast_signed() - 512).abs();
                let value = format!("{}.{:02}", *walk / 100, *walk % 100);
                if self.is_ours {
                    let comma = if n > 0 { "," } else { "" };
                    write!(text, r#"{comma}{{"name":"day","source":"h{n:04}","value":{value}}}"#).unwrap();
                } else {
                    writeln!(text, "day,source=h{n:04} value={value} {time}").unwrap();
                }
            }
            let request = if self.is_ours {
                request("POST", "/v1/metrics", &format!(r#"{{"measure_time":{time},"gauges":[{text}]}}"#))
            } else {
                request("POST", "/write?precision=s", &text)
            };
            kept.exchange(&request);
        }
    }

    /// What a question takes of the processor and of time.
    fn ask(&self, start: u64, end: u64, step: u64) -> (Figure, Figure) {
        let mut kept = Kept::to(&self.host);
        let path = match (self.is_ours, step) {
            (true, _) => format!(
                "/v1/metrics?compose=mean(s(%22day%22,%22*%22))&start_time={start}&end_time={end}&resolution={step}"
            ),
            (false, 60) => {
                format!("/api/v1/query_range?query=avg(day_value)&start={start}&end={end}&step=60&nocache=1")
            }
            (false, _) => format!(
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
}
