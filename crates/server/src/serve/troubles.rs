//! What keeps notifications from arriving, by service: what was tried and not taken, what was given up, and what this server itself would
//! not send. Pure. A trouble stays until something arrives at the service or a day has passed, so that whoever looks now and then sees it.

use std::collections::{BTreeMap, BTreeSet};

/// What was given up is remembered for so long, in seconds.
const REMEMBERED: i64 = 86_400;

/// A service, for people.
#[derive(Debug, Clone, Copy)]
pub struct To<'a> {
    pub id: i64,
    /// Its type.
    pub kind: &'a str,
    /// What it is called.
    pub title: &'a str,
}

/// Why something did not arrive, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The far end failed, and may not the next time.
    Failed,
    /// It refused.
    Refused,
    /// This server did not send it: a relay, a setting or leave to is missing.
    Unsent,
}

/// What became of one notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// The far end has it.
    Arrived,
    /// It is no longer to be sent, and no one misses it.
    Void,
    /// It waits for the next attempt.
    Waits(Why),
    /// It was given up.
    Lost(Why),
}

/// One service that does not get what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    name: String,
    waiting: BTreeSet<i64>,
    /// With the second in which it was given up.
    lost: BTreeMap<i64, i64>,
    why: Why,
    detail: Option<String>,
}

/// What is wrong, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether this server is the cause, and notifications wait or are lost by it.
    pub own: bool,
    /// What does not arrive where, and why.
    pub message: String,
    /// How many notifications.
    pub count: usize,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Troubles {
    services: BTreeMap<i64, Trouble>,
    /// What would not be sent although alerts name it, by service.
    ahead: BTreeMap<i64, String>,
}

impl Troubles {
    /// Notes what became of a notification.
    pub fn note(&mut self, to: To<'_>, delivery: i64, became: Became, detail: Option<&str>, now: i64) {
        let (Became::Waits(why) | Became::Lost(why)) = became else {
            if let Some(trouble) = self.services.get_mut(&to.id) {
                trouble.waiting.remove(&delivery);
                if became == Became::Arrived {
                    trouble.lost.clear();
                }
                self.tidy(now);
            }
            return;
        };
        let name = format!("\"{}\" ({})", to.title, to.kind);
        let new = || Trouble {
            name: name.clone(),
            waiting: BTreeSet::new(),
            lost: BTreeMap::new(),
            why,
            detail: None,
        };
        let trouble = self.services.entry(to.id).or_insert_with(new);
        trouble.name = name.clone();
        trouble.why = trouble.why.max(why);
        trouble.detail = detail.map(str::to_owned).or(trouble.detail.take());
        match became {
            Became::Lost(_) => {
                trouble.waiting.remove(&delivery);
                trouble.lost.insert(delivery, now);
            }
            _ => _ = trouble.waiting.insert(delivery),
        }
    }

    /// Something arrived at a service on another way, as a test does.
    pub fn reached(&mut self, service: i64, now: i64) {
        if let Some(trouble) = self.services.get_mut(&service) {
            trouble.lost.clear();
        }
        self.tidy(now);
    }

    /// What neither waits any more nor was given up is forgotten, as are services that there are no more, and what was given up long ago.
    pub fn keep(&mut self, exists: impl Fn(i64) -> bool, waits: impl Fn(i64) -> bool, now: i64) {
        self.services.retain(|id, _| exists(*id));
        self.services.values_mut().for_each(|trouble| trouble.waiting.retain(|id| waits(*id)));
        self.tidy(now);
    }

    /// The services that something is remembered of, and the notifications that waited when it was.
    pub fn remembered(&self) -> (Vec<i64>, Vec<i64>) {
        let waiting = self.services.values().flat_map(|trouble| trouble.waiting.iter().copied());
        (self.services.keys().copied().collect(), waiting.collect())
    }

    /// What would not be sent, by service. What of it is new.
    pub fn foresee(&mut self, ahead: BTreeMap<i64, String>) -> Vec<String> {
        let new = ahead.iter().filter(|(id, why)| self.ahead.get(id) != Some(why));
        let new = new.map(|(_, why)| why.clone()).collect();
        self.ahead = ahead;
        new
    }

    fn tidy(&mut self, now: i64) {
        for trouble in self.services.values_mut() {
            trouble.lost.retain(|_, at| now.saturating_sub(*at) < REMEMBERED);
        }
        self.services.retain(|_, trouble| !trouble.waiting.is_empty() || !trouble.lost.is_empty());
    }

