//! Something that one server does at a time, and by what a transaction knows that nobody else was given it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::member::Member;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// Something that one server does at a time, for whoever does it here.
#[derive(Clone)]
pub struct Duty {
    pub(super) member: Option<Arc<Member>>,
    pub(super) name: Arc<str>,
}

impl Duty {
    /// The token under which it is to be done now; nothing while another server does it, or may. Whoever finds another token than before
    /// had lost the duty meanwhile, and must read again what it goes by.
    pub fn held(&self) -> Option<Token> {
        let number = match &self.member {
            Some(member) => member.held(&self.name)?,
            None => 0,
        };
        Some(Token { member: self.member.clone(), name: Arc::clone(&self.name), number })
    }

    /// Tells the others how far behind it is: to be called on every round, also where nothing is to be done.
    pub fn done(&self, behind: Duration) {
        if let Some(member) = &self.member {
            member.done(&self.name, behind);
        }
    }

    /// Leaves it to others, and wants it no more.
    pub async fn give_back(&self) {
        let (Some(member), name) = (self.member.clone(), Arc::clone(&self.name)) else { return };
        // Where that fails the others wait until it has run out.
        let _ = tokio::task::spawn_blocking(move || member.give_back(&name)).await;
    }
}

/// That a duty is had, and for the how-manieth time anybody was given it.
#[derive(Clone)]
pub struct Token {
    pub(super) member: Option<Arc<Member>>,
    pub(super) name: Arc<str>,
    pub(super) number: i64,
}

impl Token {
    /// Refuses the transaction, and forgets the duty, where someone else was given it meanwhile. Nobody is until the transaction has ended.
    pub fn fence(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        Token::fence_all(std::slice::from_ref(self), tx)
    }

    /// The same where someone else was given any of what a transaction goes by.
    pub fn fence_all(tokens: &[Token], tx: &Tx<'_>) -> Result<(), StoreError> {
        let Some(member) = tokens.iter().find_map(|token| token.member.as_ref()) else { return Ok(()) };
        let held: Vec<(&str, i64)> = tokens.iter().map(|token| (&*token.name, token.number)).collect();
        member.fence(tx, &held)
    }

    /// The same for a transaction that only reads: nobody was given the duty before it.
    pub fn check(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        self.member.as_ref().map_or(Ok(()), |member| member.check(tx, &self.name, self.number))
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        (&self.name, self.number) == (&other.name, other.number)
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.number)
    }
}
