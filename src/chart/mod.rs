//! From what a chart means to what a picture shows. Pure. Knows neither YAML nor tables, and asks nobody.

mod bucket;

pub use bucket::bucket;
