//! From what a chart means to what a picture shows: what has to be asked, and the scene that its answers are. Pure. Knows neither YAML
//! nor tables, and asks no one.
//!
//! Where the API is silent, this is what holds here:
//!
//! - A point stands for the bucket that begins at its time. The first bucket is whole, though it may begin before the window; one that is
//!   not over yet is left out of the line, though not of the legend.
//! - `average` puts samples of sources together before the statistic is taken, so that it is no mean of means; of sums and counts, which
//!   grow with the number of sources, it is the average of the sources. `sum`, `min` and `max` are of the statistics of each source.
//! - In formulas `p` is the bucket; for rises of counters, which are worked out for a period, that period; for sums and counts of a big
//!   number the whole window.
//! - Last, Min, Mean and Max are over samples wherever a sample has the statistic that is drawn; sums and counts are over points.

mod axes;
mod beside;
mod bucket;
mod choice;
mod definition;
mod gather;
mod looks;
mod question;
mod sample;
mod scene;
#[cfg(test)]
mod tests;
mod transform;
mod view;

pub use beside::{Alert, Beside, Condition, is_of_alerts, is_shown_by_default};
pub use bucket::bucket;
pub use choice::{Choice, UNASSIGNED};
pub use definition::{Definition, Looks, Metric, Metrics, Stream, Tag};
pub use gather::{Answer, Gathering, Line};
pub use question::{Group, MOST_LINES, Of, Question, fit, questions};
pub use sample::{Sample, Statistic};
pub use scene::scene;
pub use transform::Transform;
pub use view::View;
