//! What a server offered when it was asked, for people and for programs.

use std::fmt;

use serde::Serialize;

use super::check::kilobytes;
use crate::deliver::offers::Offers;
use crate::wording::{count, printable};

/// A server that was asked.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Its name.
    pub server: String,
    /// Why it is of no use, if it is of none.
    pub trouble: Option<String>,
    /// What TLS was agreed; nothing in clear.
    pub tls: Option<String>,
    /// Who logged in.
    pub login: Option<String>,
    /// What it offers, by keyword.
    pub extensions: Vec<&'static str>,
    /// The mechanisms of AUTH.
    pub auth: Vec<String>,
    /// SIZE: the largest message in bytes; nothing where it names none.
    pub size: Option<u64>,
    /// LIMITS: messages on one connection.
    pub mailmax: Option<u32>,
    /// LIMITS: recipients of one message.
    pub rcptmax: Option<u32>,
    /// Messages that need SMTPUTF8, where it offers none.
    pub without_smtputf8: u64,
}

impl Reached {
    /// With what the server offers.
    #[must_use]
    pub fn offering(self, offers: &Offers) -> Self {
        let all = [
            (offers.pipelining, "PIPELINING"),
            (offers.chunking, "CHUNKING"),
            (offers.eight_bit_mime, "8BITMIME"),
            (offers.smtputf8, "SMTPUTF8"),
            (offers.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
            (offers.dsn, "DSN"),
            (offers.starttls, "STARTTLS"),
        ];
        let offered = all.iter().filter(|(offered, _)| *offered);
        Reached {
            extensions: offered.map(|(_, keyword)| *keyword).collect(),
            auth: offers.auth.iter().map(|it| printable(it)).collect(),
            size: offers.size.filter(|size| *size > 0),
            mailmax: offers.limits.mailmax,
            rcptmax: offers.limits.rcptmax,
            ..self
        }
    }

    /// When so many messages need SMTPUTF8.
    #[must_use]
    pub fn asked_for_smtputf8(self, messages: u64) -> Self {
        let lacks = self.trouble.is_none() && !self.extensions.contains(&"SMTPUTF8");
        Reached {
            without_smtputf8: if lacks { messages } else { 0 },
            ..self
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trouble) = &self.trouble {
            return write!(f, "{}: {}", self.server, printable(trouble));
        }
        let tls = self.tls.as_deref().unwrap_or("in clear");
        write!(f, "{}: {tls}", self.server)?;
        match &self.login {
            Some(user) => write!(f, ", logged in as {}", printable(user))?,
            None => write!(f, ", nobody logs in")?,
        }
        let mut offers = self.extensions.join(", ");
        if !self.auth.is_empty() {
            offers.push_str(&format!(", AUTH {}", self.auth.join(" ")));
        }
        if let Some(size) = self.size {
            offers.push_str(&format!(", SIZE {}", kilobytes(size)));
        }
        let offers = offers.trim_start_matches(", ");
        write!(
            f,
            "\n  offers    {}",
            if offers.is_empty() { "nothing" } else { offers }
        )?;
        if let Some(most) = self.mailmax {
            write!(
                f,
                "\n  limits    {} a connection",
                count(u64::from(most), "message")
            )?;
        }
        if let Some(most) = self.rcptmax {
            write!(
                f,
                "\n  limits    {} a message",
                count(u64::from(most), "recipient")
            )?;
        }
        if self.without_smtputf8 > 0 {
            write!(
                f,
                "\n  lacks     SMTPUTF8, which {} of this campaign cannot go without",
                count(self.without_smtputf8, "message")
            )?;
        }
        Ok(())
    }
}
