//! Items of lists, such as conditions and streams: which answers to which by what they say, and what of one stays as it is.
//! Knows kinds only through what they say of themselves; how pairs are found stands in `lists`.

use serde_json::{Map, Value};

use super::lists::{Pair, align, pair};
use crate::model::{Shape, Spec};

/// Pairs the items of a list, such as conditions, by what they say; in order where order means something.
pub fn pair_items(field: &str, want: &[Value], have: &[Value], spec: &dyn Spec) -> Vec<Pair> {
    paired(field, want, have, spec, |w, h| same_item(w, h, spec))
}

/// Pairs items with those they were made of, so that what did not change is the same to the letter.
pub fn pair_edited(field: &str, want: &[Value], have: &[Value], spec: &dyn Spec) -> Vec<Pair> {
    paired(field, want, have, spec, PartialEq::eq)
}

fn paired(
    field: &str,
    want: &[Value],
    have: &[Value],
    spec: &dyn Spec,
    same: impl Fn(&Value, &Value) -> bool,
) -> Vec<Pair> {
    let likeness = |w: &Value, h: &Value| likeness(field, w, h, spec);
    match spec.shape(field) {
        Shape::Sequence => align(want, have, same, likeness),
        _ => pair(want, have, same, likeness),
    }
}

fn likeness(field: &str, w: &Value, h: &Value, spec: &dyn Spec) -> usize {
    let Some(kinship) = spec.kinship(field, w, h) else { return 0 };
    let shared = keys(w, h).into_iter().filter(|key| spec.same_in_item(key, w, h));
    kinship + shared.map(|key| spec.weight_in_item(field, &key)).sum::<usize>()
}

/// Whether two items say the same.
pub fn same_item(want: &Value, have: &Value, spec: &dyn Spec) -> bool {
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
    pairs: &[(usize, usize)],
    same: &dyn Fn(&str, usize, usize) -> bool,
) {
    for &(w, h) in pairs {
        for key in keys(&want[w], &have[h]).into_iter().filter(|key| same(key, w, h)) {
            let Some(item) = want[w].as_object_mut() else { continue };
            match have[h].get(&key) {
                Some(value) => _ = item.insert(key, value.clone()),
                None => _ = item.shift_remove(&key),
            }
        }
    }
}
