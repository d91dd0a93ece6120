//! Which encoding a list is in, by its bytes: a byte order mark, then UTF-8, then the likeliest of the old ones.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    EUC_JP, Encoding, GBK, ISO_8859_2, ISO_8859_7, ISO_8859_13, UTF_8, UTF_16BE, UTF_16LE,
    WINDOWS_1250, WINDOWS_1253, WINDOWS_1257,
};

/// Bytes read at once.
const CHUNK: usize = 256 << 10;
/// Bytes shown to the detector at most, from the first piece on that is not ASCII.
const SHOWN: usize = 4 << 20;
/// Bytes that are no UTF-8, after which no further one tells more.
const ENOUGH: u64 = 1000;
/// Where characters of UTF-8 are so many times as frequent as bytes that are none, it is UTF-8 with a fault.
const FAULTY: u64 = 3;

/// What a list is encoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoded {
    pub encoding: &'static Encoding,
    /// Bytes that a byte order mark takes.
    pub mark: usize,
    /// It may be another: people are to look.
    pub guessed: bool,
}

/// The encoding that a byte order mark at the start says.
pub(super) fn marked(start: &[u8]) -> Option<Encoded> {
    Encoding::for_bom(start).map(|(encoding, mark)| Encoded {
        encoding,
        mark,
        guessed: false,
    })
}

/// Reads as far as it needs to: to the end, where all of it is UTF-8.
pub(super) fn detect(mut input: impl Read) -> io::Result<Encoded> {
    let mut buffer = vec![0; CHUNK];
    // Bytes of a character whose rest is in the next piece.
    let mut kept = 0;
    let mut survey = Survey::default();
    let mut first = true;
    loop {
        let read = fill(&mut input, &mut buffer[kept..])?;
        let filled = kept + read;
        let piece = &buffer[..filled];
        if first {
            if let Some(marked) = marked(piece) {
                return Ok(marked);
            }
            if let Some(encoding) = wide(piece) {
                return Ok(Encoded {
                    encoding,
                    mark: 0,
                    guessed: true,
                });
            }
            first = false;
        }
        kept = survey.take(piece, kept, read == 0);
        if read == 0 || survey.is_sure() {
            return Ok(survey.finish());
        }
        buffer.copy_within(filled - kept..filled, 0);
    }
}

/// UTF-16 without a mark: the zeros of its ASCII characters stand on one side, and there are many, or one at the header's end.
fn wide(piece: &[u8]) -> Option<&'static Encoding> {
    let start = &piece[..piece.len().min(4096) & !1];
    let pairs = start.len() / 2;
    let zeros = |from: usize| {
        start
            .iter()
            .skip(from)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let end = start.iter().position(|byte| *byte == b'\n');
    // A header of nothing but ASCII is one, whatever zeros follow it.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r');
    if end.is_some_and(|end| end > 0 && start[..end].iter().all(plain)) {
        return None;
    }
    let header_ends = |order: usize| {
        // Its line feed is the first of them: the low byte of a pair whose high byte is zero.
        end.is_some_and(|end| end % 2 == order && start.get(end ^ 1) == Some(&0))
    };
    match (zeros(0), zeros(1)) {
        (0, high) if high > 0 && (high * 4 >= pairs || header_ends(0)) => Some(UTF_16LE),
        (high, 0) if high > 0 && (high * 4 >= pairs || header_ends(1)) => Some(UTF_16BE),
        _ => None,
    }
}

/// Old encodings beside which Windows has one of its own, in which nearly all lists are that could be in either.
const SIBLINGS: [(&Encoding, &Encoding); 3] = [
    (ISO_8859_2, WINDOWS_1250),
    (ISO_8859_7, WINDOWS_1253),
    (ISO_8859_13, WINDOWS_1257),
];

/// What was seen so far.
struct Survey {
    detector: EncodingDetector,
    shown: usize,
    /// What was shown of it, beyond ASCII.
    beyond: Vec<u8>,
    /// How often addresses end in a country's two letters.
    countries: HashMap<[u8; 2], u64>,
    /// Characters beyond ASCII that are UTF-8, and bytes that are none.
    characters: u64,
    misfits: u64,
}

impl Default for Survey {
    fn default() -> Self {
        Survey {
            detector: EncodingDetector::new(Iso2022JpDetection::Deny),
            shown: 0,
            beyond: Vec::new(),
            countries: HashMap::new(),
            characters: 0,
            misfits: 0,
        }
    }
}

