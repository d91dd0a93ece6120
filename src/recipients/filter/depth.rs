//! How deep an expression of `where` nests, counted before the parser reads it by calling itself: brackets in each other, and
//! operators in a row, each of which stands around the one before.

/// How many brackets, operators and names behind a dot may stand around a value: each takes some 30 KB of the stack of a
/// thread at worst, which has 2 MiB. Terms of `&&` and `||`, and items of a list, stand beside each other: there can be
/// thousands.
const DEEPEST: usize = 40;

/// Whether the expression is flat enough; if not, the byte that is too deep, and what is wrong.
pub(super) fn check(source: &str) -> Result<(), (usize, String)> {
    // Of each open bracket, and around them all: what stands around the value at hand.
    let mut around = vec![0_usize];
    let bytes = source.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let length = match byte {
            b'\'' | b'"' => quoted(rest, at > 0 && matches!(bytes[at - 1], b'r' | b'R')),
            b'/' if rest.starts_with(b"//") => {
                rest.iter().take_while(|byte| **byte != b'\n').count()
            }
            _ => 1,
        };
        match byte {
            b'(' | b'[' | b'{' => {
                deepen(&mut around);
                around.push(0);
            }
            b')' | b']' | b'}' if around.len() > 1 => drop(around.pop()),
            b',' | b'&' | b'|' => around.last_mut().into_iter().for_each(|it| *it = 0),
            b'.' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'!' | b'?' if length == 1 => {
                deepen(&mut around);
            }
            b'=' if at > 0 && bytes[at - 1] == b'=' => deepen(&mut around),
            b'i' if is_in(bytes, at) => deepen(&mut around),
            _ => {}
        }
        if around.iter().sum::<usize>() > DEEPEST {
            let problem = format!(
                "more than {DEEPEST} brackets, operators or dots around one value; ask for less at once, or make a column of it"
            );
            return Err((at, problem));
        }
        at += length;
    }
    Ok(())
}

/// Whether `in` stands here, the one operator that is a word.
fn is_in(bytes: &[u8], at: usize) -> bool {
    let within = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    bytes[at..].starts_with(b"in")
        && !before.is_some_and(within)
        && !bytes.get(at + 2).is_some_and(within)
}

fn deepen(around: &mut [usize]) {
    around.last_mut().into_iter().for_each(|it| *it += 1);
}

/// How long the text is that begins here, its quotes counted.
fn quoted(rest: &[u8], raw: bool) -> usize {
    let one = &rest[..1];
    let quote = match rest.get(..3) {
        Some(three) if three == one.repeat(3) => three,
        _ => one,
    };
    let mut at = quote.len();
    while at < rest.len() {
        match rest[at] {
            b'\\' if !raw => at += 2,
            _ if rest[at..].starts_with(quote) => return at + quote.len(),
            _ => at += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_deep(source: &str) -> Option<usize> {
        check(source).err().map(|(at, _)| at)
    }

    #[test]
    fn brackets_and_operators_count_where_they_stand_around_each_other() {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{1:", "}"),
            ("a[", "]"),
            ("f(", ")"),
        ] {
            let nested = |times: usize| open.repeat(times) + "a" + &close.repeat(times);
            assert_eq!(too_deep(&nested(DEEPEST)), None, "{open}");
            let bracket = open.len() - 1 - usize::from(open.ends_with(':')) * 2;
            let at = DEEPEST * open.len() + bracket;
            assert_eq!(too_deep(&nested(DEEPEST + 1)), Some(at), "{open}");
        }
        for (piece, each) in [
            (".a", 1),
            ("+1", 1),
            ("==1", 1),
            ("<=1", 1),
            ("[1]", 1),
            (".f(x)", 2),
            (" in a", 1),
        ] {
            let most = DEEPEST / each;
            assert_eq!(
                too_deep(&format!("a{}", piece.repeat(most))),
                None,
                "{piece}"
            );
            assert!(
                too_deep(&format!("a{}", piece.repeat(most + 1))).is_some(),
                "{piece}"
            );
        }
        assert!(too_deep(&"!".repeat(300)).is_some());
        assert_eq!(too_deep("(((("), None);
        assert_eq!(too_deep("))))"), None);
    }

    #[test]
    fn what_stands_beside_each_other_and_in_texts_does_not() {
        let items = "'a.b', ".repeat(5000);
        assert_eq!(too_deep(&format!("plan in [{items}]")), None);
        assert_eq!(too_deep(&"a.b == (1) || ".repeat(5000)), None);
        let brackets = "(".repeat(300);
        for text in [
            format!("'{brackets}\\'{brackets}' == \"{brackets}\""),
            format!("'''{brackets}'{brackets}''' == r'\\' + '{brackets}'"),
            format!("true // {brackets}\n && true"),
            format!("'{brackets}"),
            format!("'\\{brackets}"),
            "'\\".to_owned(),
        ] {
            assert_eq!(too_deep(&text), None, "{text}");
        }
    }
}
