//! What a session relies on of the way by TLS, held against rustls at the other end: what was taken is handed on whole,
//! and what was decrypted is told of.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mailrun::deliver::tls::Tls;
use mailrun::deliver::transport::{Readiness, Tcp, Transport};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::inbox::given;

const LONG: Duration = Duration::from_secs(60);

type Server = StreamOwned<ServerConnection, TcpStream>;

fn file(name: &str) -> PathBuf {
    PathBuf::from(given("MAILRUN_TEST_POSTFIX_TLS")).join(name)
}

fn server(stream: TcpStream) -> Server {
    let certificate = CertificateDer::from_pem_file(file("good.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("good.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certificate], key)
    .unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}

/// A connection by TLS, at whose other end this is done.
fn connected(serve: impl FnOnce(Server) + Send + 'static) -> (Tls, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || serve(server(listener.accept().unwrap().0)));
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(file("ca.pem")).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(roots)
    .with_no_client_auth();
    let tcp = Tcp::connect("127.0.0.1", port, LONG).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    (
        Tls::over(tcp, Arc::new(config), name, LONG).unwrap(),
        serving,
    )
}

/// Reads what comes next, waiting for it.
fn read(tls: &mut Tls, buffer: &mut [u8]) -> usize {
    loop {
        match tls.read(buffer) {
            Ok(read) => return read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert!(!tls.has_more());
                tls.wait(Readiness::Read, LONG).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn what_was_decrypted_and_not_read_is_told_of() {
    let (mut tls, serving) = connected(|mut stream| {
        // One record: it is decrypted as a whole.
        stream.write_all(&[b'x'; 10_000]).unwrap();
        let mut end = [0];
        assert_eq!(stream.read(&mut end).unwrap(), 1);
    });
    let mut buffer = [0; 8192];
    assert_eq!(read(&mut tls, &mut buffer), 8192);
    assert!(tls.has_more());
    assert_eq!(tls.read(&mut buffer).unwrap(), 10_000 - 8192);
    assert!(!tls.has_more());
    let empty = tls.read(&mut buffer).unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::WouldBlock);
    assert_eq!(
        tls.write(&[IoSlice::new(b"."), IoSlice::new(b"")]).unwrap(),
        1
    );
    serving.join().unwrap();
}

#[test]
fn what_was_taken_is_handed_on_whole_and_no_more_is_taken_before() {
    let (go, wait) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let (mut tls, serving) = connected(move |mut stream| {
        // The handshake is over once something was written; nothing is read until it is wanted.
        stream.write_all(b"!").unwrap();
        wait.recv().unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        tell.send(all).unwrap();
    });
    assert_eq!(read(&mut tls, &mut [0; 1]), 1);
    // More than the sockets' buffers hold, in parts whose bytes can be told from one another.
    let parts: Vec<Vec<u8>> = (0..=255u8).map(|byte| vec![byte; 1000]).collect();
    let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let (mut expected, mut writes) = (Vec::new(), 0);
    let whole = parts.concat();
    loop {
        match tls.write(&slices) {
            Ok(taken) => {
                assert!(taken > 0 && taken <= 64 << 10, "{taken} bytes at once");
                expected.extend_from_slice(&whole[..taken]);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
        writes += 1;
        assert!(writes < 10_000, "the sockets take everything");
    }
    assert!(tls.holds(), "some of what was taken is not on the line");
    go.send(()).unwrap();
    while tls.holds() {
        tls.wait(Readiness::Write, LONG).unwrap();
        tls.flush().unwrap();
    }
    tls.close();
    drop(tls);
    assert!(
        told.recv().unwrap() == expected,
        "what came is not what was taken"
    );
    serving.join().unwrap();
}

#[test]
fn the_end_is_the_end_with_and_without_a_word_of_tls() {
    for polite in [true, false] {
        let (mut tls, serving) = connected(move |mut stream| {
            stream.write_all(b"221 bye\r\n").unwrap();
            if polite {
                stream.conn.send_close_notify();
            }
            stream.flush().unwrap();
        });
        let mut buffer = [0; 8192];
        assert_eq!(read(&mut tls, &mut buffer), 9);
        assert_eq!(read(&mut tls, &mut buffer), 0);
        assert_eq!(read(&mut tls, &mut buffer), 0);
        serving.join().unwrap();
    }
}

/// What came before bytes that nobody could read is read first; then it is an error, not an end.
#[test]
fn bytes_that_are_no_tls_end_the_connection() {
    let (mut tls, serving) = connected(|mut stream| {
        stream.write_all(b"250 ok\r\n").unwrap();
        stream
            .sock
            .write_all(b"250 put in by somebody\r\n")
            .unwrap();
    });
    let mut buffer = [0; 8192];
    assert_eq!(read(&mut tls, &mut buffer), 8);
    serving.join().unwrap();
    let error = loop {
        match tls.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                tls.wait(Readiness::Read, LONG).unwrap();
            }
            Err(error) => break error,
            Ok(read) => panic!("{read} bytes"),
        }
    };
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}
