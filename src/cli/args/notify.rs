//! The flags of `notify`.

use clap::{Args, Subcommand};

/// `notify`
#[derive(Debug, Args)]
pub struct Notify {
    #[command(subcommand)]
    pub command: NotifyCommand,
}

/// What to do about notifications.
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// Send a message that says that it is a test to a service, and then its clear, and say what the far end answers.
    Test(NotifyTest),
    /// Show who would be paged now by a server that holds notifications back. Nothing is sent.
    Plan,
}

/// `notify test`
#[derive(Debug, Args)]
pub struct NotifyTest {
    /// The exact title of the service.
    #[arg(value_name = "SERVICE", required_unless_present = "id")]
    pub name: Option<String>,
    /// The service with this id.
    #[arg(long, conflicts_with = "name")]
    pub id: Option<u64>,
    /// The alert that the message seems to be about.
    #[arg(long, value_name = "NAME")]
    pub alert: Option<String>,
    /// Send no clear after it.
    #[arg(long)]
    pub no_clear: bool,
}
