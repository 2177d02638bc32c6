//! What one HTTP exchange came to: a reply, or an error that says what went wrong.
//! Reads statuses, headers and bodies; sends nothing and never repeats anything.
use std::error::Error;
use std::panic::resume_unwind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use tokio::task::JoinError;

use crate::remote::{ApiError, Endpoint, Method, Reply, TransportKind, distrust};
use crate::wire::{ApiMessages, warned};

/// Bodies beyond this are not read on: no collection page comes near it, and memory is not endless.
const BODY_LIMIT: usize = 64 << 20;

/// From this length on, in bytes, a body takes long enough to be read on another thread.
const LONG: usize = 16 << 10;

/// Where an exchange belongs, for its errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub endpoint: &'a Endpoint,
    pub method: Method,
    pub path: &'a str,
    /// Texts that errors must not repeat: the token, and the settings just sent.
    pub hidden: &'a [&'a str],
    /// Whether the user named authorities to trust.
    pub ca_file: bool,
}

/// Status, headers and whole body of an answer.
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// Takes in the whole of `response`.
    pub(super) async fn read(mut response: reqwest::Response, place: Place<'_>) -> Result<Self, ApiError> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| place.transport(&error))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(place.decode(format!("it is larger than {} MiB", BODY_LIMIT >> 20)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, headers, body })
    }

    /// The pause this answer asks every request for, if any; `now` is used where the answer has no date.
    pub(super) fn pause(&self, now: SystemTime) -> Option<Duration> {
        let now = text(&self.headers, DATE.as_str())
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .unwrap_or(now);
        let asked =
            matches!(self.status, 403 | 429 | 500..).then(|| retry_after(&self.headers, now)).flatten();
        asked.or_else(|| used_up(&self.headers, now))
    }

    /// What is in this answer, its body as `read` understands it, or what is wrong with it.
    pub(super) async fn into_reply<T: Send + 'static>(
        mut self,
        place: Place<'_>,
        pause: Option<Duration>,
        read: impl FnOnce(&[u8]) -> serde_json::Result<T> + Send + 'static,
    ) -> Result<(Option<T>, Reply), ApiError> {
        if !(200..300).contains(&self.status) {
            return Err(self.into_status_error(place, pause));
        }
        let location = text(&self.headers, LOCATION.as_str()).map(str::to_owned);
        let warned = text(&self.headers, warned::HEADER);
        let warning = warned.map(|said| ApiMessages::from_text(said, place.hidden).to_string());
        let body = if self.body.iter().all(u8::is_ascii_whitespace) {
            None
        } else {
            let body = std::mem::take(&mut self.body);
            let long = body.len() >= LONG;
            let work = move || (read(&body), body);
            let (read, body) = if long { aside(work).await } else { work() };
            self.body = body;
            Some(read.map_err(|error| self.unreadable(place, &error))?)
        };
        Ok((body, Reply { status: self.status, body: None, location, warning }))
    }

    fn into_status_error(self, place: Place<'_>, retry_after: Option<Duration>) -> ApiError {
        let messages = if (300..400).contains(&self.status) {
            ApiMessages::from_text(&self.redirect_target(), place.hidden)
        } else {
            ApiMessages::parse(&String::from_utf8_lossy(&self.body), place.hidden)
        };
        let path = place.path.to_owned();
        ApiError::Status { status: self.status, messages, method: place.method, path, retry_after }
    }

    /// Only the host: the rest of a redirect may carry anything.
    fn redirect_target(&self) -> String {
        let location = text(&self.headers, LOCATION.as_str()).unwrap_or_default();
        match url::Url::parse(location).ok().as_ref().and_then(|url| Some((url.scheme(), url.host_str()?))) {
            Some((scheme, host)) => format!("the service points to {scheme}://{host}"),
            None => "the service points to another path".to_owned(),
        }
    }

    /// JSON that breaks off is an accident of the way and may pass; anything else is another kind of service.
    fn unreadable(&self, place: Place<'_>, error: &serde_json::Error) -> ApiError {
        if error.is_eof() {
            return place.lost(TransportKind::Truncated, error.to_string(), true);
        }
        let kind = text(&self.headers, CONTENT_TYPE.as_str()).unwrap_or("no content type");
        // A page says what it is; anything else is not repeated, it may be a broken list of service settings.
        let page = String::from_utf8_lossy(&self.body);
        let said = match page.trim_start().starts_with('<') {
            true => ApiMessages::parse(&page, place.hidden).to_string(),
            false => error.to_string(),
        };
        place.decode(format!("{} with a body that is not JSON ({kind}): {said}", self.status))
    }
}

