//! Evidence in words that all forms of a plan share: one line with the figures, then what else a reviewer should know.

use crate::diag::{counted, printable};
use crate::plan::{Evidence, Figures, Finding, Looked, StreamsFound, length};

/// How many of what was not read is named in one line.
const NAMED: usize = 10;

/// How many of the alerts that would notify more often.
const NOISIEST: usize = 5;

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
    let is_told = !errors.is_empty();
    lines.extend(errors);
    lines.extend(cannot_fire(finding));
    lines.extend(finding.notes.iter().cloned());
    if finding.missed && !is_told {
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
        // Nothing fired is what a success looks like.
        (Some(before), Some(after)) if after.cannot_fire.is_some() => match before.cannot_fire {
            Some(_) => "cannot fire".to_owned(),
            None => format!("fired {}, notified {} → cannot fire", before.fired, told(&before)),
        },
        (None, Some(after)) if after.cannot_fire.is_some() => "cannot fire".to_owned(),
        (Some(before), Some(after)) => {
            format!("fired {} → {}, notified {} → {}", before.fired, after.fired, told(&before), told(&after))
        }
        (None, Some(after)) => format!("would have fired {}, notified {}", after.fired, told(&after)),
        (Some(before), None) => format!("fired {}, notified {}", before.fired, told(&before)),
        (None, None) => return None,
    };
    Some(words + &unsure)
}

/// How often alerts notified all together, and which of them would notify more often than before; none where there is only one.
pub(super) fn together(evidence: Option<&Evidence>) -> Option<String> {
    let told = |side: &Option<Figures>| side.as_ref().map_or(0, |it| if it.pages { it.notified } else { 0 });
    let is_known = |finding: &Finding| {
        let sides = || [&finding.before, &finding.after].into_iter().flatten();
        sides().next().is_some() && sides().all(|side| side.error.is_none())
    };
    let known = evidence?.of.iter().filter(|(_, finding)| is_known(finding));
    let mut alerts: Vec<(String, usize, usize)> = known
        .map(|(address, finding)| (address.to_string(), told(&finding.before), told(&finding.after)))
        .collect();
    if alerts.len() < 2 {
        return None;
    }
    let sum = |side: fn(&(String, usize, usize)) -> usize| alerts.iter().map(side).sum::<usize>();
    let mut words = format!(
        "{} notified {} → {}",
        counted(alerts.len(), "alert"),
        sum(|(_, before, _)| *before),
        sum(|(_, _, after)| *after)
    );
    alerts.retain(|(_, before, after)| after > before);
    alerts.sort_by_key(|(_, before, after)| std::cmp::Reverse((*after, after - before)));
    let most = alerts.iter().take(NOISIEST);
    let most: Vec<String> = most.map(|(name, before, after)| format!("{name} {before} → {after}")).collect();
    if !most.is_empty() {
        let others = alerts.len() - most.len();
        let others = if others > 0 { format!(" and {}", counted(others, "other")) } else { String::new() };
        words.push_str(&format!("; more often: {}{others}", most.join(", ")));
    }
    Some(printable(&words) + ".")
}

/// That an alert, as it will be, cannot fire, and why.
pub(super) fn cannot_fire(finding: &Finding) -> Option<String> {
    let why = finding.after.as_ref()?.cannot_fire.as_ref()?;
    Some(format!("the alert cannot fire: {why}"))
}

/// What was looked at, in one line; none where no one looked.
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
    use crate::model::{Address, Collection};

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
        let blind = || Some(Figures { cannot_fire: Some("no stream".into()), ..side(0, 0, true).unwrap() });
        assert_eq!(said(side(4, 8, true), blind()).unwrap(), "fired 4, notified 8 → cannot fire");
        assert_eq!(said(None, blind()).unwrap(), "cannot fire");
    }

    #[test]
    fn what_alerts_come_to_together_names_those_that_get_noisier() {
        let finding = |before, after| Finding { before, after, ..Finding::default() };
        let evidence = |all: Vec<(&str, Finding)>| {
            let of = all.into_iter().map(|(name, found)| (Address::new(Collection::Alerts, name), found));
            Evidence { looked: Looked::default(), of: of.collect() }
        };
        assert_eq!(together(Some(&evidence(vec![("a", finding(side(1, 1, true), side(2, 2, true)))]))), None);
        let unread = Some(Figures { error: Some("not read".into()), ..Figures::default() });
        let mut all = vec![
            ("calmer", finding(side(9, 9, true), side(1, 1, true))),
            ("new", finding(None, side(7, 8, true))),
            ("nobody", finding(side(3, 3, true), side(50, 50, false))),
            ("noisier", finding(side(3, 3, true), side(41, 61, true))),
            ("unread", finding(side(3, 3, true), unread)),
            ("metric", Finding { measurements: Some(3), ..Finding::default() }),
        ];
        let said = together(Some(&evidence(all.clone()))).unwrap();
        assert_eq!(said, "4 alerts notified 15 → 70; more often: noisier 3 → 61, new 0 → 8.");
        all.extend(["b", "c", "d", "e"].map(|name| (name, finding(None, side(1, 1, true)))));
        let said = together(Some(&evidence(all))).unwrap();
        assert!(said.ends_with("new 0 → 8, b 0 → 1, c 0 → 1, d 0 → 1 and 1 other."), "{said}");
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
