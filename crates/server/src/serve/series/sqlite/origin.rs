//! The tables whose values carry checksums, as what is damaged in them is named.

/// Where a value with a checksum lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Blocks,
    Pages,
    Journal,
    Series,
}

impl Origin {
    pub fn of(table: &str) -> Option<Origin> {
        [Origin::Blocks, Origin::Pages, Origin::Journal, Origin::Series]
            .into_iter()
            .find(|one| one.table() == table)
    }

    pub fn table(self) -> &'static str {
        match self {
            Origin::Blocks => "blocks",
            Origin::Pages => "pages",
            Origin::Journal => "journal",
            Origin::Series => "series",
        }
    }
}
