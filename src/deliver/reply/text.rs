//! A reply's text as phrases are searched for in it: whatever its case, its signs and what is between its words.

/// A text made plain: lower case, words apart by one space, one after the last, without signs. Addresses are left out:
/// a recipient may be called spam.
#[derive(Debug)]
pub(super) struct Text {
    pub plain: String,
    /// Where its words begin.
    begins: Vec<usize>,
}

impl Text {
    /// Makes it plain.
    pub fn of(text: &str) -> Text {
        let (mut plain, mut begins) = (String::with_capacity(text.len() + 1), Vec::new());
        for word in text.split_whitespace().filter(|word| !word.contains('@')) {
            for part in word.split(|c: char| !c.is_alphanumeric() && !is_apostrophe(c)) {
                let begin = plain.len();
                for c in part.chars().filter(|&c| !is_apostrophe(c)) {
                    plain.extend(c.to_lowercase());
                }
                if plain.len() > begin {
                    begins.push(begin);
                    plain.push(' ');
                }
            }
        }
        Text { plain, begins }
    }

    /// Whether it has one of the phrases. A phrase begins where a word does and may end within one; `*` stands for
    /// whatever is between.
    pub fn says(&self, phrases: &[&str]) -> bool {
        let text = self.plain.as_bytes();
        let has = |phrase: &&str| {
            let mut begins = self.begins.iter();
            let mut end = 0;
            phrase.split('*').map(str::as_bytes).all(|part| {
                // Nearly every word differs in its first letter.
                let found = begins.find(|&&at| {
                    at >= end && text.get(at) == part.first() && text[at..].starts_with(part)
                });
                found.is_some_and(|at| {
                    end = at + part.len();
                    true
                })
            })
        };
        phrases.iter().any(has)
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}
