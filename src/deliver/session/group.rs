//! What may be said now, as one write.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::time::Instant;

use lettre::Address;

use super::flight::{Flight, Progress};
use super::{Due, Manner, Session, Trouble, content};
use crate::deliver::offers::Offers;
use crate::deliver::transport::Transport;
use crate::message::Message;
use crate::outcome::Stage;

/// A piece of a group, in the order of the wire.
#[derive(Debug)]
enum Piece {
    /// Bytes of the commands.
    Commands(Range<usize>),
    /// The content of a flight.
    Content {
        /// The flight's number.
        flight: u64,
        /// With dots stuffed, and the final dot; otherwise as it is.
        dotted: bool,
        /// How many of the group's replies are due when this is handed over.
        due: usize,
    },
}

/// What is being said: laid whole, then handed over as the line takes it.
#[derive(Debug, Default)]
pub(super) struct Group {
    commands: Vec<u8>,
    from: usize,
    pieces: VecDeque<Piece>,
    /// Replies that become due with it, in their order.
    due: Vec<Due>,
    /// How many of them are due already.
    asked: usize,
    /// Bytes handed over.
    handed: usize,
}

impl Group {
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn clear(&mut self) {
        let Group {
            commands,
            from,
            pieces,
            due,
            asked,
            handed,
        } = self;
        commands.clear();
        pieces.clear();
        due.clear();
        (*from, *asked, *handed) = (0, 0, 0);
    }

    fn command(&mut self, stage: Stage, line: std::fmt::Arguments<'_>) {
        // A Vec takes whatever is written.
        let _ = self.commands.write_fmt(line);
        self.expect(stage);
    }

    fn expect(&mut self, stage: Stage) {
        self.due.push(Due {
            stage,
            reset: false,
        });
    }

    fn reset(&mut self) {
        self.commands.extend_from_slice(b"RSET\r\n");
        self.due.push(Due {
            stage: Stage::Mail,
            reset: true,
        });
    }

    fn cut(&mut self) {
        if self.from < self.commands.len() {
            self.pieces
                .push_back(Piece::Commands(self.from..self.commands.len()));
            self.from = self.commands.len();
        }
    }

    /// A content, the reply to whose end is the last one that was added.
    fn content(&mut self, flight: u64, dotted: bool) {
        self.cut();
        let due = self.due.len();
        self.pieces.push_back(Piece::Content {
            flight,
            dotted,
            due,
        });
    }

    /// The flights whose contents are in it.
    fn contents(&self) -> impl Iterator<Item = u64> {
        self.pieces.iter().filter_map(|piece| match *piece {
            Piece::Commands(_) => None,
            Piece::Content { flight, .. } => Some(flight),
        })
    }
}

impl<J: Borrow<Message>, T: Transport> Session<J, T> {
    /// Lays the next group, if one is due and none is on its way: what [`Session::leaving`] gives leaves with the next
    /// [`Session::write`]. Whether there is one. `may_leave` is asked for each content that could be laid; after a no,
    /// nothing more is, and when to ask again is the caller's to know.
    pub fn prepare(&mut self, may_leave: &mut impl FnMut() -> bool) -> bool {
        if !self.group.is_empty() || self.broken || self.failing.is_some() {
            return false;
        }
        let mut group = std::mem::take(&mut self.group);
        self.held = false;
        match self.manner {
            Manner::Sequential => self.next_command(&mut group, may_leave),
            Manner::Pipelined => self.next_transaction(&mut group, may_leave),
            Manner::Chunked => self.next_chunks(&mut group, may_leave),
        }
        group.cut();
        self.group = group;
        if self.due.is_empty() {
            self.since = Instant::now();
        }
        !self.group.is_empty()
    }

    /// The messages whose content is in the group that was prepared.
    pub fn leaving(&self) -> impl Iterator<Item = &J> {
        self.group.contents().filter_map(|flight| {
            match self.flights.get(place(flight, self.first)) {
                Some(Flight::Open(open)) => Some(&open.job),
                Some(Flight::Sent(_)) | None => None,
            }
        })
    }

