//! The options of `serve` in the environment: `LIBRATO_SERVE_` and the name of the flag.

use librato_apply::diag::suggest;

use super::table::{Opt, Shape, TABLE};
use crate::cli::credentials::env;

const PREFIX: &str = "LIBRATO_SERVE_";

/// The file itself.
pub const CONFIG: &str = "LIBRATO_SERVE_CONFIG";

/// The variables that say an option, the first of which counts.
pub fn names(opt: &Opt) -> Vec<String> {
    if !opt.variables.is_empty() {
        return opt.variables.iter().map(|name| (*name).to_owned()).collect();
    }
    let name = if opt.flag.is_empty() { opt.key } else { opt.flag };
    vec![format!("{PREFIX}{}", name.replace(['-', '.'], "_").to_uppercase())]
}

/// What the environment says of an option, and which variable does.
pub fn said(opt: &Opt) -> Option<(String, Vec<String>)> {
    let (name, text) = names(opt).into_iter().find_map(|name| Some((name.clone(), env(&name)?)))?;
    let texts = match opt.shape {
        Shape::List | Shape::Pairs => text.split(',').map(|item| item.trim().to_owned()).collect(),
        _ => vec![text],
    };
    Some((name, texts))
}

/// Variables that look like options and are none.
pub fn unknown() -> Vec<String> {
    let known: Vec<String> = TABLE.iter().flat_map(names).chain([CONFIG.to_owned()]).collect();
    let given = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> =
        given.filter(|name| name.starts_with(PREFIX) && !known.contains(name)).collect();
    unknown.sort_unstable();
    let line = |name: &String| {
        let close = suggest(name, known.iter().map(String::as_str));
        let tip = close.map(|close| format!("; did you mean {close}?")).unwrap_or_default();
        format!("warning: {name} is no option of `serve`{tip}")
    };
    unknown.iter().map(line).collect()
}
