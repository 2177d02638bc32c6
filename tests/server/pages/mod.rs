//! The pages for browsers: who comes in, what each role sees, and what none of them can be made to do.

mod browser;
mod content;
mod sessions;
