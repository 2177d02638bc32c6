//! A naive model of an alert: every second, everything is recomputed from all readings there are. Slow and simple; shares no
//! code with the machine but for its values.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// What happens to an alert, beside readings. Times are event times.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    pub(super) clears: Vec<i64>,
    pub(super) outages: Vec<Outage>,
    pub(super) silences: Vec<Silence>,
    pub(super) until: i64,
}

#[derive(Debug, Clone)]
struct Open {
    number: u64,
    opened: i64,
    seq: u32,
    triggered: Option<i64>,
    news: bool,
    muted: bool,
    withheld: bool,
    interval: i64,
}

pub(super) struct Model<'a> {
    alert: &'a Alert,
    settings: Settings,
    readings: Vec<Reading>,
    script: &'a Script,
    next: u64,
    open: BTreeMap<Option<Stream>, Open>,
    last: BTreeMap<Option<Stream>, i64>,
    log: Vec<String>,
    /// The seconds in which an incident was open at their end.
    pub(super) triggered: BTreeSet<i64>,
}

/// How far things have got: the readings up to (u, t), the deadlines up to a second.
#[derive(Clone, Copy)]
struct Now {
    u: i64,
    t: i64,
    deadlines: i64,
}

impl<'a> Model<'a> {
    pub(super) fn run(
        alert: &'a Alert,
        settings: Settings,
        readings: &[Reading],
        script: &'a Script,
    ) -> (Vec<String>, BTreeSet<i64>) {
        let mut readings = readings.to_vec();
        readings.sort_by(|a, b| (a.u, a.t, &a.stream).cmp(&(b.u, b.t, &b.stream)));
        let mut model = Self {
            alert,
            settings,
            readings,
            script,
            next: 1,
            open: BTreeMap::new(),
            last: BTreeMap::new(),
            log: Vec::new(),
            triggered: BTreeSet::new(),
        };
        for second in 1..=script.until {
            model.second(second);
        }
        (model.log, model.triggered)
    }

    fn second(&mut self, x: i64) {
        let times: BTreeSet<i64> = self.readings.iter().filter(|r| r.u == x).map(|r| r.t).collect();
        let mut now = Now { u: x - 1, t: i64::MAX, deadlines: x - 1 };
        for t in times {
            now = Now { u: x, t, deadlines: x - 1 };
            let news = |(place, reading): (usize, &Reading)| {
                reading.u == x && reading.t == t && reading.condition == place && self.violates(reading)
            };
            let fresh = self
                .readings
                .iter()
                .filter(|r| news((r.condition, r)))
                .map(|r| (r.condition, r.stream.clone()));
            let fresh: Vec<_> =
                fresh.filter(|(place, stream)| self.met(*place, now, x).contains_key(stream)).collect();
            self.settle(x, now, fresh);
        }
        let before = Now { u: x, t: i64::MAX, deadlines: now.deadlines };
        let after = Now { deadlines: x, ..before };
        let mut fresh = Vec::new();
        for place in 0..self.alert.conditions.len() {
            let known = self.met(place, before, x);
            let silent = self.met(place, after, x).into_keys().filter(|stream| !known.contains_key(stream));
            fresh.extend(silent.map(|stream| (place, stream)));
        }
        self.settle(x, after, fresh);
        if self.script.silences.iter().any(|silence| silence.ends - self.alert.delay(&self.settings) == x) {
            self.end_silences(x, after);
        }
        let mut scopes: Vec<_> = self.open.iter().map(|(scope, open)| (open.number, scope.clone())).collect();
        scopes.sort();
        for (_, scope) in scopes {
            self.tell(x, after, &scope, false);
        }
        if self.script.clears.contains(&x) {
            for (scope, open) in std::mem::take(&mut self.open) {
                self.say_closed(x, &scope, &open, "Manual");
            }
        }
        if !self.open.is_empty() {
            self.triggered.insert(x);
        }
    }

