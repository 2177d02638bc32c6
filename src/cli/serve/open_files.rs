//! How many files the process may have open: each connection is one. The limit is raised as far as the system lets us; what
//! is still too little is said at the start, since later no one could connect.

use super::super::exit::{Exit, Stop};
use super::super::ui::Ui;

/// What the server has open beside connections: streams, listener, the data file and its log ten times over, a copy.
const OWN: u64 = 48;
/// Fewer connections are not worth starting for.
const FEWEST: u64 = 16;

/// Makes room for `connections`, or says how many there is room for.
///
/// # Errors
/// When there is room for next to none.
#[cfg(unix)]
pub fn make_room(connections: usize, ui: &Ui) -> Result<usize, Stop> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let wanted = OWN.saturating_add(connections as u64);
    let limit = getrlimit(Resource::Nofile);
    let mut have = limit.current.unwrap_or(u64::MAX);
    let possible = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    let raised = Rlimit { current: Some(possible), maximum: limit.maximum };
    if have < possible && setrlimit(Resource::Nofile, raised).is_ok() {
        have = possible;
    }
    let room = room(have, connections)?;
    if room < connections {
        ui.complain(&format!(
            "warning: only {have} files may be open at once, so {room} connections are served and not {connections}; \
             raise the limit (`ulimit -n {wanted}`, or LimitNOFILE= of systemd)"
        ));
    }
    Ok(room)
}

/// Where the system has no such limit.
#[cfg(not(unix))]
pub fn make_room(connections: usize, _: &Ui) -> Result<usize, Stop> {
    room(u64::MAX, connections)
}

fn room(have: u64, connections: usize) -> Result<usize, Stop> {
    let least = OWN + FEWEST.min(connections as u64);
    if have < least {
        return Err(Stop {
            exit: Exit::Error,
            message: format!("only {have} files may be open at once, but the server needs {least} at least"),
            help: vec!["raise the limit: `ulimit -n 2048`, or LimitNOFILE= of systemd".into()],
        });
    }
    Ok(usize::try_from(have - OWN).unwrap_or(usize::MAX).min(connections))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_what_the_system_allows() {
        assert_eq!(room(u64::MAX, 1024).unwrap(), 1024);
        assert_eq!(room(1024, 1024).unwrap(), 976);
        assert_eq!(room(64, 1024).unwrap(), 16);
        assert_eq!(room(50, 2).unwrap(), 2);
        for (have, connections) in [(63, 1024), (24, 1024), (49, 2), (0, 1)] {
            assert!(room(have, connections).unwrap_err().message.contains(&format!("only {have} files")));
        }
    }
}
