//! The compatible server over HTTP: every route and its documented answers, with bodies as clients write them.
//! Fixtures are raw text that never passes through types of the crate.

mod account;
mod alerts;
mod annotations;
mod bounds;
mod changes;
mod clients;
mod compose;
mod damage;
mod durability;
mod hostile;
mod masked;
mod metrics;
mod migration;
mod paging;
mod protocol;
mod reading;
mod remote_read;
mod roles;
mod services;
mod spaces;
mod submit;
