//! How much is worked on at one time: places for requests, and memory for their bodies and answers. What does not fit is
//! turned away at once with 503, so that a flood costs answers and not the server.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::auth;
use super::problem::Problem;
use super::reply::Length;
use crate::serve::budget::{self, Exceeded, Permit};
use crate::serve::telemetry::Telemetry;

/// The unit in which memory is counted.
const UNIT: usize = 1024;

/// The places and the memory of the whole server.
#[derive(Clone)]
pub struct Admission {
    places: Arc<Semaphore>,
    memory: Pool,
    /// The part of `memory` that answers may take, so that there is always room for what is sent.
    answers: Pool,
    telemetry: Telemetry,
}

/// Memory in units.
#[derive(Clone)]
struct Pool {
    free: Arc<Semaphore>,
    units: usize,
}

impl Pool {
    fn new(units: usize) -> Pool {
        let units = units.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Pool { free: Arc::new(Semaphore::new(units)), units }
    }

    fn take(&self, units: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_many_owned(u32::try_from(units).ok()?).ok()
    }
}

impl Admission {
    /// Room for `places` requests whose bodies and answers take `bytes` of memory together, the answers three quarters
    /// of it at most.
    pub fn new(places: usize, bytes: usize, telemetry: Telemetry) -> Admission {
        let units = bytes.div_ceil(UNIT);
        let places = Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)));
        let (memory, answers) = (Pool::new(units), Pool::new(units - units / 4));
        Admission { places, memory, answers, telemetry }
    }

    pub(in crate::serve) fn enter(&self) -> Option<MemoryPermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        self.telemetry.entered();
        let memory = Memory { admission: self.clone(), held: Mutex::new(Held::default()) };
        let inner = Inner { memory: Arc::new(memory), abandoned: AtomicBool::new(false), _place: place };
        Some(MemoryPermit(Arc::new(inner)))
    }

    /// Bytes claimed now.
    #[cfg(test)]
    pub(in crate::serve) fn claimed(&self) -> usize {
        (self.memory.units - self.memory.free.available_permits()) * UNIT
    }
}

/// What one request occupies; a request extension. Given back when the last clone of it is gone.
#[derive(Clone)]
pub struct MemoryPermit(Arc<Inner>);

struct Inner {
    memory: Arc<Memory>,
    /// No one waits for the answer any more.
    abandoned: AtomicBool,
    _place: OwnedSemaphorePermit,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.memory.admission.telemetry.left();
    }
}

/// What one request holds of the memory, as long as its answer is not sent.
struct Memory {
    admission: Admission,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    /// How many of these are for the answer.
    answer: usize,
    units: Option<OwnedSemaphorePermit>,
    answer_units: Option<OwnedSemaphorePermit>,
}

/// How many units are missing from `have` to hold `bytes`.
fn missing(have: Option<&OwnedSemaphorePermit>, bytes: usize) -> usize {
    bytes.div_ceil(UNIT).saturating_sub(count(have))
}

fn count(units: Option<&OwnedSemaphorePermit>) -> usize {
    units.map_or(0, OwnedSemaphorePermit::num_permits)
}

