//! What came of a backtest, for people: for each alert what is known, the numbers before and after, and which incidents are new or
//! gone. Also the words that the other forms share. Times are UTC.

use librato_apply::diag::{counted, number, printable};
use librato_apply::offline::{
    Backtest, Comparison, Fidelity, Incident, Known, Run, Span, Subject, Totals, compare,
};
use unicode_width::UnicodeWidthStr;

use super::coverage::{by, coverage, matters};
use super::outcome::{Outcome, Results, Swept};
use super::words::{lasting, moment, percent};

/// So many incidents are listed.
const LISTED: usize = 10;
/// So many of their streams.
const STREAMS: usize = 4;

/// All of it.
pub fn text(results: &Results) -> String {
    let mut out: String = results.outcomes.iter().map(|outcome| one(outcome, results) + "\n").collect();
    if results.outcomes.is_empty() {
        out.push_str(&format!("{}\n\n", results.nothing()));
    }
    for name in &results.missing {
        out.push_str(&format!("nothing was measured of `{}`\n", printable(name)));
    }
    out + &foot(results) + "\n"
}

/// What is said once.
pub fn foot(results: &Results) -> String {
    format!(
        "Times are UTC. From {} with {} of {}. Not known to a backtest: what arrived late, corrections, outages of emitters. \
         Notifications are triggers and their repetitions, to each service; clears are not counted, silences not heeded, \
         and what a chat or mail service gets as one digest in a storm counts as many.",
        counted(results.requests, "request"),
        counted(results.points, "measurement"),
        results.target
    )
}

fn one(outcome: &Outcome, results: &Results) -> String {
    let name = printable(&outcome.pair.name);
    let shown: Vec<(String, String)> = columns(outcome);
    let first =
        format!("{name}   {}", outcome.newest().map_or(String::new(), |it| coverage(it, results.span)));
    let second = format!("  incidents / notifications{} / longest / share of time", services(outcome));
    let left = first.trim_end().width().max(second.width()) + 3;
    let (mut head, mut row) = (pad(first.trim_end(), left), pad(&second, left));
    for (title, numbers) in &shown {
        let wide = title.width().max(numbers.width()) + 3;
        head.push_str(&pad(title, wide));
        row.push_str(&pad(numbers, wide));
    }
    let mut out = format!("{}\n{}\n", head.trim_end(), row.trim_end());
    for line in details(outcome, results.span) {
        out.push_str(&format!("  {}\n", printable(&line)));
    }
    out
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The titles of what is compared, each with its numbers.
pub fn columns(outcome: &Outcome) -> Vec<(String, String)> {
    let cell = |side: &Option<Result<Backtest, String>>, is_told: bool| match side {
        Some(Ok(found)) if !found.blind.is_empty() => "cannot fire".to_owned(),
        Some(Ok(found)) if found.span.is_some() => numbers(found, is_told),
        Some(_) => "cannot be evaluated".to_owned(),
        None => "–".to_owned(),
    };
    let pair = &outcome.pair;
    let before = || cell(&outcome.before, is_told(&pair.before));
    let after = || cell(&outcome.after, is_told(&pair.after));
    let changed = pair.changed.join(", ");
    match (&outcome.before, &outcome.after) {
        (Some(_), Some(_)) if pair.changed.is_empty() => vec![("unchanged".to_owned(), after())],
        (Some(_), Some(_)) => {
            vec![("before".to_owned(), before()), (format!("after ({changed})"), after())]
        }
        (None, _) => vec![("new".to_owned(), after())],
        (_, None) => vec![("now".to_owned(), before())],
    }
}

/// Whether anybody is notified.
fn is_told(side: &Option<Result<Subject, String>>) -> bool {
    !matches!(side, Some(Ok(subject)) if subject.services.is_empty())
}

fn numbers(found: &Backtest, is_told: bool) -> String {
    let Totals { incidents, notifications, longest, .. } = found.totals();
    let notifications = if is_told { notifications.to_string() } else { "nobody".to_owned() };
    let share = found.share().map_or("–".to_owned(), percent);
    format!("{incidents} / {notifications} / {} / {share}", lasting(longest))
}

/// Whom notifications go to.
pub fn services(outcome: &Outcome) -> String {
    match outcome.pair.newest().map(|subject| subject.services.as_slice()) {
        Some([]) => " (to nobody)".to_owned(),
        Some([one]) => format!(" to {}", printable(one)),
        Some(several) => format!(" to each of {}", counted(several.len(), "service")),
        None => String::new(),
    }
}

/// What stands below the numbers.
pub fn details(outcome: &Outcome, asked: Span) -> Vec<String> {
    let mut lines = Vec::new();
    for why in [&outcome.before, &outcome.after].into_iter().flatten().filter_map(|it| it.as_ref().err()) {
        lines.push(format!("cannot be evaluated: {why}"));
    }
    lines.extend(outcome.blind.iter().map(|why| format!("cannot fire: {why}")));
    if let Some(found) = outcome.newest() {
        lines.extend(limits(found, asked));
    }
    let both = outcome.before.iter().chain(&outcome.after).flatten();
    let unsure: Vec<String> =
        both.map(Backtest::unsure).map(|it| format!("{} / {}", it.incidents, it.notifications)).collect();
    if unsure.iter().any(|it| it != "0 / 0") {
        lines.push(format!("cannot be told from rolled-up data, and not counted: {}", unsure.join(" → ")));
    }
    lines.extend(match (&outcome.before, &outcome.after) {
        (Some(Ok(before)), Some(Ok(after))) if !outcome.pair.changed.is_empty() => {
            compared(&compare(before, after))
        }
        _ => outcome
            .newest()
            .map_or_else(Vec::new, |found| listed("", found.incidents.iter().filter(|it| it.sure))),
    });
    lines.extend(outcome.swept.iter().flat_map(swept));
    lines
}

fn compared(found: &Comparison<'_>) -> Vec<String> {
    let mut lines = listed("+ ", found.new.iter().copied());
    if found.new.is_empty() {
        lines.push("+ none are new".to_owned());
    }
    lines.extend(listed("- ", found.gone.iter().copied()));
    if found.gone.is_empty() {
        lines.push("- none disappear".to_owned());
    }
    lines
}

fn listed<'i>(sign: &str, incidents: impl Iterator<Item = &'i Incident>) -> Vec<String> {
    let all: Vec<String> = incidents.map(|one| format!("{sign}{}", incident(one))).collect();
    let more = all.len().saturating_sub(LISTED);
    let rest = (more > 0).then(|| format!("{sign}and {more} more"));
    all.into_iter().take(LISTED).chain(rest).collect()
}

