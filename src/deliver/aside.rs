//! Messages that only a server with SMTPUTF8 takes, while those that may have it are of no use and others go on: they are set
//! aside, not begun, so that they are in nobody's way, and fed again by a later pass.
//!
//! Where nothing else is left they wait in the outbox, until their server comes back or is given up.

use std::time::Instant;

use super::accounts::Smtputf8;
use super::courier::Shared;
use super::job::Job;
use crate::ledger::standing::Standing;
use crate::stop::Reason;
use crate::wording::count;

/// What a pass has set aside.
#[derive(Debug)]
pub struct Aside<'a> {
    shared: Shared<'a>,
    /// How many were deferred before the pass.
    deferred: u64,
    recipients: u64,
}

impl<'a> Aside<'a> {
    /// Nothing, as the pass begins.
    pub fn new(shared: Shared<'a>) -> Self {
        Aside {
            deferred: shared.tally.counts().deferred,
            recipients: 0,
            shared,
        }
    }

    /// Sets aside what is in the way now.
    pub fn look(&mut self, now: Instant) {
        let Shared {
            outbox, standings, ..
        } = self.shared;
        let at_end = match self.shared.accounts.smtputf8(now) {
            Smtputf8::Settled => return,
            // Those who were deferred wait for the end of this pass.
            Smtputf8::Awaited => self.shared.tally.counts().deferred > self.deferred,
            Smtputf8::Gone(_) => true,
        };
        for job in outbox.set_aside(at_end, Job::needs_smtputf8) {
            match standings.standing(job.slot) {
                // It stays so, and what is to become of it is asked again by the next run.
                Standing::InDoubt => continue,
                // By an earlier run.
                Standing::Invalid => standings.set(job.slot, Standing::Remaining),
                _ => {}
            }
            self.recipients += 1;
        }
    }

    /// How many recipients are set aside.
    pub fn recipients(&self) -> u64 {
        self.recipients
    }
}

/// Why the run stops for recipients who alone are left, their servers being gone.
pub fn left_alone(reason: Option<Reason>, recipients: u64) -> Reason {
    let what = format!(
        "{} whose message has an address that is not ASCII before the @ cannot be mailed without it: the other servers offer \
         no SMTPUTF8 (RFC 6531)",
        count(recipients, "recipient")
    );
    match reason {
        Some(Reason::Quota(text)) => Reason::Quota(format!("{text}; {what}")),
        Some(reason) => Reason::Server(format!("{reason}; {what}")),
        None => Reason::Server(what),
    }
}
