//! Whether the server does what alerts need, judged from what is known of it at one moment. Pure: what it is judged by is
//! handed in, and who watches the watcher (the heartbeat, `GET /v1/health`, the log) only repeats the verdict.

use std::time::Duration;

use super::store::pressure::Level;
use super::store::room::Headroom;
use super::troubles::Said;

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
    /// How the data stand to the limit of `--max-disk`.
    pub space: Headroom,
    /// How what waits to be compacted in a database stands to what may.
    pub pressure: Level,
    /// The database had a synchronous standby, and has none now.
    pub alone: bool,
    /// The data file is a copy that no one adopted.
    pub copy: bool,
    /// How old the newest durable measurement is that was not evaluated.
    pub evaluation: Pulse,
    /// What keeps notifications from arriving.
    pub troubles: Vec<Said>,
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
    /// Something is wrong that this server cannot help.
    Warn,
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

    /// How many checks went neither well nor wrong.
    pub fn warnings(&self) -> usize {
        self.checks.iter().filter(|check| check.status == State::Warn).count()
    }

    /// Everything in one word.
    pub fn status(&self) -> State {
        match self.failures() {
            Some(_) => State::Failing,
            None if self.warnings() > 0 => State::Warn,
            None => State::Ok,
        }
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
    let storage = match (&signs.trouble, signs.space, signs.pressure) {
        (Some(why), ..) => check("storage", State::Failing, format!("nothing can be stored: {why}")),
        (None, Headroom::Reached, _) => {
            check("storage", State::Failing, "measurements are refused: the data have reached --max-disk")
        }
        (None, _, Level::Hard) => check(
            "storage",
            State::Failing,
            "measurements are refused: more wait to be compacted than --journal-hard, or a standby is far behind",
        ),
        (None, _, Level::Soft) => check(
            "storage",
            State::Warn,
            "measurements are stored more slowly: more wait to be compacted than --journal-soft",
        ),
        (None, ..) if signs.alone => check(
            "storage",
            State::Warn,
            "the database has lost its synchronous standby: what is acknowledged is on one machine alone, or nothing is",
        ),
        (None, Headroom::Near, _) => check("storage", State::Warn, "the data take nine tenths of --max-disk"),
        (None, Headroom::Enough, _) => check("storage", State::Ok, "measurements can be stored"),
    };
    let original = if signs.copy {
        check(
            "original",
            State::Failing,
            "the data file is a copy that nobody adopted, so nobody is notified",
        )
    } else {
        check("original", State::Ok, "the data are not marked as a copy")
    };
    let (evaluation, delivery) = (evaluation(signs.evaluation), delivery(signs.delivery));
    Verdict { checks: vec![storage, original, evaluation, delivery, arrival(signs)] }
}

/// Whether what is sent arrives. What this server keeps back itself fails; a far end that does not take it is no reason to think that
/// the server is dead.
fn arrival(signs: &Signs) -> Check {
    let name = "arrival";
    let messages: Vec<&str> = signs.troubles.iter().map(|said| said.message.as_str()).collect();
    match () {
        () if signs.delivery == Pulse::Off => check(name, State::Off, "notifications are not sent"),
        () if messages.is_empty() => check(name, State::Ok, "no notification is known that did not arrive"),
        () if signs.troubles.iter().any(|said| said.own) => check(name, State::Failing, messages.join("; ")),
        () => check(name, State::Warn, messages.join("; ")),
    }
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
        Signs {
            trouble: None,
            space: Headroom::Enough,
            pressure: Level::Low,
            alone: false,
            copy: false,
            evaluation: now,
            troubles: Vec::new(),
            delivery: now,
        }
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
    fn what_does_not_arrive_is_a_warning_and_a_failure_where_this_server_is_the_cause() {
        let said = |own| Said { own, message: "2 did not arrive".to_owned(), count: 2 };
        let verdict = |troubles| judge(&Signs { troubles, ..well() });
        assert_eq!(
            (verdict(Vec::new()).status(), verdict(vec![said(false)]).status()),
            (State::Ok, State::Warn)
        );
        assert_eq!(
            verdict(vec![said(false)]).stops_heartbeat(),
            None,
            "a far end that refuses does not count"
        );
        let own = verdict(vec![said(false), said(true)]);
        assert_eq!((own.status(), own.warnings()), (State::Failing, 0));
        assert_eq!(own.failures().unwrap(), "2 did not arrive; 2 did not arrive");
    }

    #[test]
    fn what_never_began_and_what_cannot_be_done_is_said() {
        assert!(stopped(|signs| signs.evaluation = Pulse::Silent).is_some());
        assert!(stopped(|signs| signs.delivery = Pulse::Silent).is_some());
        assert!(stopped(|signs| signs.copy = true).unwrap().contains("copy"));
        assert_eq!(judge(&Signs { alone: true, ..well() }).status(), State::Warn);
        let both = stopped(|signs| {
            signs.trouble = Some("the disk is full".to_owned());
            signs.evaluation = Pulse::Behind(Duration::from_secs(75));
        });
        let both = both.unwrap();
        assert_eq!(both, "nothing can be stored: the disk is full; the evaluation lags 75 s, more than 60 s");
    }
}
