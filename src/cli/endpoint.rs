//! How to get to the service that is meant: with which credentials, and over which connection.

use std::time::Duration;

#[cfg(feature = "serve")]
use anyhow::Context;
use librato_apply::remote::{Client, Config};
use secrecy::{ExposeSecret, SecretString};

use super::args::Global;
use super::credentials::Given;
use super::exit::Stop;
use super::patience::Patience;
use super::target::{Place, Target};
use super::ui::Ui;

/// How long a command that only reads tries a service that it cannot connect to.
const LOOK: Duration = Duration::from_secs(2);

/// What is done with an embedded file, which decides what becomes of one that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read. One that does not exist is an error: who reads means something that is there.
    Read,
    /// It is compared with. An empty one in memory stands in.
    Compare,
    /// What is in it is changed. One that does not exist is an error, too.
    Change,
    /// It is written. One that does not exist is made.
    Write,
    /// It is written once it is known what. Until then an empty one in memory stands in for one that does not exist.
    Intend,
}

impl Access {
    /// Whether nothing is written.
    fn only_reads(self) -> bool {
        matches!(self, Self::Read | Self::Compare)
    }
}

/// A way to the service, and what must outlive it.
pub struct Connection {
    /// The client.
    pub client: Client,
    /// Tells what is waited for.
    _patience: Patience,
    #[cfg(feature = "serve")]
    embedded: Option<super::embedded::Embedded>,
    /// Whether an empty file in memory stands in for one that is to be written.
    stands_in: bool,
}

impl Connection {
    /// Makes the file that an empty one in memory stood in for, now that it is written. Whether there was one to make.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub async fn make_file(
        &mut self,
        global: &Global,
        target: &Target,
        given: &Given,
        ui: &Ui,
    ) -> anyhow::Result<bool> {
        if self.stands_in {
            let real = connect(global, target, given, Access::Write, ui).await?;
            std::mem::replace(self, real).close().await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Ends the connection; an embedded server closes its file.
    ///
    /// # Errors
    /// Where the file cannot be closed.
    pub async fn close(self) -> anyhow::Result<()> {
        #[cfg(feature = "serve")]
        if let Some(embedded) = self.embedded {
            embedded.close().await.context("the embedded server did not close its file")?;
        }
        Ok(())
    }
}

/// Connects.
///
/// # Errors
/// Without credentials for a service on the network; where the file or the certificates cannot be used.
pub async fn connect(
    global: &Global,
    target: &Target,
    given: &Given,
    access: Access,
    ui: &Ui,
) -> anyhow::Result<Connection> {
    match &target.place {
        Place::Remote(endpoint) => {
            let (user, token) = given.both()?;
            let token = SecretString::from(token.expose_secret().to_owned());
            let config = configure(Config::new(endpoint.clone(), user, token), global, access.only_reads());
            let client = Client::new(config)
                .map_err(|error| Stop::usage(error.to_string(), "see --ca-file and --user"))?;
            Ok(Connection {
                _patience: Patience::begin(&client, ui),
                client,
                #[cfg(feature = "serve")]
                embedded: None,
                stands_in: false,
            })
        }
        #[cfg(feature = "serve")]
        Place::Embedded(path) => {
            let is_new = !path.exists();
            if is_new && matches!(access, Access::Read | Access::Change) {
                return Err(Stop {
                    exit: super::exit::Exit::Error,
                    message: format!("there is no file {}", path.display()),
                    help: vec!["is the path right? `apply` and `submit` make a file, others read one".into()],
                }
                .into());
            }
            let stands_in = is_new && access == Access::Intend;
            let read_only = access.only_reads() || stands_in;
            let (embedded, config) =
                super::embedded::start(path, read_only, global.give_up_after, ui).await?;
            if is_new && access == Access::Write {
                ui.say(&format!("note: made {}", path.display()));
            }
            let client = Client::new(configure(config, global, access.only_reads()))
                .context("cannot talk to the embedded server")?;
            Ok(Connection {
                _patience: Patience::begin(&client, ui),
                client,
                embedded: Some(embedded),
                stands_in,
            })
        }
        #[cfg(not(feature = "serve"))]
        Place::Embedded(_) => {
            let _ = (access, ui, "these only matter with a file");
            Err(Stop::usage("this build has no embedded server", "build it with the feature `serve`").into())
        }
    }
}

fn configure(mut config: Config, global: &Global, read_only: bool) -> Config {
    let patience = global.give_up_after;
    config.give_up_after = Some(patience);
    config.retry.deadline = patience;
    // The slowest pace of trying again is reached soon, and then kept until the time is up.
    let tries = patience.as_secs() / config.retry.cap.as_secs().max(1);
    config.retry.max_attempts += usize::try_from(tries).unwrap_or(usize::MAX / 2);
    // Who only looks can come again.
    let contact = if read_only { LOOK } else { config.retry.first_contact };
    config.retry.first_contact = contact.min(patience);
    config.timeout = global.timeout;
    config.ca_file.clone_from(&global.ca_file);
    config.write_concurrency = usize::from(global.parallelism);
    config
}
