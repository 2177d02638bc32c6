//! Users with their tokens, of which only digests are kept, and the file that lists them: one `USER TOKEN ROLE` a line. Its
//! errors name lines and never quote them.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

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
    /// There is no one in it.
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

/// The user name of AppOptics' clients: the token alone decides.
pub(super) const ANONYMOUS: &str = "token";

/// Tokens below this length are soon guessed.
const SHORT: usize = 8;

/// One user and token that may use the server. Of the token it keeps a digest only.
#[derive(Clone)]
pub struct Credentials {
    pub(super) name: Arc<str>,
    pub(super) user: [u8; 32],
    pub(super) token: [u8; 32],
    pub(super) role: Role,
    short: bool,
}

impl Credentials {
    /// A user with the role of an admin. `user` is compared without regard to case, as e-mail addresses are.
    pub fn new(user: &str, token: &SecretString) -> Credentials {
        Credentials::with_role(user, token, Role::Admin)
    }

    /// A user whose token may do what `role` allows.
    pub fn with_role(user: &str, token: &SecretString, role: Role) -> Credentials {
        let name = Arc::from(user);
        let short = token.expose_secret().chars().count() < SHORT;
        let (user, token) = (digest(&user.to_lowercase()), digest(token.expose_secret()));
        Credentials { name, user, token, role, short }
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.name
    }

    /// Whether the token is so short that it is soon guessed.
    pub fn is_short(&self) -> bool {
        self.short
    }

    pub(super) fn accept(&self, user: &[u8; 32], token: &[u8; 32]) -> Choice {
        let anonymous = user.ct_eq(&digest(ANONYMOUS));
        (self.user.ct_eq(user) | anonymous) & self.token.ct_eq(token)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
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
