//! Flags over environment over file over defaults: which of them says an option, and what comes of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use librato_apply::diag::{self, Route};

use super::env;
use super::file::{self, Read};
use super::read::shows_credentials;
use super::table::{Opt, Secret, Shape, TABLE, named};
use super::{Flags, Settings};
use crate::cli::args::Global;
use crate::cli::exit::{Exit, Stop};
use crate::cli::ui::Ui;

/// Where an option was said.
#[derive(Clone)]
enum From {
    Flag,
    Variable(String),
    File(Route),
}

/// What one of them says, by key.
type Layer = BTreeMap<&'static str, (Vec<String>, From)>;

/// The settings, and what they were made of.
pub struct Resolved {
    pub settings: Settings,
    /// Files that were read, or that are going to be.
    pub files: Vec<PathBuf>,
    /// What each option says in the end.
    said: BTreeMap<&'static str, Vec<String>>,
}

impl Resolved {
    /// What is read again comes from `newer` from now on; what the server started with stays known.
    pub fn replace(&mut self, newer: Resolved) {
        self.settings = newer.settings;
        self.files = newer.files;
    }

    /// Whether an option was said at all.
    pub fn says(&self, key: &str) -> bool {
        self.said.contains_key(key)
    }

    /// Options that are another in `newer`, but take effect at a start only.
    pub fn needs_restart(&self, newer: &Resolved) -> Vec<&'static str> {
        let fixed = TABLE.iter().filter(|opt| !opt.again && opt.shape != Shape::SecretFile);
        fixed.map(|opt| opt.key).filter(|key| self.said.get(key) != newer.said.get(key)).collect()
    }
}

/// Reads all that was said. Every problem of a file is reported, with its place.
pub fn resolve(flags: &Flags, config: Option<&Path>, global: &Global, ui: &Ui) -> anyhow::Result<Resolved> {
    let mut all = Resolved { settings: Settings::default(), files: Vec::new(), said: BTreeMap::new() };
    let given = flagged(flags, global);
    refuse_secrets(&given)?;
    let variables = TABLE.iter().filter_map(|opt| {
        let (name, texts) = env::said(opt)?;
        Some((opt.key, (texts, From::Variable(name))))
    });
    let variables: Layer = variables.collect();
    let config =
        config.map(Path::to_owned).or_else(|| crate::cli::credentials::env(env::CONFIG).map(PathBuf::from));
    let mut read = match &config {
        Some(path) => {
            all.files.push(path.clone());
            self::config(path)?
        }
        None => Read::default(),
    };
    let written =
        read.said.iter().map(|(key, (texts, route))| (*key, (texts.clone(), From::File(route.clone()))));
    let layers: [Layer; 3] = [given, variables, written.collect()];
    for opt in TABLE.iter().filter(|opt| opt.shape != Shape::SecretFile) {
        if let Some((texts, from, by_file)) = said(opt, &layers, &mut all.files)? {
            if opt.secret != Secret::No {
                texts.iter().for_each(|text| hide(text, ui));
            }
            for text in &texts {
                if let Err(why) = (opt.set)(&mut all.settings, text) {
                    wrong(opt, &why, &from, by_file.as_deref(), &mut read)?;
                }
            }
            all.said.insert(opt.key, texts);
        } else if !opt.default.is_empty() {
            // The table is held to its defaults by a test.
            let _held = (opt.set)(&mut all.settings, opt.default);
        }
    }
    if !read.report.is_empty() {
        read.report.sort(&read.files);
        ui.complain(&diag::render(&read.report, &read.files, ui.styled_err()));
    }
    if read.report.has_errors() {
        let name = config.unwrap_or_default();
        let message = format!("{} cannot be used", name.display());
        let help = vec!["`librato-apply schema serve` has every key".to_owned()];
        return Err(Stop { exit: Exit::Usage, message, help }.into());
    }
    let holds_secret = |key: &str| named(key).is_some_and(|opt| opt.secret != Secret::No);
    if let (Some(path), true) = (&config, read.said.keys().any(|key| holds_secret(key))) {
        crate::cli::open_to_others::warn_if_open(path, "secrets", ui);
    }
    together(&all.settings)?;
    all.files.extend(
        [&all.settings.credentials, &all.settings.tls_cert, &all.settings.tls_key]
            .into_iter()
            .flatten()
            .cloned(),
    );
    all.settings.listening.trusted_proxies = all.settings.options.trusted_proxies.clone();
    Ok(all)
}

/// What stands in arguments, those for every command included.
fn flagged(flags: &Flags, global: &Global) -> Layer {
    let shared = [
        ("user", global.user.clone()),
        ("token_file", global.token_file.as_ref().map(|path| path.display().to_string())),
    ];
    let shared = shared.into_iter().filter_map(|(key, text)| Some((key, vec![text?])));
    let own = flags.0.iter().map(|(key, texts)| (*key, texts.clone()));
    own.chain(shared).map(|(key, texts)| (key, (texts, From::Flag))).collect()
}

