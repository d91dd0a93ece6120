//! The conversation with the servers, as people want to see it when something is wrong: each line of it, or the
//! events of each connection alone, with the connection's number.
//!
//! Contents are told by their size, logins by their mechanism. Knows nothing of terminals: lines go to whoever prints,
//! and to a file. Where nobody wants them there is no [`Trace`], and nothing is put into words.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::wording::printable;

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Connections opened and closed, TLS, logins.
    Events,
    /// Each command and each reply too.
    Conversation,
}

/// Takes a line for people.
pub type Say = Box<dyn Fn(&str) + Send + Sync>;

/// Where the conversation of all connections goes.
pub struct Trace {
    voice: Option<(Detail, Say)>,
    file: Option<Mutex<File>>,
    /// The file took a line no more.
    torn: AtomicBool,
    connections: AtomicU64,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

impl Trace {
    /// A trace; `None` when nobody wants one. The file takes everything.
    pub fn new(voice: Option<(Detail, Say)>, file: Option<File>) -> Option<Arc<Self>> {
        if voice.is_none() && file.is_none() {
            return None;
        }
        Some(Arc::new(Trace {
            voice,
            file: file.map(Mutex::new),
            torn: AtomicBool::new(false),
            connections: AtomicU64::new(0),
        }))
    }

    /// The tap of the next connection.
    pub fn tap(self: &Arc<Self>) -> Tap {
        Tap {
            trace: Arc::clone(self),
            number: self.connections.fetch_add(1, Ordering::Relaxed) + 1,
            hidden: Vec::new(),
        }
    }

    /// Whether the file is missing lines, for want of room or otherwise.
    pub fn is_torn(&self) -> bool {
        self.torn.load(Ordering::Relaxed)
    }

    /// Lines of one connection, all at once, so that no other's come between them.
    fn lines<'a>(
        &self,
        detail: Detail,
        tap: &Tap,
        mark: &str,
        lines: impl Iterator<Item = &'a str>,
    ) {
        let spoken = self.voice.as_ref().filter(|(wanted, _)| *wanted >= detail);
        if spoken.is_none() && self.file.is_none() {
            return;
        }
        let now = self.file.as_ref().map(|_| jiff::Timestamp::now());
        let mut written = String::new();
        for line in lines {
            let line = printable(line);
            let line = mask(&line, &tap.hidden);
            let line = format!("#{} {mark}{line}", tap.number);
            if let Some((_, say)) = spoken {
                say(&line);
            }
            if let Some(now) = now {
                written.push_str(&format!("{now:.3} {line}\n"));
            }
        }
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // A trace that cannot be written is no reason to stop sending.
            if file.write_all(written.as_bytes()).is_err() {
                self.torn.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// One connection's end of the trace.
#[derive(Debug, Clone)]
pub struct Tap {
    trace: Arc<Trace>,
    number: u64,
    /// Never shown, whoever says it.
    hidden: Vec<String>,
}

impl Tap {
    /// Shows `***` in place of each of these from now on: a server may repeat what it was told.
    pub fn hide(&mut self, secrets: Vec<String>) {
        self.hidden = secrets;
    }

    /// Something happened to the connection.
    pub fn event(&self, text: &str) {
        let lines = std::iter::once(text);
        self.trace.lines(Detail::Events, self, "", lines);
    }

    /// Commands, each of them a line.
    pub fn said(&self, commands: &str) {
        let lines = commands.split_terminator("\r\n");
        (self.trace).lines(Detail::Conversation, self, "> ", lines);
    }

    /// A content of so many bytes.
    pub fn sent(&self, bytes: usize) {
        self.said(&format!("[{bytes} bytes]"));
    }

    /// A reply; its lines are kept apart by line feeds.
    pub fn heard(&self, code: u16, text: &str) {
        let mut rest = text.split('\n').peekable();
        let mut lines = Vec::new();
        while let Some(line) = rest.next() {
            let separator = if rest.peek().is_some() { '-' } else { ' ' };
            lines.push(format!("{code}{separator}{line}"));
        }
        let lines = lines.iter().map(|line| line.trim_end());
        (self.trace).lines(Detail::Conversation, self, "< ", lines);
    }
}

/// The text with `***` in place of each of the secrets.
pub fn mask<'a>(text: &'a str, secrets: &[String]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets {
        if !secret.is_empty() && text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), "***").into();
        }
    }
    text
}
