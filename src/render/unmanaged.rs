//! What the service has and no file declares, below a plan: one line that counts, or all names.

use crate::diag::printable;
use crate::model::{Address, Kind};
use crate::plan::Unmanaged;

/// What to do about it.
const HELP: &str =
    "librato-apply export KIND/NAME writes one down; what `settings.ignore` names is not looked at";

/// The lines, with their ends; none where there is nothing.
pub fn unmanaged_text(unmanaged: &Unmanaged) -> String {
    let Unmanaged { objects, named } = unmanaged;
    match (objects.is_empty(), named) {
        (true, false) => String::new(),
        (true, true) => "The service has nothing of these kinds that is not in these files.\n".to_owned(),
        (false, false) => {
            format!("Not in these files: {} (--unmanaged names them).\n", unmanaged.counted())
        }
        (false, true) => {
            let name = |(kind, address): &(Kind, Address)| {
                format!("    {kind}/{}\n", printable(&address.to_string()))
            };
            let names: String = objects.iter().map(name).collect();
            format!(
                "Not in these files, and left as they are: {}\n{names}  = help: {HELP}\n",
                unmanaged.counted()
            )
        }
    }
}
