//! Which lines lead from one text to another. Knows nothing of what they say or how they are shown.

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{Change, ChangeTag, DiffOp};

/// The runs of lines that stay, go and come, in their order.
///
/// Myers' algorithm is named here because a choice at run time would bring seven of them into the program: half a megabyte.
pub fn edits(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut captured = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut captured, old, 0..old.len(), new, 0..new.len());
    captured.into_inner().into_inner().into_ops()
}

/// The sign of a line: ` ` stays, `-` goes, `+` comes.
pub fn sign(change: &Change<&str>) -> char {
    match change.tag() {
        ChangeTag::Equal => ' ',
        ChangeTag::Delete => '-',
        ChangeTag::Insert => '+',
    }
}
