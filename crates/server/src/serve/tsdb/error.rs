//! Why a stored value is not to be trusted, in words for an operator. Nothing else can go wrong here.

/// What is wrong with the bytes of a packed value or of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("is cut short")]
    CutShort,
    #[error("does not match its checksum")]
    Checksum,
    #[error("cannot be read")]
    Unreadable,
    #[error("its labels do not match their checksum")]
    Labels,
    #[error("was written by a newer version")]
    Newer,
}
