//! Plan and apply monitoring definitions kept in git against a Librato-v1-compatible service.
//!
//! ```text
//!    YAML files                                              Librato v1 API
//!        |                                                         |
//!  load     text -> documents + positions           fetch    JSON -> State + Ids
//!        |                                                         |
//!  resolve  variables, for_each, defaults, checks                  |
//!           -> Desired                                             |
//!        \__________________________      _________________________/
//!                                   \    /
//!                            diff     Desired x State -> Changes      (pure)
//!                                     |
//!                            plan     Changes -> ordered Plan         (pure)
//!                                     |
//!                            render   Plan -> text | markdown | JSON  (pure)
//!                                     |
//!                            apply    Plan -> Calls -> API            (the only door out)
//! ```
//!
//! # From a program
//!
//! The feature `cli`, on by default, is the program `librato-apply` and needs what only a command line needs; `serve`, on by default,
//! is the server and needs SQLite. A program that uses the library leaves both out, or asks for `serve` if it holds a server:
//!
//! ```toml
//! librato-apply = { path = "../librato-apply", default-features = false }
//! ```
//!
//! [`client`] is the service as a library; [`prelude`] has what most programs name.
//!
//! ```
//! # mod doc_server { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc_server.rs")); }
//! # doc_server::with_server(async |url, token| {
//! use librato_apply::prelude::*;
//!
//! let (url, user, token) = (url.to_string(), "ops@example.org".to_string(), token.to_string());
//! let librato = Librato::connect(&url, &user, &token).open()?;
//! let metric = librato.metrics().create(&Metric::gauge("temperature")).await?;
//! assert_eq!(metric.name, "temperature");
//! # Ok(()) });
//! ```
//!
//! Beside the flow stand `measure`, which sends measurements, `client`, the service as a library for Rust programs, `watch`, which
//! decides when alerts fire, and `serve`, the compatible server, which is reached over HTTP only.

#[doc(hidden)]
pub use librato_apply_core::{chart, diag, pattern, picture, watch};
pub use librato_apply_core::{composite, wire};
#[doc(hidden)]
#[cfg(feature = "serve")]
pub use librato_apply_server::notify;
#[cfg(feature = "serve")]
pub use librato_apply_server::serve;

#[doc(hidden)]
pub mod model;

#[doc(hidden)]
pub mod load;
#[doc(hidden)]
pub mod resolve;

pub mod client;
pub mod remote;

#[doc(hidden)]
pub mod diff;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod render;

#[doc(hidden)]
pub mod apply;

/// Where plans are written to: a service, or a ruler.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod target;

#[doc(hidden)]
pub mod import;

pub mod measure;

#[doc(hidden)]
pub mod offline;

/// Rule files and configuration for Prometheus, out of definitions.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod prometheus;

#[cfg(feature = "serve")]
pub mod definition;

/// What most programs that use the service name: `use librato_apply::prelude::*`.
pub mod prelude {
    pub use crate::client::{
        Alert, AnnotationStream, Chart, Condition, Error, Event, Librato, Metric, Object, Service, Space,
        TryStreamExt,
    };
    pub use crate::measure::Measurement;
}

/// The programs that docs/library.md shows are compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct LibraryPage;

/// What is committed for a fuzz target: where to begin, and what once failed.
#[cfg(test)]
fn fuzz_inputs(target: &str) -> Vec<Vec<u8>> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/inputs").join(target);
    let files =
        std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!inputs.is_empty(), "{} is empty", directory.display());
    inputs
}
