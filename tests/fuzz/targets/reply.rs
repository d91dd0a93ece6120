//! What a server says into a reply, what the reply means, and what it is told as: the same however the bytes are cut, safe to
//! print, bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mailrun::deliver::offers::Offers;
use mailrun::deliver::reply::{Topic, hangs_up, out_of_step, rule, too_many_recipients};
use mailrun::deliver::reply_text::Lines;
use mailrun::outcome::{Reply, Stage};
use mailrun::report::advice::{Refusal, advice};
use mailrun::wording::unprintable;

const STAGES: [Stage; 11] = [
    Stage::Compose,
    Stage::Connect,
    Stage::Greeting,
    Stage::Ehlo,
    Stage::StartTls,
    Stage::Auth,
    Stage::Mail,
    Stage::Rcpt,
    Stage::Data,
    Stage::Body,
    Stage::EndOfData,
];

/// The replies in these bytes, in pieces of `size` at most, with their texts; and the error that ended them.
fn replies(bytes: &[u8], size: usize) -> (Vec<(Reply, String)>, Option<String>) {
    let (mut lines, mut found) = (Lines::default(), Vec::new());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let mut pieces = line.chunks(size).peekable();
        while let Some(piece) = pieces.next() {
            let whole = pieces.peek().is_none() && line.ends_with(b"\n");
            match lines.take(piece, whole) {
                Ok(false) => {}
                Ok(true) => {
                    found.push(lines.finish(|code, text| (Reply::new(code, text), text.to_owned())))
                }
                Err(error) => return (found, Some(error.to_string())),
            }
        }
    }
    (found, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((&size, bytes)) = data.split_first() else {
        return;
    };
    let whole = replies(bytes, usize::MAX);
    // Where a line is cut, its carriage return may be text of the piece before.
    let cut = replies(bytes, usize::from(size).max(1));
    assert_eq!(whole.1, cut.1);
    assert_eq!(whole.0.len(), cut.0.len());
    for ((reply, text), (other, _)) in whole.0.iter().zip(&cut.0) {
        assert_eq!(reply, other);
        assert!((200..600).contains(&reply.code), "{reply:?}");
        assert!(
            reply.text.len() <= 1000 && !reply.text.contains(unprintable),
            "{reply:?}"
        );
        for stage in STAGES {
            let _ = rule(stage, reply);
        }
        let _ = (
            hangs_up(reply),
            out_of_step(reply),
            too_many_recipients(reply),
        );
        let _ = Offers::parse(text);
        // The ledger keeps the parts; what is read from there is about the same.
        let enhanced = reply.enhanced.map(|it| it.to_string());
        let kept = Refusal {
            code: Some(reply.code),
            enhanced: enhanced.as_deref(),
            text: &reply.text,
        };
        let _ = advice(kept, false);
        let again = format!("{} {}", enhanced.as_deref().unwrap_or_default(), reply.text);
        assert_eq!(
            Topic::of(&Reply::new(reply.code, &again)),
            Topic::of(reply),
            "{again:?}"
        );
    }
    assert!(whole.1.is_none_or(|error| !error.contains(unprintable)));
});
