//! `POST /v1/prometheus/read`: Prometheus' remote read over what is stored, so that PromQL, its rules and Grafana work on it. Samples
//! are given as they are kept; what is made of them is the business of who asks. Composites are not read: Prometheus has a language of its
//! own for them.

mod matching;
mod messages;

use std::collections::{BTreeMap, HashSet};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use self::matching::{Asked, Matcher, NAME, Reading};
use self::messages::{Query, ReadRequest, SAMPLE_BYTES};
use super::budget::{self, Exceeded};
use super::catalog::metrics::metric::Kind;
use super::catalog::metrics::table as metrics;
use super::http::body::RawBody;
use super::http::problem::Problem;
use super::http::reply::Length;
use super::series;
use super::series::points::Reader;
use super::store::Store;
use super::store::error::{Failure, StoreError, Trouble};
use super::store::tx::Tx;
use super::tsdb::aggregate::Point;
use super::tsdb::labels::counted_once;
use super::tsdb::range::TimeRange;

/// Where it is asked: a read, though it comes as a POST.
pub const PATH: &str = "/v1/prometheus/read";

/// Bytes of a request, packed and unpacked.
const MOST_BYTES: usize = 1 << 20;

/// Samples in one answer.
const MOST_SAMPLES: usize = 2_000_000;

pub async fn read(
    State(store): State<Store>,
    headers: HeaderMap,
    RawBody(body): RawBody<MOST_BYTES>,
) -> Result<Response, Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("snappy")) {
        let message = "Content-Encoding must be snappy";
        return Err(Problem::request(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let answered = move |tx: &Tx<'_>| -> Result<Vec<u8>, Refused> {
        let bytes = unpacked(&body)?;
        let request = ReadRequest::decode(&bytes).map_err(|why| Problem::unreadable(why.to_string()))?;
        let matchers = request.queries.iter().flat_map(|query| &query.matchers);
        budget::hold(bytes.len() + matchers.map(Matcher::bytes).sum::<usize>())?;
        let mut answer = Answer::default();
        for query in &request.queries {
            answer.add(tx, query)?;
        }
        packed(&answer.bytes)
    };
    let body = store.query(answered).await.map_err(|Refused(problem)| problem)?;
    let told = [(header::CONTENT_TYPE, "application/x-protobuf"), (header::CONTENT_ENCODING, "snappy")];
    let told = told.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((StatusCode::OK, told, Extension(Length(body.len())), body).into_response())
}

/// What a request is, for laws over any bytes.
#[cfg(any(test, fuzzing))]
pub fn request(body: &[u8]) -> Option<Vec<u8>> {
    let bytes = unpacked(body).ok()?;
    ReadRequest::decode(&bytes).ok().map(|request| request.encode())
}

/// Why nothing is answered. More than there is room or time for is 413 to a Prometheus, which does not ask again.
struct Refused(Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused(problem)
    }
}

impl From<Exceeded> for Refused {
    fn from(exceeded: Exceeded) -> Refused {
        Refused(Problem::beyond(exceeded))
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        match error {
            StoreError::Exceeded(exceeded) => exceeded.into(),
            other => Refused(other.into()),
        }
    }
}

impl Failure for Refused {
    fn trouble(&self) -> Option<Trouble> {
        self.0.trouble()
    }
}

