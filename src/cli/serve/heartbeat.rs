//! The call of the heartbeat's address, where the operator gave one. When it is called, and how, is decided elsewhere.

use std::convert::Infallible;

use librato_apply::serve::{Cluster, Sending, Store, Telemetry, heartbeat};

use crate::cli::exit::Stop;

/// Looks whether the address could be called with these options; connects to nothing.
///
/// # Errors
/// Where the proxy or the certificates cannot be used.
pub fn check(sending: &Sending) -> Result<(), Stop> {
    let refused = |error: &dyn std::fmt::Display| {
        let help = "see the options of `notify` in the documentation";
        Stop::usage(format!("the heartbeat cannot be sent: {error}"), help)
    };
    if sending.has_heartbeat() { sending.check().map_err(|error| refused(&error)) } else { Ok(()) }
}

/// Calls the address while all is well, where there is one. Never returns.
pub async fn beats(sending: Sending, store: Store, telemetry: Telemetry, cluster: Cluster) -> Infallible {
    if sending.has_heartbeat() {
        heartbeat(store, telemetry, cluster, || sending.beat()).await
    } else {
        std::future::pending().await
    }
}
