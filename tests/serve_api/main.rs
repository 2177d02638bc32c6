//! The compatible server over HTTP: every route and its documented answers, with bodies as clients write them.
//! Fixtures are raw text that never passes through types of the crate.
#![cfg(feature = "serve")]

mod alerts;
mod annotations;
mod harness;
mod metrics;
mod services;
