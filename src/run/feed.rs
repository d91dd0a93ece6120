//! The feeder: reads the list, composes the messages of those who are due, on all cores, and fills the outbox.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::plan::{INVALID_SHOWN, Plan, Selection, is_open};
use super::refused::invalid_row;
use crate::campaign::InDoubt;
use crate::deliver::job::Job;
use crate::deliver::outbox::{Outbox, Weigh};
use crate::ledger::LedgerError;
use crate::ledger::doubt::Trace;
use crate::ledger::entry::{Entry, State, timestamp, write_line};
use crate::ledger::file::Ledger;
use crate::ledger::replay::Replay;
use crate::ledger::standing::{Barred, KeyHash, SlotId, Standing};
use crate::message::{Identity, Whose};
use crate::recipients::{InvalidRow, Recipient, Row};
use crate::scheduling::give_way;
use crate::stop::{Reason, Stop};
use crate::tally::Tally;

/// Bytes of cells in what is composed together, so that rows of megabytes are composed a few at a time.
pub(super) const CHUNK_BYTES: usize = 4 << 20;
/// Rows composed together at first, while nobody knows how large their messages are, and no server has any yet.
const FIRST_CHUNK: usize = 32;
/// Rows composed together at most: few, so that who sends is not kept from a core for long.
const CHUNK: usize = 64;
/// Bytes of messages that are composed together.
const MESSAGE_BYTES: usize = 2 << 20;

/// What the feeder works with.
#[derive(Clone, Copy)]
pub struct Feeder<'a> {
    /// The campaign and whom it is for.
    pub plan: &'a Plan,
    /// What the ledger said at the start.
    pub replay: Option<&'a Replay>,
    /// What is known of messages in doubt: one that is mailed again keeps its Message-ID.
    pub doubts: &'a HashMap<KeyHash, Trace>,
    /// Where messages go.
    pub outbox: &'a Outbox<Job>,
    /// Where invalid rows are recorded.
    pub ledger: &'a Ledger,
    /// Where they are counted.
    pub tally: &'a Tally,
    /// Where the first of them that the list itself did not show are kept, to be shown to people.
    pub refused: &'a Mutex<Vec<InvalidRow>>,
    /// Whether to stop.
    pub stop: &'a Stop,
}

/// Whom a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Everybody who is due; with a limit, so many of them.
    Due,
    /// With a limit, so many more who are due: for those chosen before of whom the server cannot take an address. Others of
    /// that kind are passed over.
    Further(u64),
    /// Those deferred or set aside in this run.
    Again,
}

/// What came of rows that were composed together.
struct Composed {
    messages: usize,
    /// What the messages take up in memory.
    bytes: usize,
    /// Of how many rows none could be made, or is to be.
    refused: u64,
}

impl Composed {
    /// How many rows to compose next: as many messages of this size as are to be in memory at once, `most` at most.
    fn next(&self, most: usize) -> usize {
        let each = self.bytes / self.messages.max(1);
        (MESSAGE_BYTES / each.max(1)).clamp(1, most)
    }
}

struct Due {
    recipient: Recipient,
    slot: SlotId,
    attempt: u16,
    /// The one its message had before, whatever the campaign would give it now.
    identity: Option<Identity>,
}

