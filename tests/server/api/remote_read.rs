//! `POST /v1/prometheus/read`: requests as a Prometheus sends them, written out here, and the samples of the answers.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use librato_apply::serve::Options;
use tower::ServiceExt as _;

use crate::harness::{Answer, Api, TOKEN, USER, basic, epoch};

const PATH: &str = "/v1/prometheus/read";

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// One query over some seconds: `name=value` and the like with the operators of PromQL.
fn query((start, end): (i64, i64), matchers: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut out = [vec![8], varint((start * 1_000) as u64), vec![16], varint((end * 1_000) as u64)].concat();
    for (label, sign, value) in matchers {
        let kind = ["=", "!=", "=~", "!~"].iter().position(|one| one == sign).unwrap() as u8;
        let matcher = [vec![8, kind], field(2, label.as_bytes()), field(3, value.as_bytes())].concat();
        out.extend(field(3, &matcher));
    }
    field(1, &out)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}

fn request(body: Vec<u8>) -> Request<Body> {
    Request::post(PATH)
        .header(header::AUTHORIZATION, basic(USER, TOKEN))
        .header(header::CONTENT_TYPE, "application/x-protobuf")
        .header(header::CONTENT_ENCODING, "snappy")
        .header("x-prometheus-remote-read-version", "0.1.0")
        .body(body.into())
        .unwrap()
}

/// The fields of a message: number and bytes, where numbers are written as eight bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn take(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut place) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << place;
            place += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = take(&mut bytes);
        let length = match key & 7 {
            0 => {
                found.push((key >> 3, take(&mut bytes).to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            _ => take(&mut bytes) as usize,
        };
        found.push((key >> 3, bytes[..length].to_vec()));
        bytes = &bytes[length..];
    }
    found
}

/// Series by their labels in the notation of PromQL, each with its seconds and values.
type Found = BTreeMap<String, Vec<(i64, f64)>>;

fn eight(bytes: &[u8]) -> [u8; 8] {
    bytes.try_into().unwrap()
}

/// The results of all queries of one request.
async fn results(api: &Api, queries: &[Vec<u8>]) -> Vec<Found> {
    let response = api.router.clone().oneshot(request(packed(&queries.concat()))).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/x-protobuf");
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "snappy");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let result = |(_, result): (u64, Vec<u8>)| {
        let mut found = Found::new();
        for (_, series) in fields(&result) {
            let (mut labels, mut samples) = (Vec::new(), Vec::new());
            for (number, bytes) in fields(&series) {
                let mut inner = fields(&bytes).into_iter().map(|(_, bytes)| bytes);
                let (first, second) = (inner.next().unwrap(), inner.next().unwrap());
                if number == 1 {
                    labels.push(format!("{}={}", text(first), text(second)));
                } else {
                    let time = i64::from_le_bytes(eight(&second)) / 1_000;
                    samples.push((time, f64::from_le_bytes(eight(&first))));
                }
            }
            assert!(labels.is_sorted(), "{labels:?}");
            assert!(found.insert(labels.join(","), samples).is_none(), "no series comes twice");
        }
        found
    };
    fields(&body).into_iter().map(result).collect()
}

async fn found(api: &Api, time: (i64, i64), matchers: &[(&str, &str, &str)]) -> Found {
    results(api, &[query(time, matchers)]).await.remove(0)
}

fn series<const N: usize>(all: [(&str, &[(i64, f64)]); N]) -> Found {
    all.into_iter().map(|(labels, samples)| (labels.to_owned(), samples.to_vec())).collect()
}

fn hour() -> i64 {
    epoch() / 3600 * 3600 - 7200
}

/// A gauge with two sources and a summary, a counter, and a tagged metric.
async fn filled(options: &Options) -> Api {
    let (api, hour) = (Api::with(options), hour());
    let body = format!(
        r#"{{"gauges": [
            {{"name": "web.ms", "value": 1, "source": "a", "measure_time": {hour}}},
            {{"name": "web.ms", "value": 2, "source": "a", "measure_time": {}}},
            {{"name": "web.ms", "count": 4, "sum": 20, "min": 3, "max": 9, "source": "b", "measure_time": {hour}}},
            {{"name": "web.ms", "value": 7, "measure_time": {hour}}}],
          "counters": [{{"name": "hits", "value": 40, "source": "a", "measure_time": {hour}}}]}}"#,
        hour + 60
    );
    api.post("/v1/metrics", &body).await.expect(200);
    let body = format!(
        r#"{{"time": {hour}, "measurements": [
            {{"name": "disk-used", "value": 5, "tags": {{"az.name": "x", "source": "a"}}}},
            {{"name": "disk-used", "value": 6, "tags": {{"az.name": "y"}}}}]}}"#
    );
    api.post("/v1/measurements", &body).await.expect(202);
    let composite = r#"{"type": "composite", "composite": "s(\"hits\", \"*\")"}"#;
    api.put("/v1/metrics/worked.out", composite).await.expect(201);
    api
}

