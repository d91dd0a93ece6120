//! `check --connect`: a server is asked what it offers, as a run would begin, and told QUIT.

use crate::campaign::Server;
use crate::deliver::access::Access;
use crate::deliver::job::Job;
use crate::deliver::session::{Manner, Session, Terms};
use crate::report::reached::Reached;

/// Connects, agrees on TLS, logs in, and leaves. Waits for the server as long as the campaign has it.
pub fn ask(server: &Server, way: &Access) -> Reached {
    let reached = Reached {
        server: server.name(),
        ..Reached::default()
    };
    let terms = Terms {
        timeout: server.timeout,
        manner: Manner::Chunked,
        proven: None,
        window: server.window,
        messages: server.messages_per_connection,
    };
    let session: Session<Job> = match Session::open(way, terms) {
        Ok(session) => session,
        Err(trouble) => {
            return Reached {
                trouble: Some(trouble.failure.to_string()),
                ..reached
            };
        }
    };
    let reached = Reached {
        tls: session.security(),
        login: server.login.as_ref().map(|login| login.username.clone()),
        ..reached.offering(session.offers())
    };
    session.quit();
    reached
}
