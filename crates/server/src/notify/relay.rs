//! Where mail is handed over: the operator's relay, as its URL describes it. Not guarded, since the operator chose it.

use std::path::Path;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters, TlsParametersBuilder};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::client::Patience;

/// How encryption begins.
#[derive(Clone)]
pub(super) enum Tls {
    /// With the first byte.
    Wrapped(TlsParameters),
    /// By STARTTLS, or there is no mail.
    Required(TlsParameters),
    /// By STARTTLS where it is offered, whoever the relay says it is: who strips the offer could read along just as well.
    Opportunistic(TlsParameters),
    /// Not at all: the relay is on this machine.
    None,
}

#[derive(Clone)]
pub struct Relay {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: ClientId,
    pub(super) from: Mailbox,
    pub(super) patience: Patience,
}

/// What a [`Relay`] is made of.
#[derive(Debug, Clone, Copy)]
pub struct RelayOptions<'o> {
    /// `smtp://` or `smtps://`.
    pub url: &'o SecretString,
    /// The password of the user in the URL.
    pub password: Option<&'o SecretString>,
    /// From whom mail is.
    pub from: Option<&'o str>,
    /// The name of this machine to others.
    pub host: &'o str,
    /// PEM certificates to trust beside the system's.
    pub ca_file: Option<&'o Path>,
    /// How long a transaction may take.
    pub patience: Patience,
}

/// Why a relay cannot be used; never quotes the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RelayError(String);

fn wrong<T>(why: impl Into<String>) -> Result<T, RelayError> {
    Err(RelayError(why.into()))
}

impl Relay {
    /// Reads the description. Connects to nothing.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn new(options: RelayOptions<'_>) -> Result<Relay, RelayError> {
        let Ok(url) = Url::parse(options.url.expose_secret()) else {
            return wrong(
                "the URL of the mail relay is not a URL; write smtp://HOST:PORT or smtps://HOST:PORT",
            );
        };
        let wrapped = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return wrong("the URL of the mail relay begins with neither smtp:// nor smtps://"),
        };
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return wrong("the URL of the mail relay names no host");
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return wrong(
                "the URL of the mail relay ends after the port, but for `?tls=opportunistic` or `?tls=required`",
            );
        }
        let host = percent_decode_str(host).decode_utf8_lossy();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let credentials = credentials(&url, options.password)?;
        let port = match (url.port(), wrapped, &credentials) {
            (Some(port), _, _) => port,
            (None, true, _) => 465,
            (None, false, Some(_)) => 587,
            (None, false, None) => 25,
        };
        Ok(Relay {
            tls: tls(&url, &host, wrapped, options.ca_file)?,
            hello: ClientId::Domain(options.host.to_owned()),
            from: from(options.from, options.host)?,
            patience: options.patience,
            host,
            port,
            credentials,
        })
    }

    /// Where it is, for people.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether no one can listen on the way there.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host).or_else(|_| Host::parse(&format!("[{host}]"))) {
        Ok(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Ok(Host::Ipv4(four)) => four.is_loopback(),
        Ok(Host::Ipv6(six)) => six.is_loopback(),
        Err(_) => false,
    }
}

fn credentials(url: &Url, password: Option<&SecretString>) -> Result<Option<Credentials>, RelayError> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
    let (Ok(user), Ok(written)) = (decoded(url.username()), url.password().map(decoded).transpose()) else {
        return wrong("user or password in the URL of the mail relay are not UTF-8");
    };
    match (user.is_empty(), written, password) {
        (true, None, None) => Ok(None),
        (true, ..) => {
            wrong("there is a password for the mail relay but no user in its URL; write smtp://USER@HOST")
        }
        (false, Some(_), Some(_)) => {
            wrong("the password of the mail relay stands both in its URL and elsewhere")
        }
        (false, None, None) => wrong("the URL of the mail relay names a user, but there is no password"),
        (false, Some(password), None) => Ok(Some(Credentials::new(user, password))),
        (false, None, Some(password)) => {
            Ok(Some(Credentials::new(user, password.expose_secret().to_owned())))
        }
    }
}

