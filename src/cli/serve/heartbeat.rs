//! The call of the heartbeat's address, which is a secret: no message holds it. When it is called is decided elsewhere.

use std::convert::Infallible;
use std::time::Duration;

use librato_apply::serve::{NotifyOptions, Store, Telemetry, heartbeat};
use reqwest::{Certificate, Client, Proxy, redirect};
use secrecy::{ExposeSecret, SecretString};

use crate::cli::exit::Stop;

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Calls the address while all is well, where there is one. Never returns.
pub async fn beats(heart: Option<Heart>, store: Store, telemetry: Telemetry) -> Infallible {
    match heart {
        Some(heart) => heartbeat(store, telemetry, || heart.call()).await,
        None => std::future::pending().await,
    }
}

/// What calls the address.
pub struct Heart {
    url: SecretString,
    client: Client,
}

impl Heart {
    /// Prepares the calls, where an address is given; connects to nothing.
    ///
    /// # Errors
    /// Where the proxy or the certificates cannot be used.
    pub fn of(options: &NotifyOptions) -> Result<Option<Heart>, Stop> {
        let Some(url) = options.heartbeat.clone() else { return Ok(None) };
        // reqwest is built without a provider of its own; a second installation fails, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let refused = |what: &str| {
            Stop::usage(
                format!("the heartbeat cannot be sent: {what}"),
                "see the options of `notify` in the documentation",
            )
        };
        let builder = Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).no_proxy();
        let builder = match &options.proxy {
            // Never the one of the environment.
            None => builder,
            Some(proxy) => {
                let proxy = Proxy::all(proxy.expose_secret());
                builder.proxy(proxy.map_err(|_| refused("the URL of the proxy cannot be used"))?)
            }
        };
        let own = match &options.ca_file {
            None => Vec::new(),
            Some(file) => {
                let unreadable =
                    || refused(&format!("{} holds no certificates that can be read", file.display()));
                let pem = std::fs::read(file).map_err(|_| unreadable())?;
                Certificate::from_pem_bundle(&pem).map_err(|_| unreadable())?
            }
        };
        let client = builder.tls_certs_merge(own).build();
        let client = client.map_err(|error| refused(&error.without_url().to_string()))?;
        Ok(Some(Heart { url, client }))
    }

    /// Calls once.
    ///
    /// # Errors
    /// In words, without the address.
    pub async fn call(&self) -> Result<(), String> {
        let answer = self.client.get(self.url.expose_secret()).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status().as_u16())),
            Err(error) if error.is_timeout() => Err("it did not answer in time".to_owned()),
            Err(error) if error.is_connect() => Err("it cannot be reached".to_owned()),
            Err(_) => Err("the call failed".to_owned()),
        }
    }
}
