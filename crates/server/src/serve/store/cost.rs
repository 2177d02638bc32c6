//! What reading costs. Knows nothing of what is read.

/// Whether others should have to wait for a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) enum Cost {
    Cheap,
    Dear,
}