fn tls(url: &Url, host: &str, wrapped: bool, ca_file: Option<&Path>) -> Result<Tls, RelayError> {
    let mut said = None;
    for (name, value) in url.query_pairs() {
        match (&*name, &*value) {
            ("tls", "opportunistic") if wrapped => {
                return wrong("an smtps:// relay is always encrypted; leave `tls=opportunistic` out");
            }
            ("tls", "opportunistic") => said = Some(false),
            ("tls", "required") => said = Some(true),
            _ => {
                return wrong(
                    "the URL of the mail relay may end with `?tls=opportunistic` or `?tls=required` only",
                );
            }
        }
    }
    let checked = || parameters(host, ca_file);
    Ok(match said {
        _ if wrapped => Tls::Wrapped(checked()?),
        None if is_loopback(host) => Tls::None,
        None | Some(true) => Tls::Required(checked()?),
        Some(false) => {
            let unchecked = TlsParametersBuilder::new(host.to_owned()).dangerous_accept_invalid_certs(true);
            Tls::Opportunistic(unchecked.build().map_err(|error| unusable(&error))?)
        }
    })
}

fn unusable(error: &lettre::transport::smtp::Error) -> RelayError {
    RelayError(format!("no TLS for the mail relay: {error}"))
}

/// What makes the relay trustworthy: the roots of the system or, where there are none, those of the public web, and our own.
fn parameters(host: &str, ca_file: Option<&Path>) -> Result<TlsParameters, RelayError> {
    let own = match ca_file {
        None => Vec::new(),
        Some(file) => {
            let pem =
                std::fs::read(file).map_err(|error| RelayError(format!("{}: {error}", file.display())))?;
            vec![Certificate::from_pem(&pem).map_err(|error| unusable(&error))?]
        }
    };
    let with = |roots: Vec<Certificate>, store: CertificateStore| {
        let builder = TlsParametersBuilder::new(host.to_owned()).certificate_store(store);
        let builder =
            own.iter().cloned().chain(roots).fold(builder, TlsParametersBuilder::add_root_certificate);
        builder.build().map_err(|error| unusable(&error))
    };
    let public = || {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        roots.filter_map(|der| Certificate::from_der(der.to_vec()).ok()).collect()
    };
    with(Vec::new(), CertificateStore::Default).or_else(|_| with(public(), CertificateStore::None))
}

fn from(written: Option<&str>, host: &str) -> Result<Mailbox, RelayError> {
    match written {
        Some(written) => written.parse().or_else(|_| {
            wrong("the sender of mail is not an address; write ops@example.org or `Name <ops@example.org>`")
        }),
        None => format!("librato-apply@{host}")
            .parse()
            .or_else(|_| wrong("this machine has no name that mail could come from; say from whom it is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay(url: &str, password: Option<&str>) -> Result<Relay, String> {
        let (url, password) = (SecretString::from(url), password.map(SecretString::from));
        let options = RelayOptions {
            url: &url,
            password: password.as_ref(),
            from: None,
            host: "librato.example.org",
            ca_file: None,
            patience: Patience::default(),
        };
        Relay::new(options).map_err(|error| error.to_string())
    }

    #[test]
    fn encryption_is_required_but_for_this_machine_and_who_says_otherwise() {
        for (url, port, tls) in [
            ("smtp://mail.example.org", 25, "required"),
            ("smtp://u:p@mail.example.org", 587, "required"),
            ("smtp://mail.example.org:2525?tls=opportunistic", 2525, "opportunistic"),
            ("smtps://u:p@mail.example.org/", 465, "wrapped"),
            ("smtp://localhost", 25, "none"),
            ("smtp://127.0.0.1:1025", 1025, "none"),
            ("smtp://[::1]:25", 25, "none"),
            ("smtp://localhost?tls=required", 25, "required"),
            ("smtp://10.0.0.1", 25, "required"),
            ("smtp://localhost.example.org", 25, "required"),
        ] {
            let relay = relay(url, None).unwrap();
            let found = match relay.tls {
                Tls::Wrapped(_) => "wrapped",
                Tls::Required(_) => "required",
                Tls::Opportunistic(_) => "opportunistic",
                Tls::None => "none",
            };
            assert_eq!((relay.port, found), (port, tls), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_relay_is_said_without_its_password() {
        for (url, password, said) in [
            ("mail.example.org:25", None, "smtp://"),
            ("http://s3cret@mail", None, "smtps://"),
            ("smtp://u:s3cret@mail/path", None, "ends after the port"),
            ("smtp://u:s3cret@mail?tls=off", None, "tls=opportunistic"),
            ("smtps://u:s3cret@mail?tls=opportunistic", None, "always encrypted"),
            ("smtp://u:s3cret@mail", Some("s3cret"), "both"),
            ("smtp://u@mail", None, "no password"),
            ("smtp://mail", Some("s3cret"), "no user"),
        ] {
            let error = relay(url, password).err().unwrap();
            assert!(error.contains(said) && !error.contains("s3cret"), "{url}: {error}");
        }
        assert!(relay("smtp://u%40x@mail", Some("p")).unwrap().credentials.is_some());
    }
}
