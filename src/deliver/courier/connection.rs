//! A courier's connection: when it wants one, on which terms, and how it ends.

use std::time::Instant;

use super::trouble::is_final;
use super::{Courier, Line};
use crate::deliver::account::Account;
use crate::deliver::job::Job;
use crate::deliver::session::{Session, Terms, Trouble};

impl<'a> Courier<'a> {
    /// Whether the session is given more messages: an old one is replaced, and what may be the trouble itself gets a new
    /// one, so that it pays for no other's end.
    pub(super) fn is_usable(&self, session: &Session<Job>, now: Instant) -> bool {
        let suspect = (self.claimed.front()).is_some_and(|(job, _)| job.is_suspect());
        session.is_usable()
            && !(suspect && session.was_used())
            && now < self.opened + self.account.server.connection_lifetime
    }

    pub(super) fn wants_connection(&mut self, now: Instant) -> bool {
        !self.claimed.is_empty() || self.has_work(now) && self.may_claim(now)
    }

    pub(super) fn terms(&self) -> (&'a Account<'a>, Terms) {
        let Account { server, health, .. } = self.account;
        let terms = Terms {
            timeout: server.timeout,
            manner: health.manner(),
            proven: health.proven(),
            window: server.window,
            messages: self.account.messages(),
        };
        (self.account, terms)
    }

    /// Ends the use of a session in which nothing is in flight, and opens another one if that is of use now.
    pub(super) fn hang_up(
        &mut self,
        session: Session<Job>,
        given_up: Option<Trouble>,
        over: bool,
        call: impl FnOnce(Option<Session<Job>>, Option<(&'a Account<'a>, Terms)>),
    ) {
        if let Some(reason) = session.misbehaved()
            && let Some(manner) = (self.account.health).simplify(session.manner(), reason)
        {
            self.notice(reason.describe(manner));
        }
        self.shared.tally.closed();
        let now = Instant::now();
        let waits = over || self.account.health.waits(now).is_some();
        let open = given_up.is_none() && !waits && self.wants_connection(now);
        let (lost, open) = (session.lost().is_some(), open.then(|| self.terms()));
        if open.is_none() {
            self.give_connection_back();
        }
        let until = match &given_up {
            Some(trouble) if !is_final(trouble) => self.bear(trouble, session.judged()),
            Some(_) | None => None,
        };
        if lost && open.is_none() {
            self.has_news = true;
            self.line = Line::Down(until);
        } else {
            self.line = Line::Calling(until);
            call(Some(session), open);
        }
    }

    /// It has no session, and opens none now.
    pub(super) fn give_connection_back(&mut self) {
        // What was retired has no right to give back.
        if !std::mem::take(&mut self.retired) {
            self.account.give_connection_back();
        }
    }
}
