//! A duty that is divided into groups, each of which one server has at a time. Servers have equal shares: who has more than that gives a group
//! back at each beat, and who has less takes those that nobody has. Pure.

/// What a server knows of a duty that is divided.
#[derive(Debug, Default)]
pub struct Division {
    /// Into how many groups.
    pub groups: i64,
    /// A group that another server may have, until it is given back.
    pub surplus: Option<i64>,
}

/// The most groups that one of so many servers has.
pub fn share(groups: i64, servers: i64) -> usize {
    let servers = servers.max(1);
    usize::try_from((groups + servers - 1) / servers).unwrap_or(0)
}

/// What the leases of a duty are called that is divided into so many groups. What is not divided has one of its own name.
pub fn names(duty: &str, groups: i64) -> Vec<String> {
    if groups <= 1 {
        vec![duty.to_owned()]
    } else {
        (0..groups).map(|group| format!("{duty}/{group}")).collect()
    }
}

/// Which group of a duty a lease is of.
pub fn group(duty: &str, lease: &str) -> Option<i64> {
    match lease.strip_prefix(duty)? {
        "" => Some(0),
        rest => rest.strip_prefix('/')?.parse().ok(),
    }
}

/// The duty of a lease.
pub fn duty(lease: &str) -> &str {
    lease.split_once('/').map_or(lease, |(duty, _)| duty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_equal_and_all_together() {
        for servers in 1..100 {
            let each = share(64, servers);
            assert!(each * usize::try_from(servers).unwrap() >= 64, "{servers}");
            assert!((each - 1) * usize::try_from(servers).unwrap() < 64, "{servers}");
        }
        assert_eq!((share(64, 3), share(64, 0), share(1, 3)), (22, 64, 1));
    }

    #[test]
    fn leases_are_called_after_their_groups() {
        assert_eq!(names("alerts", 1), ["alerts"]);
        assert_eq!(names("alerts", 3), ["alerts/0", "alerts/1", "alerts/2"]);
        for (at, name) in (0..).zip(names("alerts", 64)) {
            assert_eq!((group("alerts", &name), duty(&name)), (Some(at), "alerts"));
        }
        assert_eq!(
            (group("alerts", "alerts"), group("alerts", "outbox"), group("alert", "alerts")),
            (Some(0), None, None)
        );
    }
}
