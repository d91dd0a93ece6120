//! `check --dns`: the name servers are asked about the sender and the recipients' domains, within a time.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Error;
use crate::campaign::{Campaign, DkimKey};
use crate::dns::recipients::Domains;
use crate::dns::sender::{self, Sender, SigningKey};
use crate::dns::{Resolver, system};
use crate::message::dkim;
use crate::report::dns::Dns;

/// How long all questions together may take.
const MOST: Duration = Duration::from_secs(60);

/// Asks `server`, or those of the system, about the campaign, whose messages have their envelope sender at `envelope`, and
/// about `domains`.
///
/// # Errors
/// A key that cannot be read any more. What the DNS has no answer to is in the [`Dns`].
pub fn look(
    campaign: &Campaign,
    server: Option<SocketAddr>,
    envelope: Option<String>,
    domains: Domains,
) -> Result<Dns, Error> {
    let servers = match server {
        Some(server) => vec![server],
        None => match system::servers(Path::new(system::PATH)) {
            Ok(servers) => servers,
            Err(error) => {
                return Ok(Dns::failed(format!(
                    "{} cannot be read: {error}; name a name server with --dns-server",
                    system::PATH
                )));
            }
        },
    };
    let resolver = Resolver::new(servers, Instant::now() + MOST);
    if let Err(trouble) = resolver.probe() {
        return Ok(Dns::failed(format!(
            "{trouble}; try again, or name another with --dns-server"
        )));
    }
    let findings = sender::look(&resolver, &sender(campaign, envelope)?);
    let asked = resolver.servers().iter().map(SocketAddr::to_string);
    Ok(Dns::told(
        asked.collect(),
        findings,
        domains.look(&resolver),
    ))
}

fn sender(campaign: &Campaign, envelope: Option<String>) -> Result<Sender, Error> {
    let from = as_asked(campaign.message.from.email.domain());
    let reply_to = campaign.message.reply_to.as_ref();
    let keys = campaign.dkim.iter().map(signing_key);
    Ok(Sender {
        envelope: envelope.as_deref().map_or_else(|| from.clone(), as_asked),
        from,
        reply_to: reply_to.map(|mailbox| as_asked(mailbox.email.domain())),
        keys: keys.collect::<Result<_, _>>()?,
    })
}

fn signing_key(key: &DkimKey) -> Result<SigningKey, Error> {
    let file = key.key_file.display().to_string();
    let pem = fs::read_to_string(&key.key_file).map_err(|source| Error::Io {
        path: key.key_file.clone(),
        action: "read the key",
        source,
    })?;
    let record = dkim::value(&pem).map_err(|error| Error::Refused(format!("{file}: {error}")))?;
    Ok(SigningKey {
        domain: as_asked(&key.domain),
        selector: key.selector.clone(),
        file,
        record,
    })
}

/// The domain as the DNS has it.
fn as_asked(domain: &str) -> String {
    let ascii = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned());
    ascii.to_ascii_lowercase()
}
