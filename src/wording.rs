//! Text for people: counted nouns, and foreign text made fit for a terminal.

use std::path::Path;
use std::time::Duration;

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

/// `1.5 s`, `2 s`, `47 s`, `12 min`, `3 h 20 min`, `52 h`; minutes and more are rounded up.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let minutes = (seconds / 60.0).ceil() as u64;
    match seconds {
        s if s < 10.0 && s.fract() > 0.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        _ if minutes < 120 => format!("{minutes} min"),
        _ if minutes < 48 * 60 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} h", minutes.div_ceil(60)),
    }
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
    fn times_are_as_exact_as_they_are_short() {
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (9.94, "9.9 s"),
            (2.0, "2 s"),
            (119.0, "119 s"),
            (120.5, "3 min"),
            (7_140.0, "119 min"),
            (7_199.0, "2 h 0 min"),
            (12_000.0, "3 h 20 min"),
            (86_399.0, "24 h 0 min"),
            (172_801.0, "49 h"),
        ] {
            assert_eq!(time(Duration::from_secs_f64(seconds)), text);
        }
    }

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