impl Place<'_> {
    /// What reqwest ran into, told apart as far as it can be.
    pub(super) fn transport(self, error: &reqwest::Error) -> ApiError {
        let distrust = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
        let kind = if distrust.is_some() {
            TransportKind::Tls
        } else if error.is_connect() {
            TransportKind::Connect
        } else if error.is_timeout() {
            TransportKind::Timeout
        } else if error.is_body() || error.is_decode() {
            TransportKind::Truncated
        } else if innermost(error).starts_with("invalid HTTP version") {
            // The first words of an answer in any other protocol, such as the alert of a TLS port.
            TransportKind::Foreign
        } else {
            TransportKind::Reset
        };
        let unsent = error.is_connect() || error.is_builder();
        let why = match distrust {
            Some(distrust) => distrust::explain(distrust, self.ca_file),
            None => innermost(error),
        };
        self.lost(kind, format!("{}: {why}", self.endpoint.authority()), !unsent)
    }

    fn lost(self, kind: TransportKind, detail: String, may_have_been_executed: bool) -> ApiError {
        let (method, path) = (self.method, self.path.to_owned());
        ApiError::Transport { kind, method, path, detail, may_have_been_executed }
    }

    pub(super) fn unaddressable(self) -> ApiError {
        ApiError::Unaddressable { method: self.method, path: self.path.to_owned() }
    }

    pub(super) fn paused(self, wait: Duration, limit: Duration) -> ApiError {
        ApiError::Paused { method: self.method, path: self.path.to_owned(), wait, limit }
    }

    pub(super) fn decode(self, detail: String) -> ApiError {
        ApiError::Decode { path: self.path.to_owned(), detail }
    }
}

/// Does something on another thread, so that other answers are taken in meanwhile.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime ends, and whoever waits with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// The words of the first cause; the outer layers only say that "sending the request" failed, with the URL.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An I/O error passes over the error it wraps when asked for its source.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// `Retry-After`: whole seconds, or an HTTP date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER.as_str())?;
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // A date that is over asks for no pause.
        Err(_) => httpdate::parse_http_date(value)
            .ok()
            .map(|date| date.duration_since(now).unwrap_or(Duration::ZERO)),
    }
}

/// Until when an allowance is used up, by `X-Librato-RateLimit-Agg` and `-Std`
/// (`limit=600000,remaining=0,reset=1531370400`, in any order, the reset in epoch seconds).
fn used_up(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    ["x-librato-ratelimit-agg", "x-librato-ratelimit-std"]
        .into_iter()
        .filter_map(|name| {
            let fields = text(headers, name)?;
            let field = |wanted: &str| -> Option<u64> {
                let mut pairs = fields.split(',').filter_map(|pair| pair.split_once('='));
                pairs.find(|(key, _)| key.trim() == wanted)?.1.trim().parse().ok()
            };
            let reset = UNIX_EPOCH.checked_add(Duration::from_secs(field("reset")?))?;
            (field("remaining")? == 0).then(|| reset.duration_since(now).ok()).flatten()
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_531_370_400;

    fn pause(status: u16, headers: &[(&'static str, &str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let answer = Answer { status, headers: map, body: Vec::new() };
        answer.pause(UNIX_EPOCH + Duration::from_secs(NOW)).map(|pause| pause.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(NOW + 90));
        assert_eq!(pause(429, &[("retry-after", "7")]), Some(7));
        assert_eq!(pause(503, &[("retry-after", &date)]), Some(90));
        assert_eq!(pause(403, &[("retry-after", &date)]), Some(90));
        let past = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(NOW - 90));
        assert_eq!(pause(429, &[("retry-after", &past)]), Some(0));
        assert_eq!(pause(429, &[("retry-after", "soon")]), None);
        assert_eq!(pause(201, &[("retry-after", "7")]), None);
    }

    #[test]
    fn dates_are_held_against_the_services_own_clock() {
        let service_now = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(NOW + 3600));
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(NOW + 3605));
        assert_eq!(pause(429, &[("retry-after", &date), ("date", &service_now)]), Some(5));
    }

    #[test]
    fn an_allowance_pauses_only_when_it_is_used_up() {
        let (agg, std) = ("x-librato-ratelimit-agg", "x-librato-ratelimit-std");
        let reset =
            |remaining: u32, after: u64| format!("limit=9, remaining={remaining},reset={}", NOW + after);
        assert_eq!(pause(200, &[(agg, &reset(1, 30)), (std, &reset(0, 20))]), Some(20));
        assert_eq!(pause(200, &[(agg, &reset(0, 30)), (std, &reset(0, 20))]), Some(30));
        assert_eq!(pause(429, &[(std, &reset(0, 20)), ("retry-after", "2")]), Some(2));
        assert_eq!(pause(200, &[(agg, &reset(5, 30))]), None);
        assert_eq!(pause(200, &[(agg, "remaining=0"), (std, "remaining=0,reset=x")]), None);
        assert_eq!(pause(200, &[(agg, &format!("reset={},remaining=0", u64::MAX))]), None);
    }
}
