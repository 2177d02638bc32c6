//! The arguments of the commands beside `serve` that look after its data.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// How a database is reached whose address is an argument.
#[derive(Debug, Clone, Args)]
pub struct Reaching {
    /// A file that holds the password of the database. Without it the file that PGPASSFILE names is asked.
    #[arg(long, value_name = "FILE")]
    pub store_password_file: Option<PathBuf>,
    /// The certificates (PEM) that vouch for the database, instead of those of the web.
    #[arg(long, value_name = "FILE")]
    pub store_ca_file: Option<PathBuf>,
    /// Let the password and the data cross the network to the database unprotected.
    #[arg(long)]
    pub allow_insecure_store: bool,
}

/// What can be done with a data file but serving it.
#[derive(Debug, Subcommand)]
pub enum ServeCommand {
    /// Examine a data file that no server has open, or a database that servers may use: 0 when it is sound, 1 when not.
    Check {
        /// The data file, or postgres://USER@HOST/DATABASE.
        #[arg(value_name = "FILE|URL")]
        file: PathBuf,
        #[command(flatten)]
        reaching: Reaching,
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
    /// Move all data from a file into a PostgreSQL database, or from there into a file.
    #[command(
        after_help = "No server may use either. The target must be empty; what was broken off goes on when it is run again, and the two are compared in the end."
    )]
    Migrate {
        /// A data file, or postgres://USER@HOST/DATABASE.
        #[arg(long, value_name = "FILE|URL")]
        from: String,
        /// The same, which holds nothing.
        #[arg(long, value_name = "FILE|URL")]
        to: String,
        #[command(flatten)]
        reaching: Reaching,
        /// Into how many parts a new database divides measurements.
        #[arg(long, value_name = "N")]
        parts: Option<u16>,
    },
    /// Let a database be used as this version does, once no server of an older one is there.
    #[command(
        after_help = "Servers of two versions work side by side until then. Run it when all are updated; afterwards the older version cannot use the database any more, where it says so."
    )]
    Upgrade {
        /// postgres://USER@HOST/DATABASE.
        #[arg(value_name = "URL")]
        database: String,
        /// It was restored in another PostgreSQL, and the original is served no more: servers over it notify again.
        #[arg(long)]
        adopt: bool,
        #[command(flatten)]
        reaching: Reaching,
    },
    /// Make a copy the original: a server over it notifies again.
    Adopt {
        /// The copy, which no server has open.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}
