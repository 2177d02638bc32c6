//! The flags of `resolve`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::cli::complete::names::objects;

/// `resolve`
#[derive(Debug, Args)]
pub struct Resolve {
    /// The exact name of the alert.
    #[arg(value_name = "ALERT", required_unless_present = "id", add = ArgValueCompleter::new(objects))]
    pub name: Option<String>,
    /// The alert with this id.
    #[arg(long, conflicts_with = "name")]
    pub id: Option<u64>,
}
