//! How far the journal has come to be compacted, so that this can be done in several transactions: of its rows up to one, the
//! samples of the series up to one are in blocks already.

/// The last row and the last series; ids begin at one, so zeros stand for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watermark {
    pub row: i64,
    pub series: i64,
}

impl Watermark {
    /// Whether samples of `series` in this row are in blocks already.
    pub fn is_past(self, row: i64, series: i64) -> bool {
        row <= self.row && series <= self.series
    }
}
