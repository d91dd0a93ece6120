//! How one server is reached: its address, its TLS, who logs in. Made once a run, before the first connection, and
//! shared by all of them, so that TLS sessions are resumed and a token that was asked for again serves everybody.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::trace::Trace;
use crate::campaign::{Login, Secret, SecretError, Server, Tls};

/// How one server is reached.
#[derive(Debug)]
pub struct Access {
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// `None`: everything in clear.
    pub(super) security: Option<Security>,
    /// `None`: nobody logs in.
    pub(super) credentials: Option<Credentials>,
    /// Where its connections are traced.
    pub(super) trace: Option<Arc<Trace>>,
    /// There are others, that may take what this one cannot.
    pub one_of_several: bool,
}

/// How a connection is secured.
#[derive(Debug)]
pub(super) struct Security {
    /// From the first byte, not by STARTTLS.
    pub implicit: bool,
    /// With the sessions that can be resumed.
    pub config: Arc<ClientConfig>,
    /// Who the certificate has to be for.
    pub name: ServerName<'static>,
    /// Certificates of the author's own choice, in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// Who logs in, with the secret.
#[derive(Debug)]
pub(super) struct Credentials {
    pub login: Login,
    host: String,
    secret: Mutex<Secret>,
}

/// Why a server cannot be reached, whatever it would say.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// `ca_file` cannot be read.
    #[error("{}: cannot read the certificates of ca_file: {source}", path.display())]
    CaFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `ca_file` is no file of certificates.
    #[error(
        "{}: ca_file holds no certificate that can be used ({reason}); it is a PEM file, with -----BEGIN CERTIFICATE----- in it", path.display()
    )]
    NoCertificate {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system has no certificates.
    #[error(
        "the certificates that this machine trusts cannot be used ({0}); install them (Debian's package is ca-certificates), or name a file of them with ca_file in [[server]]"
    )]
    System(rustls::Error),
    /// rustls takes no configuration.
    #[error("TLS cannot be set up: {0}")]
    Config(rustls::Error),
    /// No certificate can be for such a host.
    #[error(
        "no certificate can be for the host {0:?}; write the server's full name in the URL, or tls = \"none\" for a server on this machine"
    )]
    Name(String),
    /// The secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Access {
    /// How this server is reached. Asks for the secret of a login, which may take as long as a person takes.
    ///
    /// # Errors
    /// What is wrong whatever the server would say: certificates, the secret.
    pub fn new(server: &Server, trace: Option<Arc<Trace>>) -> Result<Self, AccessError> {
        let security = match server.tls {
            Tls::None => None,
            Tls::Required | Tls::Implicit => Some(Security::new(server)?),
        };
        let credentials = match &server.login {
            Some(login) => Some(Credentials::new(login.clone(), server.host.clone())?),
            None => None,
        };
        Ok(Access {
            host: server.host.clone(),
            port: server.port,
            security,
            credentials,
            trace,
            one_of_several: false,
        })
    }

    /// A server that is spoken to in clear, nobody logging in.
    pub fn clear(host: impl Into<String>, port: u16) -> Self {
        Access {
            host: host.into(),
            port,
            security: None,
            credentials: None,
            trace: None,
            one_of_several: false,
        }
    }
}

impl Security {
    fn new(server: &Server) -> Result<Self, AccessError> {
        let name = ServerName::try_from(server.host.clone())
            .map_err(|_| AccessError::Name(server.host.clone()))?;
        // Not the process's default one: nobody else is to choose it.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = match &server.ca_file {
            Some(path) => private(path, &provider)?,
            None => Arc::new(
                rustls_platform_verifier::Verifier::new(Arc::clone(&provider))
                    .map_err(AccessError::System)?,
            ),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(AccessError::Config)?
            .dangerous() // so that it takes a verifier, which does verify
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Security {
            implicit: server.tls == Tls::Implicit,
            config: Arc::new(config),
            name,
            ca_file: server.ca_file.clone(),
        })
    }
}

/// Trusts what these certificates have signed, and nothing else.
fn private(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, AccessError> {
    let unusable = |reason: String| AccessError::NoCertificate {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read(path).map_err(|source| AccessError::CaFile {
        path: path.to_owned(),
        source,
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error: pem::Error| unusable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("there is none in it".to_owned()));
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| unusable(error.to_string()))?;
    Ok(verifier)
}

impl Credentials {
    fn new(login: Login, host: String) -> Result<Self, SecretError> {
        let secret = Mutex::new(login.secret.fetch(&login.username, &host)?);
        Ok(Credentials {
            login,
            host,
            secret,
        })
    }

    /// The secret as it is known now.
    pub fn secret(&self) -> Secret {
        self.lock().clone()
    }

    /// Another secret in place of one that was refused: fetched once, for all connections that wait for it. `None` when
    /// the source gives the same again.
    ///
    /// # Errors
    /// What the source says.
    pub fn renew(&self, refused: &Secret) -> Result<Option<Secret>, SecretError> {
        let mut known = self.lock();
        if *known == *refused {
            let Login {
                username, secret, ..
            } = &self.login;
            *known = secret.fetch(username, &self.host)?;
        }
        Ok((*known != *refused).then(|| known.clone()))
    }

    // A panic while it is held leaves a secret that was true before.
    fn lock(&self) -> MutexGuard<'_, Secret> {
        self.secret.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
