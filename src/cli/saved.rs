//! `plan --out` and `apply --plan`: the file, the key of its digests, and what is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use librato_apply::diff::Change;
use librato_apply::diff::scope::Globs;
use librato_apply::model::Desired;
use librato_apply::plan::{Limits, Plan, SavedError, SavedPlan, ambiguous};
use librato_apply::remote::fetch::{Actual, FetchPlan, Spaces};
use librato_apply::resolve::resolve_secrets;
use secrecy::{ExposeSecret, SecretString};

use super::credentials::Given;
use super::endpoint::{Connection, Whose};
use super::exit::{Exit, Stop};
use super::files::{self, Readers};
use super::inputs::{Here, Read};
use super::session::as_error;
use super::target::{Place, Target};
use super::ui::Ui;

/// Where the key for embedded targets is kept, whose tokens last for one command only.
const KEY_FILE: &str = ".librato-apply/plan-key";

/// The variable with a key that several users share.
const KEY_VARIABLE: &str = "LIBRATO_PLAN_KEY";

/// A shorter key could be guessed, and with it the secrets that the digests of a plan are of.
const SHORTEST_KEY: usize = 16;

/// Saves a plan.
///
/// # Errors
/// Where it holds a literal secret, or the file cannot be written.
pub fn save(
    path: &Path,
    plan: &Plan,
    actual: &Actual,
    read: &Read,
    target: &Target,
    sealing: &Sealing<'_>,
) -> anyhow::Result<()> {
    let references = |address: &_| {
        read.desired.objects.get(address).map_or_else(BTreeMap::new, |declared| declared.secrets.clone())
    };
    let saved =
        SavedPlan::new(plan, &target.identity(), &actual.state, &references, &sealing.key(target, true)?)
            .map_err(|error| Stop {
                exit: Exit::Error,
                message: format!("the plan cannot be saved: {error}"),
                help: match error {
                    SavedError::Literal { .. } => {
                        vec!["write ${secret.NAME} there, which reads it from the environment".into()]
                    }
                    _ => Vec::new(),
                },
            })?;
    let text = serde_json::to_string_pretty(&saved)? + "\n";
    files::replace(path, text.as_bytes(), Readers::All)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a saved plan.
///
/// # Errors
/// Where the file cannot be read or is no saved plan.
pub fn load(path: &Path) -> anyhow::Result<SavedPlan> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    SavedPlan::parse(&text).map_err(|error| {
        let (file, mut help) =
            (path.display(), vec!["make it with `plan --out FILE`, by the same version".into()]);
        if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            help = vec![format!("definitions are given without --plan: librato-apply apply {file}")];
        }
        Stop { exit: Exit::Error, message: format!("{file}: {error}"), help }.into()
    })
}

/// Opens a saved plan against the service as it is now.
///
/// # Errors
/// Refused where anything it was made from has changed.
pub async fn open(
    saved: &SavedPlan,
    connection: &Connection,
    target: &Target,
    sealing: &Sealing<'_>,
    ui: &Ui,
) -> anyhow::Result<(Plan, Actual)> {
    let spaces = Spaces::Some(saved.spaces(), Globs::default(), BTreeSet::new());
    let wanted = FetchPlan { spaces, ..FetchPlan::from(saved.collections()) };
    let goal = connection.target(target, &Whose::Plan(&saved.writing))?;
    let actual =
        goal.read(&wanted).await.map_err(as_error).with_context(|| format!("cannot read {target}"))?;
    let resolve = |text: &str| {
        let value = resolve_secrets(text, &Here { ui, allowed: &[] })?;
        ui.hide(&value);
        Ok(value)
    };
    let plan = saved.open(&target.identity(), &actual.state, &resolve, &sealing.key(target, false)?);
    let plan = plan.map_err(|error| {
        let (exit, help) = match error {
            SavedError::Broken => (Exit::Refused, sealing.mend()),
            SavedError::Moved(_) | SavedError::OtherTarget { .. } => {
                (Exit::Refused, "nothing was written; plan again")
            }
            _ => (Exit::Error, "nothing was written"),
        };
        Stop { exit, message: error.to_string(), help: vec![help.into()] }
    })?;
    // Its limits were those of the run that saved it; whether a service came into use since then they could not know.
    let changes: Vec<Change> = plan.steps.iter().map(|step| step.change.clone()).collect();
    let mut refusals = Limits::lifted().refusals(&changes, &Desired::default(), &actual.state);
    refusals.extend(ambiguous(&actual.duplicates, &Desired::default(), &changes));
    Ok((Plan { refusals, ..plan }, actual))
}

