//! What changed conditions mean: takes the pairs the comparison found, so that their order does not matter, and judges
//! each field by field. Knows nothing of the rest of the alert.

use serde_json::Value;

use super::effect::{CLOCK, Effect, Verdict};
use super::pattern::{self, Relation};
use super::words::Words;
use crate::diff::items::same_item;
use crate::model::{Alert, Condition, ConditionType, Seconds, Spec, as_json};

/// The effects of everything that differs between the conditions of two alerts. `origins` tells which old condition each new one
/// is; where no one looked they are the same ones in the same order.
pub(super) fn changes(
    before: &Alert,
    after: &Alert,
    origins: Option<&[Option<usize>]>,
    words: &Words,
) -> Vec<Effect> {
    let (old, new) = (conditions(before), conditions(after));
    let (old_values, new_values) = (values(old), values(new));
    let in_order: Vec<Option<usize>> = (0..new.len()).map(Some).collect();
    let origins = origins.unwrap_or(&in_order);
    let mut effects = kind_of_streams(before, after);
    let mut gained = Vec::new();
    for (w, origin) in origins.iter().enumerate().take(new.len()) {
        let Some(h) = origin.filter(|h| *h < old.len()) else {
            gained.push((w, &new[w]));
            continue;
        };
        let (new_value, old_value) = (&new_values[w], &old_values[h]);
        if !same_item(new_value, old_value, before) {
            let same = |key: &str| before.same_in_item(key, new_value, old_value);
            Edit { old: &old[h], new: &new[w], index: w, words }.effects(&same, &mut effects);
        }
    }
    let mut lost: Vec<&Condition> =
        old.iter().enumerate().filter(|(h, _)| !origins.contains(&Some(*h))).map(|(_, old)| old).collect();
    // Of one that came and one that went, the alert watches something else now.
    let moved = gained.len().min(lost.len());
    for ((index, new), old) in gained.drain(..moved).zip(lost.drain(..moved)) {
        effects.push(other_question(index, old, new, words));
    }
    if old.is_empty() && !new.is_empty() {
        let text = format!("can fire now: it had no condition, and {}", words.fires_when(new));
        effects.push(Effect::new(Verdict::No, text));
    } else {
        let text = |new: &Condition| format!("fires less often: also needs that {}", words.condition(new));
        effects.extend(gained.iter().map(|(_, new)| Effect::new(Verdict::Yes, text(new))));
    }
    if new.is_empty() && !old.is_empty() {
        effects.push(Effect::new(Verdict::Yes, "never fires any more: it has no condition left"));
    } else {
        let text =
            |old: &Condition| format!("fires more often: no longer needs that {}", words.condition(old));
        effects.extend(lost.iter().map(|old| Effect::new(Verdict::No, text(old))));
    }
    effects
}

fn other_question(index: usize, old: &Condition, new: &Condition, words: &Words) -> Effect {
    let (new, old) = (words.condition(new), words.condition(old));
    let text =
        format!("may page differently: conditions[{index}] asks whether {new}; it asked whether {old}");
    Effect::new(Verdict::CannotTell, text)
}

fn kind_of_streams(before: &Alert, after: &Alert) -> Vec<Effect> {
    let tagged = |alert: &Alert| alert.md.value().copied().unwrap_or(false);
    let text = match (tagged(before), tagged(after)) {
        (false, true) => "may page differently: it watches tagged measurements now",
        (true, false) => "may page differently: it no longer watches tagged measurements",
        _ => return Vec::new(),
    };
    vec![Effect::new(Verdict::CannotTell, text)]
}

/// Conditions in the form in which the comparison pairs them.
fn values(conditions: &[Condition]) -> Vec<Value> {
    conditions.iter().map(as_json).collect()
}

/// One condition, before and after.
struct Edit<'a> {
    old: &'a Condition,
    new: &'a Condition,
    /// Its place in the new list.
    index: usize,
    words: &'a Words,
}

