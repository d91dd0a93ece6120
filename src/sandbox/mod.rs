//! The sandbox: an SMTP server inside the process, on loopback, for `send --sandbox`, the tests and the benches.
//!
//! Owns the receiving side of RFC 5321 with PIPELINING (2920), CHUNKING (3030), 8BITMIME (6152), SMTPUTF8 (6531),
//! SIZE (1870), ENHANCEDSTATUSCODES (2034) and LIMITS MAILMAX (9422). It is strict, so that a client's faults show:
//! only CRLF ends a line, only CRLF.CRLF ends content, an extension that is not announced is refused, and what is
//! sent ahead where it must not be is answered `503 5.5.0 improper pipelining` and hung up on.
//! Must not relay, resolve names, print, or know anything of campaigns and ledgers.
//!
//! One thread accepts, one thread serves each connection; all are joined by [`Sandbox::stop`].
//!
//! # Misbehaviour on request
//!
//! Chosen by the local part of an envelope address, whatever its domain. From the first `+` on, the local part is
//! ignored, so that `rcpt-550+1@a.example` and `rcpt-550+2@a.example` are two recipients of one kind. `-once` at the
//! end of any name makes it apply to the first attempt for that address (the whole of it, tag and domain included);
//! the server remembers, over all its connections. MAIL comes before RCPT, so the first row goes by the *sender's*
//! address; all others go by the recipients' addresses, and where several recipients of one message ask for
//! something at the same stage, the first of them decides.
//!
//! CODE is any code from 400 to 599; 421 is followed by the end of the connection. `CODE-X.Y.Z` also chooses the
//! enhanced code, as in `rcpt-452-4.5.3` or `dot-550-5.7.1-once`. DURATION is `2s` or `200ms`. With BDAT, what
//! happens at DATA happens at the first chunk (after its octets were read), what happens at the dot at the last one.
//!
//! | local part | what happens | message stored |
//! | --- | --- | --- |
//! | `mail-CODE` | MAIL is answered with CODE (the sender's address) | no |
//! | `rcpt-CODE` | RCPT is answered with CODE; `rcpt-450-once` is greylisting | not for this one |
//! | `escape-reply` | RCPT is answered with 550 and a text of terminal escapes and invalid UTF-8 | not for this one |
//! | `slow-rcpt-DURATION` | RCPT is answered that much later | yes |
//! | `close-at-rcpt` | at RCPT the connection is closed without a reply | no |
//! | `data-CODE` | DATA is answered with CODE | no |
//! | `close-at-data` | at DATA the connection is closed without a reply | no |
//! | `drop-before-dot` | at the first octets of the content the connection is cut | no |
//! | `close-in-body` | another name for `drop-before-dot` | no |
//! | `421-in-body` | at the first octets of the content: 421, and the connection is closed | no |
//! | `dot-CODE` | the end of the content is answered with CODE | no |
//! | `drop-after-dot` | the content is received whole, then the connection is closed without a reply | yes |
//! | `hang-at-dot` | the end of the content is never answered | yes |
//! | `garbage-at-dot` | the end of the content is answered with a line that is no reply | yes |
//! | `long-reply` | the end of the content is answered with a line of 100 KB | yes |
//! | `endless-reply` | the end of the content is answered with continuation lines without end | yes |
//! | `byte-at-a-time` | the end of the content is answered an octet at a time | yes |
//! | `multiline-reply` | the end of the content is answered with a reply of three lines | yes |
//! | `slow-DURATION` | the end of the content is answered that much later | yes, at once |
//!
//! What concerns a whole connection (greeting, limits, delays, what EHLO announces) is in [`Options`].

mod behaviour;
mod command;
mod connections;
mod content;
mod envelope;
mod input;
mod limits;
mod maildir;
mod options;
mod session;
mod state;
mod stats;
mod store;
#[cfg(test)]
mod tests;

pub use command::Verb;
pub use limits::Limits;
pub use options::{Announce, Choke, Options};
pub use stats::Stats;
pub use store::{Conversation, Store, Stored};

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use session::Session;
use state::State;

/// A running server. Stopped by [`Sandbox::stop`] or when dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a server; it is bound and listening when this returns.
    ///
    /// # Errors
    /// The address cannot be bound, the Maildir's folders cannot be made, or no thread can be started.
    pub fn start(options: Options) -> io::Result<Sandbox> {
        let listener = TcpListener::bind(options.listen)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(options)?);
        let acceptor = thread::Builder::new().name("sandbox".to_owned()).spawn({
            let state = Arc::clone(&state);
            move || accept(&listener, &state)
        })?;
        Ok(Sandbox {
            address,
            state,
            acceptor: Some(acceptor),
        })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was counted until now.
    pub fn stats(&self) -> Stats {
        self.state.stats()
    }

    /// The messages accepted until now, in order; empty unless the store is [`Store::Memory`].
    pub fn messages(&self) -> Vec<Stored> {
        self.state.storage.messages()
    }

    /// When each of [`Sandbox::messages`] was accepted.
    pub fn times(&self) -> Vec<Instant> {
        self.state.storage.times()
    }

    /// What each connection said until now, in order of arrival; empty unless the store is [`Store::Memory`].
    pub fn conversations(&self) -> Vec<Conversation> {
        self.state.storage.conversations()
    }

    /// Stops accepting, cuts every connection, and returns when all threads are gone.
    pub fn stop(self) {
        drop(self);
    }
}

impl Sandbox {
    /// Stops accepting, cuts every connection, and returns when all threads are gone. What it took can still be asked for.
    pub fn halt(&mut self) {
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        self.state.connections.stop();
        wake(self.address);
        let ended = acceptor.join();
        // A panic in there is a fault of the sandbox; a test must not pass over it.
        if let (Err(panic), false) = (ended, thread::panicking()) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Accepts until stopped. The scope joins the connections' threads.
fn accept(listener: &TcpListener, state: &State) {
    thread::scope(|scope| {
        loop {
            let Ok((stream, _)) = listener.accept() else {
                // Out of descriptors, most likely: others must end first.
                if state.connections.pause(Duration::from_millis(10)) {
                    continue;
                }
                break;
            };
            let stream = Arc::new(stream);
            let Some(seat) = state.connections.admit(&stream) else {
                break;
            };
            let name = format!("sandbox-{}", seat.number());
            // Where no thread can be had, the closure is dropped, and the connection with it.
            let _ = thread::Builder::new()
                .name(name)
                .spawn_scoped(scope, move || {
                    Session::new(state, &stream, &seat).run();
                });
        }
    });
}

/// Makes a blocked `accept` return. A failure means that it has something to accept already.
fn wake(mut address: SocketAddr) {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
}
