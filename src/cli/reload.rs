//! What `serve` reads from files at its start and, on a hangup signal, once more: users, token, certificate. A file
//! that cannot be used then leaves everything as it was.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use librato_apply::serve::{Credentials, Tls, Users};

use super::Stop;
use super::args::{Global, Serve};
use super::ui::Ui;

/// The files, and what was made of them.
pub struct Files<'a> {
    pub args: &'a Serve,
    pub global: &'a Global,
    pub ui: &'a Ui,
}

impl Files<'_> {
    /// The users of the file, and the one of flags and environment.
    pub fn users(&self) -> anyhow::Result<Vec<Credentials>> {
        let given = super::credentials::given(self.global, self.ui)?;
        let mut all = match &self.args.credentials {
            None => Vec::new(),
            Some(file) => {
                let hint =
                    "write one `USER TOKEN ROLE` a line, where ROLE is admin, operator, recorder or viewer";
                let refused = |reason: &dyn std::fmt::Display| {
                    let message = format!("cannot use the credentials of {}: {reason}", file.display());
                    Stop::usage(message, hint)
                };
                let text = std::fs::read_to_string(file).map_err(|error| refused(&error))?;
                self.warn_if_open(file, "tokens");
                Credentials::read(&text).map_err(|error| refused(&error))?
            }
        };
        if all.is_empty() || given.any() {
            let (user, token) = given.both()?;
            all.push(Credentials::new(user, token));
        }
        self.warn_of_short_tokens(&all);
        Ok(all)
    }

    /// The certificate, where one is given.
    pub fn tls(&self) -> anyhow::Result<Option<Tls>> {
        let (Some(certificate), Some(key)) = (&self.args.tls_cert, &self.args.tls_key) else {
            return Ok(None);
        };
        self.warn_if_open(key, "private key");
        let hint = "give a certificate and its key as PEM files";
        Ok(Some(Tls::read(certificate, key).map_err(|error| Stop::usage(error.to_string(), hint))?))
    }

    fn warn_if_open(&self, file: &Path, what: &str) {
        if open_to_others(file) {
            let file = file.display();
            self.ui
                .complain(&format!("warning: others can read the {what} in {file}; run `chmod 600 {file}`"));
        }
    }

    fn warn_of_short_tokens(&self, all: &[Credentials]) {
        let mut short: Vec<&str> = all.iter().filter(|one| one.is_short()).map(Credentials::user).collect();
        short.dedup();
        if !short.is_empty() {
            self.ui.complain(&format!(
                "warning: tokens of less than 8 characters are soon guessed; give longer ones to {}",
                short.join(", ")
            ));
        }
    }

    /// Whether there is something to be read again.
    #[cfg(unix)]
    fn any(&self) -> bool {
        self.args.credentials.is_some() || self.global.token_file.is_some() || self.args.tls_cert.is_some()
    }

    /// On every hangup signal from here on, reads the files again into `users` and `tls`. Without files the signal
    /// keeps its usual meaning, to end. Never returns.
    #[cfg(unix)]
    pub fn on_hangup(&self, users: Users, tls: Option<Tls>) -> impl Future<Output = Infallible> {
        use tokio::signal::unix::{SignalKind, signal};

        let hangups = self.any().then(|| signal(SignalKind::hangup()));
        async move {
            match hangups {
                Some(Ok(mut hangups)) => {
                    while hangups.recv().await.is_some() {
                        self.read_again(&users, tls.as_ref());
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
    pub fn on_hangup(&self, _: Users, _: Option<Tls>) -> impl Future<Output = Infallible> {
        std::future::pending()
    }

    #[cfg(unix)]
    fn read_again(&self, users: &Users, tls: Option<&Tls>) {
        let (given, global) = (self.args, self.global);
        let files = [&given.credentials, &global.token_file, &given.tls_cert, &given.tls_key];
        // Reading a pipe that nobody writes to again would stop the server.
        let endless = |file: &&PathBuf| std::fs::metadata(file).is_ok_and(|found| !found.is_file());
        if let Some(file) = files.into_iter().flatten().find(endless) {
            let reason = format!("{} is no regular file, so it cannot be read twice", file.display());
            tracing::error!(target: "librato_apply::serve", reason, "credentials and certificate stay as they were");
            return;
        }
        match self.users() {
            Ok(all) => {
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
        match self.tls() {
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
}

#[cfg(unix)]
fn open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(file).is_ok_and(|found| found.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> bool {
    false
}
