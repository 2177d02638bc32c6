//! Why an alert cannot fire: what its conditions watch was not measured. Says the same in backtests and in the evidence of plans.

use librato_apply::diag::suggest;
use librato_apply::offline::{Backtest, Subject};
use librato_apply::watch::{Condition, Kind, Streams};

use super::sides::Definitions;

/// The reasons, one for each condition that no stream was measured for; `time` is how far was looked back.
pub fn reasons(
    found: &Backtest,
    subject: &Subject,
    definitions: &Definitions<'_>,
    time: &str,
) -> Vec<String> {
    let conditions = found.blind.iter().filter_map(|place| subject.alert.conditions.get(*place));
    let mut reasons: Vec<String> = conditions.map(|condition| why(condition, definitions, time)).collect();
    reasons.dedup();
    reasons
}

fn why(condition: &Condition, definitions: &Definitions<'_>, time: &str) -> String {
    let metric = &condition.metric;
    if !definitions.is_known(metric) {
        return match suggest(metric, definitions.metrics()) {
            Some(close) => format!("no metric `{metric}`; did you mean `{close}`?"),
            None => format!("no metric `{metric}`"),
        };
    }
    if let Kind::Composite { .. } = condition.shape.kind {
        return format!("nothing was measured in {time} of what `{metric}` is made of");
    }
    match streams(&condition.streams) {
        Some(narrowed) => format!("no stream of `{metric}` has {narrowed}"),
        None => format!("nothing was measured of `{metric}` in {time}"),
    }
}

/// `source web*`; nothing where every stream is meant.
fn streams(streams: &Streams) -> Option<String> {
    match streams {
        Streams::All => None,
        Streams::Source(pattern) => Some(format!("source `{pattern}`")),
        Streams::Tags(tags) => {
            let names: Vec<&str> = tags.iter().map(|tag| tag.name.as_str()).collect();
            Some(format!("the tags that are asked for ({})", names.join(", ")))
        }
    }
}
