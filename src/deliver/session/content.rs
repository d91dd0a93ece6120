//! Content as it goes over the wire, from where it lies.

use std::io::IoSlice;

use crate::message::Part;

/// In bytes, as SIZE (RFC 1870) and BDAT (RFC 3030) count: without dots that are stuffed.
pub(super) fn length(content: &[Part]) -> u64 {
    content.iter().map(|part| part.bytes().len() as u64).sum()
}

/// The content as it is, for BDAT.
pub(super) fn plain<'a>(content: &'a [Part], slices: &mut Vec<IoSlice<'a>>) {
    slices.extend(
        content
            .iter()
            .map(|part| IoSlice::new(part.bytes()))
            .filter(|slice| !slice.is_empty()),
    );
}

/// The content with one more dot before each line that begins with one (RFC 5321 4.5.2), for DATA.
pub(super) fn dot_stuffed<'a>(content: &'a [Part], slices: &mut Vec<IoSlice<'a>>) {
    let mut at_line_start = true;
    for part in content {
        let bytes = part.bytes();
        if at_line_start && bytes.first() == Some(&b'.') {
            slices.push(IoSlice::new(b"."));
        }
        match part {
            Part::Own(bytes) => {
                let dots = memchr::memmem::find_iter(bytes, b"\n.").map(|at| at + 1);
                doubled(bytes, dots, slices);
            }
            Part::Shared(shared) => doubled(bytes, shared.dots().iter().copied(), slices),
        }
        if !bytes.is_empty() {
            at_line_start = bytes.ends_with(b"\n");
        }
    }
}

/// The bytes, the dots at these places sent twice.
fn doubled<'a>(bytes: &'a [u8], dots: impl Iterator<Item = usize>, slices: &mut Vec<IoSlice<'a>>) {
    let mut from = 0;
    for at in dots {
        slices.push(IoSlice::new(&bytes[from..=at]));
        from = at;
    }
    if from < bytes.len() {
        slices.push(IoSlice::new(&bytes[from..]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Shared;

    /// The same of own parts and of shared ones.
    fn stuffed(parts: &[&str]) -> String {
        let own = written(parts.iter().map(|part| Part::Own(part.as_bytes().to_vec())));
        let shared = written(
            parts
                .iter()
                .map(|part| Part::Shared(Shared::new(part.as_bytes().to_vec()))),
        );
        assert_eq!(own, shared);
        own
    }

    fn written(parts: impl Iterator<Item = Part>) -> String {
        let content: Vec<Part> = parts.collect();
        let mut slices = Vec::new();
        dot_stuffed(&content, &mut slices);
        slices
            .iter()
            .map(|slice| String::from_utf8_lossy(slice).into_owned())
            .collect()
    }

    #[test]
    fn dots_are_stuffed_at_line_starts_alone() {
        assert_eq!(stuffed(&["a\r\n"]), "a\r\n");
        assert_eq!(stuffed(&[".\r\n..\r\na.b\r\n"]), "..\r\n...\r\na.b\r\n");
        assert_eq!(
            stuffed(&["a\r\n", ".b\r\n", "c", ".d\r\n", "", ".e\r\n"]),
            "a\r\n..b\r\nc.d\r\n..e\r\n"
        );
    }
}
