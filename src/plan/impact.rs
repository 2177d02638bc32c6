//! What a change of an alert means to the people on call, in words, and whether it makes the alert weaker.
//! An alert fires when all its conditions hold: each one more makes it quieter, each one less makes it louder.
//! Judges what is planned; knows nothing of measurements, nor of what is firing now.

mod condition;
mod pattern;
#[cfg(test)]
mod tests;
mod touched;
mod words;

use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diff::{Action, Change};
use crate::model::{Alert, Condition, Resource};

pub use touched::{Indirect, Touched, indirect};
use words::Words;

/// Whether an alert pages less than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It pages as much as before, or more.
    No,
    /// It depends on measurements nobody has looked at.
    CannotTell,
    /// It pages later, less often, fewer people, or not at all.
    Yes,
}

/// One consequence of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// One line for people; it may hold names and patterns the remote chose, so it is escaped before it is shown.
    pub text: String,
    /// Whether this weakens the alert.
    pub weakens: Verdict,
}

impl Effect {
    fn new(weakens: Verdict, text: impl Into<String>) -> Self {
        Self { text: text.into(), weakens }
    }
}

/// What a change of an alert means to the people on call; empty where it means nothing to them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// The consequences, those that concern the whole alert first.
    pub effects: Vec<Effect>,
}

impl Impact {
    /// The worst of the effects.
    pub fn verdict(&self) -> Verdict {
        self.effects.iter().map(|effect| effect.weakens).max().unwrap_or(Verdict::No)
    }

    /// Why the alert is weaker, or may be: the lines of all effects that are not harmless.
    pub fn reasons(&self) -> Vec<&str> {
        let harmful = self.effects.iter().filter(|effect| effect.weakens != Verdict::No);
        harmful.map(|effect| effect.text.as_str()).collect()
    }

    /// Whether the people on call notice nothing.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }
}

/// The impact of a change; none for what is no alert.
pub fn impact(change: &Change, touched: &Touched<'_>) -> Option<Impact> {
    let words = Words { hidden: touched.hides(&change.address) };
    let effects = match (alert(change.action.before()), alert(change.action.after())) {
        (None, None) => return None,
        (None, Some(after)) => created(after, &words),
        (Some(before), None) => vec![removed(before, &words)],
        (Some(before), Some(after)) => {
            // A condition without a summary function has one all the same, by the type of its metric.
            let before = before.with_defaults(&|name| touched.type_of(name));
            changed(&change.action, &before, after, touched, &words)
        }
    };
    Some(Impact { effects })
}

fn alert(resource: Option<&Resource>) -> Option<&Alert> {
    match resource {
        Some(Resource::Alert(alert)) => Some(alert),
        _ => None,
    }
}

fn created(alert: &Alert, words: &Words) -> Vec<Effect> {
    let text = format!("new: {}; {}", words.fires_when(conditions(alert)), words.notifies(services(alert)));
    let mut effects = vec![Effect::new(Verdict::No, text)];
    if !alert.is_active() {
        effects
            .push(Effect::new(Verdict::No, "is created switched off: pages nobody until it is switched on"));
    }
    effects
}

fn removed(alert: &Alert, words: &Words) -> Effect {
    let off = if alert.is_active() { "" } else { "; it was switched off" };
    let was = words.fires_when(conditions(alert));
    // What calls nobody cannot call anybody less often.
    let weakens = if alert.is_active() && calls_somebody(alert) { Verdict::Yes } else { Verdict::No };
    Effect::new(weakens, format!("is removed: it {was}; it {}{off}", words.notifies(services(alert))))
}

