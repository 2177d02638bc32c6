//! A server among others that is heard by itself: every two seconds, on a thread of its own.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use super::member::Member;

/// How often it says that it is there.
const BEAT: Duration = Duration::from_secs(2);

/// A member, and the thread on which it is heard.
pub struct Attended {
    member: Arc<Member>,
    thread: Mutex<Option<Beating>>,
}

struct Beating {
    /// When it is dropped the thread ends.
    wake: Sender<()>,
    thread: JoinHandle<()>,
}

impl Attended {
    pub fn begin(member: Member) -> io::Result<Attended> {
        let (wake, woken) = mpsc::channel();
        let member = Arc::new(member);
        let beating = Arc::clone(&member);
        let work = move || {
            let mut failing = false;
            loop {
                failing = match beating.beat() {
                    Ok(()) => false,
                    Err(error) => {
                        beating.is_unheard();
                        if !failing {
                            tracing::warn!(target: "librato_apply::serve", %error, "this server cannot be heard by the others; it is tried again");
                        }
                        true
                    }
                };
                if woken.recv_timeout(BEAT) == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("cluster".to_owned()).spawn(work)?;
        Ok(Attended { member, thread: Mutex::new(Some(Beating { wake, thread })) })
    }

    /// Without the thread.
    #[cfg(test)]
    #[cfg(feature = "postgres")]
    pub fn by_hand(member: Member) -> Attended {
        Attended { member: Arc::new(member), thread: Mutex::new(None) }
    }

    pub fn member(&self) -> Arc<Member> {
        Arc::clone(&self.member)
    }

    /// Wants a duty, and asks for it at once.
    pub fn want(&self, name: &str) {
        self.member.want(name);
        if let Some(beating) = &*self.thread.lock() {
            let _ = beating.wake.send(());
        }
    }

    /// Wants a share of a duty, and asks for it at once.
    pub fn want_share(&self, name: &str) {
        self.member.want_share(name);
        if let Some(beating) = &*self.thread.lock() {
            let _ = beating.wake.send(());
        }
    }

    /// Blocks.
    pub fn end(&self) {
        if let Some(Beating { wake, thread }) = self.thread.lock().take() {
            drop(wake);
            let _ = thread.join();
        }
        if let Err(error) = self.member.leave() {
            tracing::warn!(target: "librato_apply::serve", %error, "what this server does could not be left to others; they wait until its time has run out");
        }
    }
}