impl Feeder<'_> {
    /// One pass over the list.
    pub fn feed(&self, whom: Whom) {
        give_way();
        rayon::broadcast(|_| give_way());
        if let Err(reason) = self.read(whom) {
            self.stop.request(reason);
        }
        self.outbox.close();
    }

    fn read(&self, whom: Whom) -> Result<(), Reason> {
        let list_reason = |error: crate::recipients::ListError| Reason::List(error.to_string());
        let list = self.plan.roster.source.open().map_err(list_reason)?;
        self.plan.roster.standings.forget_met();
        let mut left = match (&self.plan.selection, whom) {
            (_, Whom::Further(more)) => more,
            (Selection::Limit(limit), _) => *limit,
            (Selection::All | Selection::Only(_), _) => u64::MAX,
        };
        let most = self.plan.composer.chunk().min(CHUNK);
        let mut at_once = most.min(FIRST_CHUNK);
        let (mut chunk, mut bytes) = (Vec::with_capacity(at_once), 0);
        let mut lines = Vec::new();
        for row in list {
            if self.stop.is_requested() {
                return Ok(());
            }
            match row.map_err(list_reason)? {
                Row::Recipient(recipient) => {
                    if let Some(due) = self.judge(recipient, whom, &mut left)? {
                        bytes += due.recipient.bytes();
                        chunk.push(due);
                    }
                }
                Row::Invalid(row) if whom == Whom::Due && self.plan.selection == Selection::All => {
                    if self.says_it_all(&row) {
                        self.record_invalid(&row, &mut lines);
                    }
                }
                Row::Invalid(_) => {}
            }
            if chunk.len() >= at_once || bytes > CHUNK_BYTES || (left == 0 && !chunk.is_empty()) {
                bytes = 0;
                let composed = self
                    .compose(&mut chunk, &mut lines, whom)
                    .map_err(|error| Reason::Ledger(error.stops()))?;
                // A row of which no message can be made is no recipient of the limit: the next one is.
                left = left.saturating_add(composed.refused);
                at_once = composed.next(most);
                if left == 0 {
                    break;
                }
            }
        }
        self.compose(&mut chunk, &mut lines, whom)
            .map_err(|error| Reason::Ledger(error.stops()))?;
        self.all_met(whom, left)
    }

    /// Whether everybody who is due was met; a row that went away would be waited for without end.
    fn all_met(&self, whom: Whom, left: u64) -> Result<(), Reason> {
        let standings = &self.plan.roster.standings;
        let wanted = |id: SlotId| match whom {
            Whom::Further(_) => left > 0,
            Whom::Due | Whom::Again => standings.chosen(id),
        };
        let missed = |id: &SlotId| wanted(*id) && !standings.met(*id) && self.is_due(*id, whom);
        match standings.ids().find(missed) {
            Some(_) => Err(self.list_changed()),
            None => Ok(()),
        }
    }

    fn is_due(&self, id: SlotId, whom: Whom) -> bool {
        let standings = &self.plan.roster.standings;
        let standing = standings.standing(id);
        let open = || {
            let resend = self.plan.campaign.delivery.in_doubt == InDoubt::Resend;
            is_open(standing, resend)
        };
        standings.barred(id).is_none()
            && match whom {
                Whom::Due => open(),
                Whom::Further(_) => !standings.chosen(id) && open(),
                Whom::Again => matches!(standing, Standing::Deferred | Standing::Remaining),
            }
    }

    /// Whether that a row is invalid is all there is to say of its key: no valid row has it, and nothing was sent to it.
    fn says_it_all(&self, row: &InvalidRow) -> bool {
        let standings = &self.plan.roster.standings;
        let slot = standings.find(KeyHash::of(&row.key));
        slot.is_none_or(|slot| standings.left_out(slot) == Some(Barred::Invalid))
    }

    fn list_changed(&self) -> Reason {
        let path = self.plan.campaign.recipients.file.display();
        Reason::List(format!(
            "{path}: the list changed since this run began; the same command goes on with it"
        ))
    }

    /// Whether the recipient is to be mailed in this pass.
    fn judge(
        &self,
        recipient: Recipient,
        whom: Whom,
        left: &mut u64,
    ) -> Result<Option<Due>, Reason> {
        let standings = &self.plan.roster.standings;
        let hash = KeyHash::of(&recipient.key);
        let slot = standings.find(hash).ok_or_else(|| self.list_changed())?;
        if !standings.meet(slot) {
            return Ok(None);
        }
        if !self.is_due(slot, whom) {
            return Ok(None);
        }
        if whom != Whom::Again && *left > 0 && matches!(self.plan.selection, Selection::Limit(_)) {
            *left -= 1;
            standings.choose(slot);
        }
        let due = standings.chosen(slot).then(|| Due {
            attempt: standings.attempts(slot) + 1,
            identity: self.identity_before(hash),
            recipient,
            slot,
        });
        Ok(due)
    }

    fn identity_before(&self, hash: KeyHash) -> Option<Identity> {
        let message_id = self.doubts.get(&hash)?.message_id.as_deref()?;
        Identity::recorded(message_id)
    }

    /// Turns the chunk into messages, in the order of the list.
    fn compose(
        &self,
        chunk: &mut Vec<Due>,
        lines: &mut Vec<u8>,
        whom: Whom,
    ) -> Result<Composed, LedgerError> {
        let standings = &self.plan.roster.standings;
        let is_passed_over = |job: &Job| {
            let beyond = matches!(
                job.message.beyond_ascii,
                Some(Whose::Recipient | Whose::Other)
            );
            beyond && matches!(whom, Whom::Further(_))
        };
        let date = date();
        let composer = &self.plan.composer;
        let chunk_len = chunk.len();
        let composed: Vec<_> = chunk
            .par_drain(..)
            .with_min_len(chunk_len.div_ceil(16))
            .map_init(
                || composer.sheet(),
                |sheet, due| {
                    let composed = match &due.identity {
                        None => composer.compose(&due.recipient, &date, sheet),
                        Some(identity) => {
                            composer.compose_as(&due.recipient, identity, &date, sheet)
                        }
                    };
                    match composed {
                        Ok(message) => Ok(Job {
                            message,
                            line: due.recipient.position.line,
                            slot: due.slot,
                            attempt: due.attempt,
                            losses: None,
                            refused: None,
                        }),
                        // Boxed: hardly any row comes this way.
                        Err(refusal) => Err(Box::new((due, refusal))),
                    }
                },
            )
            .collect();
        let due = composed.len();
        let mut jobs = Vec::with_capacity(due);
        for item in composed {
            match item {
                Ok(job) if is_passed_over(&job) => standings.pass_over(job.slot),
                Ok(job) => jobs.push(job),
                Err(refused) => {
                    let (due, refusal) = *refused;
                    let row = invalid_row(composer, due.recipient, refusal);
                    // One that was in doubt is in doubt still: the first message may have been taken.
                    if standings.standing(due.slot) != Standing::InDoubt {
                        standings.set(due.slot, Standing::Invalid);
                        self.record_invalid(&row, lines);
                    }
                    self.refuse(row);
                }
            }
        }
        if !lines.is_empty() {
            self.ledger.append(lines)?;
            lines.clear();
        }
        let composed = Composed {
            messages: jobs.len(),
            bytes: jobs.iter().map(Weigh::weight).sum(),
            refused: (due - jobs.len()) as u64,
        };
        // Halted: the run stops, and what is not begun stays as it is.
        let _ = self.outbox.push(jobs);
        Ok(composed)
    }

    /// Keeps the row to be shown, if it is among the first.
    pub fn refuse(&self, row: InvalidRow) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < INVALID_SHOWN {
            refused.push(row);
        }
    }

    fn record_invalid(&self, row: &InvalidRow, lines: &mut Vec<u8>) {
        self.tally.count_invalid();
        if self
            .replay
            .is_some_and(|replay| replay.has_invalid(&row.key, row.position.row, &row.reason))
        {
            return;
        }
        let time = timestamp();
        let mut entry = Entry::new(&time, &row.key, row.position.row, State::Invalid, 0);
        entry.reason = Some((&row.reason).into());
        entry.column = row.column.as_ref().map(Into::into);
        write_line(lines, &entry);
    }
}

/// The present moment as a Date header has it (RFC 5322 section 3.3).
pub fn date() -> String {
    jiff::Zoned::now()
        .with_time_zone(jiff::tz::TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S +0000")
        .to_string()
}
