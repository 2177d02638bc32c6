//! The command line of librato-apply.
fn main() {}
