//! One question to one name server: by UDP, and again by TCP where the reply does not fit (RFC 1035 section 4.2, RFC 7766).
//!
//! Each question has a number drawn at random and a socket of its own, whose port the system draws, so that nobody beside
//! the way can guess both (RFC 5452). What is no reply to it is passed over.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder, Name, Rtype};

/// The largest datagram.
const DATAGRAM: usize = 1 << 16;

/// A reply as it came.
pub(super) type Reply = Message<Vec<u8>>;

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nothing came.
    Silent,
    /// Something came, and was no reply.
    Garbled,
    /// By TCP, too, it was cut off: nobody can say what is missing (RFC 2181 section 9).
    Cut,
    /// What the system says.
    Io(String),
}

/// Asks `server` for the records of `kind` that `name` has, and waits so long for the reply.
pub(super) fn ask(
    server: SocketAddr,
    name: &Name<Vec<u8>>,
    kind: Rtype,
    wait: Duration,
) -> Result<Reply, Lost> {
    let until = Instant::now() + wait;
    let query = query(name, kind)?;
    let reply = by_udp(server, &query, until)?;
    if !reply.header().tc() {
        return Ok(reply);
    }
    by_tcp(server, &query, until)
}

fn query(name: &Name<Vec<u8>>, kind: Rtype) -> Result<Reply, Lost> {
    let system = |text: &str| Lost::Io(text.to_owned());
    let mut number = [0; 2];
    rand::fill(&mut number).map_err(|_| system("the system has no randomness"))?;
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(u16::from_be_bytes(number));
    builder.header_mut().set_rd(true);
    let mut question = builder.question();
    (question.push((name, kind))).map_err(|_| system("the question is too long"))?;
    Ok(question.into_message())
}

fn by_udp(server: SocketAddr, query: &Reply, until: Instant) -> Result<Reply, Lost> {
    let own: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((own, 0)).map_err(|error| lost(&error))?;
    // From anybody else nothing is taken.
    socket.connect(server).map_err(|error| lost(&error))?;
    socket
        .send(query.as_slice())
        .map_err(|error| lost(&error))?;
    let (mut buffer, mut garbled) = (vec![0; DATAGRAM], false);
    loop {
        let received = left(until).and_then(|left| {
            socket.set_read_timeout(Some(left))?;
            socket.recv(&mut buffer)
        });
        match received {
            Ok(length) => match reply(&buffer[..length], query) {
                Some(reply) => return Ok(reply),
                None => garbled = true,
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => match lost(&error) {
                Lost::Silent if garbled => return Err(Lost::Garbled),
                lost => return Err(lost),
            },
        }
    }
}

fn by_tcp(server: SocketAddr, query: &Reply, until: Instant) -> Result<Reply, Lost> {
    let exchanged = || -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&server, left(until)?)?;
        stream.set_write_timeout(Some(left(until)?))?;
        let length = u16::try_from(query.as_slice().len()).unwrap_or(u16::MAX);
        // As one segment: some servers read the length and no further.
        stream.write_all(&[&length.to_be_bytes(), query.as_slice()].concat())?;
        let mut length = [0; 2];
        read(&mut stream, &mut length, until)?;
        let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
        read(&mut stream, &mut reply, until)?;
        Ok(reply)
    };
    let bytes = exchanged().map_err(|error| lost(&error))?;
    match reply(&bytes, query).ok_or(Lost::Garbled)? {
        cut if cut.header().tc() => Err(Lost::Cut),
        reply => Ok(reply),
    }
}

/// Fills the buffer, however slowly its bytes come, until that moment.
fn read(stream: &mut TcpStream, mut buffer: &mut [u8], until: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => buffer = &mut buffer[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The time that is left.
fn left(until: Instant) -> io::Result<Duration> {
    match until.checked_duration_since(Instant::now()) {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(ErrorKind::TimedOut.into()),
    }
}

/// The bytes as a reply to the query; some servers leave the question out of an error.
fn reply(bytes: &[u8], query: &Reply) -> Option<Reply> {
    let reply = Message::from_octets(bytes.to_vec()).ok()?;
    let bare_error = reply.header().qr()
        && reply.header().id() == query.header().id()
        && reply.header_counts().qdcount() == 0
        && reply.header().rcode() != Rcode::NOERROR;
    (bare_error || reply.is_answer(query)).then_some(reply)
}

fn lost(error: &io::Error) -> Lost {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Lost::Silent,
        _ => Lost::Io(error.to_string()),
    }
}
