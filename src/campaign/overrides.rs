//! What the command line says otherwise than the file.

use super::run_name::{RunNameError, valid_run_name};
use super::url::{UrlError, parse_server_url};
use super::{Campaign, Server};

impl Campaign {
    /// Another run (`--run NAME`).
    ///
    /// # Errors
    /// A name that no run can have.
    pub fn use_run(&mut self, name: &str) -> Result<(), RunNameError> {
        valid_run_name(name)?;
        name.clone_into(&mut self.run);
        Ok(())
    }

    /// Sends through another server (`--server URL`): its host, port and TLS take the place of the first `[[server]]`'s,
    /// whose other settings stay; without any, the defaults hold.
    ///
    /// # Errors
    /// A URL that is none, or of a server that this version cannot speak to.
    pub fn use_server(&mut self, url: &str) -> Result<(), UrlError> {
        let url = parse_server_url(url)?;
        let allowed = self.servers.first().is_some_and(|it| it.allow_plaintext);
        let tls = url.check(None, allowed)?;
        match self.servers.first_mut() {
            Some(server) => (server.host, server.port, server.tls) = (url.host, url.port, tls),
            None => self.servers.push(Server {
                tls,
                ..Server::new(url.host, url.port)
            }),
        }
        Ok(())
    }

    /// Another number of connections to the server (`--connections N`), at least 1; where there is no server, nothing changes.
    pub fn use_connections(&mut self, connections: usize) {
        for server in &mut self.servers {
            server.connections = connections.max(1);
        }
    }
}
