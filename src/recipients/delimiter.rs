//! What stands between two columns: found by trying each delimiter on the first records, quotes respected.

use super::records::{BOM, MOST_COLUMNS, Records};

/// Every delimiter there is, the more usual one first.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// Records looked at, the header counted.
const RECORDS: usize = 20;

/// The delimiter with which the first records make most sense; `usual` where several do, or none. `start` is the list's
/// text, cut off anywhere unless it is `whole`; `columns` are names that its header should have.
pub(super) fn detect(start: &[u8], whole: bool, columns: &[&str], usual: u8) -> u8 {
    let start = start.strip_prefix(BOM).unwrap_or(start);
    // Excel's own way to say it.
    if let [b's', b'e', b'p', b'=', sign, b'\r' | b'\n', ..] = start
        && DELIMITERS.contains(sign)
    {
        return *sign;
    }
    let fit = |delimiter: &u8| (fit(start, whole, columns, *delimiter), *delimiter == usual);
    // The last of several greatest is taken.
    let best = DELIMITERS.iter().rev().max_by_key(|it| fit(it));
    best.copied().unwrap_or(usual)
}

/// How well a delimiter fits, the more telling thing first: how many of the columns the header has, whether there are two columns
/// or more, how many records have as many fields as the header.
fn fit(start: &[u8], whole: bool, columns: &[&str], delimiter: u8) -> (usize, bool, usize) {
    let mut records = Records::new(start, delimiter);
    let Ok(Some(header)) = records.next(MOST_COLUMNS) else {
        return (0, false, 0);
    };
    let has = |column: &&&str| header.fields.iter().any(|name| name.trim() == **column);
    let named = columns.iter().filter(has).count();
    let mut counts = Vec::new();
    while counts.len() < RECORDS
        && let Ok(Some(record)) = records.next(0)
    {
        counts.push(record.count);
    }
    if !whole && counts.len() < RECORDS {
        // Cut off in its middle.
        counts.pop();
    }
    if header.count == 1 {
        // Any delimiter agrees with what has none.
        return (named, false, 0);
    }
    let agree = counts.iter().filter(|count| **count == header.count);
    (named, true, agree.count())
}

/// As people call it.
pub(super) fn name(delimiter: u8) -> &'static str {
    match delimiter {
        b';' => "semicolons (;)",
        b'\t' => "tabs",
        b'|' => "vertical bars (|)",
        _ => "commas",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_is_found() {
        for (list, delimiter) in [
            ("email,name\na@x.example,A\n", b','),
            ("name;email\nA;a@x.example\n", b';'),
            ("name\temail\nA\ta@x.example", b'\t'),
            ("name|email\nA|a@x.example", b'|'),
            // One column: whatever stands in the cells.
            ("email\na@x.example;b@x.example\n", b','),
            ("email\n", b','),
            ("", b','),
            // The header's names tell, whatever the rows hold.
            (
                "name;email;note\nA;a@x.example;1,5\nB;b@x.example;2,5,3\n",
                b';',
            ),
            ("email,note\na@x.example,\"1;2;3\"\n", b','),
            ("\"last; first\",email\n\"Berg; Anna\",a@x.example\n", b','),
            ("\"last, first\";email\n\"Berg, Anna\";a@x.example\n", b';'),
            // No column of the settings: by the records then.
            ("mail;first,last\na@x.example;A,B\nb@x.example;B\n", b';'),
            // An unclosed quote is for the reader to tell.
            ("name;email\n\"A;a@x.example\n", b';'),
        ] {
            assert_eq!(
                detect(list.as_bytes(), true, &["email"], b',') as char,
                delimiter as char,
                "{list}"
            );
        }
    }

    #[test]
    fn where_nothing_tells_it_is_the_usual_one() {
        assert_eq!(detect(b"email\n", true, &["email"], b'\t'), b'\t');
        let both = b"a,b;c\n1,2;3\n";
        assert_eq!(detect(both, true, &["email"], b','), b',');
        assert_eq!(detect(both, true, &["email"], b';'), b';');
    }

    #[test]
    fn a_record_cut_off_is_not_counted() {
        assert_eq!(fit(b"a;b\n1;2\n3", false, &[], b';'), (0, true, 1));
        assert_eq!(fit(b"a;b\n1;2\n3", true, &[], b';'), (0, true, 1));
        assert_eq!(fit(b"a;b\n1;2\n3;4", true, &[], b';'), (0, true, 2));
        assert_eq!(fit(b"a;b\n1;2\n3;4", false, &[], b';'), (0, true, 1));
    }
}
