//! Cells into a message, in every place of it that data can reach: the row is refused, or its message has the fields, the
//! recipients and the parts of a harmless row's, and no other, as another parser reads it.
//!
//! The first byte chooses the To; pieces follow, parted by 0xFF: a byte says which cell and how, the rest is what it gets.
#![no_main]

mod sample;

use libfuzzer_sys::fuzz_target;
use mail_parser::{Address, HeaderValue, MessageParser, MimeHeaders, PartType};
use mailrun::message::{Message, Part};
use mailrun::recipients::parse_address;
use mailrun::wording::unprintable;
use sample::{COLUMNS, SAMPLE, cell, harmless, made};

/// A harmless row's cells, changed as the pieces say.
fn changed(pieces: &[u8]) -> Vec<Vec<u8>> {
    let mut cells = harmless();
    for piece in pieces.split(|byte| *byte == 0xff) {
        let Some((&how, text)) = piece.split_first() else {
            continue;
        };
        let cell = &mut cells[usize::from(how) % COLUMNS.len()];
        match usize::from(how) / COLUMNS.len() % 3 {
            0 => *cell = text.to_vec(),
            1 => cell.extend_from_slice(text),
            _ => drop(cell.splice(1.min(cell.len())..1.min(cell.len()), text.iter().copied())),
        }
    }
    cells
}

fn wire(message: &Message) -> Vec<u8> {
    message
        .content
        .iter()
        .flat_map(Part::bytes)
        .copied()
        .collect()
}

/// Names of fields, as the first words of lines: what a server or a careless reader sees.
fn fields(wire: &str) -> Vec<&str> {
    let (head, _) = wire.split_once("\r\n\r\n").expect("a head and a body");
    let lines = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']));
    lines
        .map(|line| line.split(':').next().unwrap_or_default())
        .collect()
}

/// The parts of a message, each with its kind and the names of its fields; an attachment's type is for the row to say.
fn parts(wire: &str) -> Vec<String> {
    let message = MessageParser::default().parse(wire).expect("a message");
    let one = |part: &mail_parser::MessagePart<'_>| {
        let names = part.headers.iter().map(|field| field.name.as_str());
        let names: Vec<_> = names
            .filter(|name| !matches!(*name, "X-Own" | "Cc"))
            .collect();
        let kind = match &part.body {
            PartType::Multipart(parts) => format!("{} parts", parts.len()),
            PartType::Message(_) => "a message".to_owned(),
            _ => String::new(),
        };
        let disposition = part.content_disposition().map(|it| it.ctype().to_owned());
        let is_attached = disposition.as_deref() == Some("attachment");
        let is = part.content_type().filter(|_| !is_attached);
        format!(
            "{:?} {disposition:?} {kind} {names:?}",
            is.map(|it| (it.ctype(), it.subtype()))
        )
    };
    message.parts.iter().map(one).collect()
}