fn add(units: &mut Option<OwnedSemaphorePermit>, more: OwnedSemaphorePermit) {
    match units {
        Some(units) => units.merge(more),
        none => *none = Some(more),
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock()
    }

    fn grow(&self, held: &mut Held, bytes: usize) -> Result<(), Exceeded> {
        let Admission { memory, telemetry, .. } = &self.admission;
        let wanted = held.bytes.saturating_add(bytes);
        if wanted.div_ceil(UNIT) > memory.units {
            return Err(Exceeded::Request);
        }
        let missing = missing(held.units.as_ref(), wanted);
        if missing > 0 {
            let more = memory.take(missing).ok_or_else(|| {
                telemetry.shed("memory");
                Exceeded::Busy
            })?;
            add(&mut held.units, more);
            telemetry.claimed(missing * UNIT);
        }
        held.bytes = wanted;
        Ok(())
    }

    fn hold(&self, bytes: usize) -> Result<(), Exceeded> {
        let Admission { answers, telemetry, .. } = &self.admission;
        let mut held = self.lock();
        let wanted = held.answer.saturating_add(bytes);
        if wanted.div_ceil(UNIT) > answers.units {
            return Err(Exceeded::Answer(answers.units * UNIT));
        }
        let missing = missing(held.answer_units.as_ref(), wanted);
        if missing > 0 {
            let more = answers.take(missing).ok_or_else(|| {
                telemetry.shed("memory");
                Exceeded::Busy
            })?;
            add(&mut held.answer_units, more);
        }
        held.answer = wanted;
        self.grow(&mut held, bytes)
    }

    /// Gives back all but what an answer of this length takes.
    fn keep(&self, bytes: usize) {
        let mut held = self.lock();
        let Held { units, answer_units, .. } = &mut *held;
        let all = count(units.as_ref());
        for units in [&mut *units, answer_units].into_iter().flatten() {
            drop(units.split(units.num_permits().saturating_sub(bytes.div_ceil(UNIT))));
        }
        self.admission.telemetry.released((all - count(units.as_ref())) * UNIT);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let units = count(self.lock().units.as_ref());
        self.admission.telemetry.released(units * UNIT);
    }
}

impl MemoryPermit {
    /// Claims `bytes` more of the memory, for what was sent.
    pub fn grow(&self, bytes: usize) -> Result<(), Exceeded> {
        let memory = &self.0.memory;
        memory.grow(&mut memory.lock(), bytes)
    }

    /// The client hung up.
    pub fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
    }

    /// What the work on the request may claim.
    pub(in crate::serve) fn permit(&self) -> Arc<dyn Permit> {
        Arc::clone(&self.0) as Arc<dyn Permit>
    }
}

impl Permit for Inner {
    fn hold(&self, bytes: usize) -> Result<(), Exceeded> {
        self.memory.hold(bytes)
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }
}

/// Is dropped with the connection when the client hangs up.
struct Waiting(MemoryPermit);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Lets the request in when there is a place for it. It runs as a task of its own, which keeps its place until it has ended
/// even when the client hangs up: otherwise a client could give its place back while its work goes on, and pile up work
/// without limit. What only reads ends soon then.
pub async fn admit(State(admission): State<Admission>, mut request: Request, next: Next) -> Response {
    if auth::is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let Some(claim) = admission.enter() else {
        admission.telemetry.shed("places");
        return Problem::busy().into_response();
    };
    let waiting = Waiting(claim.clone());
    request.extensions_mut().insert(claim.clone());
    let work = tokio::spawn(budget::of_request(claim.permit(), async move {
        let response = next.run(request).await;
        held_until_sent(response, Arc::clone(&claim.0.memory))
    }));
    let response = work.await.unwrap_or_else(|_| Problem::internal("a handler panicked").into_response());
    drop(waiting);
    response
}

/// The answer, whose memory stays claimed until the client has taken it.
fn held_until_sent(response: Response, memory: Arc<Memory>) -> Response {
    let length = response.extensions().get::<Length>().map_or(0, |length| length.0);
    memory.keep(length);
    if length == 0 {
        return response;
    }
    response.map(|body| Body::new(Unsent { body, _memory: memory }))
}

struct Unsent {
    body: Body,
    _memory: Arc<Memory>,
}

impl http_body::Body for Unsent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_memory_come_back() {
        let admission = Admission::new(2, 10 * UNIT, Telemetry::default());
        let (first, second) = (admission.enter().unwrap(), admission.enter().unwrap());
        assert!(admission.enter().is_none());
        first.grow(1).unwrap();
        first.grow(UNIT - 1).unwrap();
        assert_eq!(admission.memory.free.available_permits(), 9, "small bodies share a unit");
        second.grow(9 * UNIT).unwrap();
        assert!(first.grow(1).is_err());
        drop(second);
        first.grow(8 * UNIT).unwrap();
        assert!(first.grow(usize::MAX).is_err());
        drop(first);
        assert_eq!(
            (admission.memory.free.available_permits(), admission.places.available_permits()),
            (10, 2)
        );
    }
}
