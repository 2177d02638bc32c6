//! How to get to the service that is meant: with which credentials, and over which connection.

use std::time::Duration;

#[cfg(feature = "serve")]
use anyhow::Context;
use librato_apply::prometheus::Settings;
use librato_apply::remote::ruler::{Flavour, Ruler};
use librato_apply::remote::{Auth, Client, Config, Endpoint};
use librato_apply::target::ruler::RulerTarget;
use librato_apply::target::{self, ServiceTarget};
use secrecy::{ExposeSecret, SecretString};

use super::args::Global;
use super::credentials::{Given, env};
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
    pub client: Client,
    /// Tells what is waited for.
    _patience: Patience,
    #[cfg(feature = "serve")]
    embedded: Option<super::embedded::Embedded>,
    /// Whether an empty file in memory stands in for one that is to be written.
    stands_in: bool,
}

/// Whose rules are meant, where the place is a ruler.
pub enum Whose<'a> {
    /// Those that these settings say.
    Settings(Option<&'a Settings>),
    /// Those of an owner.
    Owner(Option<&'a str>),
    /// Those that a saved plan was made for.
    Plan(&'a serde_json::Value),
}

impl Connection {
    /// The target that definitions are planned against and applied to.
    ///
    /// # Errors
    /// Where it is a ruler, and nothing says whose rules are meant.
    pub fn target(&self, target: &Target, whose: &Whose<'_>) -> Result<Box<dyn target::Target>, Stop> {
        let Some(ruler) = self.ruler(target) else {
            return Ok(Box::new(ServiceTarget(self.client.clone())));
        };
        let stop = |message: String| Stop::usage(message, "plan again, against this endpoint");
        Ok(Box::new(match whose {
            Whose::Settings(Some(settings)) => RulerTarget::new(ruler, (*settings).clone()),
            Whose::Owner(Some(owner)) => RulerTarget::of_owner(ruler, owner),
            Whose::Plan(writing) => RulerTarget::of_plan(ruler, writing).map_err(stop)?,
            Whose::Settings(None) | Whose::Owner(None) => {
                return Err(Stop::usage(
                    "a ruler keeps the rules of several: it must be said whose are meant",
                    "give --owner NAME, which the definitions have as `settings: { prometheus: { owner: NAME } }`",
                ));
            }
        }))
    }

    /// The rules of a ruler that these settings mean; nothing where it is none.
    pub fn rules(&self, target: &Target, settings: &Settings) -> Option<RulerTarget> {
        Some(RulerTarget::new(self.ruler(target)?, settings.clone()))
    }

    fn ruler(&self, target: &Target) -> Option<Ruler> {
        let Place::Ruler(flavour, _) = target.place else { return None };
        Some(Ruler::new(self.client.clone(), flavour))
    }

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
        Place::Ruler(..) => Err(Stop::usage(
            format!("{target} is a ruler, which keeps rules and nothing else"),
            "against a ruler run plan, apply or export; measurements are asked of what stores them",
        )
        .into()),
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

/// Connects to whatever takes plans: a service, a file or a ruler.
///
/// # Errors
/// As of [`connect`].
pub async fn reach(
    global: &Global,
    target: &Target,
    given: &Given,
    access: Access,
    ui: &Ui,
) -> anyhow::Result<Connection> {
    match &target.place {
        Place::Ruler(flavour, endpoint) => Ok(ruler(global, *flavour, endpoint, given, access, ui)?),
        Place::Remote(_) | Place::Embedded(_) => connect(global, target, given, access, ui).await,
    }
}

/// A ruler: user and token, a token alone, or neither where a gateway in front of it decides who comes in.
fn ruler(
    global: &Global,
    flavour: Flavour,
    endpoint: &Endpoint,
    given: &Given,
    access: Access,
    ui: &Ui,
) -> Result<Connection, Stop> {
    let (user, token) = given.parts();
    let auth = match (user, token) {
        (Some(_), Some(_)) => Auth::Basic,
        (None, Some(_)) => Auth::Bearer,
        (None, None) => Auth::None,
        (Some(_), None) => {
            return Err(Stop::usage("there is no token", "set LIBRATO_TOKEN, or give --token-file"));
        }
    };
    let tenant = global.tenant.clone().or_else(|| env("LIBRATO_TENANT"));
    let tenant = tenant.unwrap_or_else(|| "anonymous".to_owned());
    if tenant.is_empty() || !tenant.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Stop::usage("this is no name of a tenant", "write letters, digits and `-_.` only"));
    }
    if flavour == Flavour::Mimir {
        ui.say("note: Mimir is spoken to by its documentation; no recording of one is among the tests yet (experimental)");
    }
    let token = SecretString::from(token.map_or_else(String::new, |token| token.expose_secret().to_owned()));
    let config = Config::new(endpoint.clone(), user.unwrap_or_default(), token);
    let config = Config { auth, tenant: Some(tenant), ..config };
    let client = Client::new(configure(config, global, access.only_reads()))
        .map_err(|error| Stop::usage(error.to_string(), "see --ca-file and --user"))?;
    Ok(Connection {
        _patience: Patience::begin(&client, ui),
        client,
        #[cfg(feature = "serve")]
        embedded: None,
        stands_in: false,
    })
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