/// The request behind the compression, whose announced length is looked at before there is room for it.
fn unpacked(body: &[u8]) -> Result<Vec<u8>, Problem> {
    let broken = || Problem::unreadable("The body is not compressed by snappy, in its block format.");
    let length = snap::raw::decompress_len(body).map_err(|_| broken())?;
    if length > MOST_BYTES {
        let message = format!("The request is larger than {MOST_BYTES} bytes.");
        return Err(Problem::request(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(|_| broken())
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    budget::hold(snap::raw::max_compress_len(bytes.len()))?;
    let packed = snap::raw::Encoder::new().compress_vec(bytes);
    packed.map_err(|error| Problem::internal(error).into())
}

/// A metric, and what is asked of it.
struct Chosen {
    id: i64,
    kind: Kind,
    asked: Vec<Asked>,
}

/// Series of a metric that become one, by their labels there.
type Streams = BTreeMap<BTreeMap<String, String>, Vec<i64>>;

/// The answer as it grows.
#[derive(Default)]
struct Answer {
    bytes: Vec<u8>,
    samples: usize,
}

impl Answer {
    fn add(&mut self, tx: &Tx<'_>, query: &Query) -> Result<(), Refused> {
        let time = seconds(query);
        let points = series::of(tx);
        let (mut streams, mut wanted) = (Vec::new(), HashSet::new());
        for metric in chosen(tx, &query.matchers)? {
            let mut of_metric = Streams::new();
            for one in counted_once(points.series(metric.id)?) {
                budget::proceed()?;
                let (bytes, labels) = (one.bytes(), matching::labels(one.labels.into_tags()));
                if matching::take(&query.matchers, &labels) {
                    budget::hold(bytes)?;
                    wanted.insert(one.id);
                    of_metric.entry(labels).or_default().push(one.id);
                }
            }
            streams.push((metric, of_metric));
        }
        let mut reader = Reader::new(&*points, &wanted, time)?;
        let mut found = Vec::new();
        for (metric, streams) in streams {
            for (labels, ids) in streams {
                let mut points = Vec::new();
                for id in ids {
                    budget::proceed()?;
                    let more = budget::beside(size_of_val(points.as_slice()), || reader.points(id, 1))?;
                    points.extend(more);
                }
                points.retain(|point: &Point| time.contains(point.time));
                points.sort_by_key(|point| point.time);
                points.dedup_by(|later, kept| {
                    let same = later.time == kept.time;
                    if same {
                        kept.stats.merge(&later.stats);
                    }
                    same
                });
                self.series(&mut found, &metric, &labels, &points)?;
            }
        }
        budget::hold(found.len())?;
        messages::result(&mut self.bytes, &found);
        Ok(())
    }

    /// What is asked of one series, each as a series of its own.
    fn series(
        &mut self,
        found: &mut Vec<u8>,
        metric: &Chosen,
        labels: &BTreeMap<String, String>,
        points: &[Point],
    ) -> Result<(), Refused> {
        let sums_up = |point: &Point| point.stats.count != 1;
        for asked in &metric.asked {
            // Of what only matches, statistics are shown where there are some; else each metric would be there five times.
            let shown = asked.reading == Reading::Value || asked.named || points.iter().any(sums_up);
            if points.is_empty() || !shown {
                continue;
            }
            self.samples += points.len();
            if self.samples > MOST_SAMPLES {
                let message = format!(
                    "The answer holds more than {MOST_SAMPLES} samples. Ask for less time or fewer series."
                );
                return Err(Problem::request(StatusCode::PAYLOAD_TOO_LARGE, message).into());
            }
            let text: usize = labels.iter().map(|(name, value)| name.len() + value.len() + 10).sum();
            // twice: it grows by doubling, and is written beside before it is put there
            budget::hold(2 * (points.len() * SAMPLE_BYTES + text + asked.name.len()))?;
            let mut all: BTreeMap<&str, &str> =
                labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            all.insert(NAME, &asked.name);
            let value = |point: &Point| value(point, asked.reading, metric.kind);
            messages::series(found, all, points.iter().map(|point| (point.time * 1_000, value(point))));
        }
        Ok(())
    }
}

/// The whole seconds in the time that is asked about.
fn seconds(query: &Query) -> TimeRange {
    let start = query.start.div_euclid(1_000) + i64::from(query.start.rem_euclid(1_000) != 0);
    TimeRange { start, end: query.end.div_euclid(1_000) }
}

fn value(point: &Point, reading: Reading, kind: Kind) -> f64 {
    let stats = &point.stats;
    match reading {
        Reading::Value if kind == Kind::Counter => stats.last,
        Reading::Value => stats.mean(),
        Reading::Sum => stats.sum,
        // Far below 2^53.
        Reading::Count => stats.count as f64,
        Reading::Min => stats.min,
        Reading::Max => stats.max,
    }
}

/// The metrics that the matchers take by their names. Under each name there is one: a metric called `a:sum` before the sum of `a`; where
/// two have one name there, neither is guessed.
fn chosen(tx: &Tx<'_>, matchers: &[Matcher]) -> Result<Vec<Chosen>, Refused> {
    let mut found: Vec<(String, Chosen)> = Vec::new();
    metrics::each_stored(tx, |id, name, kind| {
        budget::proceed()?;
        let asked = matching::asked(matchers, name);
        if !asked.is_empty() {
            budget::hold(size_of::<Chosen>() + asked.len() * (size_of::<Asked>() + 2 * name.len() + 16))?;
            found.push((name.to_owned(), Chosen { id, kind, asked }));
        }
        Ok::<_, Refused>(())
    })?;
    // The place of the metric that has each name, and whether it is its own.
    let mut holders: BTreeMap<String, (usize, bool)> = BTreeMap::new();
    for (place, (name, metric)) in found.iter().enumerate() {
        for asked in &metric.asked {
            let own = asked.reading == Reading::Value;
            match holders.get(&asked.name) {
                Some((_, true)) if !own => continue,
                Some((other, owned)) if *owned == own => {
                    return Err(collision(&asked.name, &found[*other].0, name).into());
                }
                _ => holders.insert(asked.name.clone(), (place, own)),
            };
        }
    }
    let keep = |place, asked: &Asked| holders.get(&asked.name).is_some_and(|(holder, _)| *holder == place);
    let mut metrics = Vec::with_capacity(found.len());
    for (place, (_, mut metric)) in found.into_iter().enumerate() {
        metric.asked.retain(|asked| keep(place, asked));
        metrics.push(metric);
    }
    Ok(metrics)
}

fn collision(name: &str, one: &str, other: &str) -> Problem {
    Problem::unreadable(format!(
        "The metrics '{one}' and '{other}' are both called '{name}' by Prometheus. Ask for one by its own name, as in {{__name__=\"{one}\"}}."
    ))
}