    /// One command, or one content, once nothing is due.
    fn next_command(&mut self, group: &mut Group, may_leave: &mut impl FnMut() -> bool) {
        if !self.due.is_empty() {
            return;
        }
        if self.reset_first {
            return group.reset();
        }
        let ready = matches!(self.flights.front(), Some(Flight::Open(open)) if open.progress == Progress::Ready);
        if ready && self.is_held(may_leave) {
            return;
        }
        let Some(Flight::Open(open)) = self.flights.front_mut() else {
            return;
        };
        let message = open.job.borrow();
        match open.progress {
            Progress::Waiting | Progress::Next(Stage::Mail) => mail(group, message, &self.offers),
            Progress::Next(Stage::Rcpt) => {
                if let Some(address) = open.addressees.next(message) {
                    rcpt(group, address);
                }
            }
            Progress::Next(_) => group.command(Stage::Data, format_args!("DATA\r\n")),
            Progress::Ready | Progress::Void => return self.lay_content(group, 0),
            Progress::Asking => return,
        }
        open.progress = Progress::Asking;
    }

    /// The content that is awaited, and with it the envelope of the next message.
    fn next_transaction(&mut self, group: &mut Group, may_leave: &mut impl FnMut() -> bool) {
        for at in 0..self.flights.len() {
            let Flight::Open(open) = &self.flights[at] else {
                continue;
            };
            let (progress, several) = (open.progress, open.addressees.are_several());
            match progress {
                Progress::Ready if self.is_held(may_leave) => return,
                Progress::Ready | Progress::Void => self.lay_content(group, at),
                // Until its DATA is answered nothing may follow (RFC 2920 section 3.1).
                Progress::Asking => return,
                // That of a message to several, whose envelope is answered.
                Progress::Next(_) => return self.data(group, at),
                Progress::Waiting => {
                    if self.closing || self.resets_alone(group) {
                        return;
                    }
                    self.envelope(group, at);
                    if !several {
                        self.data(group, at);
                    }
                    return;
                }
            }
        }
    }

    /// Whole transactions, as many as were handed over; at first one envelope alone.
    fn next_chunks(&mut self, group: &mut Group, may_leave: &mut impl FnMut() -> bool) {
        for at in 0..self.flights.len() {
            let Flight::Open(open) = &self.flights[at] else {
                continue;
            };
            let size = content::length(&open.job.borrow().content);
            let asked = match open.progress {
                Progress::Asking => return,
                Progress::Ready => true,
                _ => false,
            };
            let whole = self.trusted && !open.addressees.are_several();
            let waits = self.closing || !self.due.is_empty() && !self.trusted;
            if !asked && (waits || self.resets_alone(group)) {
                return;
            }
            if (asked || whole) && self.is_held(may_leave) {
                return;
            }
            if !asked {
                self.envelope(group, at);
                if !whole {
                    return;
                }
            }
            group.command(Stage::EndOfData, format_args!("BDAT {size} LAST\r\n"));
            group.content(self.first + at as u64, false);
        }
    }

    /// Whether the next content has to wait.
    fn is_held(&mut self, may_leave: &mut impl FnMut() -> bool) -> bool {
        self.held = !may_leave();
        self.held
    }

    /// Whether nothing may be said now but RSET, which is laid unless it is on its way.
    fn resets_alone(&self, group: &mut Group) -> bool {
        let alone = self.reset_first && self.reset_alone;
        if alone && self.due.is_empty() && group.due.is_empty() {
            group.reset();
        }
        alone
    }

    fn data(&mut self, group: &mut Group, at: usize) {
        group.command(Stage::Data, format_args!("DATA\r\n"));
        if let Some(Flight::Open(open)) = self.flights.get_mut(at) {
            open.progress = Progress::Asking;
        }
    }

    fn envelope(&mut self, group: &mut Group, at: usize) {
        // Behind a chunk that is not yet answered too: a server that refuses it may keep the transaction (Exim does),
        // and would take the next recipient under the sender of the one before.
        let unanswered = at > 0 && self.manner == Manner::Chunked;
        if std::mem::take(&mut self.reset_first) || self.reset_always || unanswered {
            group.reset();
        }
        let Flight::Open(open) = &mut self.flights[at] else {
            return;
        };
        let message = open.job.borrow();
        mail(group, message, &self.offers);
        for address in open.addressees.named(message) {
            rcpt(group, address);
        }
        open.progress = Progress::Asking;
    }

    fn lay_content(&mut self, group: &mut Group, at: usize) {
        let number = self.first + at as u64;
        if let Flight::Open(open) = &mut self.flights[at] {
            group.expect(Stage::EndOfData);
            if open.progress == Progress::Void {
                group.commands.extend_from_slice(b".\r\n");
                open.progress = Progress::Asking;
            } else {
                group.content(number, true);
            }
        }
    }

