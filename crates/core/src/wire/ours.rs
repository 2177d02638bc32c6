//! How the built-in server makes itself known, wherever it runs: all words that it takes are known here, so a word that is not is
//! a misspelt one. A name of its own, since proxies put theirs into `Server`.

/// The header of every answer; its value says nothing.
pub const HEADER: &str = "x-librato-apply";

/// What it holds: strangers need not know the version.
pub const VALUE: &str = "serve";
