//! One attempt to tell one service something, whichever way it goes there, and what came of it in words that may be shown.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::client::{Answered, Client, Failed};
use super::excerpt;
use super::judge::{Answer, Outcome};
use super::relay::Relay;
use super::request::{Http, Mail, Request, Unsendable};

/// What sends. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    /// For everybody who speaks HTTP.
    pub client: Client,
    /// For mail, if there is a relay.
    pub relay: Option<Relay>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it means.
    pub verdict: Verdict,
    /// The host that was asked, for people.
    pub target: Option<String>,
    /// What an HTTP server answered.
    pub status: Option<u16>,
    /// What went wrong, for people; without secrets.
    pub detail: Option<String>,
    /// Whether it may have arrived, although no one said so.
    pub in_doubt: bool,
    /// Who is still to be told, of a mail to many.
    pub rest: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// What an attempt means for what is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The far end has it.
    Taken,
    /// The far end may take it later.
    Passing {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The far end will not take it.
    Lasting,
    /// It was not sent since something is missing or wrong here: settings, a mail relay. Once that is mended it may go.
    Unready,
    /// There is no one any more who could take it.
    Dead,
    /// Services of this type take no such message.
    NotTaken,
}

impl Report {
    fn of(verdict: Verdict, detail: impl Into<Option<String>>) -> Report {
        let detail = detail.into();
        Report {
            verdict,
            target: None,
            status: None,
            detail,
            in_doubt: false,
            rest: Vec::new(),
            took: Duration::ZERO,
        }
    }
}

impl Report {
    /// Nothing was sent, since something is missing here.
    pub fn unready(why: &str) -> Report {
        Report::of(Verdict::Unready, why.to_owned())
    }
}

impl From<Unsendable> for Report {
    fn from(why: Unsendable) -> Report {
        let verdict = match &why {
            Unsendable::Dead(_) => Verdict::Dead,
            Unsendable::NotTaken(_) => Verdict::NotTaken,
            Unsendable::Settings(_) => Verdict::Unready,
        };
        Report::of(verdict, why.to_string())
    }
}

impl Sender {
    /// Sends a request that was made of `settings`. Of a mail to many, `rest` is who still lacks it; no one means everybody.
    pub async fn send(
        &self,
        request: Result<Request, Unsendable>,
        settings: &Map<String, Value>,
        rest: &[String],
        now: i64,
    ) -> Report {
        let since = Instant::now();
        let report = match request {
            Err(why) => why.into(),
            Ok(Request::Http(request)) => self.http(&request, settings, now).await,
            Ok(Request::Mail(mail)) => self.mail(&mail, rest).await,
        };
        Report { took: since.elapsed(), ..report }
    }

    async fn http(&self, request: &Http, settings: &Map<String, Value>, now: i64) -> Report {
        let target = request.url.host_str().map(str::to_owned);
        let report = match self.client.send(request).await {
            Ok(answered) => judged(request, &answered, settings, now),
            Err(failed) => unanswered(&failed),
        };
        Report { target, ..report }
    }

    async fn mail(&self, mail: &Mail, rest: &[String]) -> Report {
        let Some(relay) = &self.relay else {
            let why = "no mail relay is configured: start the server with `--smtp`";
            return Report::of(Verdict::Unready, why.to_owned());
        };
        let handed = relay.hand_over(mail, rest).await;
        let verdict = match (handed.waiting.is_empty(), handed.refused.is_empty()) {
            (false, _) => Verdict::Passing { retry_after: None },
            (true, false) => Verdict::Lasting,
            (true, true) => Verdict::Taken,
        };
        let detail = (!handed.troubles.is_empty()).then(|| excerpt::shortened(&handed.troubles.join("; ")));
        let mut left = handed.waiting;
        left.extend(handed.refused);
        // No one has it: then it is still for everybody, also for addresses that come in place of wrong ones.
        let rest = if rest.is_empty() && left.len() == mail.letters.len() { Vec::new() } else { left };
        let target = Some(relay.host().to_owned());
        Report { target, in_doubt: handed.arrived, rest, ..Report::of(verdict, detail) }
    }
}

/// What an answer means.
fn judged(request: &Http, answered: &Answered, settings: &Map<String, Value>, now: i64) -> Report {
    let Answered { status, retry_after, body, whole } = answered;
    let answer = Answer { status: *status, retry_after: retry_after.as_deref(), body, now };
    let excerpt = || excerpt::shown(body, &excerpt::secrets(settings));
    let ok = (200..300).contains(status);
    let report = match request.success.judge(&answer) {
        Outcome::Taken => Report::of(Verdict::Taken, None),
        // What would have said so did not come.
        Outcome::Lasting if ok && !whole => {
            let why = "the answer broke off".to_owned();
            Report { in_doubt: true, ..Report::of(Verdict::Passing { retry_after: None }, why) }
        }
        Outcome::Passing { retry_after } => Report::of(Verdict::Passing { retry_after }, excerpt()),
        Outcome::Lasting if (300..400).contains(status) => {
            let why = "the target answers with a redirection, which is not followed".to_owned();
            Report::of(Verdict::Lasting, why)
        }
        Outcome::Lasting => Report::of(Verdict::Lasting, excerpt()),
    };
    // A server that failed may have done it all the same.
    let in_doubt = report.in_doubt || *status >= 500;
    Report { status: Some(*status), in_doubt, ..report }
}

fn unanswered(failed: &Failed) -> Report {
    let verdict = match failed {
        // No one was asked: the operator can allow the target.
        Failed::Refused(_) => Verdict::Unready,
        Failed::Unconnected(_) | Failed::Unanswered(_) => Verdict::Passing { retry_after: None },
    };
    let in_doubt = matches!(failed, Failed::Unanswered(_));
    Report { in_doubt, ..Report::of(verdict, failed.to_string()) }
}
