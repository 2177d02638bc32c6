//! User and token, from flags, environment and files. What is secret of them is made known to what prints.

use base64::Engine;
use librato_apply::diag::in_plain_words;
use secrecy::{ExposeSecret, SecretString};

use super::args::Global;
use super::exit::Stop;
use super::ui::Ui;

/// A user and a token, as far as they were given.
pub struct Given {
    user: Option<String>,
    token: Option<SecretString>,
}

/// A variable of the environment that holds more than blanks.
pub fn env(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?.trim().to_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// The credentials of flags and environment.
///
/// # Errors
/// Where the token file cannot be read.
pub fn given(global: &Global, ui: &Ui) -> anyhow::Result<Given> {
    let user = global.user.clone();
    let user =
        user.or_else(|| ["LIBRATO_USER", "LIBRATO_EMAIL", "LIBRATO_USERNAME"].into_iter().find_map(env));
    let token = match &global.token_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Stop::usage(
                    format!("cannot read the token file {}: {}", file.display(), in_plain_words(&error)),
                    "give a file that holds the token alone",
                )
            })?;
            let token = text.trim();
            if token.is_empty() || token.contains(char::is_whitespace) {
                return Err(Stop::usage(
                    format!("the token file {} does not hold exactly one token", file.display()),
                    "give a file that holds the token alone",
                )
                .into());
            }
            Some(token.to_owned())
        }
        None => env("LIBRATO_TOKEN"),
    };
    Ok(Given::new(user, token.map(SecretString::from), ui))
}

impl Given {
    /// A user and a token that were found already.
    pub fn new(user: Option<String>, token: Option<SecretString>, ui: &Ui) -> Given {
        if let Some(token) = token.as_ref().map(SecretString::expose_secret) {
            ui.hide(token);
            // A service that echoes headers would show it in this form.
            let user = user.as_deref().unwrap_or_default();
            ui.hide(&base64::engine::general_purpose::STANDARD.encode(format!("{user}:{token}")));
        }
        Given { user, token }
    }

    /// Whether a user or a token was given.
    pub fn any(&self) -> bool {
        self.user.is_some() || self.token.is_some()
    }

    /// User and token, as far as they were given.
    pub fn parts(&self) -> (Option<&str>, Option<&SecretString>) {
        (self.user.as_deref(), self.token.as_ref())
    }

    /// User and token for `serve`.
    ///
    /// # Errors
    /// Where one of them was not given.
    pub fn both(&self) -> Result<(&str, &SecretString), Stop> {
        let user = self
            .user
            .as_deref()
            .ok_or_else(|| Stop::usage("there is no user", "give --user, or set LIBRATO_USER"))?;
        let token = self
            .token
            .as_ref()
            .ok_or_else(|| Stop::usage("there is no token", "set LIBRATO_TOKEN, or give --token-file"))?;
        Ok((user, token))
    }
}
