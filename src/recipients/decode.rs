//! Bytes of an old encoding in, UTF-8 out, a piece at a time. What does not fit is an error with its place, never a
//! replacement character in somebody's name.

use std::fmt;
use std::io::{self, ErrorKind, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Bytes read, and decoded, at once.
const CHUNK: usize = 64 << 10;

/// The byte at this offset does not fit the encoding; inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Misfit {
    pub offset: u64,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the byte at offset {} does not fit the encoding",
            self.offset
        )
    }
}

impl std::error::Error for Misfit {}

/// Reads as UTF-8 what is in another encoding.
pub(super) struct Decoded<R> {
    input: R,
    decoder: Decoder,
    /// Whether a byte is a character.
    single: bool,
    raw: Vec<u8>,
    /// What is read and not yet decoded is `raw[start..end]`.
    start: usize,
    end: usize,
    /// Offset in the input of `raw[0]`.
    offset: u64,
    ended: bool,
    /// All is decoded: the decoder may not be asked again.
    done: bool,
    /// What is decoded and not yet handed out is `text[given..filled]`.
    text: Vec<u8>,
    given: usize,
    filled: usize,
    /// What comes after that.
    misfit: Option<Misfit>,
}

impl<R: Read> Decoded<R> {
    /// `skipped`: bytes of the input that were taken off before, such as a byte order mark.
    pub fn new(input: R, encoding: &'static Encoding, skipped: u64) -> Decoded<R> {
        Decoded {
            input,
            decoder: encoding.new_decoder_without_bom_handling(),
            single: encoding.is_single_byte(),
            raw: vec![0; CHUNK],
            start: 0,
            end: 0,
            offset: skipped,
            ended: false,
            done: false,
            text: vec![0; CHUNK],
            given: 0,
            filled: 0,
            misfit: None,
        }
    }

    /// Decodes on, until there is text, a misfit or the end.
    fn decode(&mut self) -> io::Result<()> {
        (self.given, self.filled) = (0, 0);
        while self.filled == 0 && self.misfit.is_none() && !self.done {
            if self.start == self.end && !self.ended {
                self.offset += self.end as u64;
                (self.start, self.end) = (0, read_some(&mut self.input, &mut self.raw)?);
                self.ended = self.end == 0;
            }
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.raw[self.start..self.end],
                &mut self.text,
                self.ended,
            );
            let begun = self.offset + self.start as u64;
            self.start += read;
            self.filled = written;
            if let DecoderResult::Malformed(length, after) = result {
                let behind = u64::from(length) + u64::from(after);
                let at = self.offset + self.start as u64;
                self.misfit = Some(Misfit {
                    offset: at.saturating_sub(behind),
                });
            }
            if self.single {
                self.refuse_controls(begun);
            }
            self.done = self.ended && matches!(result, DecoderResult::InputEmpty);
        }
        Ok(())
    }

    /// Bytes that an old encoding has no character for decode to C1 controls; no list has these.
    fn refuse_controls(&mut self, begun: u64) {
        let text = &self.text[..self.filled];
        let control = |at: &usize| matches!(text.get(at + 1), Some(0x80..=0x9f));
        if let Some(at) = memchr::memchr_iter(0xc2, text).find(control) {
            // A byte is a character: as many characters as stand before it, bytes do.
            let before = text[..at].iter().filter(|byte| **byte & 0xc0 != 0x80);
            let offset = begun + before.count() as u64;
            self.filled = at;
            self.misfit = Some(Misfit { offset });
        }
    }
}

fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.filled && self.misfit.is_none() {
            self.decode()?;
        }
        if self.given == self.filled
            && let Some(misfit) = self.misfit
        {
            return Err(io::Error::new(ErrorKind::InvalidData, misfit));
        }
        let take = buffer.len().min(self.filled - self.given);
        buffer[..take].copy_from_slice(&self.text[self.given..self.given + take]);
        self.given += take;
        Ok(take)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use encoding_rs::{BIG5, EUC_KR, GB18030, GBK, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1252};

    /// One byte a read.
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let take = self.0.len().min(1);
            self.0.read(&mut buffer[..take])
        }
    }

    fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> (String, Option<u64>) {
        let both = [
            read(Decoded::new(bytes, encoding, 0)),
            read(Decoded::new(Drip(bytes), encoding, 0)),
        ];
        assert_eq!(both[0], both[1], "in one piece and byte by byte");
        both.into_iter().next().unwrap()
    }

    fn read(mut input: impl Read) -> (String, Option<u64>) {
        let mut text = Vec::new();
        let misfit = input.read_to_end(&mut text).err();
        if misfit.is_none() {
            // Who asks again at the end is told so again.
            assert_eq!(input.read(&mut [0; 8]).unwrap(), 0);
        }
        let misfit = misfit.map(|error| {
            error
                .get_ref()
                .unwrap()
                .downcast_ref::<Misfit>()
                .unwrap()
                .offset
        });
        (String::from_utf8(text).unwrap(), misfit)
    }

    #[test]
    fn every_encoding_gives_its_text() {
        let long = "王伟,李娜\n".repeat(30_000);
        for (encoding, text) in [
            (GBK, "王伟,李娜"),
            (GB18030, "𠮷野家"),
            (BIG5, "陳大文"),
            (SHIFT_JIS, "山田太郎"),
            (EUC_KR, "김철수"),
            (WINDOWS_1252, "Zoë – “ß” €"),
            (GBK, &long),
        ] {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost);
            assert_eq!(decoded(encoding, &bytes), (text.to_owned(), None));
        }
        let wide =
            |to: fn(u16) -> [u8; 2]| "Zoë 王𠮷".encode_utf16().flat_map(to).collect::<Vec<_>>();
        let text = "Zoë 王𠮷".to_owned();
        assert_eq!(
            decoded(UTF_16LE, &wide(u16::to_le_bytes)),
            (text.clone(), None)
        );
        assert_eq!(decoded(UTF_16BE, &wide(u16::to_be_bytes)), (text, None));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        for (encoding, bytes, text, offset) in [
            (GBK, &b"ab\xff\xffc"[..], "ab", 2),
            (GBK, b"\xcd\xf5a\xce", "王a", 3),
            (WINDOWS_1252, b"Zo\xeb \x81", "Zoë ", 4),
            (UTF_16LE, b"a\0\0\xdcb\0", "a", 2),
            (UTF_16LE, b"a\0b", "a", 2),
            (SHIFT_JIS, b"ok\xa0", "ok", 2),
        ] {
            assert_eq!(decoded(encoding, bytes), (text.to_owned(), Some(offset)));
        }
        let mut long = b"x".repeat(200_000);
        long.push(0x8d);
        assert_eq!(decoded(WINDOWS_1252, &long).1, Some(200_000));
    }
}
