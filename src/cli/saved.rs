//! `plan --out` and `apply --plan`: the file, the key of its digests, and what is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use librato_apply::diff::Change;
use librato_apply::diff::scope::Globs;
use librato_apply::model::Desired;
use librato_apply::plan::{Limits, Plan, SavedError, SavedPlan, ambiguous};
use librato_apply::remote::fetch::{Actual, Spaces, Wanted, fetch};
use librato_apply::resolve::resolve_secrets;
use secrecy::ExposeSecret;

use super::endpoint::{Connection, Given, Target};
use super::exit::{Exit, Stop};
use super::files::{self, Readers};
use super::inputs::{Here, Read};
use super::ui::Ui;

/// Where the key for embedded targets is kept, whose tokens last for one command only.
const KEY_FILE: &str = ".librato-apply/plan-key";

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
    given: &Given,
) -> anyhow::Result<()> {
    let references = |address: &_| {
        read.desired.objects.get(address).map_or_else(BTreeMap::new, |wish| wish.secrets.clone())
    };
    let saved =
        SavedPlan::new(plan, &target.identity(), &actual.state, &references, &key(target, given, true)?)
            .map_err(|error| Stop {
                exit: Exit::Error,
                message: format!("the plan cannot be saved: {error}"),
                help: vec!["write ${secret.NAME} there, which reads it from the environment".into()],
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
        let help = vec!["make it with `plan --out FILE`, by the same version".into()];
        Stop { exit: Exit::Error, message: format!("{}: {error}", path.display()), help }.into()
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
    given: &Given,
    ui: &Ui,
) -> anyhow::Result<(Plan, Actual)> {
    let spaces = Spaces::Some(saved.spaces(), Globs::default(), BTreeSet::new());
    let wanted = Wanted { spaces, ..Wanted::from(saved.collections()) };
    let actual = fetch(&connection.client, &wanted).await.with_context(|| format!("cannot read {target}"))?;
    let resolve = |text: &str| {
        let value = resolve_secrets(text, &Here { ui })?;
        ui.hide(&value);
        Ok(value)
    };
    let plan = saved.open(&target.identity(), &actual.state, &resolve, &key(target, given, false)?);
    let plan = plan.map_err(|error| {
        let (exit, help) = match error {
            SavedError::Moved(_) | SavedError::OtherTarget { .. } | SavedError::Broken => {
                (Exit::Refused, "nothing was written; plan again")
            }
            _ => (Exit::Error, "nothing was written"),
        };
        Stop { exit, message: error.to_string(), help: vec![help.into()] }
    })?;
    // Its limits were those of the run that saved it; whether a service came into use since then they could not know.
    let changes: Vec<Change> = plan.steps.iter().map(|step| step.change.clone()).collect();
    let mut refusals = Limits::lifted().refusals(&changes, &Desired::default(), &actual.state);
    refusals.extend(ambiguous(&actual.twins, &Desired::default(), &changes));
    Ok((Plan { refusals, ..plan }, actual))
}

/// What digests are keyed with: the token, which whoever reads the file does not have.
fn key(target: &Target, given: &Given, make: bool) -> anyhow::Result<Vec<u8>> {
    if let Target::Remote(_) = target {
        let (_, token) = given.both()?;
        return Ok(token.expose_secret().as_bytes().to_vec());
    }
    let path = PathBuf::from(KEY_FILE);
    if !path.exists() && make {
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).context("this machine has no source of randomness")?;
        std::fs::create_dir_all(path.parent().unwrap_or(&path))
            .and_then(|()| files::create(&path, &key, Readers::Owner))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    std::fs::read(&path).map_err(|error| {
        let help = "run it in the directory where `plan --out` was run".into();
        Stop {
            exit: Exit::Error,
            message: format!("cannot read {}: {error}", path.display()),
            help: vec![help],
        }
        .into()
    })
}
