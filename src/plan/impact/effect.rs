//! What a change means to the people on call: the consequences, and how bad they are. Values; judges nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Kind;

/// Whether an alert pages less than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It pages as much as before, or more.
    No,
    /// It depends on measurements no one has looked at.
    CannotTell,
    /// It pages later, less often, fewer people, or not at all.
    Yes,
}

/// One consequence of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// One line for people; it may hold names and patterns the remote chose, so it is escaped before it is shown.
    pub text: String,
    /// Whether this weakens the alert.
    pub weakens: Verdict,
}

impl Effect {
    pub(super) fn new(weakens: Verdict, text: impl Into<String>) -> Self {
        Self { text: text.into(), weakens }
    }
}

/// What a change of an alert means to the people on call; empty where it means nothing to them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// The consequences, those that concern the whole alert first.
    pub effects: Vec<Effect>,
}

/// How an effect ends that is about the clock of a duration.
pub(super) const CLOCK: &str = ": its duration clock may restart";

impl Impact {
    /// Where conditions have no clocks, nothing restarts.
    pub fn forget_clocks(&mut self) {
        self.effects.retain(|effect| effect.weakens != Verdict::No || !effect.text.ends_with(CLOCK));
    }

    /// What has one: nothing else pages anybody.
    pub const OF: Kind = Kind::Alert;

    /// The worst of the effects.
    pub fn verdict(&self) -> Verdict {
        self.effects.iter().map(|effect| effect.weakens).max().unwrap_or(Verdict::No)
    }

    /// Why the alert is weaker, or may be: the lines of all effects that are not harmless.
    pub fn reasons(&self) -> Vec<&str> {
        let harmful = self.effects.iter().filter(|effect| effect.weakens != Verdict::No);
        harmful.map(|effect| effect.text.as_str()).collect()
    }

    /// Whether the people on call notice nothing.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }
}
