//! Diagnostics for the author of the files: what is wrong, how bad it is, and where it stands.
//! A place is symbolic (a file and a route of keys) until something is shown; how a file is read is for others to know. Of
//! the files it knows how scalars are written and which settings are secret, since nothing of these may be shown.
//! Everything that is shown passes through the masks, so that secrets standing in the files never reach a terminal or a log.

mod advice;
mod code;
mod count;
mod files;
mod index;
mod io_words;
mod json;
mod mask;
mod mask_text;
mod number;
mod place;
mod render;
mod report;
mod route;
mod scalar;
mod settings;
mod shown;
mod suggest;
mod time;

pub use advice::Advice;
pub use code::{Code, Coded};
pub use count::{counted, plural};
pub use files::{Files, SourceFile};
pub use index::{IndexBuilder, Repeated, RouteIndex};
pub use io_words::in_plain_words;
pub use json::to_json;
pub use number::number;
pub use place::{FileId, Part, Place, Position};
pub use render::render;
pub use report::{Diagnostic, Label, Report, Severity};
pub use route::{Route, Seg, Trail};
pub use scalar::follow;
pub use settings::harmless_settings;
pub use shown::{is_harmless, printable};
pub use suggest::{Suggestions, suggest};
pub use time::seconds_in;
