//! The flags of `delete`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::kind::Kind;
use crate::cli::complete::names::objects;

/// `delete`
#[derive(Debug, Args)]
pub struct Delete {
    /// What to delete, singular or plural.
    #[arg(value_enum, value_name = "KIND")]
    pub kind: Kind,
    /// The exact names; of charts SPACE/CHART, of an event its stream.
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(objects))]
    pub names: Vec<String>,
    /// The one with this id, where several have one name.
    #[arg(long)]
    pub id: Option<u64>,
    /// Do not ask.
    #[arg(long)]
    pub auto_approve: bool,
    /// Allow deleting metrics and annotation streams with their data.
    #[arg(long)]
    pub delete_data: bool,
}