/// `27 Nov 09:12 – 09:31  web1 web2  peak 742`.
pub fn incident(one: &Incident) -> String {
    let opened = moment(one.opened);
    let closed = match one.closed {
        Some(at) if moment(at)[..6] == opened[..6] => moment(at)[7..].to_owned(),
        Some(at) => moment(at),
        None => "still open".to_owned(),
    };
    let before = if one.before { "(open before) " } else { "" };
    let names: Vec<String> = one.streams.iter().take(STREAMS).map(ToString::to_string).collect();
    let more = one.streams.len().saturating_sub(STREAMS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let peak = one.peak.map_or(String::new(), |peak| format!("  peak {}", number(peak)));
    format!("{before}{opened} – {closed}  {}{more}{peak}", names.join(" "))
}

/// What is not exact, condition by condition.
fn limits(found: &Backtest, asked: Span) -> Vec<String> {
    let worse = found.known.iter().filter(|known| known.fidelity != Fidelity::Exact && matters(found, known));
    let line = |known: &Known| {
        let Known { condition, stretch, fidelity } = known;
        let until = moment(stretch.end.saturating_add(1));
        let how = if *fidelity == Fidelity::Unread {
            String::new()
        } else {
            format!(" {}", by(stretch.resolution))
        };
        format!("conditions[{condition}]{how} before {until}: {}", fidelity.words())
    };
    let mut lines: Vec<String> = worse.map(line).collect();
    match found.span {
        None => lines.push("nothing could be evaluated".to_owned()),
        Some(span) if span.start > asked.start => {
            lines.push(format!("counted since {} only", moment(span.start)));
        }
        Some(_) => {}
    }
    lines
}

fn swept(swept: &Swept) -> Vec<String> {
    let Swept { sweeps, runs, at_most } = swept;
    let names: Vec<String> = sweeps.iter().map(|sweep| sweep.name()).collect();
    let mut rows = vec![[names.join(", "), "incidents".to_owned(), "notifications".to_owned()]];
    for run in runs {
        let unsure = |some: usize| if some > 0 { format!(" (+{some} cannot tell)") } else { String::new() };
        rows.push([
            values(swept, run),
            run.totals.incidents.to_string(),
            format!("{}{}", run.totals.notifications, unsure(run.unsure.notifications)),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0) + 3;
    let widths = [width(0), width(1), 0];
    let line = |row: &[String; 3]| {
        let cells: String = row.iter().zip(widths).map(|(cell, width)| pad(cell, width)).collect();
        cells.trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.extend(at_most.as_ref().map(|(most, run)| match run {
        Some(run) => {
            format!("most sensitive with at most {}: {}", counted(*most, "notification"), values(swept, run))
        }
        None => format!("none of these has at most {}", counted(*most, "notification")),
    }));
    lines
}

/// The values of a choice, as they are written.
pub fn values(swept: &Swept, run: &Run) -> String {
    let each = swept.sweeps.iter().zip(&run.values).map(|(sweep, value)| sweep.shown(*value));
    each.collect::<Vec<_>>().join(", ")
}
