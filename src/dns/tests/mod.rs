//! What is found by the replies of a name server, right ones and others.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod replies;
mod senders;

use std::time::{Duration, Instant};

use super::Resolver;

// The executable's tests use all of it, these do not.
#[allow(dead_code)]
#[path = "../../../tests/e2e/name_server.rs"]
mod name_server;
use name_server::NameServer;

const SOON: [Duration; 2] = [Duration::from_millis(300); 2];
const LONG: Duration = Duration::from_secs(60);

/// Asks these, with the patience of a run.
fn resolver(servers: &[&NameServer]) -> Resolver {
    let addresses = servers.iter().map(|it| it.address).collect();
    Resolver::new(addresses, Instant::now() + LONG)
}

/// Asks one, and does not wait long.
fn impatient(server: &NameServer) -> Resolver {
    resolver(&[server]).with_waits(SOON)
}
