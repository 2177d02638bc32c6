//! What the providers call their fields, and what they send and do not send: facts from their sources.
//! Knows nothing of where a resource was read.

use super::block::{Provider, Type};
use crate::diag::{Code, Diagnostic, Place};

/// A resource of one of the providers that we have never heard of.
pub(super) fn unknown_type(address: &str, name: &str, place: Place) -> Diagnostic {
    Diagnostic::error(
        Code::UnknownResource,
        format!("{address} is left out: there is no resource type `{name}`"),
    )
    .at(place, "")
    .help(
        "known are alerts, metrics, services, spaces and their charts of the providers librato and appoptics",
    )
}

/// Fields of a chart's streams that the provider takes and never sends: it looks for them under another name or type.
pub(super) fn never_sent(provider: Provider) -> &'static [&'static str] {
    match provider {
        Provider::Librato => &["name", "period", "units_long"],
        Provider::AppOptics => &["name", "period", "units_long", "tags", "min", "max"],
    }
}

/// The field that holds the name people know the object by.
pub(super) fn name_field(made: Type) -> &'static str {
    if made == Type::Service { "title" } else { "name" }
}

/// Where a stream stands in the provider's set of streams, which is the order in which it sends them: the set is sorted by the
/// decimal digits of a checksum.
pub(super) fn stream_order(provider: Provider, metric: &str, source: &str, composite: &str) -> String {
    let text = match provider {
        Provider::Librato => format!("{metric}-{source}-{composite}-"),
        Provider::AppOptics => format!("{metric}-{composite}-"),
    };
    crc32(text.as_bytes()).to_string()
}

/// The checksum of ISO 3309, which Go calls IEEE.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_sent_in_the_order_of_their_checksums() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(stream_order(Provider::AppOptics, "123456789", "", ""), crc32(b"123456789--").to_string());
    }
}
