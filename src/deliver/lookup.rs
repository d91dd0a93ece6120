//! Names into addresses, by the system's resolver, within a time.
//!
//! The resolver can't be told how long to wait, and takes half a minute where no name server answers. It is asked on a
//! thread of its own, which is left behind when the time is up: all it holds is the name, and whom to tell.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The addresses of `host`, a name or an address, in the system's order.
///
/// # Errors
/// `TimedOut` when that takes longer than `most`; what the system gives.
pub(super) fn look_up(host: &str, port: u16, most: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = host.to_owned();
    within(most, move || {
        Ok((host.as_str(), port).to_socket_addrs()?.collect())
    })
}

fn within<T: Send + 'static>(
    most: Duration,
    ask: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        // Nobody listens once the time is up; that is no trouble.
        let _ = sender.send(ask());
    })?;
    match receiver.recv_timeout(most) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no name server answered within {most:?}"),
        )),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the look-up broke off")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_is_its_own() {
        for address in ["127.0.0.1", "::1"] {
            let found = look_up(address, 25, Duration::ZERO).unwrap();
            assert_eq!(found, [SocketAddr::new(address.parse().unwrap(), 25)]);
        }
    }

    #[test]
    fn a_name_has_addresses() {
        let found = look_up("localhost", 25, Duration::from_secs(60)).unwrap();
        assert!(!found.is_empty() && found.iter().all(|it| it.ip().is_loopback()));
    }

    #[test]
    fn who_never_answers_is_not_waited_for() {
        let (silent, waits) = mpsc::channel::<()>();
        let error = within(Duration::from_millis(1), move || {
            waits.recv().map_err(io::Error::other)
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "no name server answered within 1ms");
        drop(silent);
    }
}
