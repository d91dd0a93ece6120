//! A cell into an address: whatever is accepted can go into an envelope and a header as it is, and is the same address
//! when it is read again.
#![no_main]

mod safe;

use libfuzzer_sys::fuzz_target;
use mailrun::recipients::{key_of, parse_address};
use mailrun::wording::unprintable;

fuzz_target!(|cell: &str| {
    let (display, address) = match parse_address(cell) {
        Ok(accepted) => accepted,
        Err(reason) => {
            assert!(
                !reason.is_empty() && !reason.contains(unprintable),
                "{reason:?}"
            );
            return;
        }
    };
    let text = address.to_string();
    safe::assert_is_mailbox(&text);
    assert!(!text.contains("=?"), "an encoded word: {text}");
    if let Some(name) = display {
        assert!(
            !name.trim().is_empty() && !name.contains(char::is_control),
            "{name:?}"
        );
    }

    // What is written into a ledger or a header is read again as the same address, and nothing beside it.
    for written in [text.clone(), format!("<{text}>"), format!(" {text}\n")] {
        assert_eq!(
            parse_address(&written),
            Ok((None, address.clone())),
            "{written:?}"
        );
    }
    let (named, again) = parse_address(&format!("A B <{text}>")).expect("with a name before it");
    assert_eq!((named.as_deref(), &again), (Some("A B"), &address));

    // The key is an address too, of the same mailbox, and its own key.
    for ignore_case in [false, true] {
        let key = key_of(&address, ignore_case);
        let Ok((_, of_key)) = parse_address(&key) else {
            // Before the @ it may have grown too long: some letters are longer in lower case.
            assert!(ignore_case && key.len() > text.len(), "{key} {text}");
            continue;
        };
        assert_eq!(key_of(&of_key, ignore_case), key);
        assert_eq!(of_key.to_string().to_lowercase(), text.to_lowercase());
        assert!(
            ignore_case || of_key.user() == address.user(),
            "{key} {text}"
        );
    }
});
