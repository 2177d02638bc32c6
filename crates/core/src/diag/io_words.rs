//! What the system says of files, in words for people.

use std::io::{Error, ErrorKind};

/// Why a file cannot be used, without the numbers of the system.
pub fn in_plain_words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        ErrorKind::AlreadyExists => "it exists already".to_owned(),
        ErrorKind::PermissionDenied => "it may not be touched by this user".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        ErrorKind::NotADirectory => "a part of its path is no directory".to_owned(),
        ErrorKind::AddrInUse => "another program uses the address".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_system_are_left_out() {
        assert_eq!(in_plain_words(&Error::from_raw_os_error(2)), "there is no such file or directory");
        assert_eq!(in_plain_words(&Error::from_raw_os_error(17)), "it exists already");
        assert!(!in_plain_words(&Error::from_raw_os_error(40)).contains("os error"));
        assert_eq!(in_plain_words(&Error::other("broken")), "broken");
    }
}
