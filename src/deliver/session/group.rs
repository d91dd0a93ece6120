//! What may be said now, as one write.

use std::borrow::Borrow;
use std::io::{IoSlice, Write};
use std::ops::Range;

use super::flight::{Flight, Progress};
use super::{Due, Manner, Session, Trouble, content};
use crate::deliver::wire::{CutShort, Transport};
use crate::message::Message;
use crate::outcome::Stage;

/// After a failed write, what the server said before is waited for this long.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_millis(500);

/// A piece of a group, in the order of the wire.
enum Piece {
    /// Bytes of the commands.
    Commands(Range<usize>),
    /// The content of a flight with dots stuffed, and its final dot.
    Data(usize),
    /// The content of a flight as it is.
    Chunk(usize),
}

#[derive(Default)]
struct Group {
    commands: Vec<u8>,
    from: usize,
    pieces: Vec<Piece>,
    due: Vec<Due>,
}

impl Group {
    fn command(&mut self, stage: Stage, line: std::fmt::Arguments<'_>) {
        // A Vec takes whatever is written.
        let _ = self.commands.write_fmt(line);
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
                .push(Piece::Commands(self.from..self.commands.len()));
            self.from = self.commands.len();
        }
    }

    fn content(&mut self, piece: Piece) {
        self.cut();
        self.pieces.push(piece);
    }
}

impl<J: Borrow<Message>, T: Transport> Session<J, T> {
    /// Writes the next group, if one is due.
    pub(super) fn write_group<E>(
        &mut self,
        mark: impl FnOnce(&mut dyn Iterator<Item = &J>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut group = Group::default();
        match self.manner {
            Manner::Sequential => self.next_command(&mut group),
            Manner::Pipelined => self.next_transaction(&mut group),
            Manner::Chunked => self.next_chunks(&mut group),
        }
        group.cut();
        let leaving: Vec<usize> = group
            .pieces
            .iter()
            .filter_map(|piece| match *piece {
                Piece::Commands(_) => None,
                Piece::Data(at) | Piece::Chunk(at) => Some(at),
            })
            .collect();
        if !leaving.is_empty() {
            let mut jobs = leaving.iter().filter_map(|&at| match &self.flights[at] {
                Flight::Open(open) => Some(&open.job),
                Flight::Sent(_) => None,
            });
            if let Err(error) = mark(&mut jobs) {
                self.broken = true;
                return Err(error);
            }
        }
        if !group.pieces.is_empty() {
            self.write(&group);
        }
        Ok(())
    }

    /// One command, or one content, once nothing is due.
    fn next_command(&mut self, group: &mut Group) {
        if !self.due.is_empty() {
            return;
        }
        if self.reset_first {
            return group.reset();
        }
        let size = self.offers.size.is_some();
        let Some(Flight::Open(open)) = self.flights.front_mut() else {
            return;
        };
        let message = open.job.borrow();
        match open.progress {
            Progress::Waiting | Progress::Next(Stage::Mail) => mail(group, message, size),
            Progress::Next(Stage::Rcpt) => rcpt(group, message),
            Progress::Next(_) => group.command(Stage::Data, format_args!("DATA\r\n")),
            Progress::Ready | Progress::Void => return self.content(group, 0),
            Progress::Asking => return,
        }
        open.progress = Progress::Asking;
    }

    /// The content that is awaited, and with it the envelope of the next message.
    fn next_transaction(&mut self, group: &mut Group) {
        for at in 0..self.flights.len() {
            let Flight::Open(open) = &self.flights[at] else {
                continue;
            };
            match open.progress {
                Progress::Ready | Progress::Void => self.content(group, at),
                // Until its DATA is answered nothing may follow (RFC 2920 section 3.1).
                Progress::Asking | Progress::Next(_) => return,
                Progress::Waiting => {
                    if self.closing {
                        return;
                    }
                    self.envelope(group, at);
                    return group.command(Stage::Data, format_args!("DATA\r\n"));
                }
            }
        }
    }

    /// Whole transactions, as many as were handed over; at first one envelope alone.
    fn next_chunks(&mut self, group: &mut Group) {
        for at in 0..self.flights.len() {
            let Flight::Open(open) = &self.flights[at] else {
                continue;
            };
            let size = content::length(&open.job.borrow().content);
            if open.progress != Progress::Ready {
                if self.closing || !self.due.is_empty() && !self.trusted {
                    return;
                }
                self.envelope(group, at);
                if !self.trusted {
                    return;
                }
            }
            group.command(Stage::EndOfData, format_args!("BDAT {size} LAST\r\n"));
            group.content(Piece::Chunk(at));
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
        mail(group, open.job.borrow(), self.offers.size.is_some());
        rcpt(group, open.job.borrow());
        open.progress = Progress::Asking;
    }

    fn content(&mut self, group: &mut Group, at: usize) {
        if let Flight::Open(open) = &self.flights[at] {
            match open.progress {
                Progress::Void => group.commands.extend_from_slice(b".\r\n"),
                _ => group.content(Piece::Data(at)),
            }
            group.due.push(Due {
                stage: Stage::EndOfData,
                reset: false,
            });
        }
    }

    fn write(&mut self, group: &Group) {
        let mut slices = Vec::with_capacity(group.pieces.len() * 3);
        // Where each content ends, in bytes from the start of the group.
        let mut ends = Vec::new();
        let mut length = 0;
        for piece in &group.pieces {
            let before = slices.len();
            match piece {
                Piece::Commands(range) => slices.push(IoSlice::new(&group.commands[range.clone()])),
                Piece::Data(at) | Piece::Chunk(at) => {
                    let Flight::Open(open) = &self.flights[*at] else {
                        continue;
                    };
                    let parts = &open.job.borrow().content;
                    if matches!(piece, Piece::Chunk(_)) {
                        content::plain(parts, &mut slices);
                    } else {
                        content::dot_stuffed(parts, &mut slices);
                        slices.push(IoSlice::new(b".\r\n"));
                    }
                }
            }
            length += slices[before..]
                .iter()
                .map(|slice| slice.len())
                .sum::<usize>();
            if let Piece::Data(at) | Piece::Chunk(at) = piece {
                ends.push((*at, length));
            }
        }
        let result = self.wire.write(&mut slices);
        let written = match &result {
            Ok(()) => length,
            Err(cut) => cut.written,
        };
        for (at, _) in ends.into_iter().filter(|&(_, end)| end <= written) {
            self.depart(at);
        }
        self.due.extend(&group.due);
        if let Err(CutShort { error, .. }) = result {
            // The server may have said why before it stopped reading.
            self.read_until(LAST_WORDS);
            self.lose(Trouble::io(Stage::Body, &error));
        }
    }

    /// The end of this flight's content is handed over.
    fn depart(&mut self, at: usize) {
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

fn mail(group: &mut Group, message: &Message, size: bool) {
    let from = &message.envelope_from;
    if size {
        let size = content::length(&message.content);
        group.command(
            Stage::Mail,
            format_args!("MAIL FROM:<{from}> SIZE={size}\r\n"),
        );
    } else {
        group.command(Stage::Mail, format_args!("MAIL FROM:<{from}>\r\n"));
    }
}

fn rcpt(group: &mut Group, message: &Message) {
    group.command(
        Stage::Rcpt,
        format_args!("RCPT TO:<{}>\r\n", message.envelope_to),
    );
}
