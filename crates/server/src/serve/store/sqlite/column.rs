//! The columns of the tables that hold JSON, of which each is read whole.

/// Every column that holds JSON, but for the labels of series, which have a checksum: its table, its name, the type of what
/// is in it. `serve check` goes through them.
pub const JSON: [(&str, &str, &str); 14] = [
    ("metrics", "attributes", "object"),
    ("events", "links", "array"),
    ("services", "settings", "object"),
    ("alerts", "attributes", "object"),
    ("conditions", "tags", "array"),
    ("charts", "body", "object"),
    ("streams_of_charts", "body", "object"),
    ("instruments", "attributes", "object"),
    ("snapshots", "subject", "object"),
    ("audit", "before_change", "object"),
    ("audit", "after_change", "object"),
    ("incidents", "snapshot", "object"),
    ("deliveries", "rest", "array"),
    ("deliveries", "payload", "object"),
];