impl Survey {
    /// Looks at a piece, of which the first `old` bytes were seen before; returns how many at its end wait for more.
    fn take(&mut self, piece: &[u8], old: usize, last: bool) -> usize {
        let kept = self.count(piece, last);
        // The detector is slow, and most lists are UTF-8: it is shown nothing before the first byte that does not fit.
        if self.misfits > 0 && self.shown < SHOWN {
            let new = &piece[old..];
            self.detector.feed(new, false);
            self.shown += new.len();
            self.beyond
                .extend(new.iter().filter(|byte| !byte.is_ascii()));
            self.count_countries(new);
        }
        kept
    }

    /// Counts what is UTF-8 and what is none; returns how many bytes at the end wait for more.
    fn count(&mut self, piece: &[u8], last: bool) -> usize {
        if Encoding::ascii_valid_up_to(piece) == piece.len() {
            return 0;
        }
        let mut rest = piece;
        loop {
            let valid = Encoding::utf8_valid_up_to(rest);
            let begins = |byte: &&u8| **byte >= 0xc2;
            self.characters += rest[..valid].iter().filter(begins).count() as u64;
            rest = &rest[valid..];
            match str::from_utf8(&rest[..rest.len().min(4)]) {
                Ok("") => return 0,
                Err(error) if error.error_len().is_none() && rest.len() < 4 && !last => {
                    return rest.len();
                }
                _ => {}
            }
            self.misfits += 1;
            rest = &rest[1..];
        }
    }

    fn count_countries(&mut self, piece: &[u8]) {
        for at in memchr::memchr_iter(b'@', piece) {
            let mut domain = piece[at + 1..].iter();
            let end = domain.position(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'.' | b'-'));
            let domain = &piece[at + 1..end.map_or(piece.len(), |end| at + 1 + end)];
            if let [.., b'.', a, b] = domain {
                let country = [a.to_ascii_lowercase(), b.to_ascii_lowercase()];
                if country.iter().all(u8::is_ascii_lowercase) {
                    *self.countries.entry(country).or_default() += 1;
                }
            }
        }
    }

    /// The detector's guess, corrected where lists differ from the web pages that it was made for.
    fn guess(&self) -> &'static Encoding {
        let country = self
            .countries
            .iter()
            .max_by_key(|(name, times)| (**times, **name));
        let country = country.map(|(name, _)| &name[..]);
        let guess = self.detector.guess(country, Utf8Detection::Deny);
        if guess == EUC_JP && self.could_be_chinese() {
            return GBK;
        }
        let sibling = SIBLINGS.iter().find(|(encoding, _)| *encoding == guess);
        match sibling {
            Some((_, windows)) if self.all_letters(windows) => windows,
            _ => guess,
        }
    }

    /// A few Chinese names are Japanese ones to the detector; what is Japanese has kana in it.
    fn could_be_chinese(&self) -> bool {
        let kana = |c: char| matches!(c, '\u{3041}'..='\u{30ff}');
        let japanese = EUC_JP.decode_without_bom_handling(&self.beyond).0;
        let chinese = GBK.decode_without_bom_handling_and_without_replacement(&self.beyond);
        !japanese.chars().any(kana) && chinese.is_some()
    }

    /// Whether all that is beyond ASCII are letters in an encoding, or the signs that word processors set.
    fn all_letters(&self, encoding: &'static Encoding) -> bool {
        let sign = |c| ('\u{2013}'..='\u{2026}').contains(&c);
        // Among the modifiers is the caron that stands alone.
        let letter = |c: char| c.is_alphabetic() && !('\u{2b0}'..='\u{2ff}').contains(&c);
        let text = encoding.decode_without_bom_handling(&self.beyond).0;
        text.chars().all(|c| letter(c) || sign(c))
    }

    fn is_sure(&self) -> bool {
        self.misfits > ENOUGH && self.characters < self.misfits * FAULTY && self.shown >= SHOWN
    }

    fn finish(mut self) -> Encoded {
        self.detector.feed(b"", true);
        let faulty = self.characters > self.misfits * FAULTY;
        let guessed = self.misfits > 0 && !faulty;
        let encoding = match guessed {
            false => UTF_8,
            true => self.guess(),
        };
        Encoded {
            encoding,
            mark: 0,
            guessed,
        }
    }
}

