//! `mailrun check`: every message rendered and built, on all cores, by the way a run takes; nothing is sent or written.

use std::net::SocketAddr;

use rayon::prelude::*;

use super::Error;
use super::announce::{changed, least_time, route, time};
use super::connect;
use super::feed::{CHUNK_BYTES, date};
use super::names;
use super::plan::{Plan, is_open};
use super::refused::invalid_row;
use super::send::no_server;
use crate::campaign::{Campaign, InDoubt};
use crate::deliver::access::{Access, AccessError};
use crate::dns::recipients::Domains;
use crate::ledger::file;
use crate::ledger::standing::KeyHash;
use crate::message::{Message, Part};
use crate::recipients::{InvalidRow, Recipient, Row, columns_of_where};
use crate::render::{Looks, Sheet, looks};
use crate::report::check::{CLIPPED_FROM, Check, Empty, Seen, Sizes};
use crate::report::reasons::Reasons;
use crate::wording::count;

/// Rows composed together: each message is dropped as soon as it was looked at, so there may be many, however large.
const CHUNK: usize = 1024;

/// What is asked of others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask {
    /// The servers of the campaign.
    pub servers: bool,
    /// The DNS: a name server, or those of the system.
    pub dns: Option<Option<SocketAddr>>,
}

/// Checks what a `send` would do, and asks others about it.
///
/// # Errors
/// What the list and the ledger give. What stops a send alone is in [`Check::stops`].
pub fn run(plan: &Plan, ask: Ask) -> Result<Check, Error> {
    let campaign = &plan.campaign;
    let standings = &plan.roster.standings;
    let replay = file::read(&plan.ledger(), &campaign.run, standings, |_, _| {})?;
    let mut found = Found::new(plan);
    found.domains = ask.dns.map(|_| Domains::default());
    found.read(plan)?;

    let mut stops = Vec::new();
    let changed = changed(plan, replay.as_ref());
    if found.due > 0 && !changed.is_empty() && !plan.sandbox {
        stops.push(format!(
            "changed since run \"{}\" was begun: {}; send --yes mails the new version to those not yet mailed, --run NAME \
             begins a new run, which mails everyone",
            campaign.run,
            changed.join(", ")
        ));
    }
    let servers = if plan.sandbox {
        &[]
    } else {
        campaign.servers.as_slice()
    };
    if servers.is_empty() && !plan.sandbox {
        stops.push(no_server(plan).to_string());
    }
    // What they are reached with is had before the first connection of a send, too.
    let ways: Vec<Result<Access, AccessError>> = (servers.iter())
        .map(|server| Access::new(server, None))
        .collect();
    for (server, way) in servers.iter().zip(&ways) {
        if let Err(error) = way {
            stops.push(format!("{}: {error}", server.name()));
        }
    }
    let reached = ask.servers.then(|| {
        let ways = servers.iter().zip(ways);
        ways.filter_map(|(server, way)| Some(connect::ask(server, &way.ok()?)))
            .map(|reached| reached.asked_for_smtputf8(found.beyond_ascii.messages))
            .collect()
    });
    let domains = found.domains.take().unwrap_or_default();
    let dns = ask
        .dns
        .map(|server| names::look(campaign, server, found.envelope.take(), domains));
    Ok(Check {
        campaign: campaign.name.clone(),
        run: campaign.run.clone(),
        would_start: stops.is_empty(),
        stops,
        list: campaign.recipients.file.display().to_string(),
        rows: plan.roster.rows,
        unit: plan.roster.unit(),
        built: found.sizes.len() as u64,
        due: found.due,
        invalid: found.invalid,
        duplicate: plan.roster.doubled,
        suppressed: found.suppressed,
        reasons: found.reasons.finish(),
        unused_columns: unused(plan),
        empty: (found.printed.into_iter())
            .filter(|it| it.empty > 0)
            .map(|it| Empty {
                column: plan.roster.columns[it.column].clone(),
                rows: it.empty,
            })
            .collect(),
        size: sizes(found.sizes, found.largest),
        clipped: found.clipped,
        without_alt: found.without_alt,
        in_clear: found.in_clear,
        nowhere: found.nowhere,
        beyond_ascii: found.beyond_ascii,
        without_copies: found.without_copies,
        no_unsubscribe: campaign.list.unsubscribe.is_empty(),
        unaligned: unaligned(campaign),
        servers: servers.iter().map(route).collect(),
        least_s: least_time(servers, found.due).map(|time| time.as_secs_f64()),
        time: time(servers, found.due),
        reached,
        dns: dns.transpose()?,
    })
}

