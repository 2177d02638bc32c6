//! Tells people what a command waits for: a service that refuses connections, answers nothing, or asked to be left alone.
//! Looks at the client every now and then; decides nothing.

use std::time::Duration;

use librato_apply::remote::{Client, Trouble};
use tokio::task::JoinHandle;

use super::ui::Ui;

/// How often the client is looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// How long people wait without wondering.
const WONDER: Duration = Duration::from_secs(1);

/// How long a service may be gone, or take for an answer, until that is worth a line.
const GONE: Duration = Duration::from_secs(3);
const SLOW: Duration = Duration::from_secs(8);

/// How often it is said again.
const AGAIN: Duration = Duration::from_secs(15);

/// Looks and tells, as long as it lives.
pub struct Patience(JoinHandle<()>);

impl Patience {
    /// Begins to look.
    pub fn begin(client: &Client, ui: &Ui) -> Self {
        let (client, ui) = (client.clone(), ui.clone());
        Self(tokio::spawn(async move {
            let mut teller = Teller::default();
            loop {
                tokio::time::sleep(GLANCE).await;
                let place = client.config().endpoint.authority();
                if let Some(line) = teller.line(client.trouble(), place) {
                    ui.say(&line);
                }
            }
        }))
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What was said last.
#[derive(Default)]
struct Teller {
    /// For how long the service had answered nothing then.
    silent: Option<Duration>,
    /// What was left of the pause then, at most.
    paused: Option<Duration>,
}

impl Teller {
    /// What is to be said of this, if it is worth a line and was not said just now.
    fn line(&mut self, trouble: Option<Trouble>, place: &str) -> Option<String> {
        match trouble {
            Some(Trouble::NeverReached { refused, since, limit }) if since >= WONDER => {
                let what = if refused { "refuses connections" } else { "cannot be reached" };
                let said = self.silent.replace(since).is_some();
                (!said).then(|| format!("{place} {what}; trying for {} s", limit.as_secs()))
            }
            Some(Trouble::Silent { since, failed }) if since >= if failed { GONE } else { SLOW } => {
                if self.silent.is_some_and(|said| since < said + AGAIN) {
                    return None;
                }
                self.silent = Some(since);
                let what = if failed { "cannot be reached" } else { "does not answer" };
                Some(format!("the service {what}; waiting ({} s)", since.as_secs()))
            }
            Some(Trouble::Paused { left }) if left >= WONDER => {
                // It only gets less, unless the service asks again.
                let said = self.paused.replace(left).is_some_and(|said| left <= said);
                (!said).then(|| {
                    format!(
                        "the service asks to be left alone (rate limit); waiting {} s",
                        left.as_secs_f64().ceil()
                    )
                })
            }
            Some(Trouble::NeverReached { .. } | Trouble::Paused { .. }) => None,
            Some(Trouble::Silent { .. }) | None => {
                self.paused = None;
                let was_gone = self.silent.take().is_some_and(|said| said >= GONE);
                (was_gone && trouble.is_none()).then(|| "the service answers again".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_trouble_is_one_line_that_is_seldom_repeated() {
        let mut teller = Teller::default();
        let mut line = |trouble| teller.line(trouble, "127.0.0.1:1");
        let refused = |since| Some(Trouble::NeverReached { refused: true, since, limit: seconds(2) });
        assert_eq!(line(refused(Duration::from_millis(900))), None);
        assert_eq!(line(refused(seconds(1))).unwrap(), "127.0.0.1:1 refuses connections; trying for 2 s");
        assert_eq!(line(refused(seconds(2))), None);
        assert_eq!(line(None), None);
        let silent = |since| Some(Trouble::Silent { since: seconds(since), failed: true });
        assert_eq!(line(silent(2)), None);
        assert_eq!(line(silent(3)).unwrap(), "the service cannot be reached; waiting (3 s)");
        assert_eq!(line(silent(17)), None);
        assert_eq!(line(silent(18)).unwrap(), "the service cannot be reached; waiting (18 s)");
        assert_eq!(line(None).unwrap(), "the service answers again");
        assert_eq!(line(None), None);
    }

    #[test]
    fn a_pause_is_told_once_and_a_new_one_again() {
        let mut teller = Teller::default();
        let mut line = |left| teller.line(Some(Trouble::Paused { left: seconds(left) }), "x");
        let text = "the service asks to be left alone (rate limit); waiting 30 s";
        assert_eq!(line(30).unwrap(), text);
        assert_eq!(line(12), None);
        assert_eq!(line(30).unwrap(), text);
        assert_eq!(line(0), None);
    }
}