#[tokio::test]
async fn samples_come_as_they_are_stored() {
    let (api, at) = (filled(&Options::default()).await, hour());
    let hour = (at, at + 3_600);
    assert_eq!(
        found(&api, hour, &[("__name__", "=", "web_ms")]).await,
        series([
            ("__name__=web_ms", &[(at, 7.0)]),
            ("__name__=web_ms,source=a", &[(at, 1.0), (at + 60, 2.0)]),
            ("__name__=web_ms,source=b", &[(at, 5.0)]),
        ])
    );
    assert_eq!(
        found(&api, (at, at + 59), &[("__name__", "=", "web_ms"), ("source", "=~", "a|c")]).await,
        series([("__name__=web_ms,source=a", &[(at, 1.0)])]),
        "both ends of the time count"
    );
    assert_eq!(
        found(&api, hour, &[("__name__", "=", "web.ms"), ("source", "=", "")]).await,
        series([("__name__=web.ms", &[(at, 7.0)])]),
        "by its own name, for versions that take it"
    );
    assert_eq!(
        found(&api, hour, &[("__name__", "=", "disk_used"), ("az_name", "!=", "y")]).await,
        series([("__name__=disk_used,az_name=x,source=a", &[(at, 5.0)])])
    );
    for (ending, value) in [("sum", 20.0), ("count", 4.0), ("min", 3.0), ("max", 9.0)] {
        let name = format!("web_ms:{ending}");
        let expected = format!("__name__={name},source=b");
        let asked = found(&api, hour, &[("__name__", "=", &name), ("source", "=", "b")]).await;
        assert_eq!(asked, series([(&expected, &[(at, value)])]));
    }
    let names = |found: Found| found.into_keys().collect::<Vec<_>>();
    assert_eq!(
        names(found(&api, hour, &[("source", "!=", "")]).await),
        [
            "__name__=disk_used,az_name=x,source=a",
            "__name__=hits,source=a",
            "__name__=web_ms,source=a",
            "__name__=web_ms,source=b",
            "__name__=web_ms:count,source=b",
            "__name__=web_ms:max,source=b",
            "__name__=web_ms:min,source=b",
            "__name__=web_ms:sum,source=b",
        ],
        "statistics where there are some; composites not at all"
    );
    let both = [query(hour, &[("__name__", "=", "none")]), query(hour, &[("__name__", "=", "hits")])];
    let both = results(&api, &both).await;
    assert_eq!(both, [Found::new(), series([("__name__=hits,source=a", &[(at, 40.0)])])]);
}

#[tokio::test]
async fn what_two_metrics_are_called_is_not_guessed() {
    let (api, at) = (filled(&Options::default()).await, hour());
    let body = format!(
        r#"{{"measure_time": {at}, "gauges": [{{"name": "web_ms", "value": 1}}, {{"name": "web.ms:sum", "value": 2}}]}}"#
    );
    api.post("/v1/metrics", &body).await.expect(200);
    let hour = (at, at + 60);
    let sent = packed(&query(hour, &[("__name__", "=", "web_ms")]));
    let message = "The metrics 'web.ms' and 'web_ms' are both called 'web_ms' by Prometheus";
    api.call(request(sent)).await.refused(400, "/request", message);
    let own = found(&api, hour, &[("__name__", "=", "web.ms"), ("source", "=", "b")]).await;
    assert_eq!(own, series([("__name__=web.ms,source=b", &[(at, 5.0)])]));
    let own = found(&api, hour, &[("__name__", "=", "web.ms:sum")]).await;
    assert_eq!(own, series([("__name__=web.ms:sum", &[(at, 2.0)])]), "a name of its own goes first");
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused() {
    let (api, at) = (filled(&Options::default()).await, hour());
    let all = || query((at, at + 60), &[]);
    let refused = async |body: Vec<u8>| -> Answer { api.call(request(body)).await };
    refused(vec![]).await.refused(400, "/request", "not compressed by snappy");
    refused(b"{}".to_vec()).await.refused(400, "/request", "not compressed by snappy");
    refused(packed(b"{}")).await.refused(400, "/request", "protocol buffers");
    // it says it holds 4 GB
    let bomb = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 100]].concat();
    refused(bomb).await.refused(413, "/request", "larger than 1048576 bytes");
    refused(packed(&vec![0; 2 << 20])).await.refused(413, "/request", "larger than 1048576 bytes");
    refused(vec![0; 2 << 20]).await.refused(413, "/request", "larger than 1048576 bytes");
    refused(packed(&all().repeat(33))).await.refused(400, "/request", "more than 32 queries");
    let wrong = packed(&query((at, at), &[("a", "=~", "(")]));
    refused(wrong).await.refused(400, "/request", r#"label "a" has a regular expression that is not one"#);
    let chunks = [all(), vec![16, 1]].concat();
    refused(packed(&chunks)).await.refused(400, "/request", "samples alone");

    let mut gzip = request(packed(&all()));
    gzip.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    api.call(gzip).await.refused(415, "/request", "must be snappy");
    let mut foreign = request(packed(&all()));
    foreign.headers_mut().insert(header::ORIGIN, "https://evil.example".parse().unwrap());
    api.call(foreign).await.refused(403, "/request", "another site");
}

/// As any dear read, but with a status that a Prometheus shows for what it is.
#[tokio::test]
async fn a_read_has_its_time() {
    let mut options = Options::default();
    options.read_timeout = Duration::ZERO;
    let (api, at) = (filled(&options).await, hour());
    let sent = packed(&query((at, at + 60), &[]).repeat(32));
    api.call(request(sent)).await.refused(413, "/request", "The read took longer than 0 s");
}