/// What is gathered, row by row.
#[derive(Default)]
struct Found {
    reasons: Reasons,
    invalid: u64,
    suppressed: u64,
    due: u64,
    printed: Vec<Printed>,
    sizes: Vec<u64>,
    /// The largest message, and its row.
    largest: (u64, u64),
    clipped: Seen,
    without_alt: Seen,
    in_clear: Seen,
    nowhere: Seen,
    beyond_ascii: Seen,
    without_copies: Seen,
    /// The recipients', where they are wanted.
    domains: Option<Domains>,
    /// That of the envelope sender of the first message.
    envelope: Option<String>,
}

/// A column that is printed.
struct Printed {
    /// 0-based.
    column: usize,
    /// Whether in each of `rows`.
    of_rows: bool,
    /// In how many messages there is nothing.
    empty: u64,
}

impl Printed {
    fn is_hole(&self, fields: &csv::StringRecord, nested: &[(usize, serde_json::Value)]) -> bool {
        let cell = fields.get(self.column);
        cell.is_none_or(|cell| cell.trim().is_empty())
            && nested.iter().all(|(nested, _)| *nested != self.column)
    }
}

/// What there is to know of one message.
struct Glance {
    row: u64,
    due: bool,
    size: u64,
    html: usize,
    looks: Looks,
    /// An address that takes a server with SMTPUTF8.
    beyond_ascii: Option<String>,
    /// Somebody of Cc or Bcc whom a suppress list leaves out.
    without_copy: Option<String>,
    /// The recipient's domain and the envelope sender's, where they are wanted.
    domains: Option<(String, String)>,
}

impl Found {
    fn new(plan: &Plan) -> Self {
        let uses = plan.composer.uses();
        let columns = plan.roster.columns.iter().enumerate();
        let once = |name| uses.printed.contains(name);
        let of_rows = |name| uses.printed_of_rows.contains(name);
        Found {
            printed: columns
                .filter(|(_, name)| once(*name) || of_rows(*name))
                .map(|(column, name)| Printed {
                    column,
                    of_rows: of_rows(name),
                    empty: 0,
                })
                .collect(),
            ..Found::default()
        }
    }

    fn read(&mut self, plan: &Plan) -> Result<(), Error> {
        let standings = &plan.roster.standings;
        let resend = plan.campaign.delivery.in_doubt == InDoubt::Resend;
        let (mut chunk, mut bytes, date) = (Vec::with_capacity(CHUNK), 0, date());
        for row in plan.roster.source.open()? {
            match row? {
                Row::Recipient(recipient) => {
                    let Some(slot) = standings.find(KeyHash::of(&recipient.key)) else {
                        continue;
                    };
                    if !standings.meet(slot) {
                        continue;
                    }
                    if standings.left_out(slot).is_some() {
                        self.suppressed += 1;
                        continue;
                    }
                    self.holes(&recipient);
                    bytes += recipient.bytes();
                    let due = is_open(standings.standing(slot), resend);
                    chunk.push((recipient, due && standings.barred(slot).is_none()));
                }
                Row::Invalid(row) => self.refuse(&row),
            }
            if chunk.len() == CHUNK || bytes > CHUNK_BYTES {
                bytes = 0;
                self.compose(plan, &date, &mut chunk);
            }
        }
        self.compose(plan, &date, &mut chunk);
        Ok(())
    }

    fn holes(&mut self, recipient: &Recipient) {
        for column in &mut self.printed {
            let mut others = recipient.others.iter();
            let is_hole = column.is_hole(&recipient.fields, &recipient.nested)
                || (column.of_rows && others.any(|it| column.is_hole(&it.fields, &it.nested)));
            column.empty += u64::from(is_hole);
        }
    }

    fn compose(&mut self, plan: &Plan, date: &str, chunk: &mut Vec<(Recipient, bool)>) {
        let composer = &plan.composer;
        let domains = self.domains.is_some();
        let glances: Vec<Result<Glance, Box<InvalidRow>>> = chunk
            .par_drain(..)
            .map_init(
                || composer.sheet(),
                |sheet, (recipient, due)| match composer.compose(&recipient, date, sheet) {
                    Ok(message) => Ok(Glance::at(&message, sheet, due, domains)),
                    Err(refusal) => Err(Box::new(invalid_row(composer, recipient, refusal))),
                },
            )
            .collect();
        for glance in glances {
            match glance {
                Ok(glance) => self.add(glance),
                Err(row) => self.refuse(&row),
            }
        }
    }

