//! The table of the providers. README has it too; a test holds the two together.

use super::super::rate::{Period, Rate};
use super::super::url::Tls;
use super::Provider;

const GMAIL_LOGIN: &str = "Google refuses the account's own password; use an app password \
     (https://myaccount.google.com/apppasswords, with 2-Step Verification on), or a token and auth = \"xoauth2\"";

const NETEASE_LOGIN: &str = "NetEase refuses the account's own password; switch the SMTP service on in the mailbox's \
     settings (POP3/SMTP/IMAP), and use the authorization code (授权码) that it gives";

const MAILGUN_LOGIN: &str = "Mailgun takes the SMTP credentials of the sending domain (Sending, Domain settings), no API \
     key; a domain of the EU region is provider \"mailgun-eu\", one of the US \"mailgun\"";

/// One that publishes no limit, on the port for TLS from the start (RFC 8314 section 3.3).
const fn implicit(
    name: &'static str,
    host: &'static str,
    also: &'static [&'static str],
    login_hint: &'static str,
) -> Provider {
    Provider {
        name,
        host,
        also,
        port: 465,
        tls: Tls::Implicit,
        connections: None,
        messages_per_connection: None,
        rates: &[],
        source: None,
        login_hint,
    }
}

/// One that publishes no limit, on the port for STARTTLS.
const fn starttls(
    name: &'static str,
    host: &'static str,
    also: &'static [&'static str],
    login_hint: &'static str,
) -> Provider {
    Provider {
        port: 587,
        tls: Tls::Required,
        ..implicit(name, host, also, login_hint)
    }
}

const fn rate(messages: u32, period: Period) -> Rate {
    Rate { messages, period }
}

/// In the order of README's table.
pub(super) const PROVIDERS: &[Provider] = &[
    implicit(
        "gmail",
        "smtp.gmail.com",
        &["smtp.googlemail.com"],
        GMAIL_LOGIN,
    ),
    Provider {
        rates: &[rate(2_000, Period::Day)],
        source: Some(("https://support.google.com/a/answer/166852", "2026-11-21")),
        ..implicit("workspace", "smtp.gmail.com", &[], GMAIL_LOGIN)
    },
    Provider {
        connections: Some(3),
        rates: &[rate(30, Period::Minute), rate(10_000, Period::Day)],
        source: Some((
            "https://learn.microsoft.com/en-us/exchange/troubleshoot/send-emails/smtp-submission-improvements",
            "2026-11-21",
        )),
        ..starttls(
            "outlook",
            "smtp.office365.com",
            &["smtp-mail.outlook.com", "outlook.office365.com"],
            "Microsoft switches password logins off, by default at the end of 2026; use a token and auth = \"xoauth2\", and \
             have authenticated SMTP switched on for the mailbox",
        )
    },
    implicit(
        "qq",
        "smtp.qq.com",
        &[],
        "QQ Mail refuses the account's own password; switch the SMTP service on in the mailbox's settings (Account), and \
         use the authorization code (授权码) that it gives",
    ),
    implicit(
        "exmail",
        "smtp.exmail.qq.com",
        &[],
        "where secure login is on, Exmail takes a client password (客户端专用密码, in the mailbox's settings) in place of the \
         account's own; SMTP must be switched on there too",
    ),
    implicit("163", "smtp.163.com", &[], NETEASE_LOGIN),
    implicit("126", "smtp.126.com", &[], NETEASE_LOGIN),
    implicit(
        "yahoo",
        "smtp.mail.yahoo.com",
        &[],
        "Yahoo refuses the account's own password; use an app password (Account security, Generate app password)",
    ),
    Provider {
        rates: &[rate(1_000, Period::Day)],
        source: Some(("https://support.apple.com/en-ca/102198", "2026-11-21")),
        ..starttls(
            "icloud",
            "smtp.mail.me.com",
            &[],
            "Apple refuses the account's own password; use an app-specific password (https://account.apple.com, Sign-In and \
             Security)",
        )
    },
    implicit(
        "zoho",
        "smtp.zoho.com",
        &[
            "smtppro.zoho.com",
            "smtp.zoho.eu",
            "smtppro.zoho.eu",
            "smtp.zoho.in",
            "smtppro.zoho.in",
        ],
        "with two-factor authentication on, Zoho takes an app-specific password; paid organisations and other regions have \
         hosts of their own (smtppro.zoho.com, smtp.zoho.eu), to be written as url",
    ),
    starttls(
        "ses",
        "email-smtp.REGION.amazonaws.com",
        &[],
        "SES takes the SMTP credentials that its console makes for each region (SMTP settings), no access key of AWS",
    ),
    Provider {
        messages_per_connection: Some(5_000),
        source: Some((
            "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
            "2026-11-21",
        )),
        ..starttls(
            "sendgrid",
            "smtp.sendgrid.net",
            &[],
            "SendGrid's user name is \"apikey\" for everybody, and the password an API key that may send mail",
        )
    },
    starttls("mailgun", "smtp.mailgun.org", &[], MAILGUN_LOGIN),
    starttls("mailgun-eu", "smtp.eu.mailgun.org", &[], MAILGUN_LOGIN),
    Provider {
        connections: Some(10),
        source: Some((
            "https://postmarkapp.com/support/article/do-we-have-rate-limits-for-smtp",
            "2026-08-13",
        )),
        ..starttls(
            "postmark",
            "smtp.postmarkapp.com",
            &[],
            "Postmark takes the server's API token as user name and as password, or an SMTP token's two keys",
        )
    },
    implicit(
        "fastmail",
        "smtp.fastmail.com",
        &[],
        "Fastmail refuses the account's own password; use an app password (Settings, Privacy & Security)",
    ),
    starttls(
        "brevo",
        "smtp-relay.brevo.com",
        &["smtp-relay.sendinblue.com"],
        "Brevo takes the SMTP login and an SMTP key (SMTP & API), no API key",
    ),
];
