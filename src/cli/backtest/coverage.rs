//! How well the past is known, in words: for how much of the time there are measurements, and how fine these are. Times are UTC.

use librato_apply::diag::counted;
use librato_apply::offline::{Backtest, Fidelity, Known, Span};

use super::words::{lasting, moment};

/// `7 days, exact since 26 Nov 10:00, by the minute before`, or `data for 30m of 7 days`.
pub fn coverage(found: &Backtest, asked: Span) -> String {
    let length = (!is_partial(found)).then(|| length(asked));
    length.into_iter().chain(known(found, asked)).collect::<Vec<_>>().join(", ")
}

/// The same without the length of the time, unless it must be compared.
pub fn known(found: &Backtest, asked: Span) -> Vec<String> {
    let partial = is_partial(found);
    let pieces = pieces(found);
    if !partial {
        return whole(&pieces);
    }
    let time = length(asked);
    let mut said = vec![match found.seconds_covered() {
        0 => format!("no data in {time}"),
        some => format!("data for {} of {time}", lasting(some)),
    }];
    // What is there is exact; of time without measurements that is not said.
    let mut newer = None;
    for (start, words) in &pieces {
        let before = newer.map_or(String::new(), |newer| format!(" before {}", moment(newer)));
        said.extend((*words != by(1)).then(|| format!("{words}{before}")));
        newer = Some(*start);
    }
    said
}

/// Whether measurements are missing for so much of the time that nothing is called exact.
fn is_partial(found: &Backtest) -> bool {
    found.span.is_some() && found.is_partly_covered()
}

/// Whether there is anything to be said of how well something is known: not where nothing was measured.
pub fn matters(found: &Backtest, known: &Known) -> bool {
    let stretch = known.stretch;
    let meets = |span: &Span| span.start <= stretch.end && stretch.start <= span.end;
    let left_out = matches!(known.fidelity, Fidelity::Unread | Fidelity::Incomparable);
    !is_partial(found) || left_out || found.covered.iter().any(meets)
}

/// How fine the data is, with the first second of each piece, the newest first. Pieces without measurements count only where all of the
/// time has some.
fn pieces(found: &Backtest) -> Vec<(i64, String)> {
    // The coarsest at each time; of what was not read nothing is said to be exact.
    let mut all: Vec<&Known> = found.known.iter().filter(|known| matters(found, known)).collect();
    all.sort_by_key(|known| {
        (-known.stretch.start, known.fidelity != Fidelity::Unread, -known.stretch.resolution)
    });
    let mut pieces: Vec<(i64, String)> = Vec::new();
    for known in all {
        let unread = known.fidelity == Fidelity::Unread;
        let words = if unread { "not read".to_owned() } else { by(known.stretch.resolution) };
        if pieces.last().is_none_or(|(start, _)| *start != known.stretch.start) {
            pieces.push((known.stretch.start, words));
        }
    }
    pieces
}

fn whole(pieces: &[(i64, String)]) -> Vec<String> {
    match pieces {
        [] => Vec::new(),
        [(_, only)] => vec![only.clone()],
        [(newest, words), older @ ..] => {
            let mut said = vec![format!("{words} since {}", moment(*newest))];
            let mut end = *newest;
            for (start, words) in older {
                let before = if end == *newest { String::new() } else { format!(" {}", moment(end)) };
                said.push(format!("{words} before{before}"));
                end = *start;
            }
            said
        }
    }
}

fn length(asked: Span) -> String {
    match asked.seconds() - 1 {
        all if all % 86_400 == 0 => counted(usize::try_from(all / 86_400).unwrap_or(0), "day"),
        all => lasting(all),
    }
}

/// How fine data is, in words.
pub fn by(resolution: i64) -> String {
    match resolution {
        1 => "exact".to_owned(),
        60 => "by the minute".to_owned(),
        3_600 => "by the hour".to_owned(),
        other => format!("by {}", lasting(other)),
    }
}

#[cfg(test)]
mod tests {
    use librato_apply::offline::Stretch;

    use super::*;

    #[test]
    fn time_without_measurements_is_never_called_exact() {
        const DAY: i64 = 86_400;
        let asked = Span { start: 0, end: 7 * DAY };
        let known = |start, end, resolution, fidelity| Known {
            condition: 0,
            stretch: Stretch { start, end, resolution },
            fidelity,
        };
        let both =
            vec![known(0, 5 * DAY - 1, 60, Fidelity::Less), known(5 * DAY, 7 * DAY, 1, Fidelity::Exact)];
        let of = |covered: Vec<Span>, known: &[Known]| {
            let known = known.to_vec();
            coverage(&Backtest { span: Some(asked), covered, known, ..Backtest::default() }, asked)
        };
        let span = |start, end| Span { start, end };
        assert_eq!(of(vec![asked], &both), "7 days, exact since 06 Jan 00:00, by the minute before");
        assert_eq!(of(vec![span(7 * DAY - 1_800, 7 * DAY - 1)], &both), "data for 30m of 7 days");
        assert_eq!(
            of(vec![span(DAY, 2 * DAY - 1), span(6 * DAY, 7 * DAY - 1)], &both),
            "data for 2d of 7 days, by the minute before 06 Jan 00:00"
        );
        let old = &both[..1];
        assert_eq!(of(vec![span(DAY, 2 * DAY - 1)], old), "data for 1d of 7 days, by the minute");
        assert_eq!(of(Vec::new(), &both), "no data in 7 days");
    }
}
