//! What a change of an alert means to the people on call, in words, and whether it makes the alert weaker.
//! An alert fires when all its conditions hold: each one more makes it quieter, each one less makes it louder.
//! Judges what is planned; knows nothing of measurements, nor of what is firing now.

mod condition;
mod effect;
mod pattern;
#[cfg(test)]
mod tests;
mod touched;
mod words;

use crate::diff::{Action, Change};
use crate::model::{Alert, Resource};

use condition::conditions;
pub use effect::{Effect, Impact, Verdict};
pub use touched::{Indirect, Touched, indirect};
use words::Words;

/// The impact of a change; none for what is no alert.
pub fn impact<'c>(change: &'c Change, touched: &Touched<'_>) -> Option<Impact> {
    let words = Words { hidden: touched.hides(&change.address) };
    let alert = |side: Option<&'c Resource>| side.and_then(Resource::as_alert);
    let effects = match (alert(change.action.before()), alert(change.action.after())) {
        (None, None) => return None,
        (None, Some(after)) => created(after, &words),
        (Some(before), None) => vec![removed(before, &words)],
        (Some(before), Some(after)) => {
            // A condition without a summary function has one all the same, by the type of its metric.
            let meant =
                |alert: &Alert| alert.with_defaults().with_default_functions(&|name| touched.type_of(name));
            changed(&change.action, &meant(before), &meant(after), touched, &words)
        }
    };
    Some(Impact { effects })
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
    // What calls no one cannot call anybody less often.
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
    let origins = action.origins().and_then(|origins| origins.get("conditions"));
    let mut effects = condition::changes(before, after, origins, words);
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

fn services(alert: &Alert) -> &[String] {
    alert.services.value().map_or(&[], Vec::as_slice)
}