    /// Hands over what the line takes of the group that was prepared.
    pub fn write(&mut self) {
        if !self.writes() {
            return;
        }
        match self.wire.flush() {
            Ok(true) => self.since = Instant::now(),
            Ok(false) => {}
            Err(error) => return self.fail(&error),
        }
        if self.group.is_empty() || self.wire.holds() {
            return;
        }
        let mut slices = Vec::with_capacity(self.group.pieces.len() * 3);
        let mut lengths = Vec::with_capacity(self.group.pieces.len());
        for piece in &self.group.pieces {
            let before = slices.len();
            match piece {
                Piece::Commands(range) => {
                    slices.push(IoSlice::new(&self.group.commands[range.clone()]));
                }
                Piece::Content { flight, dotted, .. } => {
                    let flight = self.flights.get(place(*flight, self.first));
                    if let Some(Flight::Open(open)) = flight {
                        let parts = &open.job.borrow().content;
                        if *dotted {
                            content::dot_stuffed(parts, &mut slices);
                            slices.push(IoSlice::new(b".\r\n"));
                        } else {
                            content::plain(parts, &mut slices);
                        }
                    }
                }
            }
            lengths.push(slices[before..].iter().map(|slice| slice.len()).sum());
        }
        let mut unwritten = &mut slices[..];
        IoSlice::advance_slices(&mut unwritten, self.group.handed);
        let mut written = 0;
        let result = self.wire.write(unwritten, &mut written);
        drop(slices);
        if written > 0 {
            self.since = Instant::now();
        }
        self.group.handed += written;
        self.handed_over(&lengths);
        if let Err(error) = result {
            self.fail(&error);
        } else if self.group.is_empty() {
            // Answers may have come before all of it was handed over, and nothing tells of them again.
            self.take_all();
            self.end_if_done();
        }
    }

    /// Takes in how far the group is handed over: whose content has left, and which replies are due.
    fn handed_over(&mut self, lengths: &[usize]) {
        for &length in lengths {
            if self.group.handed < length {
                return;
            }
            self.group.handed -= length;
            match self.group.pieces.pop_front() {
                Some(Piece::Content { flight, due, .. }) => {
                    if let Some(tap) = self.wire.tap() {
                        tap.sent(length);
                    }
                    self.ask(due);
                    self.depart(flight);
                }
                Some(Piece::Commands(range)) => {
                    if let Some(tap) = self.wire.tap() {
                        tap.said(&String::from_utf8_lossy(&self.group.commands[range]));
                    }
                }
                None => {}
            }
        }
        self.ask(self.group.due.len());
        self.group.clear();
    }

    /// So many of the group's replies are due now.
    fn ask(&mut self, due: usize) {
        self.due.extend(&self.group.due[self.group.asked..due]);
        self.group.asked = due;
    }

    /// Nothing more can be written. The server may have said why before it stopped reading.
    fn fail(&mut self, error: &io::Error) {
        self.failing = Some(Trouble::io(Stage::Body, error));
        self.since = Instant::now();
        self.give_up_group();
        self.end_if_done();
    }

    /// What is not handed over never will be; replies to it may have come all the same.
    pub(super) fn give_up_group(&mut self) {
        self.ask(self.group.due.len());
        self.group.clear();
    }

    /// The end of this flight's content is handed over.
    fn depart(&mut self, flight: u64) {
        let at = place(flight, self.first);
        let Some(flight) = self.flights.remove(at) else {
            return;
        };
        let flight = match flight {
            Flight::Open(open) => Flight::Sent(open.sent()),
            sent @ Flight::Sent(_) => sent,
        };
        self.flights.insert(at, flight);
    }
}

/// Where a flight stands among those that are left.
fn place(flight: u64, first: u64) -> usize {
    usize::try_from(flight - first).unwrap_or(usize::MAX)
}

fn mail(group: &mut Group, message: &Message, offers: &Offers) {
    let from = &message.envelope_from;
    // Octets beyond ASCII in a header are 8BITMIME's matter too, which comes with SMTPUTF8 (RFC 6531 section 3.6).
    let body = match (message.beyond_ascii, offers.eight_bit_mime) {
        (None, _) => "",
        (Some(_), true) => " BODY=8BITMIME SMTPUTF8",
        (Some(_), false) => " SMTPUTF8",
    };
    if offers.size.is_some() {
        let size = content::length(&message.content);
        group.command(
            Stage::Mail,
            format_args!("MAIL FROM:<{from}> SIZE={size}{body}\r\n"),
        );
    } else {
        group.command(Stage::Mail, format_args!("MAIL FROM:<{from}>{body}\r\n"));
    }
}

fn rcpt(group: &mut Group, address: &Address) {
    group.command(Stage::Rcpt, format_args!("RCPT TO:<{address}>\r\n"));
}
