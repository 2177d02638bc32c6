//! Which item of one list answers to which of another, where order means nothing and where it does.
//! Knows nothing of what items are.

/// An item on both sides, or on one only; indices into the two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The written item.
    pub want: Option<usize>,
    /// The remote item.
    pub have: Option<usize>,
    /// Whether they say the same.
    pub same: bool,
}

/// Pairs as many items as possible that say the same, then the rest by likeness (0 = nothing in common); what is
/// left stands alone. Pairs come in the order of `want`, what only `have` holds at the end.
///
/// "The same" need not be transitive (an unwritten field matches several values), so pairs of same items are a
/// maximum matching: taking the first that fits could leave a difference where there is none.
pub fn pair<T: PartialEq>(
    want: &[T],
    have: &[T],
    same: impl Fn(&T, &T) -> bool,
    likeness: impl Fn(&T, &T) -> usize,
) -> Vec<Pair> {
    let matches = |w: &T| {
        let mut found: Vec<usize> = (0..have.len()).filter(|&h| same(w, &have[h])).collect();
        // What is the same to the letter first, so that an item does not swap its words with another one.
        found.sort_by_key(|&h| *w != have[h]);
        found
    };
    let matches: Vec<Vec<usize>> = want.iter().map(matches).collect();
    let mut owner: Vec<Option<usize>> = vec![None; have.len()];
    for w in 0..want.len() {
        augment(w, &matches, &mut owner, &mut vec![false; have.len()]);
    }
    let mut partner: Vec<Option<(usize, bool)>> = vec![None; want.len()];
    for (h, w) in owner.iter().enumerate() {
        if let Some(w) = w {
            partner[*w] = Some((h, true));
        }
    }
    pair_by_likeness(want, have, &likeness, &mut partner, &mut owner);
    let of_want = partner.iter().enumerate().map(|(w, found)| Pair {
        want: Some(w),
        have: found.map(|(h, _)| h),
        same: found.is_some_and(|(_, same)| same),
    });
    let alone = owner.iter().enumerate().filter(|(_, w)| w.is_none());
    of_want.chain(alone.map(|(h, _)| Pair { want: None, have: Some(h), same: false })).collect()
}

/// Pairs items without crossing, so that what was put in between or taken out is told from what moved up by it: as many
/// as possible that say the same, among these the likest (0 = nothing in common). Pairs come in the order of `want`, what
/// only `have` holds at the end.
pub fn align<T>(
    want: &[T],
    have: &[T],
    same: impl Fn(&T, &T) -> bool,
    likeness: impl Fn(&T, &T) -> usize,
) -> Vec<Pair> {
    // Pairs of same items count first.
    let value = |w: &T, h: &T| if same(w, h) { (1, 0) } else { (0, likeness(w, h)) };
    let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    // best[w][h]: of what begins at these two.
    let mut best = vec![vec![(0, 0); have.len() + 1]; want.len() + 1];
    for w in (0..want.len()).rev() {
        for h in (0..have.len()).rev() {
            let paired = add(value(&want[w], &have[h]), best[w + 1][h + 1]);
            best[w][h] = paired.max(best[w + 1][h]).max(best[w][h + 1]);
        }
    }
    let (mut w, mut h) = (0, 0);
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    while w < want.len() && h < have.len() {
        let here = value(&want[w], &have[h]);
        if here != (0, 0) && best[w][h] == add(here, best[w + 1][h + 1]) {
            pairs.push(Pair { want: Some(w), have: Some(h), same: here.0 == 1 });
            (w, h) = (w + 1, h + 1);
        } else if best[w][h] == best[w][h + 1] {
            alone.push(h);
            h += 1;
        } else {
            pairs.push(Pair { want: Some(w), have: None, same: false });
            w += 1;
        }
    }
    pairs.extend((w..want.len()).map(|w| Pair { want: Some(w), have: None, same: false }));
    alone.extend(h..have.len());
    pairs.extend(alone.into_iter().map(|h| Pair { want: None, have: Some(h), same: false }));
    pairs
}