fn config(path: &Path) -> Result<Read, Stop> {
    let refused = |why: String| {
        Stop::usage(
            format!("cannot read the settings of {}: {why}", path.display()),
            "give a YAML file; `librato-apply schema serve` has every key",
        )
    };
    let text = std::fs::read(path).map_err(|error| refused(diag::in_plain_words(&error)))?;
    let text = String::from_utf8(text).map_err(|_| refused("it is not UTF-8".to_owned()))?;
    Ok(file::read(path, text))
}

/// What the first layer that says an option says, and the file with the secret where one is named.
#[allow(clippy::type_complexity)]
fn said(
    opt: &Opt,
    layers: &[Layer],
    files: &mut Vec<PathBuf>,
) -> Result<Option<(Vec<String>, From, Option<PathBuf>)>, Stop> {
    let by_file = named(&format!("{}_file", opt.key)).filter(|opt| opt.shape == Shape::SecretFile);
    for layer in layers {
        let named = by_file.and_then(|by_file| layer.get(by_file.key));
        match (layer.get(opt.key), named) {
            (None, None) => {}
            (Some(_), Some(_)) => {
                let message = format!("both `{0}` and `{0}_file` are given", opt.key);
                return Err(Stop::usage(message, "give one of them"));
            }
            (Some((texts, from)), None) => return Ok(Some((texts.clone(), from.clone(), None))),
            (None, Some((texts, from))) => {
                let path = PathBuf::from(texts.concat());
                files.push(path.clone());
                return Ok(Some((vec![secret(opt, &path)?], from.clone(), Some(path))));
            }
        }
    }
    Ok(None)
}

/// What a file holds that is named for a secret.
fn secret(opt: &Opt, path: &Path) -> Result<String, Stop> {
    let what = opt.key.replace(['.', '_'], " ");
    let help = format!("give a file that holds the {what} alone");
    let refused = |why: String| Stop::usage(why, help.clone());
    let text = std::fs::read_to_string(path).map_err(|error| {
        let why = diag::in_plain_words(&error);
        refused(format!("cannot read the {what} file {}: {why}", path.display()))
    })?;
    let text = text.trim();
    let parted =
        if opt.key.ends_with("password") { text.contains('\n') } else { text.contains(char::is_whitespace) };
    if text.is_empty() || parted {
        return Err(refused(format!("the {what} file {} does not hold exactly one {what}", path.display())));
    }
    Ok(text.to_owned())
}

/// Everybody on a machine sees the arguments of its processes.
fn refuse_secrets(flags: &Layer) -> Result<(), Stop> {
    for (key, (texts, _)) in flags {
        let Some(opt) = named(key) else { continue };
        let shown = match opt.secret {
            Secret::No => false,
            Secret::Whole => true,
            Secret::Url => texts.iter().any(|text| shows_credentials(text)),
        };
        if shown {
            let message =
                format!("--{} would show a secret: everybody on this machine sees arguments", opt.flag);
            let variable = env::names(opt).concat();
            let by_file = named(&format!("{key}_file")).map_or("", |opt| opt.flag);
            return Err(Stop::usage(
                message,
                format!(
                    "write it into a file and give --{by_file} FILE, or set {variable}, or write `{key}` into the file of --config"
                ),
            ));
        }
    }
    Ok(())
}

/// A secret is not shown, nor are the parts of a URL that are.
fn hide(text: &str, ui: &Ui) {
    ui.hide(text);
    if let Ok(url) = url::Url::parse(text) {
        url.password().iter().for_each(|part| ui.hide(part));
        url.query().iter().for_each(|part| ui.hide(part));
        ui.hide(url.as_str());
    }
}

/// A value that cannot be used: named where it was said.
fn wrong(opt: &Opt, why: &str, from: &From, by_file: Option<&Path>, read: &mut Read) -> Result<(), Stop> {
    let stop = |what: String| Err(Stop::usage(format!("{what} cannot be used"), why.to_owned()));
    match (by_file, from) {
        (Some(path), _) => stop(format!("the {} of {}", opt.key, path.display())),
        (None, From::Flag) => stop(format!("the value of --{}", opt.flag)),
        (None, From::Variable(name)) => stop(format!("the value of {name}")),
        (None, From::File(route)) => {
            read.wrong(route, format!("the value of `{}` cannot be used", opt.key), why);
            Ok(())
        }
    }
}

/// What makes sense only together, or not at all.
fn together(settings: &Settings) -> Result<(), Stop> {
    if settings.tls_cert.is_some() != settings.tls_key.is_some() {
        let (given, lacks) = if settings.tls_cert.is_some() { ("cert", "key") } else { ("key", "cert") };
        return Err(Stop::usage(
            format!("there is a `tls.{given}` without a `tls.{lacks}`"),
            format!("give --tls-{lacks}, too"),
        ));
    }
    if settings.options.notify.heartbeat.is_some() && !settings.options.alerts.evaluate {
        return Err(Stop::usage(
            "a heartbeat says that alerts are evaluated, but they are not to be",
            "leave out the heartbeat, or --no-alerts (`alerts.enabled: false`)",
        ));
    }
    Ok(())
}
