//! Text for people: counted nouns, and foreign text made fit for a terminal.

use std::path::Path;

/// "1 recipient", "20,000 recipients"; the plural takes an s.
pub fn count(number: u64, noun: &str) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + noun.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push(' ');
    text.push_str(noun);
    if number != 1 {
        text.push('s');
    }
    text
}

/// Whether a character may not reach a terminal: controls, and those that turn the direction of text or end a line.
pub fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text with each character that may not reach a terminal replaced by U+FFFD.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if unprintable(c) { '\u{fffd}' } else { c })
        .collect()
}

/// The path as a shell takes it for one word, whatever is in it: for commands that people copy.
pub fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        assert_eq!(count(0, "row"), "0 rows");
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(999, "row"), "999 rows");
        assert_eq!(count(1_234_567, "row"), "1,234,567 rows");
    }

    #[test]
    fn a_shell_takes_a_path_for_one_word() {
        let word = |path: &str| shell_word(Path::new(path));
        assert_eq!(word("camp/runs/r-1.jsonl"), "camp/runs/r-1.jsonl");
        assert_eq!(word("my camp"), "'my camp'");
        assert_eq!(word("x; rm -r ~"), "'x; rm -r ~'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn a_terminal_gets_no_escape() {
        assert_eq!(
            printable("a\u{1b}[31m\r\n\u{202e}é王"),
            "a\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}é王"
        );
    }
}
