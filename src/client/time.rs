//! Times as the API knows them, and the stretches of time that queries ask for.
//! Knows parameters, not measurements.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time in whole seconds since the epoch, the unit of every time in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// Now.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// So long ago.
    pub fn ago(span: Duration) -> Self {
        Self(Self::now().0.saturating_sub(span.as_secs()))
    }
}

impl From<u64> for Time {
    fn from(seconds: u64) -> Self {
        Self(seconds)
    }
}

impl From<SystemTime> for Time {
    /// Times before 1970 become 1970.
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

type Query = Vec<(&'static str, String)>;

/// A stretch of time with a start, for queries that the API refuses without one: composites, and measurements by tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: Time,
    end: Option<Time>,
    resolution: u64,
}

impl Window {
    /// From `start` until now, each point for itself (a resolution of one second).
    pub fn since(start: impl Into<Time>) -> Self {
        Self { start: start.into(), end: None, resolution: 1 }
    }

    /// The last hour, day and so on.
    pub fn last(span: Duration) -> Self {
        Self::since(Time::ago(span))
    }

    /// Until `end` rather than now.
    pub fn until(mut self, end: impl Into<Time>) -> Self {
        self.end = Some(end.into());
        self
    }

    /// One point for so many seconds; 60, 900 and 3600 are kept longer than single points.
    pub fn resolution(mut self, seconds: u64) -> Self {
        self.resolution = seconds;
        self
    }

    pub(super) fn query(&self) -> Query {
        let mut query =
            vec![("start_time", self.start.0.to_string()), ("resolution", self.resolution.to_string())];
        query.extend(self.end.map(|end| ("end_time", end.0.to_string())));
        query
    }
}

/// Which measurements or events: the last ones, or those of a stretch of time, by source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    start: Option<Time>,
    end: Option<Time>,
    count: Option<u64>,
    resolution: Option<u64>,
    sources: Vec<String>,
    summarize_time: bool,
    summarize_sources: bool,
}

impl Interval {
    fn new(start: Option<Time>, end: Option<Time>, count: Option<u64>) -> Self {
        Self {
            start,
            end,
            count,
            resolution: None,
            sources: Vec::new(),
            summarize_time: false,
            summarize_sources: false,
        }
    }

    /// The last so many, of each source.
    pub fn last(count: u64) -> Self {
        Self::new(None, None, Some(count))
    }

    /// Everything from `start` until now.
    pub fn since(start: impl Into<Time>) -> Self {
        Self::new(Some(start.into()), None, None)
    }

    /// Everything between two times.
    pub fn between(start: impl Into<Time>, end: impl Into<Time>) -> Self {
        Self::new(Some(start.into()), Some(end.into()), None)
    }

    /// The first so many from `start`, of each source.
    pub fn first(count: u64, start: impl Into<Time>) -> Self {
        Self::new(Some(start.into()), None, Some(count))
    }

    /// The last so many before `end`, of each source.
    pub fn last_before(count: u64, end: impl Into<Time>) -> Self {
        Self::new(None, Some(end.into()), Some(count))
    }

    /// One measurement for so many seconds; one second where nothing is said. Events have no resolution.
    pub fn resolution(mut self, seconds: u64) -> Self {
        self.resolution = Some(seconds);
        self
    }

    /// Only this source, or those a pattern with `*` fits. Can be said several times.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.sources.push(source.into());
        self
    }

    /// One measurement for each source, over the whole time.
    pub fn summarize_time(mut self) -> Self {
        self.summarize_time = true;
        self
    }

    /// All sources merged as well, as the source `all`.
    pub fn summarize_sources(mut self) -> Self {
        self.summarize_sources = true;
        self
    }

    /// The same from a later start: what follows a cut-off answer.
    pub(super) fn continued(&self, start: u64) -> Self {
        Self { start: Some(Time(start)), ..self.clone() }
    }

    /// The parameters that events and measurements share.
    pub(super) fn query(&self) -> Query {
        let mut query = Vec::new();
        query.extend(self.start.map(|start| ("start_time", start.0.to_string())));
        query.extend(self.end.map(|end| ("end_time", end.0.to_string())));
        query.extend(self.count.map(|count| ("count", count.to_string())));
        query.extend(self.sources.iter().map(|source| ("sources[]", source.clone())));
        query
    }

    /// The parameters of measurements.
    pub(super) fn measurements(&self) -> Query {
        let mut query = self.query();
        query.push(("resolution", self.resolution.unwrap_or(1).to_string()));
        query.extend(self.summarize_time.then(|| ("summarize_time", "true".to_owned())));
        query.extend(self.summarize_sources.then(|| ("summarize_sources", "true".to_owned())));
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_say_what_the_api_asks_for() {
        let written = |query: Query| {
            query.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
        };
        assert_eq!(written(Interval::last(100).resolution(60).measurements()), "count=100&resolution=60");
        assert_eq!(
            written(Interval::between(10, 20).source("web*").source("db").query()),
            "start_time=10&end_time=20&sources[]=web*&sources[]=db"
        );
        assert_eq!(written(Window::since(10).until(20).query()), "start_time=10&resolution=1&end_time=20");
    }
}
