//! A run that is broken once, at one request, in one of many ways, and run again until all is done: what matrices of faults share, whatever
//! it is that they write to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::fault_proxy::{Fault, FaultProxy};

const FAULTS: [Fault; 12] = [
    Fault::Refuse,
    Fault::CutBeforeForward,
    Fault::CutAfterExecuted,
    Fault::LateExecute,
    Fault::Delay(Duration::from_secs(60)),
    Fault::TooManyRequests { retry_after: None },
    Fault::TooManyRequests { retry_after: Some(0) },
    Fault::Unavailable503 { html: false },
    Fault::Unavailable503 { html: true },
    Fault::TruncatedJson,
    Fault::HtmlErrorPage(500),
    Fault::BadGatewayAfterExecuted,
];

/// How many runs it may take until all is done.
const MOST_RUNS: usize = 5;

/// What goes wrong with a run.
#[derive(Debug, Clone, Copy)]
pub enum Break {
    /// This fault with one request.
    Fault(Fault),
    /// The program dies when it has sent one request, which the service executes.
    KilledAfter,
    /// The program dies before one request gets out.
    KilledBefore,
}

impl Break {
    /// Every way at every request.
    pub fn everywhere(requests: usize) -> impl Iterator<Item = (Break, usize)> {
        let all = FAULTS.map(Break::Fault).into_iter().chain([Break::KilledAfter, Break::KilledBefore]);
        all.flat_map(move |how| (0..requests).map(move |index| (how, index)))
    }

    /// How long a run may wait for an answer: less where there will be none.
    pub fn patience(self) -> Duration {
        let waits = matches!(self, Break::Fault(Fault::LateExecute | Fault::Delay(_)));
        if waits { Duration::from_millis(400) } else { Duration::from_secs(20) }
    }
}

/// A way to a service that breaks once.
pub struct Broken {
    proxy: FaultProxy,
    how: Break,
    signal: Arc<Notify>,
    dead: Arc<AtomicBool>,
}

impl Broken {
    pub async fn at(addr: SocketAddr, how: Break, index: usize) -> Broken {
        let (signal, dead) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (broken, is_dead) = (Arc::clone(&signal), Arc::clone(&dead));
        let proxy = FaultProxy::start(addr, move |request| {
            if request.index == index {
                is_dead.store(!matches!(how, Break::Fault(_)), Ordering::SeqCst);
                broken.notify_one();
                return Some(match how {
                    Break::Fault(fault) => fault,
                    Break::KilledAfter => Fault::CutAfterExecuted,
                    Break::KilledBefore => Fault::Refuse,
                });
            }
            is_dead.load(Ordering::SeqCst).then_some(Fault::Refuse)
        });
        Broken { proxy: proxy.await, how, signal, dead }
    }

    pub fn addr(&self) -> SocketAddr {
        self.proxy.addr()
    }

    /// Waits for the break.
    pub async fn now(&self) {
        self.signal.notified().await;
    }

    /// The run that is broken, to its end or to where the program dies; whether it did all.
    pub async fn run<E>(&self, run: impl Future<Output = Result<bool, E>>) -> bool {
        let complete = match self.how {
            Break::Fault(_) => run.await.unwrap_or(false),
            _ => tokio::select! {
                biased;
                () = self.now() => false,
                _ = run => false,
            },
        };
        self.mend().await;
        complete
    }

    /// Lets everything through again, once what was under way has arrived.
    pub async fn mend(&self) {
        let _ = tokio::time::timeout(Duration::from_secs(5), self.proxy.drained()).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.dead.store(false, Ordering::SeqCst);
    }
}

/// Runs again until a run does all; how many runs there were.
pub async fn until_complete(
    mut complete: bool,
    mut run: impl AsyncFnMut() -> Result<bool, String>,
) -> Result<usize, String> {
    let mut runs = 1;
    while !complete && runs < MOST_RUNS {
        runs += 1;
        complete = run().await.map_err(|why| format!("run {runs}: {why}"))?;
    }
    if complete { Ok(runs) } else { Err(format!("not complete after {runs} runs")) }
}

/// Works off cases as long as there are any, each with what is wrong in the end.
pub async fn work_off(
    cases: &[(Break, usize)],
    next: &AtomicUsize,
    case: impl AsyncFn(Break, usize) -> Result<(), String>,
) -> Vec<String> {
    let mut failures = Vec::new();
    while let Some((how, index)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
        if let Err(why) = case(*how, *index).await {
            failures.push(format!("{how:?} at request {index}: {why}"));
        }
    }
    failures
}
