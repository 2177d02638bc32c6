//! Time series as values: labels, samples, ranges of time, how points are packed, come together, age and are compacted.
//! Pure; knows no HTTP, no JSON of the API, no SQL and no store.

pub mod aggregate;
pub mod aging;
pub mod block;
mod bytes;
mod codec;
pub mod envelope;
mod error;
pub mod fold;
pub mod horizon;
pub mod journal;
pub mod labels;
pub mod page;
pub mod range;
pub mod retention;
pub mod sample;
pub mod tier;

pub use error::Error;
