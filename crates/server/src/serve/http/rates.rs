//! The rate limit of measurements: so many a minute for each user, told in the API's own headers.
//! Off unless the server is given a limit. Servers of the same data share it: each takes slices of a user's minute, so together they never let
//! more in, though a user may be refused while others still have a slice.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use parking_lot::Mutex;

use super::auth::Caller;
use super::problem::Problem;
use super::table;
use crate::serve::clock::Clock;
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;
use crate::serve::telemetry::Telemetry;

/// Measurements of metrics with and without service-side aggregation had budgets of their own; here both share one,
/// told under both names since clients look for either.
const HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-librato-ratelimit-agg"), HeaderName::from_static("x-librato-ratelimit-std")];

/// Seconds after which a budget is renewed.
const WINDOW: i64 = 60;

/// Every user's budget.
#[derive(Clone)]
pub struct Rates {
    /// Measurements per user and window; `None` for no limit.
    limit: Option<u64>,
    used: Arc<Mutex<HashMap<[u8; 32], Used>>>,
    telemetry: Telemetry,
    clock: Clock,
    /// Where others take of the same minutes.
    shared: Option<Store>,
}

#[derive(Default, Clone, Copy)]
struct Used {
    /// The number of the window since the epoch.
    window: i64,
    measurements: u64,
    /// Of these, how many are let in without asking the other servers.
    spare: u64,
}

impl Used {
    /// What of it still counts at `now`.
    fn at(self, now: i64) -> Used {
        let window = now.div_euclid(WINDOW);
        if self.window == window { self } else { Used { window, ..Used::default() } }
    }

    /// Epoch seconds at which the budget is renewed.
    fn reset(self) -> i64 {
        (self.window + 1) * WINDOW
    }
}

impl Rates {
    pub fn new(limit: Option<u64>, telemetry: Telemetry, clock: Clock) -> Rates {
        Rates { limit, used: Arc::default(), telemetry, clock, shared: None }
    }

    /// The same among servers that may use the same data.
    pub fn among(self, store: &Store) -> Rates {
        Rates { shared: store.is_shared().then(|| store.clone()), ..self }
    }

    /// Takes of what was set aside for this server, and sets more aside where that is not enough.
    async fn take_shared(
        &self,
        store: &Store,
        account: [u8; 32],
        measurements: u64,
        now: i64,
    ) -> Result<(), Problem> {
        let Some(limit) = self.limit else { return Ok(()) };
        let minute = now.div_euclid(WINDOW);
        let refused = || {
            self.telemetry.limited();
            Err(exceeded(limit, measurements, (minute + 1) * WINDOW - now))
        };
        let had = {
            let mut all = self.used.lock();
            let used = all.entry(account).or_default();
            *used = used.at(now);
            if used.spare >= measurements {
                used.spare -= measurements;
                return Ok(());
            }
            let left = limit.saturating_sub(used.measurements);
            if measurements - used.spare > left {
                return refused();
            }
            // Other requests must not count on it meanwhile.
            std::mem::take(&mut used.spare)
        };
        let missing = measurements - had;
        let reserve = move |tx: &Tx<'_>| table::reserve(tx, &account, minute, missing, limit);
        let taken = store.write(reserve).await.map_err(Problem::from);
        let size = taken.as_ref().map_or(0, |slice| slice.size);
        let mut all = self.used.lock();
        // What was set aside for a minute that is over is gone with it.
        if let Some(used) = all.get_mut(&account).filter(|used| used.window == minute) {
            used.measurements = taken.as_ref().map_or(used.measurements, |slice| slice.used);
            used.spare += size.checked_sub(missing).unwrap_or(had);
        }
        drop(all);
        taken?;
        if size >= missing { Ok(()) } else { refused() }
    }

    fn take(&self, account: [u8; 32], measurements: u64, now: i64) -> Result<(), Problem> {
        let Some(limit) = self.limit else { return Ok(()) };
        let mut all = self.used.lock();
        let used = all.entry(account).or_default();
        *used = used.at(now);
        let wanted = used.measurements.saturating_add(measurements);
        if wanted > limit {
            let wait = used.reset() - now;
            drop(all);
            self.telemetry.limited();
            return Err(exceeded(limit, measurements, wait));
        }
        used.measurements = wanted;
        Ok(())
    }

    fn header(&self, account: [u8; 32], now: i64) -> Option<HeaderValue> {
        let limit = self.limit?;
        let all = self.used.lock();
        let used = all.get(&account).copied().unwrap_or_default().at(now);
        let remaining = limit.saturating_sub(used.measurements).saturating_add(used.spare);
        HeaderValue::from_str(&format!("limit={limit},remaining={remaining},reset={}", used.reset())).ok()
    }
}

fn exceeded(limit: u64, measurements: u64, wait: i64) -> Problem {
    let message = format!(
        "You have hit the API limit for measurements [measure:raw_rate]: {limit} a minute. \
         These {measurements} were not stored. The limit is renewed in {wait} s."
    );
    Problem::request(StatusCode::TOO_MANY_REQUESTS, message).retry_after(wait)
}

/// The budget of whoever made the request.
pub struct Allowance {
    rates: Rates,
    account: [u8; 32],
}

impl Allowance {
    /// Takes so many measurements from the budget, all of them or none.
    pub async fn take(&self, measurements: usize) -> Result<(), Problem> {
        let (rates, now) = (&self.rates, self.rates.clock.now());
        match &rates.shared {
            Some(store) => rates.take_shared(store, self.account, measurements as u64, now).await,
            None => rates.take(self.account, measurements as u64, now),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Allowance
where
    Rates: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Allowance, Problem> {
        let account = parts.extensions.get::<Caller>().map_or([0; 32], |caller| caller.account);
        Ok(Allowance { rates: Rates::from_ref(state), account })
    }
}

/// Adds the headers to the answers of the routes that take measurements.
pub async fn tell(State(rates): State<Rates>, request: Request, next: Next) -> Response {
    let submission = request.method() == axum::http::Method::POST;
    let caller = request.extensions().get::<Caller>().map(|caller| caller.account).filter(|_| submission);
    let mut response = next.run(request).await;
    if let Some(value) = caller.and_then(|account| rates.header(account, rates.clock.now())) {
        for name in HEADERS {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_531_370_390;

    #[test]
    fn budgets_run_out_and_are_renewed() {
        let rates = Rates::new(Some(10), Telemetry::default(), Clock::system());
        let (one, other) = ([1; 32], [2; 32]);
        rates.take(one, 7, NOW).unwrap();
        assert!(rates.take(one, 4, NOW).is_err(), "all or nothing");
        assert_eq!(rates.header(one, NOW).unwrap(), "limit=10,remaining=3,reset=1531370400");
        rates.take(one, 3, NOW).unwrap();
        rates.take(other, 10, NOW).unwrap();
        assert!(rates.take(one, 1, NOW).is_err());
        rates.take(one, 10, NOW + 10).unwrap();
        assert_eq!(rates.header(one, NOW + 10).unwrap(), "limit=10,remaining=0,reset=1531370460");
    }

    #[test]
    fn without_a_limit_nothing_is_counted_or_told() {
        let rates = Rates::new(None, Telemetry::default(), Clock::system());
        rates.take([1; 32], u64::MAX, NOW).unwrap();
        assert!(rates.header([1; 32], NOW).is_none());
    }
}
