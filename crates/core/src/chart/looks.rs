//! How lines are called and coloured.

use std::collections::BTreeMap;

use crate::composite::{Labels, SOURCE};
use crate::picture::color::{Rgb, by_label};
use crate::picture::{Hue, Tone};

use super::choice::UNASSIGNED;
use super::question::{Group, Of, Question};

/// What a line is called among others of its stream.
fn label(labels: &Labels) -> String {
    match labels.iter().next() {
        None => UNASSIGNED.to_owned(),
        Some((name, value)) if labels.len() == 1 && name == SOURCE => value.clone(),
        Some(_) => labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "),
    }
}

/// The labels by which the lines of a stream are told apart: their values alone, where all have the same one tag.
fn distinct(lines: &[&Labels]) -> Vec<String> {
    let same = |labels: &&Labels| labels.len() == 1 && labels.keys().eq(lines[0].keys());
    if !lines.is_empty() && lines.iter().all(same) {
        return lines.iter().filter_map(|labels| labels.values().next().cloned()).collect();
    }
    lines.iter().map(|labels| label(labels)).collect()
}

/// Names in the legend, question by question: what the stream is called, and what tells its lines apart. The name is left out where
/// there is one stream only.
pub fn names(asked: &[(&Question, Vec<&Labels>)]) -> Vec<Vec<String>> {
    let named = |question: &Question| !question.looks.name.is_empty();
    let base = |question: &Question| {
        if named(question) { question.looks.name.clone() } else { question.title.clone() }
    };
    let shared = |question: &Question| {
        asked.iter().filter(|(other, _)| base(other).eq_ignore_ascii_case(&base(question))).count() > 1
    };
    let called = |question: &Question| match base(question) {
        name if shared(question) && !named(question) => format!("{name} · {}", question.statistic.words()),
        name => name,
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut once = |name: String| {
        let times = seen.entry(name.clone()).and_modify(|times| *times += 1).or_insert(1);
        if *times > 1 { format!("{name} ({times})") } else { name }
    };
    let mut out = Vec::new();
    for (question, lines) in asked {
        let base = called(question);
        let apart = question.group == Group::Each || !question.keys.is_empty();
        // A composite that leaves one line is that line, and so is the only series of a metric without sources.
        let is_composite = matches!(question.of, Of::Composite(_));
        let one = matches!(lines[..], [only] if is_composite || only.is_empty());
        let names = distinct(lines).into_iter().map(|label| match (apart && !one, asked.len()) {
            (false, _) => base.clone(),
            (true, 1) => label,
            (true, _) => format!("{base} · {label}"),
        });
        out.push(names.map(&mut once).collect());
    }
    out
}

/// Colours, question by question. Lines of the only stream are told apart by their labels, alike in all charts; those of one stream
/// beside others are shades of one colour; so are those of a stream with a colour of its own.
pub fn hues(asked: &[(&Question, Vec<&Labels>)], names: &[Vec<String>]) -> Vec<Vec<Hue>> {
    let mut out = Vec::new();
    for (place, ((question, lines), names)) in asked.iter().zip(names).enumerate() {
        let own = Rgb::read(&question.looks.color);
        let place = u8::try_from(place % 24).unwrap_or(0);
        let made = match (own, lines.len()) {
            (Some(color), 0 | 1) => vec![Hue::Own(color); lines.len()],
            (Some(color), many) => shades(Tone::Own(color), many),
            (None, 0 | 1) if asked.len() > 1 || question.group != Group::Each => {
                vec![Hue::Palette(place); lines.len()]
            }
            (None, many) if asked.len() > 1 => shades(Tone::Palette(place % 8), many),
            (None, _) => {
                let places = by_label(names.iter().map(String::as_str));
                names
                    .iter()
                    .map(|name| places.get(name.as_str()).copied().unwrap_or(Hue::Palette(0)))
                    .collect()
            }
        };
        out.push(made);
    }
    out
}

fn shades(tone: Tone, many: usize) -> Vec<Hue> {
    let last = many.saturating_sub(1).max(1);
    (0..many).map(|i| Hue::Shade(tone, u8::try_from(i * 255 / last).unwrap_or(255))).collect()
}