    /// In words. A far end that fails is a trouble once it `is_open`: it failed so often that it is only probed.
    pub fn said(&self, is_open: impl Fn(i64) -> bool) -> Vec<Said> {
        let shown =
            |(id, one): &(&i64, &Trouble)| one.why > Why::Failed || !one.lost.is_empty() || is_open(**id);
        let services = self.services.iter().filter(shown).map(|(_, one)| one.said());
        let ahead = self.ahead.iter().filter(|(id, _)| !self.services.contains_key(id));
        let ahead = ahead.map(|(_, message)| Said { own: false, message: message.clone(), count: 0 });
        services.chain(ahead).collect()
    }
}

impl Trouble {
    fn said(&self) -> Said {
        let count = self.waiting.len() + self.lost.len();
        let noun = if count == 1 { "notification" } else { "notifications" };
        let given_up = match self.lost.len() {
            0 => String::new(),
            lost if lost == count => ", given up".to_owned(),
            lost => format!(", {lost} given up"),
        };
        let detail = self.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
        let message = format!("{count} {noun} to {} did not arrive{given_up}{detail}", self.name);
        Said { own: self.why == Why::Unsent, message, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: To<'_> = To { id: 7, kind: "webhook", title: "hook" };

    fn words(troubles: &Troubles) -> Vec<String> {
        troubles.said(|_| false).into_iter().map(|said| said.message).collect()
    }

    #[test]
    fn what_was_refused_is_a_trouble_until_it_arrives() {
        let mut troubles = Troubles::default();
        for (second, delivery) in [(0, 1), (5, 2), (60, 1)] {
            troubles.note(HOOK, delivery, Became::Waits(Why::Refused), Some("HTTP 404"), second);
        }
        assert_eq!(words(&troubles), ["2 notifications to \"hook\" (webhook) did not arrive: HTTP 404"]);
        assert!(!troubles.said(|_| false)[0].own, "the far end's");
        troubles.note(HOOK, 1, Became::Arrived, None, 70);
        assert_eq!(words(&troubles).len(), 1, "the other still waits");
        troubles.note(HOOK, 2, Became::Void, None, 71);
        assert_eq!(troubles, Troubles::default());
        troubles.note(HOOK, 3, Became::Waits(Why::Refused), None, 80);
        troubles.keep(|_| true, |id| id != 3, 80);
        assert_eq!(troubles, Troubles::default(), "it was silenced meanwhile");
    }

    #[test]
    fn what_was_given_up_is_one_until_something_else_arrives_or_a_day_has_passed() {
        let lost = || {
            let mut troubles = Troubles::default();
            troubles.note(HOOK, 1, Became::Waits(Why::Failed), Some("HTTP 500"), 0);
            assert!(words(&troubles).is_empty(), "a failure that may pass");
            assert_eq!(troubles.said(|_| true).len(), 1, "unless they were many in a row");
            troubles.note(HOOK, 1, Became::Lost(Why::Failed), Some("HTTP 500"), 10);
            troubles
        };
        let mut troubles = lost();
        assert_eq!(
            words(&troubles),
            ["1 notification to \"hook\" (webhook) did not arrive, given up: HTTP 500"]
        );
        troubles.keep(|_| true, |_| true, 10 + REMEMBERED - 1);
        assert_eq!(words(&troubles).len(), 1);
        troubles.keep(|_| true, |_| true, 10 + REMEMBERED);
        assert!(words(&troubles).is_empty());
        for end in [
            |troubles: &mut Troubles| troubles.note(HOOK, 2, Became::Arrived, None, 20),
            |troubles: &mut Troubles| troubles.reached(HOOK.id, 20),
            |troubles: &mut Troubles| troubles.keep(|id| id != HOOK.id, |_| true, 20),
        ] {
            let mut troubles = lost();
            end(&mut troubles);
            assert!(words(&troubles).is_empty());
        }
    }

    #[test]
    fn what_this_server_does_not_send_is_its_own() {
        let mut troubles = Troubles::default();
        let ahead = BTreeMap::from([(7, "the service \"hook\" reaches nobody".to_owned())]);
        assert_eq!(troubles.foresee(ahead.clone()).len(), 1);
        assert!(troubles.foresee(ahead).is_empty(), "said once");
        assert!(!troubles.said(|_| false)[0].own, "nothing is lost yet");
        troubles.note(HOOK, 1, Became::Waits(Why::Unsent), Some("no mail relay"), 0);
        let said = troubles.said(|_| false);
        assert!(said.len() == 1 && said[0].own, "{said:?}");
    }
}
