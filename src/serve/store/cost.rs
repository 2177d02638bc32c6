//! What reading costs. Knows nothing of what is read.

/// Whether others should have to wait for a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    Cheap,
    Dear,
}