impl Edit<'_> {
    fn effects(&self, same: &dyn Fn(&str) -> bool, effects: &mut Vec<Effect>) {
        let absent = |condition: &Condition| condition.condition_type == ConditionType::Absent;
        if self.old.condition_type != self.new.condition_type {
            effects.push(other_question(self.index, self.old, self.new, self.words));
        } else if !absent(self.new) && !same("threshold") {
            effects.push(self.threshold());
        }
        // How long a stream is silent and how long a value is too high are not to be compared.
        if absent(self.old) == absent(self.new) && !same("duration") {
            effects.extend(self.duration());
        }
        if !absent(self.new) && !absent(self.old) {
            effects.extend(self.statistic(same));
        }
        effects.extend(self.streams(same));
        if seconds(self.new) > 0 {
            let label = self.words.label(self.index, self.new);
            effects.push(Effect::new(Verdict::No, format!("{label}{CLOCK}")));
        }
    }

    fn threshold(&self) -> Effect {
        let (new, old) = (self.words.test(self.new), self.words.test(self.old));
        let (Some(value), Some(was)) = (self.new.threshold, self.old.threshold) else {
            return other_question(self.index, self.old, self.new, self.words);
        };
        let away = match self.new.condition_type.known() {
            Some(ConditionType::Above) => value > was,
            Some(_) => value < was,
            None => return other_question(self.index, self.old, self.new, self.words),
        };
        let (weakens, how) = if away { (Verdict::Yes, "less") } else { (Verdict::No, "more") };
        self.effect(weakens, &format!("fires {how} often"), &format!("holds {new} instead of {old}"))
    }

    fn duration(&self) -> Option<Effect> {
        let (new, old) = (seconds(self.new), seconds(self.old));
        let (weakens, how) = match new.cmp(&old) {
            std::cmp::Ordering::Greater => (Verdict::Yes, "fires later"),
            std::cmp::Ordering::Less => (Verdict::No, "fires sooner"),
            std::cmp::Ordering::Equal => return None,
        };
        let silent = self.new.condition_type == ConditionType::Absent;
        let must = if silent { "must be silent" } else { "must hold" };
        let span = |seconds| self.words.value(Seconds(seconds));
        let what = match (new, old) {
            (0, _) => format!("holds at the first value instead of after {}", span(old)),
            (_, 0) => format!("{must} for {} instead of at the first value", span(new)),
            _ => format!("{must} for {} instead of {}", span(new), span(old)),
        };
        Some(self.effect(weakens, how, &what))
    }

    fn statistic(&self, same: &dyn Fn(&str) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !same("summary_function") {
            let name = |condition: &Condition| {
                let function = condition.summary_function.as_ref();
                self.words.value(function.map_or_else(|| "the default".to_owned(), ToString::to_string))
            };
            effects.push(self.unsure(&format!("takes {} instead of {}", name(self.new), name(self.old))));
        }
        if !same("detect_reset") {
            effects.push(self.unsure("takes a falling counter in another way"));
        }
        effects
    }

    fn streams(&self, same: &dyn Fn(&str) -> bool) -> Option<Effect> {
        let by_tags = |condition: &Condition| condition.tags.as_ref().is_some_and(|tags| !tags.is_empty());
        let relation = match (same("source"), same("tags")) {
            (true, true) => return None,
            (false, true) if !by_tags(self.new) => {
                pattern::sources(self.old.source.as_deref(), self.new.source.as_deref())
            }
            (true, false) if pattern::sources(None, self.new.source.as_deref()) == Relation::Same => {
                let tags = |condition: &Condition| condition.tags.clone().unwrap_or_default();
                pattern::tags(&tags(self.old), &tags(self.new))
            }
            // From sources to tags or back: two worlds without a common measure.
            _ => Relation::Unknown,
        };
        let (new, old) = (self.words.watched(self.new), self.words.watched(self.old));
        let what = format!("watches {new} instead of {old}");
        match relation {
            Relation::Same => None,
            Relation::Narrower => Some(self.effect(Verdict::Yes, "covers fewer streams", &what)),
            Relation::Wider => Some(self.effect(Verdict::No, "covers more streams", &what)),
            Relation::Unknown => Some(self.effect(Verdict::CannotTell, "covers other streams", &what)),
        }
    }

    fn effect(&self, weakens: Verdict, how: &str, what: &str) -> Effect {
        Effect::new(weakens, format!("{how}: {} {what}", self.words.label(self.index, self.new)))
    }

    fn unsure(&self, what: &str) -> Effect {
        self.effect(Verdict::CannotTell, "may page differently", what)
    }
}

fn seconds(condition: &Condition) -> u64 {
    condition.duration.map_or(0, |duration| duration.0)
}

/// The conditions of an alert.
pub(super) fn conditions(alert: &Alert) -> &[Condition] {
    alert.conditions.value().map_or(&[], Vec::as_slice)
}
