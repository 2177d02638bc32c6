//! Types of services that have come to an end, or will: definitions of them stay valid, and notify no one.

/// Why services of a type reach no one any more; nothing of those that are alive, and of unknown ones. The built-in server has the
/// same list; a test holds the two against each other.
pub fn dead_service(service_type: &str) -> Option<&'static str> {
    Some(match service_type {
        "campfire" => "the hosted Campfire has been closed down",
        "hipchat" => "HipChat has been closed down",
        "flowdock" => "Flowdock has been closed down",
        "neptune" => "Neptune has been closed down",
        _ => return None,
    })
}

/// What is to be said of a service that will come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Of what, and when.
    pub message: &'static str,
    /// What to do about it.
    pub help: &'static str,
}

/// The API of Opsgenie has a last day; who names the host of its successor has moved.
pub fn ending_service(service_type: &str, hostname: Option<&str>) -> Option<Ending> {
    let moved = hostname.is_some_and(|host| host.trim().eq_ignore_ascii_case("api.atlassian.com"));
    let ends = service_type == "opsgenie" && !moved;
    ends.then_some(Ending {
        message: "Opsgenie ends on 5 April 2027, and its API with it",
        help: "move to Jira Service Management, and write `hostname: api.atlassian.com` with a key from there",
    })
}
