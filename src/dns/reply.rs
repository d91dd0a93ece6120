//! What a reply says of the name that was asked for, or of the one that it is an alias of; of other names nothing is taken.

use domain::base::name::ToName;
use domain::base::wire::ParseError;
use domain::base::{Name, Rtype};
use domain::rdata::{Mx, Txt};

use super::exchange::Reply;

/// Mail servers that are taken of an answer: an exchange may take 2 bytes in a reply, and 1,000 as text.
pub(super) const MAIL_SERVERS: usize = 50;

/// What of a record counts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// A text, its strings put together.
    Text(String),
    /// A preference, and a mail server.
    MailServer(u16, String),
    /// Of another kind: that it is there is all there is to know.
    Other,
}

/// What a reply without an error says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// These records, at least one.
    These(Vec<Record>),
    /// There are none.
    None,
    /// The name is an alias of this one, of which it says no more.
    Alias(Name<Vec<u8>>),
    /// The name is an alias that leads back to itself, or further than anybody goes.
    Endless,
    /// Others are to be asked.
    Referral,
}

/// Reads a reply.
///
/// # Errors
/// What is no reply.
pub(super) fn read(reply: &Reply, kind: Rtype) -> Result<Said, ParseError> {
    let asked = reply.sole_question()?;
    let Some(name) = reply.canonical_name() else {
        return Ok(Said::Endless);
    };
    let records = records(reply, kind, &name)?;
    if !records.is_empty() {
        return Ok(Said::These(records));
    }
    // By these it is told whether there are no records, or others know of them (RFC 2308 section 2.2).
    let (mut of_zone, mut others) = (false, false);
    for record in reply.authority()? {
        let record = record?;
        of_zone |= record.rtype() == Rtype::SOA && name.ends_with(&record.owner());
        others |= record.rtype() == Rtype::NS;
    }
    Ok(match (of_zone, asked.qname().name_eq(&name)) {
        (true, _) => Said::None,
        (false, false) => Said::Alias(name.to_vec()),
        (false, true) if others && !reply.header().aa() => Said::Referral,
        (false, true) => Said::None,
    })
}

/// The records of `kind` that `name` has in the answer. Texts are as long as in the reply, thrice as long at most where they
/// are not UTF-8; of mail servers some are enough, of all else one.
fn records(reply: &Reply, kind: Rtype, name: &impl ToName) -> Result<Vec<Record>, ParseError> {
    let answer = reply.answer()?;
    let mut records = Vec::new();
    match kind {
        Rtype::TXT => {
            for record in answer.limit_to_in::<Txt<_>>() {
                let record = record?;
                if record.owner().name_eq(name) {
                    let strings: Vec<u8> = record.data().iter().flatten().copied().collect();
                    let text = String::from_utf8_lossy(&strings).into_owned();
                    records.push(Record::Text(text));
                }
            }
        }
        Rtype::MX => {
            for record in answer.limit_to_in::<Mx<_>>() {
                let record = record?;
                if record.owner().name_eq(name) && records.len() < MAIL_SERVERS {
                    let server = record.data().exchange();
                    let server = match server.is_root() {
                        true => ".".to_owned(),
                        false => server.to_string().to_ascii_lowercase(),
                    };
                    let preference = record.data().preference();
                    records.push(Record::MailServer(preference, server));
                }
            }
        }
        _ => {
            for record in answer {
                let record = record?;
                let is_it = record.rtype() == kind && record.owner().name_eq(name);
                if is_it && records.is_empty() {
                    records.push(Record::Other);
                }
            }
        }
    }
    Ok(records)
}