/// Fills the buffer as far as the input goes.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use encoding_rs::{
        BIG5, EUC_JP, EUC_KR, GBK, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
    };

    fn found(bytes: &[u8]) -> (&'static str, bool) {
        let encoded = detect(bytes).unwrap();
        (encoded.encoding.name(), encoded.guessed)
    }

    #[test]
    fn zeros_behind_a_header_of_ascii_are_no_utf_16() {
        assert_eq!(found(b"email,name\n\0.\0\r\0"), ("UTF-8", false));
        assert_eq!(found(b"email\r\n\0\0a\0"), ("UTF-8", false));
    }

    #[test]
    fn utf_8_is_known_and_not_guessed() {
        let long = format!("{}ë王", "a".repeat(CHUNK - 1));
        for text in ["", "email\na@x.example\n", "Zoë 王伟 😀", &long] {
            assert_eq!(found(text.as_bytes()), ("UTF-8", false));
        }
        assert_eq!(found(b"\xef\xbb\xbfemail"), ("UTF-8", false));
        assert_eq!(found(b"\xff\xfee\0"), ("UTF-16LE", false));
        assert_eq!(found(b"\xfe\xff\0e"), ("UTF-16BE", false));
        assert_eq!(found(b"e\0m\0a\0i\0l\0,\0\x8b\x73"), ("UTF-16LE", true));
        assert_eq!(found(b"\0e\0m\0a\0i\0l\0,\x73\x8b"), ("UTF-16BE", true));
    }

    #[test]
    fn utf_16_of_few_ascii_characters_is_known_by_its_lines() {
        let text = format!("email\n{}", "王".repeat(3000));
        let wide = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<_>>();
        assert_eq!(found(&wide(u16::to_le_bytes)), ("UTF-16LE", true));
        assert_eq!(found(&wide(u16::to_be_bytes)), ("UTF-16BE", true));
        // A NUL behind a line's end in a cell is none of it.
        for list in [&b"email,name\n\"\n\0\"\n"[..], b"email,name\n\"x\n\0\"\n"] {
            assert_eq!(found(list), ("UTF-8", false));
        }
    }

    #[test]
    fn utf_8_with_a_fault_stays_utf_8() {
        let mut bytes = "Zoë, Jürgen, François, Łukasz, Ørsted, Žižek, 王伟"
            .repeat(3)
            .into_bytes();
        bytes.push(0xeb);
        assert_eq!(found(&bytes), ("UTF-8", false));
    }

    #[test]
    fn old_encodings_are_guessed() {
        for (encoding, text) in [
            (GBK, "email,name\na@x.example,王伟\nb@x.example,李娜\n"),
            (GBK, "email,name\na@x.example,张敏\n"),
            (
                GBK,
                "email,name\na@x.example,欧阳娜娜\nb@x.example,刘洋\nc@x.example,陈静\n",
            ),
            (
                SHIFT_JIS,
                "email,name\na@x.example,佐藤\nb@x.example,鈴木\n",
            ),
            (EUC_KR, "email,name\na@x.example,김민준\n"),
            (BIG5, "email,name\na@x.example,陳怡君\nb@x.example,張雅婷\n"),
            (GBK, "邮箱,姓名\na@x.example,王伟\nb@x.example,李娜\n"),
            (BIG5, "email,姓名\na@x.example,陳大文\nb@x.example,林小華\n"),
            (
                SHIFT_JIS,
                "email,氏名\na@x.example,山田太郎\nb@x.example,ハナコ\n",
            ),
            (
                EUC_JP,
                "email,氏名\na@x.example,山田太郎さん\nb@x.example,さくら\n",
            ),
            (
                EUC_KR,
                "email,이름\na@x.example,김철수\nb@x.example,이영희\n",
            ),
            (
                WINDOWS_1252,
                "email,prénom\na@x.example,François\nb@x.example,Zoë\n",
            ),
            (
                WINDOWS_1250,
                "email,imię\na@x.example,Łukasz Żółć\nb@x.example,Grażyna Dąbrowska\n",
            ),
            (
                WINDOWS_1251,
                "email,имя\na@x.example,Наталья\nb@x.example,Сергей\n",
            ),
        ] {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost);
            assert_eq!(found(&bytes), (encoding.name(), true), "{text}");
            // Far behind ASCII, beyond the first pieces.
            let mut late = b"a@x.example,Anna\n".repeat(40_000);
            late.extend_from_slice(&bytes);
            assert_eq!(found(&late), (encoding.name(), true), "{text}");
        }
    }
}
