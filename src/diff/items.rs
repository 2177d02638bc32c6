//! Items of lists, such as conditions and streams: which answers to which by what they say, and what of one stays as it is.
//! Knows kinds only through what they say of themselves; how pairs are found stands in `lists`.

use serde_json::{Map, Value};

use super::lists::{Pair, align, pair};
use crate::model::Spec;

/// How the items of two lists are paired.
pub type Pairing = fn(&[Value], &[Value], &dyn Spec) -> Vec<Pair>;

/// Pairs the items of a list, such as conditions, by what they say.
pub fn pair_items(want: &[Value], have: &[Value], spec: &dyn Spec) -> Vec<Pair> {
    pair(want, have, |w, h| same_item(w, h, spec), |w, h| likeness(w, h, spec))
}

/// Pairs items with those they were made of, so that what did not change is the same to the letter.
pub fn pair_edited(want: &[Value], have: &[Value], spec: &dyn Spec) -> Vec<Pair> {
    pair(want, have, PartialEq::eq, |w, h| likeness(w, h, spec))
}

fn likeness(w: &Value, h: &Value, spec: &dyn Spec) -> usize {
    // What an item watches makes it the same item sooner than what it compares with.
    let weight = |key: &str| if matches!(key, "metric_name" | "type") { 3 } else { 1 };
    let shared = keys(w, h).into_iter().filter(|key| spec.same_in_item(key, w, h));
    let score: usize = shared.map(|key| weight(&key)).sum();
    if spec.same_in_item("metric_name", w, h) { score } else { 0 }
}

/// Pairs the items of a list, such as streams, whose order means something.
pub fn align_items(want: &[Value], have: &[Value], spec: &dyn Spec) -> Vec<Pair> {
    align(want, have, |w, h| same_item(w, h, spec), |w, h| likeness_in_order(w, h, spec))
}

/// As [`pair_edited`], in order.
pub fn align_edited(want: &[Value], have: &[Value], spec: &dyn Spec) -> Vec<Pair> {
    align(want, have, PartialEq::eq, |w, h| likeness_in_order(w, h, spec))
}

fn likeness_in_order(w: &Value, h: &Value, spec: &dyn Spec) -> usize {
    let weight = |key: &str| if matches!(key, "metric" | "composite") { 3 } else { 1 };
    let shared = keys(w, h).into_iter().filter(|key| spec.same_in_item(key, w, h));
    let score: usize = shared.map(|key| weight(&key)).sum();
    // A metric that takes the place of another one is a change; a composite is another stream.
    let one_form = w.get("composite").is_some() == h.get("composite").is_some();
    if one_form { score + 1 } else { 0 }
}

fn same_item(want: &Value, have: &Value, spec: &dyn Spec) -> bool {
    keys(want, have).iter().all(|key| spec.same_in_item(key, want, have))
}

/// The keys of either item.
pub(super) fn keys(want: &Value, have: &Value) -> Vec<String> {
    let mut keys: Vec<String> = want.as_object().into_iter().flat_map(Map::keys).cloned().collect();
    keys.extend(
        have.as_object().into_iter().flat_map(Map::keys).filter(|key| want.get(key).is_none()).cloned(),
    );
    keys
}

/// Gives the items of a list what the service has, wherever it means the same.
pub(super) fn settle(
    want: &mut [Value],
    have: &[Value],
    pairs: &[Pair],
    same: &dyn Fn(&str, usize, usize) -> bool,
) {
    for (w, h) in pairs.iter().filter_map(|pair| pair.want.zip(pair.have)) {
        for key in keys(&want[w], &have[h]).into_iter().filter(|key| same(key, w, h)) {
            let Some(item) = want[w].as_object_mut() else { continue };
            match have[h].get(&key) {
                Some(value) => _ = item.insert(key, value.clone()),
                None => _ = item.shift_remove(&key),
            }
        }
    }
}
