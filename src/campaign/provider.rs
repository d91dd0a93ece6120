//! `provider`: well-known mail services by name: where they listen, and the limits that they publish.
//!
//! Where a provider publishes no limit, none is chosen for it.

mod table;

use super::rate::Rate;
use super::schema::nearest;
use super::url::{Tls, is_host_name};
use table::PROVIDERS;

/// The region's place in the host of a provider that has one for each region.
const REGION: &str = "REGION";

/// A mail service.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// As `provider` has it; where the host has a region, that follows: `ses:eu-west-1`.
    pub name: &'static str,
    /// Where it listens; `REGION` in it stands for the region.
    pub host: &'static str,
    /// Other names of it, by which it is known too.
    also: &'static [&'static str],
    /// TCP port.
    pub port: u16,
    /// When TLS begins on that port.
    pub tls: Tls,
    /// The most connections of an account at once.
    pub connections: Option<usize>,
    /// The most messages on one connection.
    pub messages_per_connection: Option<u32>,
    /// The most messages of an account in a time.
    pub rates: &'static [Rate],
    /// Where the limits are published, and the day they were read; `None`: none were found.
    pub source: Option<(&'static str, &'static str)>,
    /// What most often is the matter when a login is refused, and where to get what is needed.
    pub login_hint: &'static str,
}

/// Why a name is no provider's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProviderError {
    #[error("{0:?} is no provider that mailrun knows; {1}")]
    Unknown(String, String),
    #[error("provider {0:?} needs its region: \"{0}:eu-west-1\"")]
    NoRegion(&'static str),
    #[error("{1:?} is not a region of provider {0:?}; write one such as \"{0}:eu-west-1\"")]
    Region(&'static str, String),
    #[error("provider {0:?} has no regions; leave {1:?} out")]
    NoSuchRegion(&'static str, String),
}

impl Provider {
    /// Every provider there is.
    pub fn all() -> &'static [Provider] {
        PROVIDERS
    }

    /// The provider that listens on this host, by any of its names; hosts that several share are the first one's.
    pub fn of_host(host: &str) -> Option<&'static Provider> {
        let host = host.to_ascii_lowercase();
        PROVIDERS.iter().find(|provider| {
            let own = match provider.host.split_once(REGION) {
                Some((before, after)) => {
                    let region = host.strip_prefix(before);
                    region.and_then(|it| it.strip_suffix(after)).is_some()
                }
                None => provider.host == host,
            };
            own || provider.also.contains(&host.as_str())
        })
    }

    /// The provider of this name, and its host.
    pub(super) fn find(written: &str) -> Result<(&'static Provider, String), ProviderError> {
        let (name, region) = match written.split_once(':') {
            Some((name, region)) => (name, Some(region)),
            None => (written, None),
        };
        let Some(provider) = PROVIDERS.iter().find(|it| it.name == name) else {
            let names = PROVIDERS.iter().map(|it| it.name);
            let hint = match nearest(name, names) {
                Some(name) => format!("did you mean {name:?}?"),
                None => "write its url in place of provider".to_owned(),
            };
            return Err(ProviderError::Unknown(written.to_owned(), hint));
        };
        let name = provider.name;
        match (provider.host.contains(REGION), region) {
            (false, None) => Ok((provider, provider.host.to_owned())),
            (false, Some(region)) => Err(ProviderError::NoSuchRegion(name, format!(":{region}"))),
            (true, None) => Err(ProviderError::NoRegion(name)),
            (true, Some(region)) if is_host_name(region) && !region.contains('.') => {
                Ok((provider, provider.host.replace(REGION, region)))
            }
            (true, Some(region)) => Err(ProviderError::Region(name, region.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_by_its_name_and_by_its_host() {
        for provider in PROVIDERS {
            let name = match provider.host.contains(REGION) {
                true => format!("{}:eu-west-1", provider.name),
                false => provider.name.to_owned(),
            };
            let (found, host) = Provider::find(&name).unwrap();
            assert_eq!(found, provider);
            assert!(is_host_name(&host), "{host}");
            let by_host = Provider::of_host(&host).unwrap();
            assert_eq!(
                (by_host.host, by_host.login_hint),
                (provider.host, provider.login_hint)
            );
            for other in provider.also {
                assert_eq!(
                    Provider::of_host(other).map(|it| it.host),
                    Some(provider.host)
                );
            }
        }
        let name = |host: &str| Provider::of_host(host).map(|it| it.name);
        assert_eq!(name("SMTP.Gmail.com"), Some("gmail"));
        assert_eq!(name("email-smtp.us-east-1.amazonaws.com"), Some("ses"));
        assert_eq!(name("smtp-mail.outlook.com"), Some("outlook"));
        for host in [
            "mx.example",
            "gmail.com",
            "smtp.gmail.com.mx.example",
            "email-smtp.us-east-1.amazonaws.com.mx.example",
        ] {
            assert_eq!(name(host), None, "{host}");
        }
    }

    #[test]
    fn a_region_makes_part_of_the_host() {
        let host = |name: &str| Provider::find(name).map(|(_, host)| host);
        assert_eq!(
            host("ses:ap-south-1"),
            Ok("email-smtp.ap-south-1.amazonaws.com".to_owned())
        );
    }

    #[test]
    fn names_that_are_none() {
        for (name, error) in [
            (
                "gmial",
                r#""gmial" is no provider that mailrun knows; did you mean "gmail"?"#,
            ),
            (
                "zebra",
                r#""zebra" is no provider that mailrun knows; write its url in place of provider"#,
            ),
            (
                "",
                r#""" is no provider that mailrun knows; write its url in place of provider"#,
            ),
            ("ses", r#"provider "ses" needs its region: "ses:eu-west-1""#),
            (
                "ses:",
                r#""" is not a region of provider "ses"; write one such as "ses:eu-west-1""#,
            ),
            (
                "ses:eu.west",
                r#""eu.west" is not a region of provider "ses"; write one such as "ses:eu-west-1""#,
            ),
            (
                "gmail:eu",
                r#"provider "gmail" has no regions; leave ":eu" out"#,
            ),
        ] {
            let said = Provider::find(name).map_err(|error| error.to_string());
            assert_eq!(said.unwrap_err(), error, "{name}");
        }
    }

    #[test]
    fn whoever_has_a_limit_has_its_source() {
        for provider in PROVIDERS {
            let limited = provider.connections.is_some()
                || provider.messages_per_connection.is_some()
                || !provider.rates.is_empty();
            assert_eq!(limited, provider.source.is_some(), "{}", provider.name);
            assert!(!provider.login_hint.is_empty(), "{}", provider.name);
            assert_ne!(provider.tls, Tls::None, "{}", provider.name);
        }
    }
}