fn changed(
    action: &Action,
    before: &Alert,
    after: &Alert,
    touched: &Touched<'_>,
    words: &Words,
) -> Vec<Effect> {
    let mut whole = Vec::new();
    if matches!(action, Action::Update { renamed_from: Some(_), .. }) {
        whole.push(Effect::new(Verdict::No, "is renamed, and keeps its id and its state"));
    }
    match (before.is_active(), after.is_active()) {
        (true, false) => whole.push(Effect::new(Verdict::Yes, "is switched off: pages nobody any more")),
        (false, true) => whole.push(Effect::new(Verdict::No, "is switched on and may page at once")),
        _ => {}
    }
    let mut effects = condition::changes(before, after, words);
    effects.extend(rearming(before, after, words));
    effects.extend(notified(before, after, words));
    effects.extend(runbook(before, after));
    effects.extend(touched.effects_on(before, after));
    if !after.is_active() && !effects.is_empty() {
        if !before.is_active() {
            whole.push(Effect::new(Verdict::No, "stays switched off: nothing of this pages anybody now"));
        }
        for effect in &mut effects {
            // Its verdict stays: an alert must not be weakened while it is off, and then be switched on again.
            effect.text = format!("once switched on, {}", effect.text);
        }
    }
    whole.extend(effects);
    whole
}

/// Whether anybody would hear of it when it fires, if it is not switched off.
fn calls_somebody(alert: &Alert) -> bool {
    !conditions(alert).is_empty() && !services(alert).is_empty()
}

fn rearming(before: &Alert, after: &Alert, words: &Words) -> Vec<Effect> {
    let per_signal = |alert: &Alert| alert.rearm_per_signal.value().copied().unwrap_or(false);
    let mut effects = Vec::new();
    let (old, new) = (before.rearm(), after.rearm());
    if new != old {
        let (weakens, how) =
            if new > old { (Verdict::Yes, "less often") } else { (Verdict::No, "more often") };
        let (new, old) = (words.value(new), words.value(old));
        let text = format!("notifies {how}: stays silent for {new} instead of {old} after a notification");
        effects.push(Effect::new(weakens, text));
    }
    match (per_signal(before), per_signal(after)) {
        (false, true) => effects.push(Effect::new(
            Verdict::No,
            "notifies more often: a stream that has paged no longer silences the others",
        )),
        (true, false) => effects.push(Effect::new(
            Verdict::Yes,
            "notifies less often: a stream that has paged silences the others until the alert re-arms",
        )),
        _ => {}
    }
    effects
}

fn notified(before: &Alert, after: &Alert, words: &Words) -> Vec<Effect> {
    let old: Vec<&str> = services(before).iter().map(String::as_str).collect();
    let new: Vec<&str> = services(after).iter().map(String::as_str).collect();
    let lost = old.iter().filter(|title| !new.contains(title));
    let gained = new.iter().filter(|title| !old.contains(title));
    let mut effects: Vec<Effect> = lost
        .map(|title| Effect::new(Verdict::Yes, format!("stops notifying {}", words.name(title))))
        .chain(gained.map(|title| Effect::new(Verdict::No, format!("also notifies {}", words.name(title)))))
        .collect();
    if new.is_empty() && !old.is_empty() {
        effects.push(Effect::new(Verdict::Yes, "notifies nobody any more"));
    }
    effects
}

fn runbook(before: &Alert, after: &Alert) -> Option<Effect> {
    let url = |alert: &Alert| {
        alert.attributes.runbook_url.value().map(|url| url.trim().to_owned()).filter(|url| !url.is_empty())
    };
    let text = match (url(before), url(after)) {
        (Some(_), None) => "loses its runbook",
        (None, Some(_)) => "gains a runbook",
        (Some(old), Some(new)) if old != new => "points to another runbook",
        _ => return None,
    };
    Some(Effect::new(Verdict::No, text))
}

fn conditions(alert: &Alert) -> &[Condition] {
    alert.conditions.value().map_or(&[], Vec::as_slice)
}

fn services(alert: &Alert) -> &[String] {
    alert.services.value().map_or(&[], Vec::as_slice)
}

/// Words in a list as people say them.
fn listed(items: impl IntoIterator<Item = impl Display>, last: &str) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{}{last}{end}", rest.join(", ")),
        _ => items.concat(),
    }
}
