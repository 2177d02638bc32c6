//! Sources, and what is said about them.

pub mod table;
