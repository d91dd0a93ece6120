//! A server that counts messages and drops them, the same code in clear and by TLS from the first byte.
//! usage: tls_sink CLEAR_PORT TLS_PORT CERTIFICATE.pem KEY.pem
//!
//! On 127.0.0.1. It offers PIPELINING, no CHUNKING; replies to commands that came together go out together. Whenever all
//! connections are closed, it prints how many messages there were until then. Runs until it is ended.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

static MESSAGES: AtomicU64 = AtomicU64::new(0);
static OPEN: AtomicU64 = AtomicU64::new(0);
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [clear, tls, certificate, key] = arguments.as_slice() else {
        return Err("usage: tls_sink CLEAR_PORT TLS_PORT CERTIFICATE.pem KEY.pem".into());
    };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)?.collect();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates?, PrivateKeyDer::from_pem_file(key)?)?;
    listen(clear.parse()?, None)?;
    listen(tls.parse()?, Some(Arc::new(config)))?;
    let mut said = 0;
    loop {
        thread::sleep(Duration::from_millis(50));
        let connections = CONNECTIONS.load(SeqCst);
        if OPEN.load(SeqCst) == 0 && connections > said {
            said = connections;
            println!("messages {} connections {said}", MESSAGES.load(SeqCst));
        }
    }
}

/// Serves each connection to a port on a thread of its own.
fn listen(port: u16, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            OPEN.fetch_add(1, SeqCst);
            CONNECTIONS.fetch_add(1, SeqCst);
            let tls = tls.clone();
            thread::spawn(move || {
                if let Err(error) = accept(stream, tls) {
                    eprintln!("tls_sink: {error}");
                }
                OPEN.fetch_sub(1, SeqCst);
            });
        }
    });
    Ok(())
}

fn accept(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => serve(stream),
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            serve(StreamOwned::new(connection, stream))
        }
    }
}

fn serve(mut stream: impl Read + Write) -> io::Result<()> {
    stream.write_all(b"220 sink\r\n")?;
    stream.flush()?;
    let mut input = BufReader::with_capacity(64 * 1024, stream);
    let (mut line, mut replies, mut in_content) = (Vec::new(), Vec::new(), false);
    loop {
        if input.buffer().is_empty() && !replies.is_empty() {
            input.get_mut().write_all(&replies)?;
            input.get_mut().flush()?;
            replies.clear();
        }
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if in_content {
            in_content = line != b".\r\n";
            if !in_content {
                MESSAGES.fetch_add(1, SeqCst);
                replies.extend_from_slice(b"250 2.0.0 dropped\r\n");
            }
            continue;
        }
        let reply: &[u8] = match line.first_chunk() {
            Some(b"EHLO") => {
                b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
            }
            Some(b"MAIL" | b"RCPT" | b"RSET" | b"NOOP") => b"250 2.0.0 ok\r\n",
            Some(b"DATA") => {
                in_content = true;
                b"354 go on\r\n"
            }
            Some(b"QUIT") => {
                replies.extend_from_slice(b"221 2.0.0 bye\r\n");
                input.get_mut().write_all(&replies)?;
                return input.get_mut().flush();
            }
            _ => b"500 5.5.2 what is that\r\n",
        };
        replies.extend_from_slice(reply);
    }
}
