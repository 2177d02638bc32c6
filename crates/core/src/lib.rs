//! What the reconciler and the server both know, and neither owns: diagnostics, patterns, the language of composites, alerts as a
//! machine, charts and their pictures, and the smallest readers of the wire. No promise of stability: `librato-apply` is the library.

#[doc(hidden)]
pub mod chart;
pub mod composite;
#[doc(hidden)]
pub mod diag;
#[doc(hidden)]
pub mod pattern;
#[doc(hidden)]
pub mod picture;
#[doc(hidden)]
pub mod watch;
pub mod wire;
