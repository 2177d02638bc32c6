//! `render prometheus --evidence URL`: how often the rules would have fired, asked of the Prometheus that has the measurements. What
//! cannot be asked is a note; nothing fails for it.

use std::time::Duration;

use librato_apply::prometheus::{Question, ReportedEvidence, fired};
use librato_apply::remote::promql::Prometheus;
use librato_apply::remote::{Auth, Client, Config, Endpoint};
use secrecy::SecretString;
use tokio::time::Instant;

use super::super::args::Global;
use super::super::credentials::{Given, env};
use super::super::evidence::past::Past;
use super::super::exit::Stop;
use super::super::ui::Ui;

/// How far back.
const SPAN: i64 = 7 * 86_400;

/// How long one query may take, and all of them.
const PATIENCE: Duration = Duration::from_secs(30);
const IN_ALL: Duration = Duration::from_secs(600);

/// How often one is asked that fails for a reason that may pass.
const ATTEMPTS: usize = 3;

/// What each alert would have done in the last seven days, in their order.
pub async fn evidence(
    url: &str,
    questions: &[Question],
    interval: i64,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<Vec<ReportedEvidence>> {
    let past = Past::new(prometheus(url, global, ui)?, SPAN, interval, Instant::now() + IN_ALL);
    let answers = past.ask(questions.iter()).await;
    let one = |question: &Question| match answers.firing(question) {
        Ok(streams) => {
            ReportedEvidence::known(question, fired(streams, past.step), &answers.missing(question))
        }
        Err(why) => ReportedEvidence::unknown(question, why.to_string()),
    };
    Ok(questions.iter().map(one).collect())
}

/// The one that is meant, and who asks.
fn prometheus(url: &str, global: &Global, ui: &Ui) -> Result<Prometheus, Stop> {
    let refused = |why: String| {
        let help = "--evidence http://127.0.0.1:9090, with PROMETHEUS_TOKEN where one is needed";
        Stop::usage(format!("--evidence: {why}"), help)
    };
    let given = Given::new(env("PROMETHEUS_USER"), env("PROMETHEUS_TOKEN").map(SecretString::from), ui);
    let (user, token) = given.parts();
    let auth = match (user, token) {
        (Some(_), _) => Auth::Basic,
        (None, Some(_)) => Auth::Bearer,
        (None, None) => Auth::None,
    };
    // Where nobody says who they are, nothing secret crosses the network.
    let open = global.allow_insecure_http || !given.any();
    let endpoint = Endpoint::bare(url, open).map_err(|error| refused(error.to_string()))?;
    let token = token.cloned().unwrap_or_else(|| SecretString::from(""));
    let config = Config::new(endpoint, user.unwrap_or_default(), token);
    let mut config = Config { auth, tenant: env("PROMETHEUS_TENANT"), ..config };
    config.timeout = global.timeout.max(PATIENCE);
    config.give_up_after = Some(global.give_up_after.min(PATIENCE));
    config.retry.max_attempts = ATTEMPTS;
    config.ca_file.clone_from(&global.ca_file);
    Client::new(config).map(Prometheus::new).map_err(|error| refused(error.to_string()))
}
