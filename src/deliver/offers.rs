//! What a server offers in its answer to EHLO (RFC 5321 section 4.1.1.1).

/// The extensions a server announces. Only what is said counts; nothing is assumed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_status_codes: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// SIZE (RFC 1870): the largest message in bytes; 0 when the server names none.
    pub size: Option<u64>,
    /// AUTH (RFC 4954): the mechanisms, in upper case.
    pub auth: Vec<String>,
    /// LIMITS (RFC 9422).
    pub limits: Limits,
}

/// What the server limits a session to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Transactions in one session.
    pub mailmax: Option<u32>,
    /// Recipients of one transaction.
    pub rcptmax: Option<u32>,
    /// Recipient domains of one session.
    pub rcptdomainmax: Option<u32>,
}

impl Offers {
    /// From the text of the answer: the server's name in the first line, a keyword in each line after it, their codes
    /// taken off. A keyword that is not known is passed over.
    pub fn parse(text: &str) -> Self {
        let mut offers = Offers::default();
        for line in text.split('\n').skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "PIPELINING" => offers.pipelining = true,
                "CHUNKING" => offers.chunking = true,
                "8BITMIME" => offers.eight_bit_mime = true,
                "SMTPUTF8" => offers.smtputf8 = true,
                "ENHANCEDSTATUSCODES" => offers.enhanced_status_codes = true,
                "DSN" => offers.dsn = true,
                "STARTTLS" => offers.starttls = true,
                "SIZE" => {
                    offers.size = Some(words.next().and_then(|most| most.parse().ok()).unwrap_or(0))
                }
                "AUTH" => offers.auth.extend(words.map(str::to_ascii_uppercase)),
                "LIMITS" => words.for_each(|limit| offers.limits.read(limit)),
                // Before RFC 4954 the mechanisms stood behind an equals sign, and some servers still write both.
                other => {
                    if let Some(first) = other.strip_prefix("AUTH=") {
                        offers.auth.push(first.to_owned());
                        offers.auth.extend(words.map(str::to_ascii_uppercase));
                    }
                }
            }
        }
        offers.auth.sort_unstable();
        offers.auth.dedup();
        offers
    }
}

impl Limits {
    /// `MAILMAX=100`; a value that is no number above zero is no limit (RFC 9422 section 4).
    fn read(&mut self, limit: &str) {
        let Some((name, value)) = limit.split_once('=') else {
            return;
        };
        let value = value.parse().ok().filter(|&value| value > 0);
        match name.to_ascii_uppercase().as_str() {
            "MAILMAX" => self.mailmax = value,
            "RCPTMAX" => self.rcptmax = value,
            "RCPTDOMAINMAX" => self.rcptdomainmax = value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_read_whatever_its_case() {
        let text = "mx.example greets you\nPIPELINING\nchunking\n8bitmime\nSmtpUtf8\nENHANCEDSTATUSCODES\nDSN\nSTARTTLS\n\
                    SIZE 1000\nAUTH PLAIN login\nAUTH=LOGIN XOAUTH2\nLIMITS MAILMAX=20 rcptmax=1 RCPTDOMAINMAX=3 X=1\nXCLIENT NAME";
        let limits = Limits {
            mailmax: Some(20),
            rcptmax: Some(1),
            rcptdomainmax: Some(3),
        };
        let auth = ["LOGIN", "PLAIN", "XOAUTH2"].map(str::to_owned).to_vec();
        let expected = Offers {
            pipelining: true,
            chunking: true,
            eight_bit_mime: true,
            smtputf8: true,
            enhanced_status_codes: true,
            dsn: true,
            starttls: true,
            size: Some(1000),
            auth,
            limits,
        };
        assert_eq!(Offers::parse(text), expected);
    }

    #[test]
    fn what_is_odd_offers_nothing() {
        assert_eq!(Offers::parse("PIPELINING\n"), Offers::default());
        assert_eq!(
            Offers::parse("mx\nPIPELININGS\n\n \nLIMITS MAILMAX=0 RCPTMAX=x MAILMAX"),
            Offers::default()
        );
        assert_eq!(Offers::parse("mx\nSIZE").size, Some(0));
        assert_eq!(Offers::parse("mx\nSIZE many").size, Some(0));
    }
}
