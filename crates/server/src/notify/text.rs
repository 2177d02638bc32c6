//! A message in words: what all renderers say alike, and where texts end that are too long for the far end. Pure.

use jiff::Timestamp;
use url::Url;

use super::message::{How, Message, Test, Violation, What};
use super::request::Surroundings;

/// Stands in every message of someone who only tries out a service.
pub(super) const TEST_NOTE: &str = "This is a test message. No action is required.";

/// What is said of one stream.
pub(super) struct Block<'m> {
    pub stream: &'m str,
    pub violations: Vec<&'m Violation>,
}

/// By stream, in order; nothing of a clear.
pub(super) fn blocks(message: &Message) -> Vec<Block<'_>> {
    let What::Trigger { violations, .. } = &message.what else { return Vec::new() };
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for violation in violations {
        match blocks.iter_mut().rev().find(|block| block.stream == violation.stream) {
            Some(block) => block.violations.push(violation),
            None => blocks.push(Block { stream: &violation.stream, violations: vec![violation] }),
        }
    }
    blocks
}

/// How many streams there are beside `kept` of those that are listed.
pub(super) fn rest(message: &Message, kept: usize) -> usize {
    let What::Trigger { truncated, .. } = message.what else { return 0 };
    blocks(message).len().saturating_sub(kept).saturating_add(truncated)
}

/// What happened, in one sentence.
pub(super) fn headline(message: &Message) -> String {
    let name = &message.alert.name;
    match message.what {
        What::Trigger { again: true, .. } => {
            let since = message.opened.map(|opened| format!(" since {}", time(opened))).unwrap_or_default();
            // Begins as the first did: people have filters.
            format!("Alert {name} has triggered! (again: open{since})")
        }
        What::Trigger { .. } => format!("Alert {name} has triggered!"),
        What::Clear { how } => format!("Alert {name} {} at {}", cleared(how), time(message.at)),
    }
}

/// How an incident ended.
pub(super) fn cleared(how: How) -> &'static str {
    match how {
        How::Normal => "has cleared",
        How::Manual => "was manually cleared",
        How::Auto => "was automatically cleared",
    }
}

/// The headline without what makes a subject a subject.
pub(super) fn marked(message: &Message, text: &str) -> String {
    if message.test { format!("[Test] {text}") } else { text.to_owned() }
}

/// One violation in words.
pub(super) fn sentence(message: &Message, violation: &Violation) -> String {
    let Violation { metric, value, test, begin, end, recorded_at, .. } = violation;
    let when = time(*recorded_at);
    let Some(threshold) = violation.threshold.filter(|_| *test != Test::Absent) else {
        let duration = duration(message, violation).unwrap_or_default();
        return format!("metric `{metric}` was absent for {duration} seconds, last recorded at {when}");
    };
    let window = match duration(message, violation) {
        Some(_) => format!(" over {} seconds", end.saturating_sub(*begin)),
        None => String::new(),
    };
    let (word, value) = (test.word(), value_beside(threshold, *value));
    format!(
        "metric `{metric}` was {word} threshold {}{window} with value {value} recorded at {when}",
        number(threshold)
    )
}

/// The seconds that the violated condition asks for.
pub(super) fn duration(message: &Message, violation: &Violation) -> Option<i64> {
    let condition = message.conditions.iter().find(|one| one["id"] == violation.condition_id)?;
    condition["duration"].as_i64()
}

/// The whole as Markdown, with `kept` streams.
pub(super) fn markdown(message: &Message, at: &Surroundings, kept: usize) -> String {
    let mut lines = vec![format!("# {}", headline(message)), String::new()];
    let mut paragraph = |text: String| lines.extend([text, String::new()]);
    if message.test {
        paragraph(TEST_NOTE.to_owned());
    }
    if let Some(description) = &message.alert.description {
        paragraph(format!("Description: {description}"));
    }
    paragraph(format!("Account: {}", message.account));
    if let Some(link) = link(message, at) {
        paragraph(format!("Link: {link}"));
    }
    for block in blocks(message).iter().take(kept) {
        let sentences = block.violations.iter().map(|one| format!("* {}\n", sentence(message, one)));
        paragraph(format!("Source `{}`:\n{}", block.stream, sentences.collect::<String>().trim_end()));
    }
    if let Some(more) = more(message, kept) {
        paragraph(more);
    }
    if let Some(runbook) = &message.alert.runbook_url {
        paragraph(format!("Runbook: {runbook}"));
    }
    lines.join("\n")
}

/// That there are more streams than are shown.
pub(super) fn more(message: &Message, kept: usize) -> Option<String> {
    match rest(message, kept) {
        0 => None,
        1 => Some("and 1 more stream".to_owned()),
        more => Some(format!("and {more} more streams")),
    }
}

