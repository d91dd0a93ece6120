//! Which name servers the system asks, as resolv.conf(5) has it.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// Where that is written.
pub const PATH: &str = "/etc/resolv.conf";
/// The port of name servers.
const PORT: u16 = 53;
/// As many of them as the system itself asks (MAXNS).
const MOST: usize = 3;

/// The servers that the file at `path` names; this machine's own, where it names none.
///
/// # Errors
/// What reading gives.
pub fn servers(path: &Path) -> io::Result<Vec<SocketAddr>> {
    Ok(named(&fs::read_to_string(path)?))
}

/// A server as it is typed: an address, with a port or without.
///
/// # Errors
/// Anything else; a name would have to be asked for.
pub fn typed(text: &str) -> Result<SocketAddr, String> {
    let bare = text.parse().map(|ip: IpAddr| SocketAddr::new(ip, PORT));
    bare.or_else(|_| text.parse()).map_err(|_| {
        "not an IP address, with a port or without; write it as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53".to_owned()
    })
}

fn named(text: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let address = match words.next()? {
            "nameserver" => words.next()?,
            _ => return None,
        };
        // An address that holds on one interface alone cannot be told from its name here.
        let ip: IpAddr = address.parse().ok()?;
        Some(SocketAddr::new(ip, PORT))
    };
    let mut servers: Vec<_> = text.lines().filter_map(server).take(MOST).collect();
    if servers.is_empty() {
        servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT));
    }
    servers
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        named(text).iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn servers_are_those_of_the_file_three_at_most() {
        assert_eq!(
            shown(
                "# nameserver 192.0.2.9\ndomain a.example\n  nameserver 192.0.2.1 # first\nnameserver\tfe80::1%eth0\n\
                 nameserver 2001:db8::1\r\nnameserver x\noptions timeout:1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
            ),
            ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"]
        );
        assert_eq!(shown(""), ["127.0.0.1:53"]);
    }

    #[test]
    fn a_server_may_be_typed_with_its_port() {
        let shown = |text| typed(text).map(|it| it.to_string());
        assert_eq!(shown("192.0.2.1").unwrap(), "192.0.2.1:53");
        assert_eq!(shown("192.0.2.1:5353").unwrap(), "192.0.2.1:5353");
        assert_eq!(shown("2001:db8::1").unwrap(), "[2001:db8::1]:53");
        assert_eq!(shown("[2001:db8::1]:5353").unwrap(), "[2001:db8::1]:5353");
        for wrong in ["", "dns.example", "192.0.2.1:99999", "192.0.2.1 "] {
            assert!(typed(wrong).is_err(), "{wrong:?}");
        }
    }
}
