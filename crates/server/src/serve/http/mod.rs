//! What every route shares: who may ask, how bodies and queries are read, how lists are paged, how answers and
//! errors look. Knows no entity, and of storage only what servers of the same data tell each other of those who ask.

pub mod access;
pub mod address;
pub mod admission;
pub mod agent;
pub mod answer;
pub mod auth;
pub mod body;
pub mod bounds;
pub mod claimed;
pub mod credentials;
pub mod cross_site;
pub mod drain_body;
pub mod fields;
pub mod form;
pub mod guesses;
pub mod host;
pub mod paging;
pub mod problem;
pub mod rates;
pub mod reply;
pub mod role;
pub mod route;
pub mod secret_path;
mod table;
pub mod users;