/// Kuhn's step: finds a place for `w`, moving others if need be.
fn augment(w: usize, matches: &[Vec<usize>], owner: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for &h in &matches[w] {
        if std::mem::replace(&mut seen[h], true) {
            continue;
        }
        if owner[h].is_none_or(|other| augment(other, matches, owner, seen)) {
            owner[h] = Some(w);
            return true;
        }
    }
    false
}

fn pair_by_likeness<T>(
    want: &[T],
    have: &[T],
    likeness: &impl Fn(&T, &T) -> usize,
    partner: &mut [Option<(usize, bool)>],
    owner: &mut [Option<usize>],
) {
    let free_want = (0..want.len()).filter(|w| partner[*w].is_none());
    let mut candidates: Vec<(usize, usize, usize)> = free_want
        .flat_map(|w| (0..have.len()).map(move |h| (w, h)))
        .filter(|(_, h)| owner[*h].is_none())
        .map(|(w, h)| (likeness(&want[w], &have[h]), w, h))
        .filter(|(score, ..)| *score > 0)
        .collect();
    candidates.sort_by_key(|(score, w, h)| (std::cmp::Reverse(*score), *w, *h));
    for (_, w, h) in candidates {
        if partner[w].is_none() && owner[h].is_none() {
            partner[w] = Some((h, false));
            owner[h] = Some(w);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(want: &[&str], have: &[&str]) -> Vec<(Option<usize>, Option<usize>, bool)> {
        // `?` in a declared matches any letter, which makes "the same" not transitive.
        let same = |w: &&str, h: &&str| w.chars().zip(h.chars()).all(|(w, h)| w == '?' || w == h);
        let likeness = |w: &&str, h: &&str| w.chars().zip(h.chars()).filter(|(w, h)| w == h).count();
        pair(want, have, same, likeness).into_iter().map(|p| (p.want, p.have, p.same)).collect()
    }

    #[test]
    fn order_means_nothing_and_the_rest_is_paired_by_likeness() {
        assert_eq!(
            paired(&["ab", "cd"], &["cd", "ab"]),
            [(Some(0), Some(1), true), (Some(1), Some(0), true)]
        );
        assert_eq!(
            paired(&["ab", "cd"], &["cx", "ab"]),
            [(Some(0), Some(1), true), (Some(1), Some(0), false)]
        );
        assert_eq!(paired(&["ab"], &["xy"]), [(Some(0), None, false), (None, Some(0), false)]);
        assert_eq!(paired(&[], &["xy"]), [(None, Some(0), false)]);
    }

    #[test]
    fn where_order_counts_nothing_is_paired_across() {
        let aligned = |want: &[&str], have: &[&str]| {
            let likeness = |w: &&str, h: &&str| w.chars().zip(h.chars()).filter(|(w, h)| w == h).count();
            let pairs = align(want, have, |w, h| w == h, likeness);
            pairs.into_iter().map(|p| (p.want, p.have, p.same)).collect::<Vec<_>>()
        };
        assert_eq!(
            aligned(&["ab", "new", "cd"], &["ab", "cd"]),
            [(Some(0), Some(0), true), (Some(1), None, false), (Some(2), Some(1), true)]
        );
        assert_eq!(
            aligned(&["ax", "cd"], &["ab", "ef", "cd"]),
            [(Some(0), Some(0), false), (Some(1), Some(2), true), (None, Some(1), false)]
        );
        assert_eq!(
            aligned(&["cd", "ab"], &["ab", "cd"]),
            [(Some(0), Some(1), true), (Some(1), None, false), (None, Some(0), false)]
        );
        assert_eq!(aligned(&["ab"], &["xy"]), [(Some(0), None, false), (None, Some(0), false)]);
    }

    #[test]
    fn a_wish_that_fits_several_gives_way_to_one_that_fits_only_one() {
        assert_eq!(
            paired(&["a?", "ab"], &["ab", "ac"]),
            [(Some(0), Some(1), true), (Some(1), Some(0), true)]
        );
    }
}
