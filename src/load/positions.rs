//! Where every key and value of a YAML text stands. Reads events and keeps no value.

use serde_yaml::granit_parser::{Event, Parser, ScalarStyle};

use crate::diag::{IndexBuilder, RouteIndex};

/// Where every key and value of the text is. Of a text that is not valid YAML nothing is known.
pub fn index(text: &str) -> RouteIndex {
    let mut builder = IndexBuilder::default();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { return builder.finish(false) };
        let Some(bytes) = span.byte_range() else { return builder.finish(false) };
        match event {
            Event::Scalar(value, style, anchor, _) => {
                // The parser counts the blank lines after a block scalar as part of it.
                let written = text.get(bytes.clone()).unwrap_or_default();
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let len = if block { written.trim_end().len() } else { written.len() };
                // A key that is null is called so, however it is written.
                let null = style == ScalarStyle::Plain && matches!(&*value, "" | "~" | "Null" | "NULL");
                let says = if null { "null" } else { &value };
                builder.scalar(says, bytes.start..bytes.start + len, anchor);
            }
            Event::Alias(anchor) => builder.alias(anchor, bytes),
            Event::MappingStart(_, anchor, _) => builder.begin_map(bytes, anchor),
            Event::SequenceStart(_, anchor, _) => builder.begin_list(bytes, anchor),
            Event::MappingEnd | Event::SequenceEnd => builder.end(&bytes),
            _ => {}
        }
    }
    builder.finish(true)
}