    fn refuse(&mut self, row: &InvalidRow) {
        self.invalid += 1;
        self.reasons.add(row);
    }

    fn add(&mut self, glance: Glance) {
        let Glance {
            row,
            due,
            size,
            html,
            looks,
            beyond_ascii,
            without_copy,
            domains,
        } = glance;
        if let (Some(all), Some((domain, envelope))) = (&mut self.domains, domains) {
            all.add(&domain, row);
            self.envelope.get_or_insert(envelope);
        }
        self.due += u64::from(due);
        self.sizes.push(size);
        if size > self.largest.0 {
            self.largest = (size, row);
        }
        if html > CLIPPED_FROM {
            self.clipped.add(row, count(html as u64, "byte"));
        }
        for (seen, what) in [
            (&mut self.without_alt, looks.without_alt),
            (&mut self.in_clear, looks.in_clear),
            (&mut self.nowhere, looks.nowhere),
            (&mut self.beyond_ascii, beyond_ascii),
            (&mut self.without_copies, without_copy),
        ] {
            if let Some(what) = what {
                seen.add(row, what);
            }
        }
    }
}

impl Glance {
    fn at(message: &Message, sheet: &Sheet, due: bool, domains: bool) -> Self {
        let html = sheet.rendered().html.as_deref().unwrap_or_default();
        let size = |part: &Part| part.bytes().len() as u64;
        Glance {
            row: message.row,
            due,
            size: message.content.iter().map(size).sum(),
            html: html.len(),
            looks: looks(html),
            beyond_ascii: message.beyond_ascii.map(|_| beyond_ascii(message)),
            without_copy: message.left_out.first().map(ToString::to_string),
            domains: domains.then(|| {
                let (to, from) = (&message.envelope_to, &message.envelope_from);
                (to.domain().to_owned(), from.domain().to_owned())
            }),
        }
    }
}

/// The first address of a message that is not ASCII before the @.
fn beyond_ascii(message: &Message) -> String {
    let envelope = [&message.envelope_to, &message.envelope_from];
    let mut all = envelope.into_iter().chain(&message.also_to);
    let found = all.find(|address| !address.user().is_ascii());
    found.map_or_else(|| "in a header".to_owned(), ToString::to_string)
}

fn sizes(mut sizes: Vec<u64>, (largest, largest_row): (u64, u64)) -> Option<Sizes> {
    let middle = sizes.len() / 2;
    if sizes.is_empty() {
        return None;
    }
    let (_, median, _) = sizes.select_nth_unstable(middle);
    Some(Sizes {
        median: *median,
        largest,
        largest_row,
    })
}

/// Columns that neither the settings nor a template name.
fn unused(plan: &Plan) -> Vec<String> {
    let settings = &plan.campaign.recipients;
    let columns = &plan.roster.columns;
    let asked = settings
        .only_where
        .as_deref()
        .map(|source| columns_of_where(source, columns));
    let asked = asked.unwrap_or_default();
    let named = &plan.composer.uses().named;
    let used = |column: &String| {
        named.contains(column)
            || *column == settings.address
            || settings.display.as_ref() == Some(column)
            || settings.key.as_ref() == Some(column)
            || settings.group_by.as_ref() == Some(column)
            || settings.required.contains(column)
            || asked.contains(column)
    };
    columns
        .iter()
        .filter(|column| !used(column))
        .cloned()
        .collect()
}

/// The sender's domain, where there are signatures and none is for it, for one above it or below it (RFC 7489
/// section 3.1.1; which of those belong to one organisation, only the list of public suffixes knows).
fn unaligned(campaign: &Campaign) -> Option<String> {
    let from = campaign.message.from.email.domain().to_ascii_lowercase();
    let from = idna::domain_to_ascii(&from).unwrap_or(from);
    let below = |a: &str, b: &str| {
        a.strip_suffix(b)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let aligned = |domain: &String| below(&from, domain) || below(domain, &from);
    let signs = campaign
        .dkim
        .iter()
        .any(|key| aligned(&key.domain.to_ascii_lowercase()));
    (!campaign.dkim.is_empty() && !signs).then_some(from)
}
