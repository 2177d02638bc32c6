//! How much is worked on at one time: places for requests and memory for their bodies. What does not fit is
//! turned away at once with 503, so that a flood costs answers and not the server.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::auth;
use super::problem::Problem;
use crate::serve::telemetry::Telemetry;

/// The unit in which memory is counted.
const UNIT: usize = 1024;

/// The places and the memory of the whole server.
#[derive(Clone)]
pub struct Admission {
    places: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    /// All of `memory`, in units.
    units: usize,
    telemetry: Telemetry,
}

impl Admission {
    /// Room for `places` requests whose bodies take `bytes` of memory together.
    pub fn new(places: usize, bytes: usize, telemetry: Telemetry) -> Admission {
        let units = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        let places = Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)));
        Admission { places, memory: Arc::new(Semaphore::new(units)), units, telemetry }
    }

    fn enter(&self) -> Option<Claim> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        self.telemetry.entered();
        let held = Mutex::new(Held { bytes: 0, units: None });
        Some(Claim(Arc::new(Inner { admission: self.clone(), _place: place, held })))
    }
}

/// What one request occupies; a request extension. Given back when the last clone of it is gone.
#[derive(Clone)]
pub struct Claim(Arc<Inner>);

struct Inner {
    admission: Admission,
    _place: OwnedSemaphorePermit,
    held: Mutex<Held>,
}

struct Held {
    bytes: usize,
    units: Option<OwnedSemaphorePermit>,
}

impl Claim {
    /// Claims `bytes` more of the memory.
    pub fn grow(&self, bytes: usize) -> Result<(), Problem> {
        let Inner { admission, held, .. } = &*self.0;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = held.bytes.saturating_add(bytes);
        let have = held.units.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = wanted.div_ceil(UNIT).saturating_sub(have);
        if wanted.div_ceil(UNIT) > admission.units {
            return Err(Problem::too_much());
        }
        if missing > 0 {
            let more = u32::try_from(missing)
                .ok()
                .and_then(|missing| Arc::clone(&admission.memory).try_acquire_many_owned(missing).ok());
            let Some(more) = more else {
                admission.telemetry.shed("memory");
                return Err(Problem::busy());
            };
            match &mut held.units {
                Some(units) => units.merge(more),
                none => *none = Some(more),
            }
            admission.telemetry.claimed(missing * UNIT);
        }
        held.bytes = wanted;
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        let units = held.units.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        self.admission.telemetry.left(units * UNIT);
    }
}

/// Lets the request in when there is a place for it. It runs as a task of its own, which ends even when the client
/// hangs up: otherwise a client could give its place back while its work goes on, and pile up work without limit.
pub async fn admit(State(admission): State<Admission>, mut request: Request, next: Next) -> Response {
    if auth::is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let Some(claim) = admission.enter() else {
        admission.telemetry.shed("places");
        return Problem::busy().into_response();
    };
    request.extensions_mut().insert(claim.clone());
    let work = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(claim);
        response
    });
    work.await.unwrap_or_else(|_| Problem::internal("a handler panicked").into_response())
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
        assert_eq!(admission.memory.available_permits(), 9, "small bodies share a unit");
        second.grow(9 * UNIT).unwrap();
        assert!(first.grow(1).is_err());
        drop(second);
        first.grow(8 * UNIT).unwrap();
        assert!(first.grow(usize::MAX).is_err());
        drop(first);
        assert_eq!((admission.memory.available_permits(), admission.places.available_permits()), (10, 2));
    }
}
