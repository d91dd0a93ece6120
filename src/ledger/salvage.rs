//! What can still be read of damaged bytes in a ledger. Pure.

use super::entry::State;

/// What the bytes say, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// The recipient's key.
    pub key: String,
    /// The row it had.
    pub row: u64,
    /// What happened; `None` when that cannot be read.
    pub state: Option<State>,
    /// Which attempt; 1 when that cannot be read.
    pub attempt: u16,
    /// When, when that can be read.
    pub time: Option<String>,
    /// Nothing suggests that further lines were lost in these bytes.
    pub alone: bool,
}

/// How a line begins. In a JSON string the quotes would be escaped, so it cannot stand in the middle of one.
const BEGINNINGS: [&[u8]; 3] = [b"{\"time\":\"", b"{\"event\":\"", b"{\"mailrun_ledger\":"];

/// Cuts lines that ran into each other apart, at each place where one begins.
pub fn pieces(line: &[u8]) -> Vec<&[u8]> {
    let mut cuts: Vec<usize> = BEGINNINGS
        .iter()
        .flat_map(|beginning| memchr::memmem::find_iter(line, beginning))
        .collect();
    cuts.sort_unstable();
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut from = 0;
    for cut in cuts.into_iter().chain([line.len()]) {
        if cut > from {
            pieces.push(&line[from..cut]);
        }
        from = cut;
    }
    pieces
}

/// Reads whom a damaged line is about, and what it said. Fields are looked for only where mailrun writes them, so that
/// no reply can pass for one.
pub fn salvage(bytes: &[u8]) -> Option<Salvage> {
    let at = memchr::memmem::find(bytes, b",\"key\":")?;
    let mut rest = Rest(&bytes[at..]);
    rest.skip(b",\"key\":")?;
    let key = rest.string()?;
    rest.skip(b",\"row\":")?;
    let row = rest.number()?;
    let state = rest
        .skip(b",\"state\":")
        .and_then(|()| rest.string())
        .and_then(|word| serde_json::from_value(word.into()).ok());
    let attempt = rest
        .skip(b",\"attempt\":")
        .and_then(|()| rest.number())
        .and_then(|number| u16::try_from(number).ok());
    let mut head = Rest(bytes);
    let time = head.skip(b"{\"time\":").and_then(|()| head.string());
    let keys = memchr::memmem::find_iter(bytes, b"\"key\":").count();
    let text = std::str::from_utf8(bytes).unwrap_or("\0");
    Some(Salvage {
        key,
        row,
        state,
        attempt: attempt.unwrap_or(1),
        time: time.filter(|time| time.parse::<jiff::Timestamp>().is_ok()),
        alone: keys == 1 && bytes.ends_with(b"}") && !text.chars().any(char::is_control),
    })
}

/// Bytes not yet read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn skip(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        let mut values = serde_json::Deserializer::from_slice(self.0).into_iter::<String>();
        let text = values.next()?.ok()?;
        self.0 = &self.0[values.byte_offset()..];
        Some(text)
    }

    fn number(&mut self) -> Option<u64> {
        let digits = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let number = std::str::from_utf8(&self.0[..digits]).ok()?.parse().ok()?;
        self.0 = &self.0[digits..];
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LINE: &str = r#"{"time":"2026-11-20T08:00:00.004Z","key":"a \"q\"@x","row":7,"state":"accepted","attempt":2,"code":250,"reply":"{\"time\":\"x\",\"key\":\"b\""}"#;

    #[test]
    fn what_stands_before_the_damage_is_read() {
        for (from, to, state, attempt, alone) in [
            ("\"code\"", "#code\"", Some(State::Accepted), 2, true),
            ("\"attempt\"", "#attempt\"", Some(State::Accepted), 1, true),
            ("\"accepted\"", "\"acXepted\"", None, 2, true),
            ("\"state\"", "\"st\0te\"", None, 1, false),
            ("250", "2\u{1}0", Some(State::Accepted), 2, false),
            ("\"}", "\"", Some(State::Accepted), 2, false),
        ] {
            let found = salvage(LINE.replace(from, to).as_bytes()).unwrap();
            assert_eq!((found.key.as_str(), found.row), ("a \"q\"@x", 7), "{from}");
            assert_eq!(
                (found.state, found.attempt, found.alone),
                (state, attempt, alone),
                "{from}"
            );
            assert_eq!(found.time.unwrap(), "2026-11-20T08:00:00.004Z");
        }
        let bad_time = LINE.replace("08:00", "O8:00");
        assert_eq!(salvage(bad_time.as_bytes()).unwrap().time, None);
    }

    #[test]
    fn nobody_is_guessed_at() {
        for (from, to) in [
            ("\"key\"", "\"kez\""),
            ("@x\"", "@x#"),
            ("\"row\"", "\"raw\""),
            (":7", ":x"),
            ("a \\", "a \0\\"),
        ] {
            assert_eq!(salvage(LINE.replace(from, to).as_bytes()), None, "{from}");
        }
        assert_eq!(salvage(&[0; 64]), None);
        assert_eq!(salvage(b""), None);
    }

    #[test]
    fn lines_that_ran_into_each_other_are_cut_apart() {
        let torn = &LINE[..40];
        let event = r#"{"event":"ended","time":"x"}"#;
        let together = format!("junk{torn}{LINE}{event}");
        let found = pieces(together.as_bytes());
        assert_eq!(
            found,
            [b"junk", torn.as_bytes(), LINE.as_bytes(), event.as_bytes()]
        );
        assert_eq!(pieces(LINE.as_bytes()), [LINE.as_bytes()]);
        assert!(pieces(b"").is_empty());
    }
}
