//! Everybody who may come in, as the files say; replaced as a whole while the server runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use sha2::{Digest as _, Sha256};

use super::credentials::Credentials;
use super::role::Role;

/// The users of a server. Clones mean the same ones.
#[derive(Debug, Clone)]
pub struct Users(Arc<RwLock<Arc<[Credentials]>>>);

impl From<Vec<Credentials>> for Users {
    fn from(all: Vec<Credentials>) -> Users {
        Users(Arc::new(RwLock::new(all.into())))
    }
}

impl Users {
    /// Who may come in now.
    pub(super) fn accepted(&self) -> Arc<[Credentials]> {
        Arc::clone(&self.0.read())
    }

    /// Whose account it is: the first admin's, else the first user's; no one's where there are none.
    pub(in crate::serve) fn account(&self) -> Arc<str> {
        let all = self.accepted();
        let admin = all.iter().find(|one| one.role == Role::Admin);
        admin.or(all.first()).map_or_else(|| Arc::from(""), |one| Arc::clone(&one.name))
    }

    /// What is the same only where the same may come in as the same. Tells nothing of them to who does not know their tokens.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (name, rights) in by_user(&self.accepted()) {
            for (token, role) in rights {
                digest.update(format!("{}:{name}:{role}:", name.len()));
                digest.update(token);
            }
        }
        hex::encode(digest.finalize())
    }

    /// From the next request on these may come in, and no one else.
    pub fn replace(&self, all: Vec<Credentials>) -> UserChanges {
        let mut accepted = self.0.write();
        let changes = UserChanges::between(&accepted, &all);
        *accepted = all.into();
        changes
    }
}

/// Whose credentials changed, by the names of the users. Shown as `added a, b; removed c`, empty where nothing did.
#[derive(Debug, PartialEq, Eq)]
pub struct UserChanges {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

impl UserChanges {
    fn between(before: &[Credentials], after: &[Credentials]) -> UserChanges {
        let (before, after) = (by_user(before), by_user(after));
        let only = |of: &BTreeMap<String, _>, other: &BTreeMap<String, _>| {
            of.keys().filter(|name| !other.contains_key(*name)).cloned().collect()
        };
        let changed =
            after.iter().filter(|(name, rights)| before.get(*name).is_some_and(|old| old != *rights));
        UserChanges {
            added: only(&after, &before),
            changed: changed.map(|(name, _)| name.clone()).collect(),
            removed: only(&before, &after),
        }
    }
}

/// What each user may come in with, and as what.
fn by_user(all: &[Credentials]) -> BTreeMap<String, BTreeSet<([u8; 32], &'static str)>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for one in all {
        found.entry(one.name.to_string()).or_default().insert((one.token, one.role.name()));
    }
    found
}

impl fmt::Display for UserChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed)];
        let said = parts.iter().filter(|(_, names)| !names.is_empty());
        let said: Vec<_> = said.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
        f.write_str(&said.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_by_name() {
        let read = |text: &str| Credentials::read(text).unwrap();
        let users = Users::from(read("a t1 admin\nb t2 viewer\nc t3 viewer\nd t4 admin\nd t5 viewer"));
        let changes =
            users.replace(read("d t5 viewer\nd t4 admin\nb t2 operator\na s3cret admin\ne t6 recorder"));
        assert_eq!(changes.to_string(), "added e; changed a, b; removed c");
        assert!(!format!("{changes:?}").contains("s3cret"));
        let same =
            users.replace(read("a s3cret admin\nb t2 operator\nd t4 admin\nd t5 viewer\ne t6 recorder"));
        assert_eq!(same.to_string(), "");
        let digest = |text: &str| Users::from(read(text)).digest();
        assert_eq!(digest("a t1 admin\nb t2 viewer"), digest("b t2 viewer\na t1 admin"));
        assert_ne!(digest("a t1 admin"), digest("a t1 viewer"));
        assert_ne!(digest("a t1 admin"), digest("a t2 admin"));
    }
}
