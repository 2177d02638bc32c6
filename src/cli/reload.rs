//! What `serve` reads at its start and, on a hangup signal, once more: users, token, certificate, whom `notify.allow` lets through, level
//! of the log. What cannot
//! be used then leaves everything as it was; what takes effect at a start only is named.

use std::convert::Infallible;
use std::path::Path;

use librato_apply::diag::in_plain_words;
use librato_apply::notify::AllowList;
use librato_apply::serve::{Credentials, Tls, Users};

use super::Stop;
use super::args::{Global, Serve};
use super::credentials::Given;
use super::level::SetLevel;
use super::open_to_others::warn_if_open;
use super::settings::{Resolved, Settings};
use super::ui::Ui;

/// The users of the file, and the one of flags, environment and settings.
pub fn users(settings: &Settings, ui: &Ui) -> anyhow::Result<Vec<Credentials>> {
    let given = Given::new(settings.user.clone(), settings.token.clone(), ui);
    let mut all = match &settings.credentials {
        None => Vec::new(),
        Some(file) => {
            let hint =
                "write one `USER TOKEN ROLE` a line, where ROLE is admin, operator, recorder or viewer";
            let refused = |reason: &dyn std::fmt::Display| {
                let message = format!("cannot use the credentials of {}: {reason}", file.display());
                Stop::usage(message, hint)
            };
            let text = std::fs::read_to_string(file).map_err(|error| refused(&in_plain_words(&error)))?;
            warn_if_open(file, "tokens", ui);
            Credentials::read(&text).map_err(|error| refused(&error))?
        }
    };
    if all.is_empty() || given.any() {
        let (user, token) = given.both().map_err(several)?;
        all.push(Credentials::new(user, token));
    }
    warn_of_short_tokens(&all, ui);
    Ok(all)
}

/// A server may have more users than the one of the flags.
fn several(mut stop: Stop) -> Stop {
    stop.help.push("or give --credentials FILE, with one `USER TOKEN ROLE` a line".to_owned());
    stop
}

/// The certificate, where one is given.
pub fn tls(settings: &Settings, ui: &Ui) -> anyhow::Result<Option<Tls>> {
    let (Some(certificate), Some(key)) = (&settings.tls_cert, &settings.tls_key) else {
        return Ok(None);
    };
    warn_if_open(key, "private key", ui);
    let hint = "give a certificate and its key as PEM files";
    Ok(Some(Tls::read(certificate, key).map_err(|error| Stop::usage(error.to_string(), hint))?))
}

fn warn_of_short_tokens(all: &[Credentials], ui: &Ui) {
    let mut short: Vec<&str> = all.iter().filter(|one| one.is_short()).map(Credentials::user).collect();
    short.dedup();
    if !short.is_empty() {
        ui.complain(&format!(
            "warning: tokens of less than 8 characters are soon guessed; give longer ones to {}",
            short.join(", ")
        ));
    }
}

/// What is read again, and by whose words.
pub struct Files<'a> {
    pub args: &'a Serve,
    pub global: &'a Global,
    pub ui: &'a Ui,
    pub set_level: Option<SetLevel>,
    pub allow: AllowList,
}

impl Files<'_> {
    /// On every hangup signal from here on, reads again what `now` was made of, into `users`, `tls` and the list of
    /// targets. Without files the
    /// signal keeps its usual meaning, to end. Never returns.
    #[cfg(unix)]
    pub fn on_hangup(
        self,
        now: Resolved,
        users: Users,
        tls: Option<Tls>,
    ) -> impl Future<Output = Infallible> {
        use tokio::signal::unix::{SignalKind, signal};

        let hangups = (!now.files.is_empty()).then(|| signal(SignalKind::hangup()));
        let mut now = now;
        async move {
            match hangups {
                Some(Ok(mut hangups)) => {
                    while hangups.recv().await.is_some() {
                        self.read_again(&mut now, &users, tls.as_ref());
                    }
                }
                Some(Err(error)) => {
                    tracing::error!(target: "librato_apply::serve", %error, "hangup signals cannot be heard: files are not read again");
                }
                None => {}
            }
            std::future::pending().await
        }
    }

    /// There are no hangup signals.
    #[cfg(not(unix))]
    pub fn on_hangup(self, _: Resolved, _: Users, _: Option<Tls>) -> impl Future<Output = Infallible> {
        std::future::pending()
    }

    /// The settings are compared with those of the start: what needs a restart is said each time until there was one.
    #[cfg(unix)]
    fn read_again(&self, now: &mut Resolved, users: &Users, tls: Option<&Tls>) {
        if let Some(file) = now.files.iter().find(|file| endless(file)) {
            let reason = format!("{} is no regular file, so it cannot be read twice", file.display());
            tracing::error!(target: "librato_apply::serve", reason, "credentials and certificate stay as they were");
            return;
        }
        let (args, global, ui) = (self.args, self.global, self.ui);
        match super::settings::resolve(&args.flags, args.config.as_deref(), global, ui) {
            Ok(newer) => self.take(now, newer),
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::error!(target: "librato_apply::serve", reason, "the settings stay as they were");
            }
        }
        // No one is named anywhere: whoever came in by a link stays.
        let users_again = !super::serve::opening::needs_user(&now.settings);
        match users_again.then(|| self::users(&now.settings, ui)).transpose() {
            Ok(None) => {}
            Ok(Some(all)) => {
                let changes = users.replace(all).to_string();
                let changes = if changes.is_empty() { "nothing changed" } else { &changes };
                tracing::info!(target: "librato_apply::serve", changes, "credentials were read again");
            }
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::error!(target: "librato_apply::serve", reason, "the credentials stay as they were");
            }
        }
        let Some(tls) = tls else { return };
        match self::tls(&now.settings, ui) {
            Ok(newer) => {
                newer.iter().for_each(|newer| tls.replace(newer));
                tracing::info!(target: "librato_apply::serve", "the certificate was read again");
            }
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::error!(target: "librato_apply::serve", reason, "the certificate stays as it was");
            }
        }
    }

    #[cfg(unix)]
    fn take(&self, now: &mut Resolved, newer: Resolved) {
        let mut waiting = now.needs_restart(&newer);
        if now.settings.tls_cert.is_some() != newer.settings.tls_cert.is_some() {
            waiting.push("tls");
        }
        if !waiting.is_empty() {
            let options = waiting.join(", ");
            tracing::warn!(target: "librato_apply::serve", options, "some options were changed that need a restart");
        }
        if let (Some(set_level), true) = (&self.set_level, now.settings.log_level != newer.settings.log_level)
        {
            let level = newer.settings.log_level;
            set_level(level);
            tracing::warn!(target: "librato_apply::serve", %level, "the level of the log was changed");
        }
        if self.allow.replace(&newer.settings.options.notify.allow) {
            let count = self.allow.get().len();
            tracing::warn!(target: "librato_apply::serve", count, "the targets that may be notified although they are private were changed");
        }
        now.replace(newer);
    }
}

/// Reading a pipe that no one writes to again would stop the server.
#[cfg(unix)]
fn endless(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| !found.is_file())
}
