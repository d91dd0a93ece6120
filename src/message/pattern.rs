//! Quoted-printable of texts that are mostly alike: a line that an earlier text has had is not encoded again.
//!
//! Messages of one campaign differ in a few lines. A line that ends in LF is encoded the same whatever stands around it,
//! since each begins at the first column: those that two texts share are found by comparing, a run of them at a time.

use memchr::memchr;

use super::quoted_printable;

/// How far around its place an equal line is looked for, in lines: what is there for some alone moves the others.
const NEAR: usize = 8;

/// A text, encoded, whose lines others are held against.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    text: String,
    wire: String,
    /// Where each line ends, in the text, its LF included, and in what it was encoded to. What follows the last LF is none.
    ends: Vec<(usize, usize)>,
}

impl Pattern {
    /// Encodes `text`, for others like it.
    pub(super) fn of(text: &str) -> Self {
        let (mut wire, mut ends) = (String::new(), Vec::new());
        let mut from = 0;
        while let Some(at) = memchr(b'\n', &text.as_bytes()[from..]) {
            let line = &text[from..=from + at];
            quoted_printable::encode(&mut wire, line);
            from += line.len();
            ends.push((from, wire.len()));
        }
        Pattern {
            text: text[..from].to_owned(),
            wire,
            ends,
        }
    }

    /// As [`quoted_printable::encode`].
    pub(super) fn encode(&self, out: &mut String, text: &str) {
        let (mut rest, mut next) = (text, 0);
        while !rest.is_empty() {
            let run = self.run(next, rest);
            if run > next {
                let ((from, begin), (to, end)) = (self.start(next), self.start(run));
                out.push_str(&self.wire[begin..end]);
                rest = &rest[to - from..];
                next = run;
                continue;
            }
            let line = match memchr(b'\n', rest.as_bytes()) {
                Some(at) => &rest[..=at],
                None => rest,
            };
            if let Some(near) = self.near(next, line) {
                next = near;
                continue;
            }
            quoted_printable::encode(out, line);
            rest = &rest[line.len()..];
            next += 1;
        }
    }

    /// Where the line begins, in the text and encoded.
    fn start(&self, line: usize) -> (usize, usize) {
        line.checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or((0, 0), |end| *end)
    }

    fn line(&self, line: usize) -> Option<&str> {
        let (end, _) = *self.ends.get(line)?;
        Some(&self.text[self.start(line).0..end])
    }

    /// The first line from `next` on that `text` does not go on with.
    fn run(&self, mut next: usize, mut text: &str) -> usize {
        while let Some(after) = self.line(next).and_then(|line| text.strip_prefix(line)) {
            text = after;
            next += 1;
        }
        next
    }

    fn near(&self, next: usize, line: &str) -> Option<usize> {
        (next.saturating_sub(NEAR)..next + NEAR).find(|near| self.line(*near) == Some(line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_same(pattern: &str, text: &str) -> Result<(), TestCaseError> {
        let (mut expected, mut found) = ("before".to_owned(), "before".to_owned());
        quoted_printable::encode(&mut expected, text);
        Pattern::of(pattern).encode(&mut found, text);
        prop_assert_eq!(found, expected, "{:?} by {:?}", text, pattern);
        Ok(())
    }

    #[test]
    fn lines_of_the_pattern_are_copied_and_others_encoded() {
        // Not what encoding gives, so that it shows which was copied.
        let pattern = Pattern {
            text: "1=\n2\n3\n".to_owned(),
            wire: "ONE\r\nTWO\r\nTHREE\r\n".to_owned(),
            ends: vec![(3, 5), (5, 10), (7, 17)],
        };
        let encoded = |text: &str| {
            let mut out = String::new();
            pattern.encode(&mut out, text);
            out
        };
        assert_eq!(encoded("1=\n2\n3\n"), "ONE\r\nTWO\r\nTHREE\r\n");
        // Another line; one more; one less; none of them; an end without a line feed.
        assert_eq!(encoded("1=\nb\n3\n"), "ONE\r\nb\r\nTHREE\r\n");
        assert_eq!(encoded("1=\nb\n2\n3\n"), "ONE\r\nb\r\nTWO\r\nTHREE\r\n");
        assert_eq!(encoded("1=\n3\n"), "ONE\r\nTHREE\r\n");
        assert_eq!(encoded("é\n"), "=C3=A9\r\n");
        assert_eq!(encoded("1=\n2"), "ONE\r\n2\r\n");
    }

    proptest! {
        #[test]
        fn it_is_what_encoding_gives(
            pattern in r"([ -~]{0,90}|[\r\n\t =]{0,4}|\PC{0,30}|(a=|é)?\r?\n){0,12}",
            edits in prop::collection::vec((any::<prop::sample::Index>(), r"[\r\n\t =a]{0,3}|.{0,5}|a=\n", 0..3_usize), 0..4),
        ) {
            assert_same(&pattern, &pattern)?;
            let mut text: Vec<char> = pattern.chars().collect();
            for (at, new, gone) in edits {
                let at = at.index(text.len() + 1);
                text.splice(at..text.len().min(at + gone), new.chars());
            }
            assert_same(&pattern, &text.into_iter().collect::<String>())?;
        }
    }
}
