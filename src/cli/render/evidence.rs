//! `render prometheus --evidence URL`: how often the rules would have fired, asked of the Prometheus that has the measurements. What
//! cannot be asked is a note; nothing fails for it.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use librato_apply::prometheus::{Question, ReportedEvidence, fired};
use librato_apply::remote::promql::{Login, Prometheus};

use super::super::exit::{Exit, Stop};
use super::super::ui::Ui;

/// How far back.
const SPAN: i64 = 7 * 86_400;

/// Queries at one time.
const AT_ONCE: usize = 8;

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What each alert would have done in the last seven days, in their order.
pub async fn evidence(
    url: &str,
    questions: &[Question],
    interval: i64,
    ui: &Ui,
) -> anyhow::Result<Vec<ReportedEvidence>> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let token = set("PROMETHEUS_TOKEN");
    token.iter().for_each(|token| ui.hide(token));
    let login = Login {
        user: set("PROMETHEUS_USER"),
        token: token.map(Into::into),
        tenant: set("PROMETHEUS_TENANT"),
    };
    let prometheus = Prometheus::new(url, login, None, PATIENCE).map_err(|why| {
        let help =
            vec!["--evidence http://127.0.0.1:9090, with PROMETHEUS_TOKEN where one is needed".to_owned()];
        Stop { exit: Exit::Usage, message: format!("--evidence: {why}"), help }
    })?;
    let now = Timestamp::now().as_second();
    let end = now.checked_div(interval).context("an interval is at least one second")? * interval;
    let ask = |question: &Question| {
        let (prometheus, question) = (prometheus.clone(), question.clone());
        async move {
            let answer = prometheus.range(&question.expression, (end - SPAN, end), interval).await;
            match answer {
                Ok(series) => {
                    let found = fired(series.iter().map(|series| series.points.as_slice()), interval);
                    ReportedEvidence::known(&question, found)
                }
                Err(why) => ReportedEvidence::unknown(&question, why),
            }
        }
    };
    Ok(stream::iter(questions.iter().map(ask)).buffered(AT_ONCE).collect().await)
}
