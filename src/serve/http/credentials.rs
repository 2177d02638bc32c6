//! The file of users: one `USER TOKEN ROLE` a line. Its errors name lines and never quote them.

use std::fmt;

use secrecy::SecretString;

use super::auth::Credentials;
use super::role::Role;

/// Why a file of users cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The line with this number, counted from 1, is not a user, a token and a role.
    Line(usize),
    /// The line with this number has a role that does not exist.
    Role(usize),
    /// The line with this number gives a token that an earlier line has already given.
    Repeated(usize),
    /// There is nobody in it.
    Empty,
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialsError::Line(line) => write!(f, "line {line} is not `USER TOKEN ROLE`"),
            CredentialsError::Role(line) => {
                write!(f, "the role in line {line} is none of admin, operator, recorder, viewer")
            }
            CredentialsError::Repeated(line) => {
                write!(f, "the token in line {line} stands in an earlier line")
            }
            CredentialsError::Empty => f.write_str("it holds no `USER TOKEN ROLE` line"),
        }
    }
}

impl std::error::Error for CredentialsError {}

impl Credentials {
    /// Reads a file of users: a user, a token and a role (`admin`, `operator`, `recorder`, `viewer`) a line, with
    /// blanks between them; blank lines and those that start with `#` are skipped. A user may have several tokens.
    ///
    /// # Errors
    /// Where a line is something else, or a token stands there twice: its role would depend on the order.
    pub fn read(text: &str) -> Result<Vec<Credentials>, CredentialsError> {
        let mut tokens = std::collections::HashSet::new();
        let mut all = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let [user, token, role] = words[..] else { return Err(CredentialsError::Line(number)) };
            let role = Role::parse(role).ok_or(CredentialsError::Role(number))?;
            if !tokens.insert(token) {
                return Err(CredentialsError::Repeated(number));
            }
            all.push(Credentials::with_role(user, &SecretString::from(token), role));
        }
        if all.is_empty() { Err(CredentialsError::Empty) } else { Ok(all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_comments_and_blanks() {
        let text = "# who may\n\nops@example.org  s3cret\tadmin\n  agent t0ken recorder\r\nops@example.org other viewer\nci t operator";
        assert_eq!(Credentials::read(text).unwrap().len(), 4);
    }

    #[test]
    fn errors_name_the_line_and_keep_the_token() {
        for (text, error) in [
            ("a s3cret", CredentialsError::Line(1)),
            ("a s3cret admin more", CredentialsError::Line(1)),
            ("a t admin\nb s3cret root", CredentialsError::Role(2)),
            ("a s3cret admin\nb s3cret viewer", CredentialsError::Repeated(2)),
            ("# s3cret\n", CredentialsError::Empty),
        ] {
            let found = Credentials::read(text).unwrap_err();
            assert_eq!(found, error);
            assert!(!format!("{found} {found:?}").contains("s3cret"));
        }
    }
}
