//! Whether the server does what alerts need, judged from what is known of it at one moment. Pure: what it is judged by is
//! handed in, and who watches the watcher (the heartbeat, `GET /v1/health`, the log) only repeats the verdict.

use std::time::Duration;

/// Beyond this the evaluation is behind.
pub const MOST_LAG: Duration = Duration::from_secs(60);

/// A delivery that is due and waits longer for its first attempt is held up. What a far end answers does not count.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How far a part of the server is behind; it grows by itself where that part is stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// The server was started without it.
    Off,
    /// It should run, and never said anything.
    Silent,
    /// This far.
    Behind(Duration),
}

/// What is known at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    /// Why nothing can be stored.
    pub trouble: Option<String>,
    /// The data file is a copy that nobody adopted.
    pub copy: bool,
    /// How old the newest durable measurement is that was not evaluated.
    pub evaluation: Pulse,
    /// How long the delivery that waits longest for its first attempt has been due.
    pub delivery: Pulse,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Switched off, which is no failure.
    Off,
    /// Not as it should be.
    Failing,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What it is called.
    pub name: &'static str,
    /// How it went.
    pub status: State,
    /// The same in words.
    pub message: String,
}

/// The verdict on everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// In the order in which they are shown.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// What is wrong, in one line.
    pub fn failures(&self) -> Option<String> {
        let failing = self.checks.iter().filter(|check| check.status == State::Failing);
        let reasons: Vec<&str> = failing.map(|check| check.message.as_str()).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Why the heartbeat must not go on. It says that alerts are evaluated, so it also stops where they are meant not to be.
    pub fn stops_heartbeat(&self) -> Option<String> {
        let off = |check: &&Check| check.name == EVALUATION && check.status == State::Off;
        self.failures().or_else(|| self.checks.iter().find(off).map(|check| check.message.clone()))
    }
}

const EVALUATION: &str = "evaluation";

/// Judges what is known.
pub fn judge(signs: &Signs) -> Verdict {
    let storage = match &signs.trouble {
        None => check("storage", State::Ok, "measurements can be stored"),
        Some(why) => check("storage", State::Failing, format!("nothing can be stored: {why}")),
    };
    let original = if signs.copy {
        check(
            "original",
            State::Failing,
            "the data file is a copy that nobody adopted, so nobody is notified",
        )
    } else {
        check("original", State::Ok, "the data file is no copy")
    };
    Verdict { checks: vec![storage, original, evaluation(signs.evaluation), delivery(signs.delivery)] }
}

fn evaluation(pulse: Pulse) -> Check {
    match pulse {
        Pulse::Off => check(EVALUATION, State::Off, "alerts are not evaluated"),
        Pulse::Silent => check(EVALUATION, State::Failing, "the evaluation of alerts has not begun"),
        Pulse::Behind(lag) if lag > MOST_LAG => check(
            EVALUATION,
            State::Failing,
            format!("the evaluation lags {} s, more than {} s", lag.as_secs(), MOST_LAG.as_secs()),
        ),
        Pulse::Behind(lag) => {
            check(EVALUATION, State::Ok, format!("the evaluation lags {} s", lag.as_secs()))
        }
    }
}

fn delivery(pulse: Pulse) -> Check {
    let name = "delivery";
    match pulse {
        Pulse::Off => check(name, State::Off, "notifications are not sent"),
        Pulse::Silent => check(name, State::Failing, "the sending of notifications has not begun"),
        Pulse::Behind(wait) if wait > LONGEST_WAIT => check(
            name,
            State::Failing,
            format!(
                "a due notification has waited {} s for its first attempt, more than {} s",
                wait.as_secs(),
                LONGEST_WAIT.as_secs()
            ),
        ),
        Pulse::Behind(_) => check(name, State::Ok, "due notifications are sent"),
    }
}

fn check(name: &'static str, status: State, message: impl Into<String>) -> Check {
    Check { name, status, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Signs {
        let now = Pulse::Behind(Duration::ZERO);
        Signs { trouble: None, copy: false, evaluation: now, delivery: now }
    }

    fn stopped(change: impl FnOnce(&mut Signs)) -> Option<String> {
        let mut signs = well();
        change(&mut signs);
        judge(&signs).stops_heartbeat()
    }

    #[test]
    fn the_bounds_themselves_are_still_well() {
        assert_eq!(stopped(|_| ()), None);
        assert_eq!(stopped(|signs| signs.evaluation = Pulse::Behind(MOST_LAG)), None);
        assert_eq!(stopped(|signs| signs.delivery = Pulse::Behind(LONGEST_WAIT)), None);
        let more = Duration::from_millis(1);
        let late = stopped(|signs| signs.evaluation = Pulse::Behind(MOST_LAG + more)).unwrap();
        assert_eq!(late, "the evaluation lags 60 s, more than 60 s");
        let held = stopped(|signs| signs.delivery = Pulse::Behind(LONGEST_WAIT + more)).unwrap();
        assert!(held.contains("has waited 300 s for its first attempt"), "{held}");
    }

    #[test]
    fn what_is_switched_off_is_no_failure_but_nobody_says_that_it_is_done() {
        let mut signs = Signs { delivery: Pulse::Off, ..well() };
        assert_eq!(judge(&signs).stops_heartbeat(), None, "evaluated, and muted on purpose");
        signs.evaluation = Pulse::Off;
        assert_eq!(judge(&signs).failures(), None);
        assert_eq!(judge(&signs).stops_heartbeat().unwrap(), "alerts are not evaluated");
    }

    #[test]
    fn what_never_began_and_what_cannot_be_done_is_said() {
        assert!(stopped(|signs| signs.evaluation = Pulse::Silent).is_some());
        assert!(stopped(|signs| signs.delivery = Pulse::Silent).is_some());
        assert!(stopped(|signs| signs.copy = true).unwrap().contains("copy"));
        let both = stopped(|signs| {
            signs.trouble = Some("the disk is full".to_owned());
            signs.evaluation = Pulse::Behind(Duration::from_secs(75));
        });
        let both = both.unwrap();
        assert_eq!(both, "nothing can be stored: the disk is full; the evaluation lags 75 s, more than 60 s");
    }
}
