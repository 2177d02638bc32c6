//! What makes a connection trustworthy: the crypto provider and the root certificates.
//! The system's own store by default, the public web's where a machine has none, and `--ca-file` on top.
use std::path::Path;

use reqwest::{Certificate, ClientBuilder};

use crate::remote::ClientError;

/// Builds the HTTP client with roots to trust; `builder` is asked again for each attempt. Where nothing is `encrypted` no one needs
/// trust, and the system's store is not read: that takes longer than most requests.
///
/// # Errors
/// When the CA file cannot be read or no client can be built at all.
pub(super) fn build(
    builder: impl Fn() -> ClientBuilder,
    ca_file: Option<&Path>,
    encrypted: bool,
) -> Result<reqwest::Client, ClientError> {
    // reqwest is built without a provider of its own and panics when there is none. A second
    // installation fails, which is fine: the first one stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let own = ca_file.map(read_certificates).transpose()?.unwrap_or_default();
    let failed = |error: reqwest::Error| ClientError::Build(super::answer::innermost(&error));
    if !encrypted {
        return builder().tls_certs_only(own).build().map_err(failed);
    }
    // Building fails on machines without a CA store (bare containers), even if all addresses are plain http.
    builder()
        .tls_certs_merge(own.clone())
        .build()
        .or_else(|_| builder().tls_certs_only(public_roots().chain(own)).build())
        .map_err(failed)
}

fn read_certificates(file: &Path) -> Result<Vec<Certificate>, ClientError> {
    let unreadable = |why: String| ClientError::CaFile { file: file.to_owned(), why };
    let pem = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(super::answer::innermost(&error)))?;
    if certificates.is_empty() {
        return Err(unreadable("no PEM certificate in it".to_owned()));
    }
    Ok(certificates)
}

fn public_roots() -> impl Iterator<Item = Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok())
}
