//! Words into lines.

/// As RFC 3676 section 4.2 has it, with room for an answer's quoting.
const WIDTH: usize = 72;

/// Text in lines: words with one space between them, broken where they do not fit.
pub(super) struct Writer<'a> {
    out: &'a mut String,
    /// Line ends to be written before the next word.
    breaks: usize,
    /// A space to be written before the next word.
    space: bool,
    column: usize,
    quotes: usize,
    /// What an item's further lines begin with.
    indent: usize,
    /// What stands before the next word: an item's mark.
    mark: Option<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        Writer {
            out,
            breaks: 0,
            space: false,
            column: 0,
            quotes: 0,
            indent: 0,
            mark: None,
        }
    }

    pub(super) fn written(&self) -> usize {
        self.out.len()
    }

    pub(super) fn since(&self, written: usize) -> &str {
        self.out.get(written..).unwrap_or_default()
    }

    /// A line ends here.
    pub(super) fn line(&mut self) {
        self.breaks = self.breaks.max(1);
    }

    /// A paragraph ends here.
    pub(super) fn paragraph(&mut self) {
        self.breaks = 2;
    }

    /// A cell begins.
    pub(super) fn cell(&mut self) {
        if self.breaks == 0 && self.column > 0 && !self.out.ends_with(' ') {
            self.out.push(' ');
            self.column += 1;
            self.space = true;
        }
    }

    /// An item of a list of this depth begins.
    pub(super) fn item(&mut self, mark: &str, depth: usize) {
        self.indent = 2 * depth.saturating_sub(1);
        self.mark = Some(mark.to_owned());
    }

    /// A list ends, within so many.
    pub(super) fn outdent(&mut self, depth: usize) {
        self.indent = 2 * depth;
        self.mark = None;
        self.line();
    }

    /// One level of quoting more, or less.
    pub(super) fn quote(&mut self, more: isize) {
        self.quotes = self.quotes.saturating_add_signed(more);
    }

    /// Words, with white space between them of any kind.
    pub(super) fn flow(&mut self, text: &str) {
        let blank = |c: char| c.is_whitespace() || c.is_control();
        for (at, word) in text.split(blank).enumerate() {
            self.space |= at > 0;
            if !word.is_empty() {
                self.word(word);
            }
        }
    }

    fn word(&mut self, word: &str) {
        let width = word.chars().count();
        if self.out.is_empty() {
            self.begin();
        } else if self.breaks > 0 {
            let breaks = self.breaks;
            self.end_lines(breaks);
            self.begin();
        } else if self.space && self.column > 0 {
            if self.column + 1 + width > WIDTH {
                self.end_lines(1);
                self.begin();
            } else {
                self.out.push(' ');
                self.column += 1;
            }
        }
        (self.breaks, self.space) = (0, false);
        self.out.push_str(word);
        self.column += width;
    }

    fn end_lines(&mut self, lines: usize) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
        for _ in 0..lines {
            self.out.push('\n');
        }
        self.column = 0;
    }

    fn begin(&mut self) {
        let start = self.out.len();
        for _ in 0..self.quotes {
            self.out.push_str("> ");
        }
        for _ in 0..self.indent {
            self.out.push(' ');
        }
        if let Some(mark) = self.mark.take() {
            self.out.push_str(&mark);
            self.out.push(' ');
            self.indent += mark.len() + 1;
        }
        self.column = self.out.len() - start;
    }

    pub(super) fn finish(self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}
