//! Whether receivers will believe the sender of a campaign: SPF, DKIM, DMARC, and whether bounces and replies come home.

use super::finding::{About, Finding, Level};
use super::mail_servers::{self, Home};
use super::resolver::Resolver;
use super::{dkim, dmarc, spf};

/// Mail servers that are named.
const SERVERS_SHOWN: usize = 3;

/// Who sends. Domains are in lower case and ASCII (A-labels).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The domain of From.
    pub from: String,
    /// The domain of the envelope sender.
    pub envelope: String,
    /// The domain of Reply-To, where there is one.
    pub reply_to: Option<String>,
    /// Who signs.
    pub keys: Vec<SigningKey>,
}

/// A key that signs, as its record should have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// For which domain.
    pub domain: String,
    /// Under which selector.
    pub selector: String,
    /// The file with the private key.
    pub file: String,
    /// The record that belongs to it: `v=DKIM1; k=...; p=...`.
    pub record: String,
}

/// Looks all of it up.
pub fn look(resolver: &Resolver, sender: &Sender) -> Vec<Finding> {
    let mut findings = vec![spf::look(resolver, &sender.envelope)];
    findings.extend(keys(resolver, sender));
    findings.push(dmarc::look(resolver, sender));
    findings.extend(homes(resolver, sender));
    findings
}

fn keys(resolver: &Resolver, sender: &Sender) -> Vec<Finding> {
    let keys = sender.keys.iter();
    let mut findings: Vec<_> = keys.map(|key| dkim::look(resolver, key)).collect();
    // One signature that holds is enough.
    if findings.iter().any(|finding| finding.level != Level::Error) {
        for finding in &mut findings {
            finding.level = finding.level.min(Level::Warning);
        }
    }
    findings
}

/// Where bounces and replies go.
fn homes(resolver: &Resolver, sender: &Sender) -> Vec<Finding> {
    let Sender { from, envelope, .. } = sender;
    let replies = sender.reply_to.as_ref().unwrap_or(from);
    let mut domains = vec![envelope];
    for domain in [from, replies] {
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    let one = |domain: &String| {
        let roles = [(envelope, "bounces"), (replies, "replies")];
        let roles = roles.iter().filter(|(of, _)| *of == domain);
        let roles: Vec<_> = roles.map(|(_, role)| *role).collect();
        let what = if roles.is_empty() {
            "answers to From".to_owned()
        } else {
            roles.join(" and ")
        };
        let finding = |level, text| Finding::new(About::Mx, domain, level, text);
        let home = match mail_servers::look(resolver, domain) {
            Err(trouble) => return finding(Level::Unknown, format!("not known: {trouble}")),
            Ok(home) => home,
        };
        if let Some(lacks) = home.lacks() {
            let refused = domain == envelope || (domain == from && home == Home::NoName);
            return match refused {
                true => finding(
                    Level::Error,
                    format!("{lacks}: {what} reach nobody, and receivers refuse mail from it"),
                ),
                false => finding(Level::Warning, format!("{lacks}: {what} reach nobody")),
            };
        }
        match home {
            Home::Servers(servers) => {
                let more = match servers.len().saturating_sub(SERVERS_SHOWN) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let shown = servers.len().min(SERVERS_SHOWN);
                let text = format!("{what} go to {}{more}", servers[..shown].join(", "));
                finding(Level::Good, text).with(&servers.join("\n"))
            }
            _ => finding(
                Level::Good,
                format!("{what} go to its own address; it has no MX"),
            ),
        }
    };
    domains.into_iter().map(one).collect()
}
