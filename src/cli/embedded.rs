//! The built-in server for the length of one command: on a loopback port, with a credential made for it alone.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use librato_apply::remote::{Config, Endpoint};
use librato_apply::serve::{Credentials, Data, Options, router, run};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::holder;
use super::ui::Ui;

/// The name of the user of the embedded server.
const USER: &str = "embedded";

/// A running server.
pub struct Embedded {
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// Starts a server over the file at `path`, and says how to reach it. With `read_only` nothing is made where there is nothing.
///
/// # Errors
/// Where the file cannot be used, or is in use.
pub async fn start(
    path: &Path,
    read_only: bool,
    patience: Duration,
    ui: &Ui,
) -> anyhow::Result<(Embedded, Config)> {
    let data = if read_only { Data::for_reading(path) } else { Data::File(path.to_owned()) };
    let store = holder::open(&data, patience.min(holder::LONGEST), ui).await?;
    let token = random_token()?;
    let mut options = Options::default();
    // A command must not page anybody.
    options.alerts.evaluate = false;
    options.pages.enabled = false;
    let router = router(store.clone(), vec![Credentials::new(USER, &token)], &options);
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot open a port on this machine")?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(run(listener, router, store, async {
        let _ = stopped.await;
    }));
    let endpoint = Endpoint::parse(&format!("http://{address}"), false)?;
    let mut config = Config::new(endpoint, USER, token);
    config.use_proxy = false;
    Ok((Embedded { stop, server }, config))
}

impl Embedded {
    /// Stops the server and closes its file.
    ///
    /// # Errors
    /// Where the file cannot be closed.
    pub async fn close(self) -> anyhow::Result<()> {
        let _ = self.stop.send(());
        Ok(self.server.await??)
    }
}

fn random_token() -> anyhow::Result<SecretString> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).context("this machine has no source of randomness")?;
    Ok(hex::encode(bytes).into())
}