    /// Streams that meet a condition, with what is to be said of each.
    fn met(&self, place: usize, now: Now, x: i64) -> BTreeMap<Stream, Violation> {
        let condition = &self.alert.conditions[place];
        // A clear comes after all that is of its second.
        let cleared = self.script.clears.iter().copied().filter(|c| *c < x).max().unwrap_or(i64::MIN);
        let known = |r: &&Reading| r.condition == place && r.u > 0 && (r.u, r.t) <= (now.u, now.t);
        let mut streams: BTreeMap<Stream, Vec<&Reading>> = BTreeMap::new();
        for reading in self.readings.iter().filter(known) {
            streams.entry(reading.stream.clone()).or_default().push(reading);
        }
        let mut met = BTreeMap::new();
        for (stream, readings) in streams {
            let violation = match condition.test {
                Test::Threshold { duration, .. } => {
                    let valued: Vec<_> = readings.into_iter().filter(|r| r.value.is_some()).collect();
                    let run: Vec<_> = valued.iter().rev().take_while(|r| self.violates(r)).collect();
                    let (Some(last), Some(first)) = (run.first(), run.last()) else { continue };
                    if last.u <= cleared || last.t - first.t < duration.unwrap_or(0) {
                        continue;
                    }
                    (last.value.unwrap(), first.t, last.t, u32::try_from(run.len()).unwrap())
                }
                Test::Absent { duration } => {
                    let last = readings.last().unwrap();
                    let mut seconds: Vec<i64> = readings.iter().map(|r| r.u).collect();
                    seconds.dedup();
                    let interval = seconds.windows(2).last().map_or(0, |pair| pair[1] - pair[0]);
                    // A gap that is longer was absence.
                    let interval = if interval <= duration { interval } else { 0 };
                    let grace = duration.min((2 * interval).max(60));
                    let mut deadline = last.u + duration;
                    for outage in self.script.outages.iter().filter(|outage| outage.to > last.u) {
                        if deadline > outage.from - self.alert.delay(&self.settings) {
                            deadline += outage.to - outage.from + grace;
                        }
                    }
                    if deadline > now.deadlines || deadline <= cleared {
                        continue;
                    }
                    let value = readings.iter().rev().find_map(|r| r.value).unwrap_or_default();
                    (value, last.u, last.u, 0)
                }
            };
            let (value, begin, end, count) = violation;
            met.insert(stream.clone(), Violation { stream, condition: place, value, begin, end, count });
        }
        met
    }

    fn violates(&self, reading: &Reading) -> bool {
        match (self.alert.conditions[reading.condition].test, reading.value) {
            (Test::Threshold { above: true, threshold, .. }, Some(value)) => value > threshold,
            (Test::Threshold { above: false, threshold, .. }, Some(value)) => value < threshold,
            _ => false,
        }
    }

    fn all_met(&self, now: Now, x: i64) -> Vec<BTreeMap<Stream, Violation>> {
        (0..self.alert.conditions.len()).map(|place| self.met(place, now, x)).collect()
    }

    /// Opens and closes what the states ask for; `fresh` are the streams that are news.
    fn settle(&mut self, x: i64, now: Now, fresh: Vec<(usize, Stream)>) {
        let met = self.all_met(now, x);
        let mut wanted: BTreeSet<Option<Stream>> = BTreeSet::new();
        if met.iter().all(|streams| !streams.is_empty()) {
            if self.alert.per_signal {
                wanted = met.iter().flat_map(|streams| streams.keys().cloned().map(Some)).collect();
            } else {
                wanted.insert(None);
            }
        }
        for scope in self.open.keys().cloned().collect::<Vec<_>>() {
            if !wanted.contains(&scope) {
                let open = self.open.remove(&scope).unwrap();
                self.say_closed(x, &scope, &open, "Normal");
            }
        }
        let mut touched = BTreeSet::new();
        for (_, stream) in fresh {
            for scope in [None, Some(stream.clone())] {
                let silenced = self.is_silenced(&stream, x);
                if let Some(open) = self.open.get_mut(&scope) {
                    if silenced {
                        open.withheld = true;
                    } else {
                        open.news = true;
                    }
                    touched.insert(scope);
                }
            }
        }
        for scope in wanted {
            if self.open.contains_key(&scope) {
                continue;
            }
            let silent = self.last.get(&scope).is_some_and(|last| x < last + self.rearm());
            self.log.push(format!(
                "{x} opened {}{}{}",
                self.next,
                of(&scope),
                if silent { " silent" } else { "" }
            ));
            let open = Open {
                number: self.next,
                opened: x,
                seq: 0,
                triggered: None,
                news: true,
                muted: false,
                withheld: false,
                interval: self.rearm(),
            };
            self.open.insert(scope.clone(), open);
            self.next += 1;
            touched.insert(scope);
        }
        for scope in touched {
            self.tell(x, now, &scope, false);
        }
    }

    fn rearm(&self) -> i64 {
        if self.alert.rearm == 0 { 60 } else { self.alert.rearm }
    }

