//! Whether a file is a mount point of its own, as `-v ./librato.db:/data/librato.db` makes it in a container. Knows the
//! table of mounts of Linux; elsewhere files are not mounted one by one.

use std::path::Path;

/// Whether something is mounted on the file at `path`, which is without links and relative steps.
pub fn is_mount_point(path: &Path) -> bool {
    // Not `statx`, which tells of mounts only since Linux 5.8.
    cfg!(target_os = "linux")
        && std::fs::read("/proc/self/mountinfo")
            .is_ok_and(|table| names(&table, path.as_os_str().as_encoded_bytes()))
}

/// The fifth field of a line is where something is mounted.
fn names(table: &[u8], path: &[u8]) -> bool {
    let places =
        table.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    places.map(unescape).any(|place| place == path)
}

/// Blanks, line ends and backslashes are written as three octal digits behind a backslash.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, more)) = rest.split_first() {
        let code = (*first == b'\\').then(|| more.get(..3)).flatten();
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match code {
            Some(byte) => {
                plain.push(byte);
                rest = more.get(3..).unwrap_or_default();
            }
            None => {
                plain.push(*first);
                rest = more;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_found_by_their_whole_path() {
        let table = b"36 35 98:0 / / rw - ext4 /dev/root rw\n\
            42 27 254:0 /host/a.db /data/a.db rw,relatime shared:1 - ext4 /dev/vda rw\n\
            43 27 254:0 /x /data/with\\040blank\\134and\\011tab rw - ext4 /dev/vda rw\n";
        for (path, mounted) in [
            ("/data/a.db", true),
            ("/data", false),
            ("/data/a.d", false),
            ("/host/a.db", false),
            ("/data/with blank\\and\ttab", true),
            ("/data/with\\040blank\\134and\\011tab", false),
            ("/", true),
        ] {
            assert_eq!(names(table, path.as_bytes()), mounted, "{path}");
        }
        assert!(!names(b"", b"/") && !names(b"a b c d \\04", b"/"));
    }
}
