//! A server that is not what it should be, on a loopback port of this process: keeps all that it was told, in clear and
//! by TLS.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::inbox::given;

/// What a server is like.
#[derive(Debug, Clone)]
pub struct Nature {
    /// TLS from the first byte.
    pub implicit: bool,
    /// The last lines of the answer to EHLO in clear, and by TLS.
    pub offers: [&'static str; 2],
    /// What follows STARTTLS in clear.
    pub to_starttls: &'static str,
    /// What follows the client's first bytes of TLS, in place of TLS.
    pub to_hello: Option<&'static str>,
    /// Which certificate, by the names of tests/postfix/certificates.
    pub certificate: &'static str,
    /// What follows AUTH, and each line that answers it.
    pub to_auth: &'static [&'static str],
    /// What follows MAIL by TLS.
    pub to_mail: &'static str,
}

impl Default for Nature {
    fn default() -> Self {
        Nature {
            implicit: false,
            offers: ["250-STARTTLS\r\n250 AUTH LOGIN", "250 AUTH PLAIN LOGIN"],
            to_starttls: "220 go on\r\n",
            to_hello: None,
            certificate: "good",
            to_auth: &["235 welcome"],
            to_mail: "250 as you say",
        }
    }
}

/// What it was told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Before TLS; the handshake too where it does not answer that.
    pub clear: Vec<u8>,
    /// By TLS.
    pub secured: String,
    /// How often somebody connected.
    pub connections: usize,
}

/// One that is running; it ends with the test.
pub struct Impostor {
    /// Where.
    pub port: u16,
    told: Arc<Mutex<Told>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Impostor {
    /// Begins to listen.
    pub fn start(nature: Nature) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(Told::default()));
        let over = Arc::new(AtomicBool::new(false));
        let (theirs, ended) = (Arc::clone(&told), Arc::clone(&over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                theirs.lock().unwrap().connections += 1;
                // A client that has gone is what many of these tests are about.
                let _ = serve(stream.unwrap(), &nature, &theirs);
            }
        });
        Impostor {
            port,
            told,
            over,
            thread: Some(thread),
        }
    }

    /// What it was told so far.
    pub fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(stream: TcpStream, nature: &Nature, told: &Mutex<Told>) -> io::Result<()> {
    if nature.implicit {
        return secured(stream, nature, told, true);
    }
    let clear = |line: &[u8]| told.lock().unwrap().clear.extend_from_slice(line);
    let mut stream = stream;
    stream.write_all(b"220 impostor\r\n")?;
    while let Some(line) = line(&mut stream)? {
        clear(&line);
        match verb(&line).as_str() {
            "EHLO" => {
                let offers = format!("250-impostor\r\n{}\r\n", nature.offers[0]);
                stream.write_all(offers.as_bytes())?;
            }
            "STARTTLS" => {
                stream.write_all(nature.to_starttls.as_bytes())?;
                let Some(words) = nature.to_hello else {
                    return secured(stream, nature, told, false);
                };
                let mut first = [0; 5];
                stream.read_exact(&mut first)?;
                stream.write_all(words.as_bytes())?;
                let mut rest = first.to_vec();
                stream.read_to_end(&mut rest)?;
                clear(&rest);
                return Ok(());
            }
            _ => stream.write_all(b"250 whatever you say\r\n")?,
        }
    }
    Ok(())
}

fn secured(stream: TcpStream, nature: &Nature, told: &Mutex<Told>, greets: bool) -> io::Result<()> {
    let folder = given("MAILRUN_TEST_POSTFIX_TLS");
    let file = |end: &str| Path::new(&folder).join(format!("{}.{end}", nature.certificate));
    let certificate = CertificateDer::from_pem_file(file("pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let connection = ServerConnection::new(Arc::new(config)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    if greets {
        stream.write_all(b"220 impostor\r\n")?;
    }
    let mut answers = nature.to_auth.iter();
    let (mut asked, mut content) = (false, false);
    while let Some(line) = line(&mut stream)? {
        let text = String::from_utf8_lossy(&line).into_owned();
        told.lock().unwrap().secured.push_str(&text);
        let verb = verb(&line);
        let mut answer = "250 as you say";
        if content {
            content = text != ".\r\n";
            if content {
                continue;
            }
        } else if asked || verb == "AUTH" {
            answer = answers.next().unwrap_or(&"503 enough");
            asked = answer.starts_with("334");
        } else if verb == "EHLO" {
            stream.write_all(b"250-impostor\r\n")?;
            answer = nature.offers[1];
        } else if verb == "MAIL" {
            answer = nature.to_mail;
        } else if verb == "DATA" {
            (answer, content) = ("354 go on", true);
        }
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
        if verb == "QUIT" {
            return Ok(());
        }
    }
    Ok(())
}

fn verb(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let word = text.split_whitespace().next();
    word.unwrap_or_default().to_uppercase()
}

/// A line with its end; `None` at the end of all.
fn line(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !line.ends_with(b"\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        line.push(byte[0]);
    }
    Ok(Some(line))
}