    fn is_silenced(&self, stream: &Stream, x: i64) -> bool {
        let clock = x + self.alert.delay(&self.settings);
        let about = |s: &&Silence| s.stream == "*" || s.stream == stream.as_str();
        self.script.silences.iter().filter(about).any(|s| s.starts <= clock && clock < s.ends)
    }

    /// A trigger, if it is time for one.
    fn tell(&mut self, x: i64, now: Now, scope: &Option<Stream>, at_once: bool) {
        let mut violations: Vec<Violation> =
            self.all_met(now, x).into_iter().flat_map(BTreeMap::into_values).collect();
        violations.retain(|v| scope.as_ref().is_none_or(|scope| *scope == v.stream));
        violations.sort_by_key(|v| (v.stream.clone(), v.condition));
        let rearm = self.rearm();
        let some_absent = violations.iter().any(|v| self.alert.conditions[v.condition].is_absent());
        let open = self.open[scope].clone();
        let due = match open.triggered {
            _ if at_once => Some(x),
            _ if !open.news && (open.muted || !some_absent) => None,
            None => Some(
                (open.opened + self.settings.gather)
                    .max(self.last.get(scope).map_or(i64::MIN, |l| l + rearm)),
            ),
            Some(last) if open.news => Some(last + rearm),
            Some(last) => {
                let mut due = last + open.interval;
                for outage in &self.script.outages {
                    if outage.from - self.alert.delay(&self.settings) < due && due < outage.to {
                        due = outage.to + open.interval;
                    }
                }
                Some(due)
            }
        };
        if due.is_none_or(|due| due > x) {
            return;
        }
        let (silenced, said): (Vec<_>, Vec<_>) =
            violations.into_iter().partition(|v| self.is_silenced(&v.stream, x));
        let now_open = self.open.get_mut(scope).unwrap();
        now_open.withheld = !silenced.is_empty();
        let muted = said.is_empty();
        let word = if muted {
            "silenced"
        } else if open.triggered.is_some() {
            "again"
        } else {
            "trigger"
        };
        if muted {
            now_open.news = false;
            now_open.muted = true;
            if open.muted {
                return;
            }
        } else {
            let only_absent = open.triggered.is_some() && !open.news && !at_once;
            now_open.interval = if only_absent { (open.interval * 2).min(86_400) } else { rearm };
            now_open.triggered = Some(x);
            (now_open.news, now_open.muted) = (false, false);
            self.last.insert(scope.clone(), x);
        }
        now_open.seq += 1;
        let one = |v: &Violation| {
            format!("{}/{}={}({}..{} x{})", v.stream, v.condition, v.value, v.begin, v.end, v.count)
        };
        let list = if muted { silenced } else { said }.iter().map(one).collect::<Vec<_>>().join(" ");
        let services = &self.alert.services;
        self.log.push(format!("{x} {word} {}.{}{} to {services:?} {list}", open.number, open.seq, of(scope)));
    }

    fn end_silences(&mut self, x: i64, now: Now) {
        let clock = x + self.alert.delay(&self.settings);
        for scope in self.open.keys().cloned().collect::<Vec<_>>() {
            let met = self.all_met(now, x).into_iter().flat_map(BTreeMap::into_keys);
            let mine: Vec<_> =
                met.filter(|stream| scope.as_ref().is_none_or(|scope| scope == stream)).collect();
            let ended: Vec<_> =
                self.script.silences.iter().filter(|s| s.ends == clock && s.starts < clock).collect();
            let released = mine.iter().any(|stream| {
                ended.iter().any(|s| s.stream == "*" || s.stream == stream.as_str())
                    && !self.is_silenced(stream, x)
            });
            if self.open[&scope].withheld && released {
                self.tell(x, now, &scope, true);
            }
        }
    }

    fn say_closed(&mut self, x: i64, scope: &Option<Stream>, open: &Open, how: &str) {
        let unnotified = if open.triggered.is_some() { "" } else { " unnotified" };
        self.log.push(format!("{x} closed {}{} {how}{unnotified}", open.number, of(scope)));
        if open.triggered.is_some() {
            let services = &self.alert.services;
            self.log.push(format!(
                "{x} clear {}.{}{} to {services:?} {how}",
                open.number,
                open.seq,
                of(scope)
            ));
        }
    }
}

fn of(scope: &Option<Stream>) -> String {
    scope.as_ref().map(|stream| format!(" {stream}")).unwrap_or_default()
}
