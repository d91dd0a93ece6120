//! Tests of addresses: taken apart, compared, refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn parse(cell: &str) -> Result<(Option<String>, String), String> {
    parse_address(cell).map(|(display, address)| (display, address.to_string()))
}

#[track_caller]
fn accepted(cell: &str, display: Option<&str>, address: &str) {
    assert_eq!(
        parse(cell),
        Ok((display.map(str::to_owned), address.to_owned())),
        "{cell:?}"
    );
}

#[track_caller]
fn refused(cell: &str, reason: &str) {
    assert_eq!(parse(cell), Err(reason.to_owned()), "{cell:?}");
}

#[test]
fn typographic_quotes_are_no_part_of_an_address() {
    for (cell, quote, straight) in [
        ("ann@x.example”", '”', '"'),
        ("“ann@x.example”", '“', '"'),
        ("“ann”@x.example", '“', '"'),
        ("Ann <«ann@x.example»>", '«', '"'),
        ("\"a“b\"@x.example", '“', '"'),
        ("o’neil@x.example", '’', '\''),
    ] {
        let reason = format!(
            "a typographic quote ({quote}) in the address; take it out, or write {straight} where it belongs there"
        );
        refused(cell, &reason);
    }
    // In a name they are the author's.
    accepted("“Ann” <ann@x.example>", Some("“Ann”"), "ann@x.example");
}

#[test]
fn plain_addresses_stay_as_they_are() {
    for cell in [
        "jane@x.example",
        "Jane.Doe+News@X.Example",
        "root@localhost",
        "o'neil!#$%&*/?=^_`{|}~-@x.example",
        "a@b-c.d_e.example",
        "a@192.0.2.1",
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "\"jane doe\"@x.example",
        "\"a<b>@c,\\\"d\"@x.example",
    ] {
        accepted(cell, None, cell);
    }
}

#[test]
fn white_space_around_is_trimmed() {
    accepted("\t jane@x.example \r\n", None, "jane@x.example");
    accepted("\u{a0}jane@x.example\u{3000}", None, "jane@x.example");
    accepted(" < jane@x.example > ", None, "jane@x.example");
}

