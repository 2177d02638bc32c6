//! Range queries (`query_range`) to a Prometheus, or to what speaks its API, cut so that none asks for more points than it gives.
//! Reads only, never repeats, and knows nothing of rules and alerts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::tls;

/// Points of one series that Prometheus answers with at most.
const MOST_POINTS: i64 = 11_000;

/// Bytes of an answer that are read at most.
const MOST_BYTES: usize = 64 << 20;

/// A Prometheus that is asked.
#[derive(Debug, Clone)]
pub struct Prometheus {
    /// Below which `/api/v1` is.
    url: Url,
    http: reqwest::Client,
    login: Login,
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// The user, for basic authentication.
    pub user: Option<String>,
    /// The password of the user, or a bearer token where there is none.
    pub token: Option<SecretString>,
    /// The tenant of a Mimir or Cortex.
    pub tenant: Option<String>,
}

/// A series and its points, by second.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Seconds and values, in order.
    pub points: Vec<(i64, f64)>,
}

impl Prometheus {
    /// Prepares to ask; connects to nothing.
    ///
    /// # Errors
    /// Why nothing can be asked there.
    pub fn new(url: &str, login: Login, ca_file: Option<&Path>, timeout: Duration) -> Result<Self, String> {
        let mut url = Url::parse(url).map_err(|error| format!("not a URL ({error})"))?;
        let is_plain = url.scheme() == "http";
        if !is_plain && url.scheme() != "https" || url.query().is_some() || url.fragment().is_some() {
            return Err("it looks like https://prometheus.example.org".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds no user or password".to_owned());
        }
        let here = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if is_plain && !here && login.token.is_some() {
            return Err("http:// to another machine would send the token unprotected".to_owned());
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let builder = || {
            let builder = reqwest::Client::builder().redirect(redirect::Policy::none()).timeout(timeout);
            if here { builder.no_proxy() } else { builder }
        };
        let http = tls::build(builder, ca_file, !is_plain).map_err(|error| error.to_string())?;
        Ok(Self { url, http, login })
    }

    /// The value of an expression at each step from `start` to `end`, by series.
    ///
    /// # Errors
    /// Why there is none, in words; nothing of the login is in them.
    pub async fn range(
        &self,
        expression: &str,
        (start, end): (i64, i64),
        step: i64,
    ) -> Result<Vec<Series>, String> {
        let mut all: BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>> = BTreeMap::new();
        for (from, until) in slices(start, end, step) {
            for series in self.slice(expression, (from, until), step).await? {
                all.entry(series.labels).or_default().extend(series.points);
            }
        }
        Ok(all.into_iter().map(|(labels, points)| Series { labels, points }).collect())
    }

    async fn slice(
        &self,
        expression: &str,
        (start, end): (i64, i64),
        step: i64,
    ) -> Result<Vec<Series>, String> {
        let url = self.url.join("api/v1/query_range").map_err(|error| error.to_string())?;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", expression)
            .append_pair("start", &start.to_string())
            .append_pair("end", &end.to_string())
            .append_pair("step", &step.to_string())
            .finish();
        let request =
            self.http.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let Login { user, token, tenant } = &self.login;
        let request = match (user, token) {
            (Some(user), token) => {
                request.basic_auth(user, token.as_ref().map(|token| token.expose_secret()))
            }
            (None, Some(token)) => request.bearer_auth(token.expose_secret()),
            (None, None) => request,
        };
        let request = match tenant {
            Some(tenant) => request.header("X-Scope-OrgID", tenant),
            None => request,
        };
        let failed = |error: reqwest::Error| super::answer::innermost(&error.without_url());
        let mut response = request.send().await.map_err(failed)?;
        let (status, mut text) = (response.status(), Vec::new());
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if text.len() + part.len() > MOST_BYTES {
                return Err(format!("the answer is longer than {MOST_BYTES} bytes"));
            }
            text.extend_from_slice(&part);
        }
        let answer: Option<Value> = serde_json::from_slice(&text).ok();
        match answer {
            Some(answer) if status.is_success() => {
                read(&answer).ok_or_else(|| "it is no answer of Prometheus".to_owned())
            }
            Some(Value::Object(answer)) if answer.get("error").is_some_and(Value::is_string) => {
                let why = answer["error"].as_str().unwrap_or_default();
                Err(why.chars().filter(|c| !c.is_control()).take(200).collect())
            }
            _ => Err(format!("it answers {status}")),
        }
    }
}

/// Stretches of time with as many steps as one query may have.
fn slices(start: i64, end: i64, step: i64) -> Vec<(i64, i64)> {
    let (step, mut from, mut found) = (step.max(1), start, Vec::new());
    while from <= end {
        let until = end.min(from.saturating_add(step.saturating_mul(MOST_POINTS - 1)));
        found.push((from, until));
        from = until.saturating_add(step) - (until - from) % step;
    }
    found
}

/// What an answer holds; nothing of one that is none.
fn read(answer: &Value) -> Option<Vec<Series>> {
    let data = answer.get("data").filter(|data| data["resultType"] == "matrix")?;
    let point = |point: &Value| {
        let time = point.get(0)?.as_f64()?;
        #[allow(clippy::cast_possible_truncation)] // Seconds of our days.
        Some((time.round() as i64, point.get(1)?.as_str()?.parse().ok()?))
    };
    let series = |series: &Value| {
        let labels = series.get("metric")?.as_object()?.iter();
        let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let points = series.get("values")?.as_array()?.iter().map(point).collect::<Option<_>>()?;
        Some(Series { labels: labels.collect::<Option<_>>()?, points })
    };
    data["result"].as_array()?.iter().map(series).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_query_asks_for_more_points_than_are_given() {
        assert_eq!(slices(0, 600, 60), [(0, 600)]);
        let week = slices(0, 604_800, 30);
        assert_eq!(week, [(0, 329_970), (330_000, 604_800)]);
        for (start, end, step) in [(0, 604_800, 1), (7, 100_000, 7), (5, 5, 60), (0, 59, 60), (10, 0, 60)] {
            let all: Vec<i64> = slices(start, end, step)
                .into_iter()
                .flat_map(|(from, until)| {
                    let steps: Vec<i64> = (from..=until).step_by(usize::try_from(step).unwrap()).collect();
                    assert!(steps.len() <= 11_000);
                    steps
                })
                .collect();
            let expected: Vec<i64> = (start..=end).step_by(usize::try_from(step).unwrap()).collect();
            assert_eq!(all, expected, "{start} {end} {step}");
        }
    }

    #[test]
    fn answers_are_read_or_are_none() {
        let answer = json!({ "status": "success", "data": { "resultType": "matrix", "result": [
            { "metric": { "source": "a" }, "values": [[60, "1.5"], [120.0, "NaN"]] } ] } });
        let found = read(&answer).unwrap();
        assert_eq!(found[0].labels["source"], "a");
        assert_eq!(found[0].points[0], (60, 1.5));
        assert!(found[0].points[1].1.is_nan());
        for odd in [json!({}), json!({ "data": { "resultType": "vector", "result": [] } }), json!([1])] {
            assert_eq!(read(&odd), None);
        }
    }

    #[test]
    fn where_nothing_can_be_asked_it_is_said() {
        let token = || Login { token: Some("t".into()), ..Login::default() };
        let new = |url: &str, login| Prometheus::new(url, login, None, Duration::from_secs(1)).map(|_| ());
        for (url, expected) in [
            ("prometheus", "not a URL"),
            ("ftp://a.example", "looks like"),
            ("https://u:p@a.example", "no user"),
            ("http://a.example", "unprotected"),
        ] {
            assert!(new(url, token()).unwrap_err().contains(expected), "{url}");
        }
        assert_eq!(new("http://127.0.0.1:9090/prometheus", token()), Ok(()));
        assert_eq!(new("http://a.example", Login::default()), Ok(()));
    }
}
