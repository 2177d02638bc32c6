//! Evidence in words that all forms of a plan share: one line with the figures, then what else a reviewer should know.

use crate::diag::{counted, printable};
use crate::plan::{Evidence, Figures, Finding, Looked, StreamsFound, length};

/// How many of what was not read is named in one line.
const NAMED: usize = 10;

/// The lines on one object; each fits behind `evidence:`.
pub(super) fn lines(finding: &Finding, looked: &Looked) -> Vec<String> {
    let time = length(looked.end - looked.start);
    let mut first = Vec::new();
    let streams = finding.streams.as_ref().filter(|found| found.count > 0);
    match (finding.measurements, streams) {
        (Some(count), Some(found)) => {
            first.push(format!("{} in {time}, {}", counted(count, "measurement"), self::streams(found)));
            first.push(format!("from {}", names(found)));
        }
        (Some(_), None) if !finding.missed => first.push(format!("nothing was measured in {time}")),
        (_, Some(found)) => first.push(self::streams(found)),
        _ => {}
    }
    first.extend(finding.made_by.as_ref().map(|agent| format!("made by {agent}")));
    if let Some(figures) = figures(finding) {
        let coverage = finding.coverage.as_ref().map(|words| format!(" ({words})")).unwrap_or_default();
        first.push(format!("{time}: {figures}{coverage}"));
    }
    let mut lines: Vec<String> = (!first.is_empty()).then(|| first.join(" · ")).into_iter().collect();
    let sides = [&finding.before, &finding.after].into_iter().flatten();
    let mut errors: Vec<String> =
        sides.filter_map(|side| Some(format!("cannot be evaluated: {}", side.error.as_ref()?))).collect();
    errors.dedup();
    lines.extend(errors);
    lines.extend(finding.notes.iter().cloned());
    if finding.missed {
        lines.push("not all of it was read".to_owned());
    }
    lines.into_iter().map(|line| printable(&line)).collect()
}

/// `fired 3 → 41, notified 3 → 61`; none where nothing was evaluated.
pub(super) fn figures(finding: &Finding) -> Option<String> {
    let usable = |side: &Option<Figures>| side.clone().filter(|figures| figures.error.is_none());
    let told =
        |figures: &Figures| if figures.pages { figures.notified.to_string() } else { "nobody".to_owned() };
    let (before, after) = (usable(&finding.before), usable(&finding.after));
    let unsure: usize = [&before, &after].into_iter().flatten().map(|side| side.unsure).max().unwrap_or(0);
    let unsure = if unsure > 0 { format!(", {unsure} more cannot be told") } else { String::new() };
    let words = match (before, after) {
        (Some(before), Some(after)) => {
            format!("fired {} → {}, notified {} → {}", before.fired, after.fired, told(&before), told(&after))
        }
        (None, Some(after)) => format!("would have fired {}, notified {}", after.fired, told(&after)),
        (Some(before), None) => format!("fired {}, notified {}", before.fired, told(&before)),
        (None, None) => return None,
    };
    Some(words + &unsure)
}

/// What was looked at, in one line; none where nobody looked.
pub(super) fn looked(evidence: Option<&Evidence>) -> Option<String> {
    let Looked { start, end, requests, measurements, cut, missed } = &evidence?.looked;
    let time = length(end - start);
    let mut words = format!(
        "Evidence: {time}, {}, {}",
        counted(*requests, "request"),
        counted(*measurements, "measurement")
    );
    if let Some(cut) = cut {
        words.push_str(&format!("; cut off by the limit of {cut}"));
    }
    if !missed.is_empty() {
        words.push_str(&format!("; not read, or not as a whole: {}", some(missed)));
    }
    Some(printable(&words) + ".")
}

fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ") + &more
}

/// `14 streams, last 20 s ago, every 60s`.
fn streams(found: &StreamsFound) -> String {
    let mut words = vec![counted(found.count, "stream")];
    words.extend(found.silent_for.map(|silent| format!("last {} ago", lasting(silent))));
    words.extend(found.every.map(|every| format!("every {}", lasting(every))));
    words.join(", ")
}

fn names(found: &StreamsFound) -> String {
    let more = found.count.saturating_sub(found.names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", found.names.join(", "))
}

/// In the largest unit that there is one of.
fn lasting(seconds: i64) -> String {
    match seconds {
        some if some < 120 => format!("{some} s"),
        some if some < 7_200 => format!("{} min", some / 60),
        some if some < 172_800 => format!("{} h", some / 3_600),
        some => format!("{} d", some / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(fired: usize, notified: usize, pages: bool) -> Option<Figures> {
        Some(Figures { fired, notified, pages, ..Figures::default() })
    }

    #[test]
    fn figures_say_what_changes_comes_and_goes() {
        let said = |before, after| figures(&Finding { before, after, ..Finding::default() });
        assert_eq!(said(side(3, 3, true), side(41, 61, true)).unwrap(), "fired 3 → 41, notified 3 → 61");
        assert_eq!(said(None, side(41, 61, true)).unwrap(), "would have fired 41, notified 61");
        assert_eq!(said(side(3, 3, true), None).unwrap(), "fired 3, notified 3");
        assert_eq!(said(side(3, 3, true), side(3, 3, false)).unwrap(), "fired 3 → 3, notified 3 → nobody");
        assert_eq!(said(None, None), None);
    }

    #[test]
    fn a_metric_that_goes_is_told_with_its_emitters() {
        let looked = Looked { start: 0, end: 7 * 86_400, ..Looked::default() };
        let streams = StreamsFound {
            count: 3,
            names: vec!["web1".into(), "web2".into()],
            silent_for: Some(20),
            every: None,
        };
        let finding = Finding {
            measurements: Some(20_160),
            streams: Some(streams),
            made_by: Some("agent/1".into()),
            notes: vec!["n".into()],
            ..Finding::default()
        };
        assert_eq!(
            lines(&finding, &looked),
            [
                "20160 measurements in 7 d, 3 streams, last 20 s ago · from web1, web2 and 1 more · made by agent/1",
                "n"
            ]
        );
        assert_eq!(
            lines(&Finding { measurements: Some(0), ..Finding::default() }, &looked),
            ["nothing was measured in 7 d"]
        );
    }
}
