//! What the answer of a far end means: it took the message, it may take it later, or it never will. Pure.

use std::time::Duration;

use serde_json::Value;

/// No one is waited for longer on their own word.
const LONGEST_WAIT: u64 = 3_600;

/// What an answer is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// Its status says everything.
    Status,
    /// Slack and those that take its messages: JSON may say that it failed. `says_ok` where nothing but `ok` is success.
    Slack {
        /// Whether the far end is Slack itself.
        says_ok: bool,
    },
    /// PagerDuty refuses what is too much with 403, too.
    PagerDutyV1,
    /// Splunk On-Call says in JSON whether it took the alert.
    VictorOps,
    /// AWS refuses what is too much with 400 and a code in XML.
    Sns,
}

#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// What was read of the body.
    pub body: &'a [u8],
    /// Wall time, in epoch seconds.
    pub now: i64,
}

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The message was taken.
    Taken,
    /// It may be taken later.
    Passing {
        /// When the far end wants to be asked again, at most an hour.
        retry_after: Option<Duration>,
    },
    /// It will never be.
    Lasting,
}

impl Success {
    /// What `answer` means.
    pub fn judge(self, answer: &Answer<'_>) -> Outcome {
        match answer.status {
            200..=299 if self.is_denied(answer.body) => Outcome::Lasting,
            200..=299 => Outcome::Taken,
            status if is_passing(status) || self.is_too_much(answer) => {
                Outcome::Passing { retry_after: wait(answer) }
            }
            _ => Outcome::Lasting,
        }
    }

    /// Whether a body denies what the status says.
    fn is_denied(self, body: &[u8]) -> bool {
        match self {
            Self::Slack { says_ok: true } => body.trim_ascii() != b"ok",
            Self::Slack { says_ok: false } => {
                let denies =
                    |said: Value| ["ok", "success"].iter().any(|key| said[*key] == Value::Bool(false));
                serde_json::from_slice(body).is_ok_and(denies)
            }
            Self::VictorOps => {
                serde_json::from_slice::<Value>(body).is_ok_and(|said| said["result"] == "failure")
            }
            Self::Status | Self::PagerDutyV1 | Self::Sns => false,
        }
    }

    /// Whether a refusal only says: not so fast.
    fn is_too_much(self, answer: &Answer<'_>) -> bool {
        match self {
            Self::PagerDutyV1 => answer.status == 403,
            Self::Sns => {
                let body = String::from_utf8_lossy(answer.body);
                let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
                // A request is signed again at each attempt, so one that came too late may come in time.
                code.is_some_and(|(code, _)| code.contains("Throttl") || code == "RequestExpired")
            }
            Self::Status | Self::Slack { .. } | Self::VictorOps => false,
        }
    }
}

fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

fn wait(answer: &Answer<'_>) -> Option<Duration> {
    let text = answer.retry_after?.trim();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let until = httpdate::parse_http_date(text).ok()?;
            let until = until.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
            until.saturating_sub(u64::try_from(answer.now).unwrap_or(0))
        }
    };
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(success: Success, status: u16, body: &str) -> Outcome {
        success.judge(&Answer { status, retry_after: None, body: body.as_bytes(), now: 0 })
    }

    const LATER: Outcome = Outcome::Passing { retry_after: None };

    #[test]
    fn a_status_says_whether_to_come_back() {
        for (status, outcome) in [
            (200, Outcome::Taken),
            (204, Outcome::Taken),
            (302, Outcome::Lasting),
            (400, Outcome::Lasting),
            (403, Outcome::Lasting),
            (404, Outcome::Lasting),
            (408, LATER),
            (425, LATER),
            (429, LATER),
            (500, LATER),
            (503, LATER),
        ] {
            assert_eq!(judge(Success::Status, status, ""), outcome, "{status}");
        }
    }

    #[test]
    fn bodies_deny_what_the_status_says() {
        let (slack, other) = (Success::Slack { says_ok: true }, Success::Slack { says_ok: false });
        for (success, status, body, outcome) in [
            (slack, 200, "ok", Outcome::Taken),
            (slack, 200, "no_service", Outcome::Lasting),
            (other, 200, "ok", Outcome::Taken),
            (other, 200, r#"{"success":true}"#, Outcome::Taken),
            (other, 200, r#"{"success":false}"#, Outcome::Lasting),
            (other, 200, r#"{"ok":false,"error":"x"}"#, Outcome::Lasting),
            (other, 204, "", Outcome::Taken),
            (Success::PagerDutyV1, 403, "", LATER),
            (Success::PagerDutyV1, 400, "", Outcome::Lasting),
            (Success::VictorOps, 200, r#"{"result":"success","entity_id":"x"}"#, Outcome::Taken),
            (Success::VictorOps, 200, r#"{"result":"failure","message":"x"}"#, Outcome::Lasting),
            (Success::Sns, 400, "<Error><Code>Throttling</Code></Error>", LATER),
            (Success::Sns, 403, "<Error><Code>RequestExpired</Code></Error>", LATER),
            (Success::Sns, 403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", Outcome::Lasting),
        ] {
            assert_eq!(judge(success, status, body), outcome, "{success:?} {status} {body}");
        }
    }

    #[test]
    fn who_is_busy_says_how_long() {
        for (header, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("999999", Some(3_600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            let answer = Answer { status: 429, retry_after: Some(header), body: b"", now: 784_111_740 };
            let retry_after = seconds.map(Duration::from_secs);
            assert_eq!(Success::Status.judge(&answer), Outcome::Passing { retry_after }, "{header}");
        }
    }
}
