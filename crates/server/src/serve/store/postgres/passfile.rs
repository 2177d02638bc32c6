//! Files of passwords, as PostgreSQL's own programs read them: lines of `HOST:PORT:DATABASE:USER:PASSWORD`, where `*` stands for anything, and
//! the first that fits counts.

use std::path::Path;

/// What needs a password.
pub struct Wanted<'a> {
    /// Hosts with their ports.
    pub places: Vec<(String, u16)>,
    pub database: &'a str,
    pub user: &'a str,
}

/// The password for it; nothing where no line fits.
///
/// # Errors
/// Where the file cannot be read or others may read it, and where the hosts would need different passwords: in words that hold none.
pub fn find(path: &Path, wanted: &Wanted<'_>) -> Result<Option<String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    if is_open_to_others(path) {
        return Err("others may read it; chmod 600 it".to_owned());
    }
    let Wanted { places, database, user } = wanted;
    let of = |(host, port): &(String, u16)| password(&text, [host, &port.to_string(), database, user]);
    let found: Vec<Option<String>> = places.iter().map(of).collect();
    let first = found.first().cloned().flatten();
    if found.iter().any(|other| *other != first) {
        return Err("the hosts of the address have different passwords there".to_owned());
    }
    Ok(first)
}

/// What the first line says that fits host, port, database and user.
fn password(text: &str, wanted: [&str; 4]) -> Option<String> {
    // A socket is one of this machine.
    let is_same = |found: &str, wanted: &str| {
        found == "*" || found == wanted || wanted.starts_with('/') && found == "localhost"
    };
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, place) = fields.split_last()?;
        let fits = place.len() == wanted.len()
            && place.iter().zip(wanted).all(|(found, wanted)| is_same(found, wanted));
        fits.then(|| password.clone())
    })
}

/// The fields of a line; `\\` keeps the colon or the backslash after it.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            // The password is the last one.
            ':' if fields.len() < 4 => fields.push(std::mem::take(&mut field)),
            '\\' => field.extend(chars.next()),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# db:5432:*:*:comment\ndb:5432:a:u:one\n*:*:*:u:t\\:wo\\\\\nlocalhost:*:*:*:three:3\nshort:5432:a\n";
        for (wanted, expected) in [
            (["db", "5432", "a", "u"], Some("one")),
            (["db", "5433", "a", "u"], Some("t:wo\\")),
            (["/run/postgresql", "5432", "a", "v"], Some("three:3")),
            (["db", "5432", "a", "v"], None),
            (["short", "5432", "a", "x"], None),
        ] {
            assert_eq!(password(text, wanted).as_deref(), expected, "{wanted:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_read_and_hosts_with_different_passwords_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "h1:*:*:*:canary1\nh2:*:*:*:canary2\n").unwrap();
        let ask = |hosts: &[&str]| {
            let places = hosts.iter().map(|host| ((*host).to_owned(), 5432)).collect();
            find(file.path(), &Wanted { places, database: "d", user: "u" })
        };
        assert_eq!(ask(&["h1", "h1"]), Ok(Some("canary1".to_owned())));
        assert_eq!(ask(&["h3"]), Ok(None));
        let told = ask(&["h1", "h2"]).unwrap_err();
        assert!(told.contains("different passwords") && !told.contains("canary"), "{told}");
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(ask(&["h1"]).unwrap_err().contains("chmod 600"));
    }
}
