//! Opens and closes sessions, each time on a thread of its own: looking up a name, connecting, greeting and saying
//! goodbye wait, and must not keep the crew's other sessions waiting.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};

use super::account::Account;
use super::job::Job;
use super::session::{Session, Terms, Trouble};
use crate::bell::Bell;
use crate::outcome::Stage;

/// What came of a call: the session that was asked for, or none when none was.
pub type Call = Result<Option<Session<Job>>, Trouble>;

/// One crew's telephone.
#[derive(Debug)]
pub struct Dial<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    bell: Arc<Bell>,
    sender: Sender<(usize, Call)>,
    receiver: Receiver<(usize, Call)>,
}

impl<'scope, 'env> Dial<'scope, 'env> {
    /// Rings `bell` whenever a call has come to its end.
    pub fn new(scope: &'scope Scope<'scope, 'env>, bell: Arc<Bell>) -> Self {
        let (sender, receiver) = mpsc::channel();
        Dial {
            scope,
            bell,
            sender,
            receiver,
        }
    }

    /// Closes `old`, then opens a session on these terms, for courier number `courier`.
    pub fn call(
        &self,
        courier: usize,
        old: Option<Session<Job>>,
        open: Option<(&'scope Account<'scope>, Terms)>,
    ) {
        let (sender, bell) = (self.sender.clone(), Arc::clone(&self.bell));
        let opens = open.is_some();
        let calling = thread::Builder::new().spawn_scoped(self.scope, move || {
            if let Some(old) = old {
                old.quit();
            }
            let call = open
                .map(|(account, terms)| Session::open(&account.access, terms))
                .transpose();
            // The crew waits for each of its calls.
            let _ = sender.send((courier, call));
            bell.ring();
        });
        // The system has no more threads: a connection is not opened now, and one that was to be closed is.
        if let Err(error) = calling {
            let call = match opens {
                true => Err(Trouble::io(Stage::Connect, &error)),
                false => Ok(None),
            };
            let _ = self.sender.send((courier, call));
            self.bell.ring();
        }
    }

    /// A call that has come to its end, if there is one: whose, and what came of it.
    pub fn ended(&self) -> Option<(usize, Call)> {
        self.receiver.try_recv().ok()
    }
}
