//! The well-known texts: what servers say where their codes say little, and where they say something else.
//!
//! The first row that fits counts. Phrases are in the form that `text::Text` gives a text: lower case, no signs, no
//! apostrophes; `*` stands for anything. What stands behind a row says who says so.

use super::Limit::{Connections, Quota, Rate, Session};
use super::Topic;
use super::Topic::*;

/// Texts that count whatever the enhanced code says: who says them is known to give them another one.
pub(super) const MISCODED: &[(Topic, &[&str])] = &[
    (
        Greylisting,
        &["greylist", "graylist", "grey list", "gray list"],
    ),
    // Quoted of another server, where the recipient was looked up: its reasons are not this server's.
    (
        NoMailbox,
        &[
            "callout verification failed", // Exim
            "verify callout",              // Exim
            "undeliverable address",       // Postfix, 5.1.1 by default
        ],
    ),
    // 4.2.1, and 421 4.7.1: one mailbox gets too much, from whomever. Others are taken as fast as before.
    (
        Busy,
        &[
            "is receiving mail too quickly",        // Gmail until 2024, Yahoo
            "is receiving email too quickly",       // Gmail
            "is receiving mail at a rate",          // Gmail until 2024
            "is receiving email at a rate",         // Gmail
            "deferred due to excessive volume",     // iCloud
            "recipient thread limit exceeded",      // Exchange, 432 4.3.2
            "mailbox unavailable or access denied", // QQ: too many to this recipient in a short time
        ],
    ),
    (
        Limit(Rate),
        &[
            "peak smtp relay limit", // Google Workspace, 450 4.2.1
            "throttled try again",   // Comcast, 421 4.1.0
        ],
    ),
    (
        Limit(Quota),
        &[
            "submissionquotaexceeded",           // Exchange Online, 554 5.2.0 or 5.2.2
            "outboundspamexception*refusequota", // Outlook.com, 554 5.2.0: the verdict is RefuseQuota
        ],
    ),
    (
        Suspended,
        &[
            "outboundspamexception",    // Outlook.com, 554 5.2.0: Suspend, HipSend
            "bad outbound sender",      // Exchange Online, 550 5.1.8
            "email outgoing blocked",   // Zoho, 554 5.1.8
            "unusual sending activity", // Zoho, 550 5.4.6: until the account's owner lifts it
        ],
    ),
    (Full, &["boite du destinataire pleine"]), // Orange, 552 5.1.1
    (Content, &["in the spamhaus dbl"]), // iCloud: a link in the content is listed, not the host
];

/// Limits.
pub(super) const LIMITS: &[(Topic, &[&str])] = &[
    (
        Limit(Session),
        &[
            "message count per session",  // Amazon SES
            "max message per connection", // Yahoo
            "message per session",
            "messages per session",
            "messages per connection",
            "mails per session",
            "mails per connection",
            "emails per session",
            "emails per connection",
            "messages in this connection", // Exim, smtp_accept_max_per_connection
            "messages in this session",
            "messages in one session",
            "messages in one connection",
            "messages for this session", // Cisco
            "messages on this connection",
            "mails in this session",
            "mails in one session",
            "transactions in this session",
            "recipients in this session",
            "recipients per session",
            "recipients per connection",
            "message threshold exceeded", // Cox: 100 messages a connection
            "batch limit reached",        // Momentum, 452 4.5.3
            "mi dmc",                     // NetEase: messages on this connection
            "rp drc",                     // NetEase: recipients on this connection
        ],
    ),
    (
        Limit(Quota),
        &[
            "daily*limit",   // Gmail, Workspace, Amazon SES
            "daily*quota",   // Gmail until 2017, Alibaba
            "email quota",   // MailerSend
            "per day",       // VFEmail, vmail.me
            "24 hour*limit", // GoDaddy
            "monthly*quota", // Alibaba
            "monthly*limit",
            "not enough sending quota", // Alibaba
            "maximum credits",          // SendGrid
            "mi stc",                   // NetEase: connections today
            "rp trc",                   // NetEase: messages today
        ],
    ),
    (
        Limit(Connections),
        &[
            "too many connection", // Postfix, postscreen, Cisco, Orange
            "too many concurrent", // Amazon SES, Exim
            "too many simultaneous",
            "too many open connection", // Sendmail
            "too many session",         // Cox, Comcast
            "too many smtp",
            "too many new tls sessions", // Postfix: a connection that is kept needs none
            "concurrent*connection*limit", // Exchange
            "concurrent*connection*exceeded",
            "concurrent connections limit", // Exchange Online
            "connection limit",
            "connections limit",
            "connection rate limit", // Sendmail: fewer connections are opened less often
            "concurrency limit",     // Momentum
            "sender thread limit",   // Exchange Online
            "too frequent connects",
            "hl icc", // NetEase: connections of this address
        ],
    ),
    (
        Limit(Rate),
        &[
            "rate limit",        // Gmail, Outlook.com, GMX, Rspamd
            "ratelimit",         // Mail.ru, Exim
            "sending rate",      // Amazon SES
            "submission rate",   // Exchange
            "throttl",           // Amazon SES
            "unusual rate",      // Gmail
            "unexpected volume", // Yahoo, TSS04
            "too fast",
            "too quickly",
            "too frequent",    // Alibaba
            "slow down",       // Orange
            "frequency limit", // QQ: a minute's, an hour's or a day's; it does not say which
            "this hour",       // Cisco
            "per hour",        // cPanel
            "hour limit",
            "hourly",
            "per minute",
            "per second", // Mailtrap
            "short amount of time",
            "short period",
            "try again in*second",
            "try again in*minute",
            "too much mail",           // Postfix, smtpd_client_message_rate_limit
            "too many auth commands",  // Postfix
            "too many login attempts", // Gmail
            "hl ifc",                  // NetEase: messages of this address
            "mi sfq",                  // NetEase: messages in 15 minutes
            "rp qrc",                  // NetEase: recipients in 15 minutes
        ],
    ),
];

