//! All accounts of a run: which of them a message goes to, and when none of them is of use any more.

use std::time::Instant;

use super::account::Account;
use crate::stop::Reason;

/// How many messages one account may be ahead of its share: what a connection claims at once.
const AHEAD: u64 = 16;

/// The accounts that share the work.
#[derive(Debug)]
pub struct Accounts<'a> {
    all: Vec<Account<'a>>,
    /// Whether a quota's end is waited for.
    waits: bool,
}

/// What is left when an account is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Others go on.
    Others,
    /// All are left out, and one will be of use again.
    Later,
    /// Nothing.
    None,
}

/// How it stands with the servers that may have SMTPUTF8, where others are known to have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Smtputf8 {
    /// Nobody has to wait: one is there, or there is none, or none that has said that it lacks it.
    Settled,
    /// Those that may have it are of no use now; one may come back.
    Awaited,
    /// None of them comes back in this run, and why.
    Gone(Option<Reason>),
}

impl<'a> Accounts<'a> {
    /// These accounts; whether a quota's end is waited for.
    pub fn new(all: Vec<Account<'a>>, waits: bool) -> Self {
        Accounts { all, waits }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Account<'a>> {
        self.all.iter()
    }

    /// How many more messages `account` may have, so that each gets its share while it can take it. Without weights
    /// each takes what it can.
    pub fn share(&self, account: &Account<'a>, now: Instant) -> usize {
        if self.all.len() == 1 || self.iter().all(|it| it.server.weight.is_none()) {
            return usize::MAX;
        }
        let weight = |account: &Account<'_>| u64::from(account.server.weight.unwrap_or(1));
        let (ready, others): (Vec<_>, Vec<_>) = self.iter().partition(|it| it.is_ready(now));
        let least = ready.iter().map(|it| it.handed() / weight(it)).min();
        let most = self.iter().map(weight).max().unwrap_or(1);
        let Some(least) = least else {
            return usize::MAX;
        };
        for other in others {
            other.keep_level(least * weight(other));
        }
        let share = least * weight(account) + (AHEAD * weight(account)).div_ceil(most);
        usize::try_from(share.saturating_sub(account.handed())).unwrap_or(usize::MAX)
    }

    /// Whether messages that need SMTPUTF8 are for others than `account`: its server has none, and another one may. That it
    /// is not there now is its trouble, and no recipient's.
    pub fn leaves_smtputf8(&self, account: &Account<'a>) -> bool {
        account.lacks_smtputf8() && self.iter().any(|it| !it.lacks_smtputf8())
    }