/// The addresses of a field, as another parser reads them.
fn addresses(wire: &str, field: &str) -> Vec<String> {
    let message = MessageParser::default().parse(wire).expect("a message");
    let list = match message.header(field) {
        Some(HeaderValue::Address(Address::List(list))) => list.clone(),
        Some(other) => panic!("{field}: {other:?}"),
        None => Vec::new(),
    };
    list.into_iter()
        .map(|one| one.address.unwrap_or_default().into_owned())
        .collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((to, pieces)) = data.split_first() else {
        return;
    };
    let composer = &SAMPLE.composers[usize::from(*to) % SAMPLE.composers.len()];
    let good = &SAMPLE.good[usize::from(*to) % SAMPLE.composers.len()];
    let cells = changed(pieces);
    let message = match made(&cells, composer) {
        Ok(message) => message,
        Err(reason) => {
            assert!(
                !reason.is_empty() && !reason.contains(unprintable),
                "{reason:?}"
            );
            assert!(cells != harmless(), "{reason}");
            return;
        }
    };
    let wire = String::from_utf8(wire(&message)).expect("a message is UTF-8");
    assert!(!wire.contains('\0') && wire.ends_with("\r\n"));
    assert!(wire.is_ascii() || message.beyond_ascii.is_some(), "{wire}");
    if !wire.is_ascii() {
        // Addresses alone may be of any language.
        let envelope = std::iter::once(&message.envelope_to).chain(&message.also_to);
        let named = envelope.map(ToString::to_string);
        let rest = named
            .chain(addresses(&wire, "Reply-To"))
            .fold(wire.clone(), |rest, address| rest.replace(&address, ""));
        assert!(rest.is_ascii(), "{rest}");
    }
    for line in wire.split("\r\n") {
        assert!(
            line.len() <= 998 && !line.contains(['\r', '\n']),
            "{line:?}"
        );
    }
    let text = |column| {
        std::str::from_utf8(cell(&cells, column)).expect("a list that is no UTF-8 is refused")
    };

    // A field without a value is left out: that is one less, never one more.
    let blank = |column| text(column).trim().is_empty();
    let left_out =
        |name: &&str| *name == "X-Own" && blank("header") || *name == "Cc" && blank("cc");
    let wanted: Vec<_> = fields(good)
        .into_iter()
        .filter(|name| !left_out(name))
        .collect();
    let mut is = fields(&wire);
    // Nobody is in To and in Cc.
    if !is.contains(&"Cc") {
        is.extend(wanted.contains(&"Cc").then_some("Cc"));
    }
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(sorted(is), sorted(wanted), "{wire}");
    assert_eq!(parts(&wire), parts(good), "{wire}");

    // Whom it is for: whom its columns name.
    let main = message.envelope_to.to_string();
    let same = |one: &str, other: &str| {
        let split = |text: &str| {
            text.rsplit_once('@')
                .map(|(user, domain)| (user.to_owned(), domain.to_ascii_lowercase()))
        };
        split(one) == split(other)
    };
    let mut wanted: Vec<String> = Vec::new();
    for column in ["cc", "bcc"].into_iter().filter(|column| !blank(column)) {
        let (_, address) = parse_address(text(column)).expect("what is sent to is an address");
        let address = address.to_string();
        if !same(&address, &main) && !wanted.iter().any(|other| same(other, &address)) {
            wanted.push(address);
        }
    }
    assert!(
        same(
            &main,
            parse_address(text("email")).expect("an address").1.as_ref()
        ),
        "{main}"
    );
    let also: Vec<_> = message.also_to.iter().map(ToString::to_string).collect();
    assert_eq!(also, wanted);
    assert_eq!(addresses(&wire, "To"), [main.as_str()], "{wire}");
    assert_eq!(addresses(&wire, "From"), ["news@acme.example"], "{wire}");
    assert_eq!(addresses(&wire, "Reply-To").len(), 1, "{wire}");
    let cc = addresses(&wire, "Cc");
    assert!(
        cc.len() <= 1 && cc.iter().all(|it| also.contains(it)),
        "{cc:?}: {wire}"
    );
    let from = message.envelope_from.to_string();
    assert!(
        from.starts_with("bounce+") && from.ends_with("@acme.example"),
        "{from}"
    );

    let parsed = MessageParser::default().parse(&wire).expect("a message");
    assert_eq!(
        parsed.subject().unwrap_or_default(),
        text("subject").trim(),
        "{wire}"
    );
    // The links of the list are as many as before, and where they were.
    let links = wire
        .split("\r\nList-Unsubscribe:")
        .nth(1)
        .unwrap_or_default();
    let links = links
        .split("\r\nList-Unsubscribe-Post:")
        .next()
        .unwrap_or_default();
    assert_eq!(links.matches('<').count(), 2, "{wire}");
    assert!(
        links.contains("<https://acme.example/u/") && links.contains("<mailto:leave@acme.example?"),
        "{wire}"
    );
    // What a mailbox would save it as is no path.
    let attached = parsed.attachments().find(|part| {
        part.content_disposition()
            .is_some_and(|it| it.ctype() == "attachment")
    });
    let name = attached.and_then(|part| part.attachment_name());
    assert!(
        name.is_some_and(|name| !name.contains(['/', '\\']) && !name.contains(char::is_control)),
        "{name:?}"
    );
});
