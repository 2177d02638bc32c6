//! The arguments of the commands beside `serve` that look after its file.

use std::path::PathBuf;

use clap::Subcommand;

/// What can be done with a data file but serving it.
#[derive(Debug, Subcommand)]
pub enum ServeCommand {
    /// Examine a data file that no server has open: 0 when it is sound, 1 when not.
    Check {
        /// The data file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Copy a data file, which a server may have open, to a new file, and check the copy.
    #[command(
        after_help = "The copy is of one moment and needs no other file. It is marked as a copy: see `serve adopt`."
    )]
    Backup {
        /// The data file.
        #[arg(value_name = "FROM")]
        from: PathBuf,
        /// The new file.
        #[arg(value_name = "TO")]
        to: PathBuf,
        /// Take the place of TO, if it is there.
        #[arg(long)]
        overwrite: bool,
    },
    /// Make a data file of a copy, where none is.
    Restore {
        /// The copy.
        #[arg(value_name = "FROM")]
        from: PathBuf,
        /// The new data file.
        #[arg(value_name = "TO")]
        to: PathBuf,
        /// It takes the place of the original, which is served no more: as `serve adopt` afterwards.
        #[arg(long)]
        adopt: bool,
    },
    /// Make a copy the original: a server over it notifies again.
    Adopt {
        /// The copy, which no server has open.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}
