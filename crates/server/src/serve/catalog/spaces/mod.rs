//! Spaces with their charts and streams; instruments have streams as well.

pub mod chart;
pub mod stream;
pub mod table;
