//! Text as it is shown.
