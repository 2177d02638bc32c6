//! What a server over a database does of what has to be done: all of it, unless it is told otherwise. Pure.

use std::fmt;
use std::str::FromStr;

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Duties {
    /// Requests are sent to it.
    pub http: bool,
    /// It keeps the tables in order: measurements are compacted, merged, rolled up and dropped.
    pub maintenance: bool,
    /// It evaluates alerts and notifies when it is its turn.
    pub alerts: bool,
}

const NAMES: [&str; 3] = ["http", "maintenance", "alerts"];

impl Duties {
    fn all(self) -> [bool; 3] {
        [self.http, self.maintenance, self.alerts]
    }

    /// By their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().zip(self.all()).filter_map(|(name, has)| has.then_some(name))
    }
}

impl Default for Duties {
    fn default() -> Duties {
        Duties { http: true, maintenance: true, alerts: true }
    }
}

impl fmt::Display for Duties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Duties {
    type Err = String;

    fn from_str(text: &str) -> Result<Duties, String> {
        let given: Vec<&str> = text.split(',').map(str::trim).collect();
        if given.iter().any(|name| !NAMES.contains(name)) {
            return Err(format!("write some of {}, with commas between them", NAMES.join(", ")));
        }
        let [http, maintenance, alerts] = NAMES.map(|name| given.contains(&name));
        Ok(Duties { http, maintenance, alerts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duties_are_read_as_they_are_written() {
        for text in ["http", "maintenance,alerts", "http,maintenance,alerts"] {
            assert_eq!(text.parse::<Duties>().unwrap().to_string(), text);
        }
        assert_eq!(" alerts , http ".parse::<Duties>().unwrap().to_string(), "http,alerts");
        for bad in ["", "http,", "outbox"] {
            assert!(bad.parse::<Duties>().is_err(), "{bad}");
        }
    }
}
