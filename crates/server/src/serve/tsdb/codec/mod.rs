//! How the points of a series are packed: times as a grid, values as decimals, both as narrow whole numbers. Pure; lossless to the last
//! bit. Reading never panics and takes no more memory than the points that were asked for, whatever the bytes.

mod doubles;
mod frames;
mod integers;
pub mod run;
pub mod times;
