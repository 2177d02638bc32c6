//! Types of services that take no messages any more. Pure. The API keeps taking their definitions.

/// Why nothing can be sent to services of a type; nothing of those that are alive, and of unknown ones.
pub fn dead(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "campfire" => "the hosted Campfire has been closed down",
        "hipchat" => "HipChat has been closed down",
        "flowdock" => "Flowdock has been closed down",
        "neptune" => "Neptune has been closed down",
        _ => return None,
    })
}