/// All violations one after the other, as long as they fit into `max` characters.
pub(super) fn sentences(message: &Message, max: usize) -> String {
    let all = |kept: usize| {
        let blocks = blocks(message);
        let shown =
            blocks.iter().take(kept).flat_map(|block| block.violations.iter().map(move |one| (block, one)));
        let mut texts: Vec<String> = shown
            .map(|(block, one)| format!("Source `{}`: {}", block.stream, sentence(message, one)))
            .collect();
        texts.extend(more(message, kept));
        texts.join(". ")
    };
    let kept = fitting(blocks(message).len(), |kept| all(kept).chars().count() <= max);
    clip(&all(kept), max)
}

/// The most of `all` that fits. What fits with more fits with less.
pub(super) fn fitting(all: usize, fits: impl Fn(usize) -> bool) -> usize {
    if fits(all) {
        return all;
    }
    let (mut good, mut bad) = (0, all);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle) { good = middle } else { bad = middle }
    }
    good
}

/// At most so many characters; what is cut is shown to be.
pub(super) fn clip(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// On one line, for where a line break would end what it stands in.
pub(super) fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Where the alert is shown.
pub(super) fn link(message: &Message, at: &Surroundings) -> Option<String> {
    let mut link = at.public_url.clone()?;
    let id = message.alert.id.to_string();
    link.path_segments_mut().ok()?.pop_if_empty().extend([
        if at.has_pages { "ui" } else { "v1" },
        "alerts",
        &id,
    ]);
    Some(link.into())
}

/// The runbook, if it is a link and not just words.
pub(super) fn runbook(message: &Message) -> Option<Url> {
    let url = Url::parse(message.alert.runbook_url.as_deref()?).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// As `Fri, Jan 10 2014 at 21:58:03 UTC`.
pub(super) fn time(at: i64) -> String {
    match Timestamp::from_second(at) {
        Ok(time) => time.strftime("%a, %b %-d %Y at %H:%M:%S UTC").to_string(),
        // Past the end of the calendar.
        Err(_) => at.to_string(),
    }
}

/// As RFC 3339 has it.
pub(super) fn iso(at: i64) -> String {
    Timestamp::from_second(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}

/// A number as people read it.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e15).contains(&size) { format!("{value:e}") } else { value.to_string() }
}

/// A value with two digits more than what it is held against.
fn value_beside(threshold: f64, value: f64) -> String {
    let (shown, against) = (number(value), number(threshold));
    let decimals = against.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    match shown.split_once('.') {
        Some((whole, part))
            if !shown.contains('e') && !against.contains('e') && part.len() > decimals + 2 =>
        {
            let kept = part[..decimals + 2].trim_end_matches('0');
            if kept.is_empty() { whole.to_owned() } else { format!("{whole}.{kept}") }
        }
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_two_digits_more_than_thresholds() {
        for (threshold, value, shown) in [
            (10.0, 100.0, "100"),
            (10.0, 12.34567, "12.34"),
            (2.15, 2.15159, "2.1515"),
            (1.0, 2.001, "2"),
            (1.0, -2.999, "-2.99"),
            (1e20, 1.5e20, "1.5e20"),
            (0.0, 1e-9, "1e-9"),
            (0.5, 0.25, "0.25"),
        ] {
            assert_eq!(value_beside(threshold, value), shown, "{value} beside {threshold}");
        }
    }

    #[test]
    fn a_repeat_says_since_when_the_incident_is_open() {
        let message = |again, opened| {
            let json = serde_json::json!({"key": "k", "seq": 0, "at": 9, "account": "a", "conditions": [], "opened": opened,
                "alert": {"id": 1, "name": "db.slow"}, "what": {"trigger": {"violations": [], "truncated": 0, "again": again}}});
            serde_json::from_value::<Message>(json).unwrap()
        };
        assert_eq!(headline(&message(false, None)), "Alert db.slow has triggered!");
        assert_eq!(headline(&message(true, None)), "Alert db.slow has triggered! (again: open)");
        let again = "Alert db.slow has triggered! (again: open since Fri, Jan 10 2014 at 21:58:03 UTC)";
        assert_eq!(headline(&message(true, Some(1_389_391_083))), again);
    }

    #[test]
    fn what_is_cut_is_shown_to_be() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüx", 3), "äö…");
        assert_eq!(clip("a b c", 3), "a…");
        assert_eq!(line("a\r\nb"), "a  b");
    }

    #[test]
    fn the_most_that_fits_is_found() {
        for all in 0..20 {
            for room in 0..25 {
                assert_eq!(fitting(all, |kept| kept <= room), all.min(room), "{all} in {room}");
            }
        }
    }
}
