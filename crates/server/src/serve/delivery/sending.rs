//! What sends notifications, made of the operator's options when it is first needed: reading the system's certificates takes longer
//! than most requests.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use url::Url;

use super::options::NotifyOptions;
use crate::notify::{Client, Patience, Refusal, Relay, RelayOptions, Sender, Surroundings, Way, refused};

/// Why nothing can be sent: what is wrong with the options, for the operator; without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotifyError(String);

/// What sends; clones share it.
#[derive(Clone)]
pub struct Sending {
    shared: Arc<Shared>,
}

struct Shared {
    options: NotifyOptions,
    made: OnceLock<Result<Made, NotifyError>>,
}

struct Made {
    sender: Sender,
    surroundings: Surroundings,
}

impl Sending {
    /// By these options.
    pub fn new(options: &NotifyOptions) -> Sending {
        Sending { shared: Arc::new(Shared { options: options.clone(), made: OnceLock::new() }) }
    }

    /// What sends, and what requests are made with at the second `now`.
    pub(super) fn at(&self, now: i64) -> Result<(&Sender, Surroundings), NotifyError> {
        if self.shared.options.sends_nothing {
            return Err(NotifyError("this is a demo, which sends nothing to anybody".to_owned()));
        }
        let made = self.shared.made.get_or_init(|| make(&self.shared.options));
        let Made { sender, surroundings } = made.as_ref().map_err(Clone::clone)?;
        Ok((sender, Surroundings { now, ..surroundings.clone() }))
    }

    /// Why nothing would be sent to a URL, as far as it says by itself.
    pub(super) fn refused(&self, url: &Url) -> Option<Refusal> {
        refused(&self.shared.options.allow, url)
    }

    /// Whether anything could be sent with these options.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), NotifyError> {
        self.at(0).map(drop)
    }

    /// Whether the operator gave the address of a heartbeat.
    pub fn has_heartbeat(&self) -> bool {
        self.shared.options.heartbeat.is_some() && !self.shared.options.sends_nothing
    }

    /// Calls the operator's heartbeat, where there is one.
    ///
    /// # Errors
    /// In words, without the address.
    pub async fn beat(&self) -> Result<(), String> {
        let Some(url) = &self.shared.options.heartbeat else { return Ok(()) };
        let (sender, _) = self.at(0).map_err(|error| error.to_string())?;
        match sender.client.call(url).await {
            Ok(200..300) => Ok(()),
            Ok(status) => Err(format!("it answered {status}")),
            Err(failed) => Err(failed.to_string()),
        }
    }

    /// Whether chats are shown pictures by their address.
    pub(super) fn links_pictures(&self) -> bool {
        self.shared.options.links_pictures
    }

    /// Whether there is a relay for mail.
    pub(super) fn has_relay(&self) -> bool {
        self.shared.options.smtp.is_some()
    }
}

fn make(options: &NotifyOptions) -> Result<Made, NotifyError> {
    let wrong = |what: &str| NotifyError(what.to_owned());
    let public_url = options.public_url.as_deref().map(web).transpose();
    let public_url = public_url.map_err(|()| wrong("the public URL is no http:// or https:// URL"))?;
    let mut bases = BTreeMap::new();
    for (kind, base) in &options.bases {
        let base =
            web(base).map_err(|()| wrong(&format!("the base for {kind} is no http:// or https:// URL")))?;
        bases.insert(kind.clone(), base);
    }
    let host = public_url.as_ref().and_then(Url::host_str).map_or_else(host_name, str::to_owned);
    let way = Way {
        allow: options.allow.clone(),
        proxy: options.proxy.clone(),
        ca_file: options.ca_file.clone(),
        patience: Patience::default(),
    };
    let client = Client::new(&way).map_err(|error| NotifyError(error.to_string()))?;
    let relay = options.smtp.as_ref().map(|smtp| {
        Relay::new(RelayOptions {
            url: &smtp.url,
            password: smtp.password.as_ref(),
            from: options.mail_from.as_deref(),
            host: &host,
            ca_file: options.ca_file.as_deref(),
            patience: Patience::default(),
        })
    });
    let relay = relay.transpose().map_err(|error| NotifyError(error.to_string()))?;
    let has_pages = options.links_to_pages;
    let surroundings = Surroundings { public_url, has_pages, bases, host, now: 0, picture: None };
    Ok(Made { sender: Sender { client, relay }, surroundings })
}

fn web(text: &str) -> Result<Url, ()> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(())
}

/// The name of this machine, as far as it is known without asking anybody.
pub fn host_name() -> String {
    let read = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok());
    let name = read.unwrap_or_default().trim().to_ascii_lowercase();
    let usable =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if usable { name } else { "localhost".to_owned() }
}