/// Limits on what an account may send, of which the period is not told.
pub(super) const SENDING: &[&str] = &[
    "sending limit",
    "send limit", // GMX
    "sender limit",
    "sending quota",
    "send quota",
    "message quota",
    "message limit",
    "messages limit",
    "email limit", // Mailtrap
    "relay limit",
    "relay quota",
    "recipient limit", // Mailgun, Mimecast
    "outgoing messages*exceeded",
    "outgoing limit", // Migadu
    "messaging limits",
    "exceeded your*quota", // outMail
    "too many messages",
    "too many mails",
    "too many emails", // OVH
    "too many recipients",
    "too much recipient", // NetEase
];

/// What texts are about, where the enhanced code is absent or general.
pub(super) const WORDS: &[(Topic, &[&str])] = &[
    (
        Unwanted,
        &[
            "resolver rst",          // Exchange: restrictions of the recipient
            "rejected by recipient", // QQ
            "blocked by recipient",
            "recipient has blocked",
            "recipient address was suppressed", // SparkPost
            "bounced check filter",             // Selectel: the recipient is on their stop list
            "marked as inactive",               // Postmark
        ],
    ),
    (
        Relay,
        &[
            "relay access denied",         // Postfix
            "relaying denied",             // Sendmail, Mailgun
            "relaying temporarily denied", // Sendmail
            "relay not permitted",         // Exim
            "relaying not allowed",
            "relaying disallowed",           // Zoho
            "relay denied",                  // Google Workspace
            "unable to relay",               // Exchange
            "invalid credentials for relay", // Google Workspace
            "do not relay",
            "denies relay", // Coremail
            "rcpthosts",    // qmail
            "list of allowed hosts",
            "authentication required",
            "authentication is required", // NetEase
            "authentication requise",     // Orange
            "authenticate first",
            "must authenticate",
            "need to authenticate",
            "auth required",
            "auth first",
            "log in first",
            "login first",
            "client was not authenticated", // Exchange
            "client not authenticated",
            "unauthenticated senders", // SendGrid
            "rp frl",                  // NetEase
            "local user only",         // NetEase
            "must issue a starttls",
        ],
    ),
    (
        Sender,
        &[
            "sender address rejected",       // Postfix
            "sender rejected",               // Cox
            "sender denied",                 // Exchange
            "denies the sender",             // Coremail
            "sender verify failed",          // Exim, at RCPT
            "domain of sender",              // Sendmail
            "invalid sender",                // Orange
            "emetteur invalide",             // Orange
            "not owned by",                  // Postfix, Yandex, Orange
            "must equal authorized user",    // NetEase
            "same as authorization user",    // QQ
            "send as this sender",           // Exchange
            "sendasdenied",                  // Exchange Online
            "verified sender identity",      // SendGrid
            "sender signature",              // Postmark
            "email address is not verified", // Amazon SES: the sender's; in its sandbox the recipient's too
            "unconfigured sending domain",   // SparkPost
            "from domain not trusted",       // Selectel
            "unregistered domain",
            "not authorized to send",    // SendGrid
            "not authorized to perform", // Amazon SES
            "configuration set",         // Amazon SES
            "dt sum",                    // NetEase: envelope and header differ
        ],
    ),
    (
        Suspended,
        &[
            "sending suspended",              // Amazon SES
            "sending paused",                 // Amazon SES
            "sending*disabled",               // Mail.ru
            "sending denied",                 // Google Workspace
            "sending email account has been", // Google Workspace
            "not allowed to send",            // Mailgun
            "isnt allowed to send",           // Alibaba
            "for test purposes only",         // Mailgun: all but a few recipients
            "domain is disabled",             // Mailgun
            "not yet activated",              // Brevo
            "pending approval",               // Postmark
            "outgoing*blocked",               // Zoho
            "your account*suspended",
            "your account*disabled",
            "your account*blocked",
            "your account*locked",
            "main account unavailable", // Alibaba
            "wm blu",                   // NetEase
            "mi spb",                   // NetEase
        ],
    ),
    (
        Listed,
        &[
            "blocked using", // Postfix, postscreen, Exchange Online
            "host blocked",  // Orange
            "spamhaus",      // whoever asks it
            "spamcop",
            "barracudacentral",
            "dnsbl",
            "dt rbl", // NetEase
            "is in an rbl",
            "block list", // Outlook.com, GMX
            "blocklist",
            "black list", // Exim
            "blacklist",
            "reputation",                // Gmail, Cisco, Mimecast
            "ip address*blocked",        // Mail.ru
            "suspected spam ip",         // QQ
            "connection denied",         // QQ
            "banned sending ip",         // Exchange Online
            "messages from*werent sent", // Outlook.com
            "ipcheck proofpoint",
            "no rdns",          // Cox
            "reverse hostname", // Postfix
            "reverse dns",
            "find your hostname", // Postfix
            "ptr record",         // Gmail
        ],
    ),
    (
        Unvouched,
        &[
            "spf ",
            "dkim ",
            "dmarc ",
            "unauthenticated", // Yahoo, Gmail
            "not authenticated",
            "mi spf", // NetEase
            "mi dma", // NetEase
        ],
    ),
    (
        TooLarge,
        &[
            "too large", // QQ
            "too big",
            "message is too long", // Amazon SES
            "message size",        // Postfix, Exim
            "mailsize limit",      // NetEase
            "size limit",
        ],
    ),
    (
        Full,
        &[
            "mailbox full",
            "mailbox is full", // Alibaba
            "over quota",      // Yahoo
            "overquota",
            "quota exceeded",
            "exceeded storage allocation", // RFC 5321
            "insufficient storage",
            "out of storage", // Gmail
        ],
    ),
    (
        Closed,
        &[
            "mailbox is disabled", // Yahoo
            "mailbox disabled",
            "deactivated",     // QQ
            "inactive",        // Gmail
            "no longer valid", // Yahoo
            "user suspended",  // NetEase
        ],
    ),
    (
        Disabled,
        &[
            "account disabled",
            "account is disabled", // Mail.ru
            "account has been disabled",
            "account*blocked", // La Poste
            "account locked",
            "account is locked",
            "suspended",
        ],
    ),
    (
        NoMailbox,
        &[
            "user unknown", // Postfix, Sendmail
            "unknown user",
            "no such",
            "user not found",   // Mail.ru
            "user doesnt have", // Yahoo
            "user not exist",
            "invalid user",        // NetEase
            "user invalid",        // Barracuda
            "no mailbox here",     // qmail
            "mailbox not found",   // QQ, Yahoo
            "mailbox unavailable", // RFC 5321
            "invalid mailbox",     // Mail.ru
            "does not exist",
            "unknown recipient",
            "recipient unknown",
            "recipient not found",
            "recipient rejected", // Cox
            "invalid recipient",  // Orange, OpenSMTPD
        ],
    ),
    (
        NoDomain,
        &[
            "domain not found",
            "unknown domain",
            "null mx",
            "host not found",
            "host unknown",
            "unrouteable address", // Exim
        ],
    ),
    (BadAddress, &["bad address syntax", "invalid address"]),
    (
        Content,
        &[
            "spam",
            "unsolicited",
            "virus",
            "malware",
            "phish",
            "content rejected",
            "content denied",     // QQ
            "content presents",   // Gmail
            "rfc 5322 compliant", // Gmail
        ],
    ),
    (
        Policy,
        &["policy", "blocked", "access denied", "not permitted"],
    ),
];