/// What plans are sealed with.
pub struct Sealing<'a> {
    given: &'a Given,
    key: Option<SecretString>,
}

impl<'a> Sealing<'a> {
    /// With the key of this file or of `LIBRATO_PLAN_KEY`, so that one role plans and another applies; without either, with
    /// the token.
    ///
    /// # Errors
    /// Where the file cannot be read, or the key is too short to keep anything.
    pub fn new(file: Option<&Path>, given: &'a Given, ui: &Ui) -> Result<Self, Stop> {
        let (text, place) = match file {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    let message = format!("cannot read the plan key {}: {error}", file.display());
                    Stop::usage(message, "give a file that holds the key alone")
                })?;
                (Some(text), file.display().to_string())
            }
            None => (std::env::var(KEY_VARIABLE).ok(), KEY_VARIABLE.to_owned()),
        };
        let key = text.map(|text| text.trim().to_owned()).filter(|key| file.is_some() || !key.is_empty());
        if let Some(key) = &key {
            ui.hide(key);
            if key.len() < SHORTEST_KEY {
                let message = format!("the plan key of {place} is shorter than {SHORTEST_KEY} characters");
                return Err(Stop::usage(message, "make one with: openssl rand -hex 32"));
            }
        }
        Ok(Self { given, key: key.map(SecretString::from) })
    }

    /// Who else can write a plan that is sealed like this.
    pub fn note(&self, target: &Target) -> Option<&'static str> {
        match (&self.key, &target.place) {
            (None, Place::Remote(_) | Place::Ruler(..)) if self.given.parts().1.is_some() => Some(
                "note: it is sealed with the token, so only this user can apply it; to let another one, plan and apply with the same \
                 --plan-key-file FILE (or LIBRATO_PLAN_KEY)",
            ),
            _ => None,
        }
    }

    /// What to do about a plan that this does not open.
    fn mend(&self) -> &'static str {
        match self.key {
            Some(_) => {
                "nothing was written; give the key that it was saved with, by --plan-key-file or LIBRATO_PLAN_KEY, or plan again"
            }
            None => {
                "nothing was written; if another user saved it, plan again with --plan-key-file FILE (or LIBRATO_PLAN_KEY), and apply \
                 with the same; otherwise plan again"
            }
        }
    }

    /// What digests are keyed with: something that whoever reads the file does not have.
    fn key(&self, target: &Target, make: bool) -> anyhow::Result<Vec<u8>> {
        if let Some(key) = &self.key {
            return Ok(key.expose_secret().as_bytes().to_vec());
        }
        if let Place::Remote(_) = target.place {
            let (_, token) = self.given.both()?;
            return Ok(token.expose_secret().as_bytes().to_vec());
        }
        // A ruler need not ask for a token.
        if let (Place::Ruler(..), Some(token)) = (&target.place, self.given.parts().1) {
            return Ok(token.expose_secret().as_bytes().to_vec());
        }
        kept_key(make)
    }
}

/// The key of the working directory.
fn kept_key(make: bool) -> anyhow::Result<Vec<u8>> {
    let path = PathBuf::from(KEY_FILE);
    if !path.exists() && make {
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).context("this machine has no source of randomness")?;
        std::fs::create_dir_all(path.parent().unwrap_or(&path))
            .inspect(|()| super::backup::keep_out_of_git(&path))
            .and_then(|()| files::create(&path, &key, Readers::Owner))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let stop = |message: String, help: &str| Stop { exit: Exit::Error, message, help: vec![help.into()] };
    let key = std::fs::read(&path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        stop(message, "run it in the directory where `plan --out` was run")
    })?;
    if key.len() < SHORTEST_KEY {
        let message = format!("{} is no plan key: it is shorter than {SHORTEST_KEY} bytes", path.display());
        return Err(
            stop(message, "remove it; `plan --out` makes another, with which plans are made again").into()
        );
    }
    Ok(key)
}
