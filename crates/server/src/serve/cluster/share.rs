//! The groups of a duty that a server has of all that it is divided into.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::duty::{Duty, Token};

/// A duty that is divided, for whoever does some of it here.
#[derive(Clone)]
pub struct Divided(pub(super) Duty);

/// The groups that are had here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Of how many.
    pub of: i64,
    /// By their numbers, with the tokens under which they are to be done now. Whoever finds another token than before had lost the group
    /// meanwhile, and must read again what it goes by.
    pub tokens: BTreeMap<i64, Token>,
}

impl Divided {
    /// The groups that are to be done here now.
    pub fn held(&self) -> Share {
        let Duty { member: Some(member), name } = &self.0 else {
            return Share { of: 1, tokens: self.0.held().map(|token| (0, token)).into_iter().collect() };
        };
        let (of, held) = member.share(name);
        let token = |(name, number)| Token { member: Some(Arc::clone(member)), name, number };
        Share { of, tokens: held.into_iter().map(|(group, held)| (group, token(held))).collect() }
    }

    /// A group that another server is to have, which is named once.
    pub fn surplus(&self) -> Option<i64> {
        self.0.member.as_ref()?.take_surplus(&self.0.name)
    }

    /// Leaves a group to others.
    pub async fn let_go(&self, group: i64) {
        let Duty { member: Some(member), name } = self.0.clone() else { return };
        // Where that fails it is kept, and named again.
        let _ = tokio::task::spawn_blocking(move || member.let_go(&name, group)).await;
    }

    /// Tells the others how far behind the groups are that are had here: to be called on every round, also where nothing is to be done.
    pub fn done(&self, behind: Duration) {
        self.0.done(behind);
    }

    /// Leaves all of it to others, and wants it no more.
    pub async fn give_back(&self) {
        self.0.give_back().await;
    }

    /// What this server is called where it follows something on account of the duty, other than those that do the rest of it.
    pub fn follower(&self) -> String {
        let Duty { member, name } = &self.0;
        member.as_ref().map_or_else(|| name.to_string(), |member| format!("{name}/{:016x}", member.id()))
    }
}

impl Share {
    /// The group of whatever has this number.
    pub fn group(&self, id: i64) -> i64 {
        id.rem_euclid(self.of.max(1))
    }

    /// Whether whatever has this number is done here.
    pub fn has(&self, id: i64) -> bool {
        self.tokens.contains_key(&self.group(id))
    }

    /// Whether a group is had as it was, without a break.
    pub fn keeps(&self, before: &Share, group: i64) -> bool {
        let token = self.tokens.get(&group);
        self.of == before.of && token.is_some() && token == before.tokens.get(&group)
    }
}