#[test]
fn a_name_with_an_address_is_taken_apart() {
    accepted("Jane <jane@x.example>", Some("Jane"), "jane@x.example");
    accepted("Jane<jane@x.example>", Some("Jane"), "jane@x.example");
    accepted("<jane@x.example>", None, "jane@x.example");
    accepted("\"\" <jane@x.example>", None, "jane@x.example");
    accepted(
        "\"Doe, Jane\" <jane@x.example>",
        Some("Doe, Jane"),
        "jane@x.example",
    );
    accepted(
        "Doe, Jane <jane@x.example>",
        Some("Doe, Jane"),
        "jane@x.example",
    );
    accepted(
        r#""Jane \"JD\" \\ Doe" <jane@x.example>"#,
        Some(r#"Jane "JD" \ Doe"#),
        "jane@x.example",
    );
    accepted(
        "\"<jd> a@b\" <jane@x.example>",
        Some("<jd> a@b"),
        "jane@x.example",
    );
    accepted(
        "jane@x.example <jane@x.example>",
        Some("jane@x.example"),
        "jane@x.example",
    );
    accepted(
        "Zoë (ACME) <zoe@x.example>",
        Some("Zoë (ACME)"),
        "zoe@x.example",
    );
    accepted(
        "Jane <\"a>b\"@x.example>",
        Some("Jane"),
        "\"a>b\"@x.example",
    );
}

#[test]
fn international_domains_become_a_labels() {
    accepted("jane@MÜNCHEN.example", None, "jane@xn--mnchen-3ya.example");
    accepted(
        "Jane <jane@例え.テスト>",
        Some("Jane"),
        "jane@xn--r8jz45g.xn--zckzah",
    );
    accepted("jane@x。example。com\u{200b}", None, "jane@x.example.com");
}

#[test]
fn the_usual_mistakes_are_named() {
    for cell in ["", " ", "\t\r\n"] {
        refused(cell, "the address is empty; fill it in");
    }
    let several = "more than one address in the cell; give each a row of its own";
    for cell in [
        "a@x.example, b@y.example",
        "a@x.example;b@y.example",
        "a@x.example b@y.example",
        "a@b@x.example",
        "A <a@x.example>, B <b@y.example>",
        "a@x.example, B <b@y.example>",
        "\"a\"@x.example,\"b\"@y.example",
    ] {
        refused(cell, several);
    }
    refused("a@x.example.", "the domain ends with a dot; take it out");
    refused(
        "a@münchen.example。",
        "the domain ends with a dot; take it out",
    );
    refused(
        "a@x.example (work)",
        "a comment in parentheses is no part of an address; take it out",
    );
    refused(
        "a(b)@x.example",
        "a comment in parentheses is no part of an address; take it out",
    );
    refused(
        "MailTo:a@x.example",
        "\"mailto:\" belongs to links; leave it out",
    );
    refused(
        "jane doe@x.example",
        "a space inside the address; take it out",
    );
    refused("jane@x. example", "a space inside the address; take it out");
    refused(
        "jane@x\u{a0}y.example",
        "a space inside the address; take it out",
    );
    refused(
        "jane.x.example",
        "no @ in the address; correct it, as in jane@x.example",
    );
    refused(
        "Jane Doe",
        "no @ in the address; correct it, as in jane@x.example",
    );
    refused(
        "jane＠x.example",
        "no @ in the address; correct it, as in jane@x.example",
    );
    refused("a@x.example,", "a stray \",\" in the address; take it out");
    refused("a@x.example>", "a stray \">\" in the address; take it out");
    refused(
        "a\"b@x.example",
        "a stray \"\\\"\" in the address; take it out",
    );
    refused("@x.example", "nothing before the @; correct the address");
    refused("a@", "nothing after the @; correct the address");
    refused(
        "Jane <>",
        "nothing between \"<\" and \">\"; fill the address in",
    );
    refused(
        "Jane <jane@x.example",
        "a \"<\" without its \">\"; write it as Name <address>",
    );
    refused(
        "Jane <jane@x.example> work",
        "text after the \">\"; write it as Name <address>",
    );
    refused(
        "<<a@x.example>>",
        "text after the \">\"; write it as Name <address>",
    );
    refused(
        "\"a@x.example",
        "a quote (\") is opened and never closed; close it",
    );
    refused(
        "\"a\"x.example",
        "no @ after the quoted part; correct the address",
    );
    refused(
        "\"\"@x.example",
        "this is no address; correct it, as in jane@x.example",
    );
    refused(
        ".a@x.example",
        "a dot at the wrong place before the @; correct the address",
    );
    refused(
        "a..b@x.example",
        "a dot at the wrong place before the @; correct the address",
    );
    refused(
        "a.@x.example",
        "a dot at the wrong place before the @; correct the address",
    );
    refused(
        "a@x..example",
        "a dot at the wrong place in the domain; correct the address",
    );
    refused(
        "a@.x.example",
        "a dot at the wrong place in the domain; correct the address",
    );
    refused(
        "a@-x.example",
        "a part of the domain begins or ends with a sign; correct the address",
    );
    refused(
        "a@x.example_",
        "a part of the domain begins or ends with a sign; correct the address",
    );
    refused(
        "a[b]@x.example",
        "\"[\" may not stand before the @; correct the address",
    );
    refused(
        "a@x/y.example",
        "\"/\" may not stand in a domain; correct the address",
    );
    refused(
        "a@x＜y.example",
        "\"<\" may not stand in a domain; correct the address",
    );
    refused(
        "a@[192.0.2]",
        "no IP address between \"[\" and \"]\"; correct it, as in [192.0.2.1]",
    );
    refused(
        "a@[IPv6:x]",
        "no IP address between \"[\" and \"]\"; correct it, as in [192.0.2.1]",
    );
    refused(
        "a@\u{301}x.example",
        "the domain is no valid international name (IDNA); correct it",
    );
}

#[test]
fn any_language_may_stand_before_the_at() {
    for address in [
        "zoë@x.example",
        "用户@x.example",
        "квіточка.news+1@x.example",
        // Signs that are no letters, and a joiner between them.
        "क्ष\u{200d}ा@x.example",
        "e\u{301}@x.example",
        "☃@x.example",
    ] {
        accepted(address, None, address);
    }
    accepted(
        "Zoë <zoë@例え.example>",
        Some("Zoë"),
        "zoë@xn--r8jz45g.example",
    );
    let longest = format!("{}@x.example", "é".repeat(32));
    accepted(&longest, None, &longest);
    refused(
        &format!("e{longest}"),
        "65 bytes before the @, where 64 are allowed",
    );
    for (cell, name) in [
        ("a\u{200b}b@x.example", "U+200B"),
        ("\u{202e}b@x.example", "U+202E"),
        ("\"a\u{2028}b\"@x.example", "U+2028"),
    ] {
        let error = parse(cell).unwrap_err();
        assert!(
            error.contains(name) && error.contains("delete it"),
            "{error}"
        );
    }
    refused(
        "zo\u{a0}ë@x.example",
        "a space inside the address; take it out",
    );
    let lost = parse("zo\u{fffd}@x.example").unwrap_err();
    assert!(lost.contains("may not stand before the @"), "{lost}");
}

#[test]
fn quotes_without_need_make_no_other_mailbox() {
    for (cell, address) in [
        ("\"boss\"@x.example", "boss@x.example"),
        (r#""b\oss.x"@x.example"#, "boss.x@x.example"),
        ("\"zoë\"@x.example", "zoë@x.example"),
        (r#""a\b c"@x.example"#, "\"ab c\"@x.example"),
        (r#""a\"b\\"@x.example"#, r#""a\"b\\"@x.example"#),
        ("\"a..b\"@x.example", "\"a..b\"@x.example"),
    ] {
        accepted(cell, None, address);
        accepted(&format!("Name <{cell}>"), Some("Name"), address);
    }
    let reason = "this is no address; correct it, as in jane@x.example";
    refused("\"zo\u{a0}ë\"@x.example", reason);
}

#[test]
fn encoded_words_are_no_part_of_an_address() {
    for local in [
        "=?utf-8?q?evil=40attacker.example=3e=20?=foo",
        "\"=?utf-8?q?a?= b\"",
        r#""=\?utf-8?q?a?= b""#,
        "é=?x",
    ] {
        refused(
            &format!("{local}@x.example"),
            "\"=?\" before the @ begins an encoded word (RFC 2047), out of which mail programs read another address; \
             correct the address",
        );
    }
}

#[test]
fn control_characters_are_refused_wherever_they_are() {
    for cell in [
        "a\0@x.example",
        "a@x\0.example",
        "J\0ane <a@x.example>",
        "\"a\0\"@x.example",
    ] {
        refused(
            cell,
            "a control character (U+0000) in the address; delete it",
        );
    }
    refused(
        "a@x.example\r\nDATA",
        "a control character (U+000D) in the address; delete it",
    );
    refused(
        "a@x.example\nBcc: b@y.example",
        "a control character (U+000A) in the address; delete it",
    );
    refused(
        "a\u{85}b@x.example",
        "a control character (U+0085) in the address; delete it",
    );
    refused(
        "\"a\tb\"@x.example",
        "a control character (U+0009) in the address; delete it",
    );
}

#[test]
fn lengths_are_those_of_rfc_5321() {
    let (local, label) = ("l".repeat(64), "d".repeat(63));
    accepted(
        &format!("{local}@{label}"),
        None,
        &format!("{local}@{label}"),
    );
    refused(
        &format!("l{local}@x.example"),
        "65 characters before the @, where 64 are allowed",
    );
    refused(
        &format!("a@d{label}"),
        "a part of the domain has 64 characters, where 63 are allowed",
    );
    let longest = format!("{}@{label}.{label}.{}", local, "d".repeat(61));
    assert_eq!(longest.len(), 254);
    accepted(&longest, None, &longest);
    refused(
        &format!("{longest}d"),
        "the address has 255 characters, where 254 are allowed",
    );
    // Counted as it goes over the wire, not as it was typed.
    refused(
        &format!("a@{}", "ü".repeat(60)),
        "a part of the domain has 66 characters, where 63 are allowed",
    );
}

/// Whether it can be written into `RCPT TO:<...>` and mean one recipient.
fn is_safe(address: &str) -> bool {
    let outside = match closing_quote(address) {
        Some(end) if address.starts_with('"') => &address[end + 1..],
        _ => address,
    };
    let (local, domain) = address.rsplit_once('@').unwrap();
    let plain = |text: &str| text.chars().all(|c| (' '..='~').contains(&c));
    (plain(local)
        || local
            .chars()
            .all(|c| !c.is_ascii() && !is_unseen(c) || (' '..='~').contains(&c)))
        && plain(domain)
        && !address.chars().any(char::is_control)
        && !outside.contains([' ', '<', '>', ',', ';', '"'])
        && outside.matches('@').count() == 1
        && address.len() <= LONGEST_ADDRESS
}

proptest! {
    #[test]
    fn nothing_unsafe_is_ever_accepted(
        cell in "[ab@.<>\"\\\\ ,;()\\[\\]\r\n\0\tü＜＠。\u{85}\u{200b}-]{0,16}",
        local in "[ab.\"\\\\ <>\r\n]{1,4}",
        domain in "[ab.ü＜ >\r\n\0-]{1,6}",
    ) {
        for cell in [cell.clone(), format!("{local}@{domain}"), format!("{cell}<{local}@{domain}>"), format!("\"{local}\"@{domain}")] {
            if let Ok((display, address)) = parse(&cell) {
                prop_assert!(is_safe(&address), "{:?} became {:?}", cell, address);
                prop_assert!(display.is_none_or(|name| !name.is_empty() && !name.chars().any(char::is_control)));
                prop_assert_eq!(parse(&address), Ok((None, address.clone())), "{:?}", cell);
            }
        }
    }

    #[test]
    fn reasons_are_safe_to_print(cell in any::<String>()) {
        if let Err(reason) = parse(&cell) {
            prop_assert!(!reason.chars().any(char::is_control), "{:?}", reason);
        }
    }

    #[test]
    fn the_fast_way_and_the_long_way_agree(cell in "[aZ0._+-]{1,4}@[aZ0._-]{1,6}") {
        let long = parse_bare(&cell).map(|address| address.to_string());
        prop_assert_eq!(parse(&cell).map(|(_, address)| address), long);
    }
}