    /// How it stands with those that may have SMTPUTF8.
    pub fn smtputf8(&self, now: Instant) -> Smtputf8 {
        let (lack, may): (Vec<_>, Vec<_>) = self.iter().partition(|it| it.lacks_smtputf8());
        let is_there = |it: &&Account<'_>| it.is_out(now).is_none() && !it.health.is_in_trouble();
        if lack.is_empty() || may.is_empty() || may.iter().any(is_there) {
            return Smtputf8::Settled;
        }
        let is_gone = |it: &&Account<'_>| match it.is_out(now) {
            Some(until) => until.is_none() || !self.waits,
            None => it.health.was_given_up(),
        };
        match may.iter().all(is_gone) {
            true => Smtputf8::Gone(may.iter().find_map(|it| it.trouble())),
            false => Smtputf8::Awaited,
        }
    }

    /// `account` leaves what there is to others: they do not wait for it to have its share.
    pub fn step_aside(&self, account: &Account<'a>) {
        let weight = |account: &Account<'_>| u64::from(account.server.weight.unwrap_or(1));
        let level = self.iter().map(|it| it.handed() / weight(it)).max();
        account.keep_level(level.unwrap_or_default() * weight(account));
    }

    /// Gives `account` no messages until then; `None`: none any more.
    pub fn leave_out(&self, account: &Account<'a>, until: Option<Instant>, now: Instant) -> Left {
        account.leave_out(until);
        let mut later = false;
        for account in self.iter() {
            match account.is_out(now) {
                None => return Left::Others,
                Some(until) => later |= until.is_some(),
            }
        }
        match later && self.waits {
            true => Left::Later,
            false => Left::None,
        }
    }

    /// Whether each of them is left out, or was of no use for too long.
    pub fn are_given_up(&self, now: Instant) -> bool {
        self.iter().all(|it| match it.is_out(now) {
            Some(until) => until.is_none() || !self.waits,
            None => it.health.is_given_up(now),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::campaign::{Server, Tls};
    use crate::deliver::access::Access;
    use crate::deliver::session::Manner;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn server(weight: Option<u32>) -> Server {
        Server {
            tls: Tls::None,
            weight,
            ..Server::default()
        }
    }

    fn accounts(servers: &[Server], waits: bool) -> Accounts<'_> {
        let new = |server| {
            let access = Access::new(server, None).unwrap();
            Account::new(server, access, Duration::from_secs(60), BTreeMap::new())
        };
        Accounts::new(servers.iter().map(new).collect(), waits)
    }

    #[test]
    fn messages_are_shared_by_weight_among_those_that_can_take_them() {
        let servers = [server(Some(9)), server(None)];
        let accounts = accounts(&servers, false);
        let now = Instant::now();
        let [heavy, light] = &accounts.all[..] else {
            unreachable!("two servers")
        };
        light.health.trouble(now);
        heavy.claim(100, now);
        assert!(accounts.share(heavy, now) > 0, "the other one is not there");
        // When it comes back, the other one does not wait until it has caught up.
        light.health.well(Manner::Sequential);
        assert_eq!(light.handed(), 11);
        assert!(accounts.share(heavy, now) > 0);
        heavy.claim(100, now);
        assert_eq!(accounts.share(heavy, now), 0);
        let mut handed = 0;
        while handed < 1000 {
            for account in [light, heavy] {
                let share = accounts.share(account, now).min(16);
                account.claim(share, now);
                handed += share;
            }
        }
        let part = heavy.handed() as f64 / light.handed() as f64;
        assert!((8.0..=10.0).contains(&part), "{part}");
        light.leave_out(None);
        assert!(accounts.share(heavy, now) > 0);
    }

    #[test]
    fn without_weights_each_takes_what_it_can() {
        let servers = [server(None), server(None)];
        let accounts = accounts(&servers, false);
        assert_eq!(accounts.share(&accounts.all[0], Instant::now()), usize::MAX);
    }

    #[test]
    fn what_needs_smtputf8_is_left_to_whoever_may_have_it() {
        let servers = [server(None), server(None)];
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        for waits in [false, true] {
            let accounts = accounts(&servers, waits);
            let [without, with] = &accounts.all[..] else {
                unreachable!("two servers")
            };
            assert_eq!(accounts.smtputf8(now), Smtputf8::Settled);
            without.learn_smtputf8(false);
            assert!(accounts.leaves_smtputf8(without) && !accounts.leaves_smtputf8(with));
            assert_eq!(accounts.smtputf8(now), Smtputf8::Settled);
            with.health.trouble(now);
            assert!(accounts.leaves_smtputf8(without), "it may come back");
            assert_eq!(accounts.smtputf8(now), Smtputf8::Awaited);
            let why = Reason::Server("gone".to_owned());
            with.is_of_no_use(why.clone());
            let gone = Smtputf8::Gone(Some(why));
            // What is being tried when the time is up may succeed.
            assert_eq!(accounts.smtputf8(now + minute), Smtputf8::Awaited);
            with.health.trouble(now + minute);
            assert_eq!(accounts.smtputf8(now + minute), gone);
            with.health.begin();
            accounts.leave_out(with, Some(now + minute), now);
            let expected = if waits { &Smtputf8::Awaited } else { &gone };
            assert_eq!(&accounts.smtputf8(now), expected);
            accounts.leave_out(with, None, now);
            assert_eq!(accounts.smtputf8(now), gone);
            assert!(accounts.leaves_smtputf8(without));
            with.learn_smtputf8(false);
            assert!(!accounts.leaves_smtputf8(without), "nobody has it");
            assert_eq!(accounts.smtputf8(now), Smtputf8::Settled);
        }
    }

    #[test]
    fn the_run_is_over_when_nobody_is_left() {
        let servers = [server(None), server(None)];
        let now = Instant::now();
        let then = Some(now + Duration::from_secs(60));
        for waits in [false, true] {
            let accounts = accounts(&servers, waits);
            let [first, second] = &accounts.all[..] else {
                unreachable!("two servers")
            };
            assert_eq!(accounts.leave_out(first, None, now), Left::Others);
            assert!(!accounts.are_given_up(now));
            let left = if waits { Left::Later } else { Left::None };
            assert_eq!(accounts.leave_out(second, then, now), left);
            // One that is waited for is not.
            assert_eq!(accounts.are_given_up(now), !waits);
            assert!(!accounts.are_given_up(now + Duration::from_secs(60)));
        }
    }
}
