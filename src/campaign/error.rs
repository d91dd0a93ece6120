//! What is wrong with a campaign, and where: `campaigns/x/campaign.toml:3:5: unknown key ...`.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A place in a text, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column, in characters, not bytes.
    pub column: usize,
}

impl Position {
    /// The place of a byte offset in `text`; an offset past the end is the end.
    fn of(text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = text.get(..end).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before.chars().count() - before[..line_start].chars().count() + 1,
        }
    }
}

/// A campaign that cannot be used: which file, where in it, what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CampaignError {
    /// The file or folder, as typed.
    pub path: PathBuf,
    /// Where in the file; `None`: the file as a whole.
    pub position: Option<Position>,
    /// What is wrong and what to do, in one line.
    pub text: String,
}

impl CampaignError {
    /// About a file or folder as a whole.
    pub(super) fn whole(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        CampaignError {
            path: path.into(),
            position: None,
            text: text.into(),
        }
    }

    /// About a place in the settings, whose text is `source`.
    pub(super) fn at(path: &Path, source: &str, mistake: Mistake) -> Self {
        CampaignError {
            path: path.to_owned(),
            position: Some(Position::of(source, mistake.at)),
            text: mistake.text,
        }
    }
}

impl fmt::Display for CampaignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path and the parser's words may hold anything: a terminal must not act on it.
        let printable = |text: &str| text.replace(char::is_control, "\u{fffd}");
        f.write_str(&printable(&self.path.display().to_string()))?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", printable(&self.text))
    }
}

/// What is wrong in the settings, at a byte offset; becomes a [`CampaignError`] where the file is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) text: String,
}

impl Mistake {
    pub(super) fn new(span: Range<usize>, text: impl fmt::Display) -> Self {
        Mistake {
            at: span.start,
            text: text.to_string(),
        }
    }

    /// The parser's error about `source`, in one line and in a user's words where its own would mislead. A value is never
    /// repeated: it may hold a password.
    pub(super) fn syntax(source: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or_default();
        let written = source.get(span.clone()).unwrap_or_default();
        let message = error.message().trim();
        let unquoted = message.starts_with("string values must be quoted")
            || message.starts_with("invalid float") && written.starts_with(char::is_alphabetic);
        let text = match message {
            _ if unquoted && written.is_empty() => "a value is missing".to_owned(),
            _ if unquoted => "a string must be in quotes".to_owned(),
            "duplicate key" => format!("{written} is there twice"),
            other => other.replace('\n', "; "),
        };
        Mistake::new(span, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let text = "äö = 1\n\nx";
        for (offset, line, column) in [
            (0, 1, 1),
            (1, 1, 1),
            (2, 1, 2),
            (4, 1, 3),
            (9, 2, 1),
            (10, 3, 1),
            (11, 3, 2),
            (99, 3, 2),
        ] {
            assert_eq!(
                Position::of(text, offset),
                Position { line, column },
                "{offset}"
            );
        }
        assert_eq!(Position::of("", 0), Position { line: 1, column: 1 });
    }

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        let error = CampaignError::whole("a\u{1b}[2Jb", "bad\u{7}\nthing");
        assert_eq!(error.to_string(), "a\u{fffd}[2Jb: bad\u{fffd}\u{fffd}thing");
    }
}
