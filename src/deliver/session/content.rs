//! Content as it goes over the wire, from where it lies.

use std::io::IoSlice;

use crate::message::Part;

pub(super) fn bytes(part: &Part) -> &[u8] {
    match part {
        Part::Own(bytes) => bytes,
        Part::Shared(bytes) => bytes,
    }
}

/// In bytes, as SIZE (RFC 1870) and BDAT (RFC 3030) count: without dots that are stuffed.
pub(super) fn length(content: &[Part]) -> u64 {
    content.iter().map(|part| bytes(part).len() as u64).sum()
}

/// The content as it is, for BDAT.
pub(super) fn plain<'a>(content: &'a [Part], slices: &mut Vec<IoSlice<'a>>) {
    slices.extend(
        content
            .iter()
            .map(|part| IoSlice::new(bytes(part)))
            .filter(|slice| !slice.is_empty()),
    );
}

/// The content with one more dot before each line that begins with one (RFC 5321 4.5.2), for DATA.
pub(super) fn dot_stuffed<'a>(content: &'a [Part], slices: &mut Vec<IoSlice<'a>>) {
    let mut at_line_start = true;
    for part in content {
        let bytes = bytes(part);
        let mut from = 0;
        if at_line_start && bytes.first() == Some(&b'.') {
            slices.push(IoSlice::new(b"."));
        }
        for at in memchr::memmem::find_iter(bytes, b"\n.") {
            slices.push(IoSlice::new(&bytes[from..=at]));
            slices.push(IoSlice::new(b"."));
            from = at + 1;
        }
        if from < bytes.len() {
            slices.push(IoSlice::new(&bytes[from..]));
            at_line_start = bytes.ends_with(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(parts: &[&str]) -> String {
        let content: Vec<Part> = parts
            .iter()
            .map(|part| Part::Own(part.as_bytes().to_vec()))
            .collect();
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
