//! What the command line says otherwise than the file.

use super::run_name::{RunNameError, valid_run_name};
use super::url::{UrlError, parse_server_url};
use super::{Campaign, Login, Rate, Server};

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

    /// Sends through another server (`--server URL`), and through it alone: its host, port and TLS take the place of the
    /// first `[[server]]`'s, whose other settings stay; without any, the defaults hold. The login stays where the host
    /// is the same; to another host it goes only when the URL names the user.
    ///
    /// # Errors
    /// A URL that is none, one in clear where nobody agreed to that, or a user whose password comes from nowhere.
    pub fn use_server(&mut self, url: &str) -> Result<(), UrlError> {
        let url = parse_server_url(url)?;
        let first = self.servers.first();
        let login = first.and_then(|it| it.login.clone());
        let login = match (&url.username, login) {
            (Some(username), Some(login)) => Some(Login {
                username: username.clone(),
                ..login
            }),
            (Some(_), None) => return Err(UrlError::NoPassword),
            // A campaign's password is not for whatever host is typed.
            (None, login) => {
                login.filter(|_| first.is_some_and(|it| it.host.eq_ignore_ascii_case(&url.host)))
            }
        };
        let allowed = first.is_some_and(|it| it.allow_plaintext);
        let tls = url.check(None, allowed, login.is_some())?;
        let kept = first.cloned().unwrap_or_default();
        self.servers = vec![Server {
            host: url.host,
            port: url.port,
            tls,
            login,
            ..kept
        }];
        Ok(())
    }

    /// Other rates for every server (`--rate R`); none: theirs stay.
    pub fn use_rates(&mut self, rates: &[Rate]) {
        if !rates.is_empty() {
            let servers = self.servers.iter_mut();
            servers.for_each(|server| server.rates = rates.to_vec());
        }
    }

    /// Another number of connections to the server (`--connections N`), at least 1; where there is no server, nothing changes.
    pub fn use_connections(&mut self, connections: usize) {
        for server in &mut self.servers {
            server.connections = connections.max(1);
        }
    }
}
