//! The name of a run, which names its ledger: `runs/NAME.jsonl`.

/// Longest name, in characters: with its extensions a file name everywhere.
const LONGEST: usize = 100;

/// Why a name cannot be a run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunNameError {
    /// Nothing at all.
    #[error("a run's name cannot be empty")]
    Empty,
    /// More than 100 characters.
    #[error("a run's name has at most 100 characters")]
    TooLong,
    /// A hidden file, or a way out of the folder.
    #[error("a run's name cannot start with \".\"")]
    LeadingDot,
    /// A character that a file name had better not have.
    #[error("a run's name has only letters, digits, \".\", \"_\" and \"-\", not {0:?}")]
    Character(char),
    /// The ledgers of sandbox runs are named so.
    #[error("a run's name cannot end in \".sandbox\": that is the ledger of a --sandbox run")]
    Sandbox,
}

/// Whether a run can have this name: ASCII letters, digits, `.`, `_`, `-`; it names a file.
///
/// # Errors
/// What is wrong with it.
pub fn valid_run_name(name: &str) -> Result<(), RunNameError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        return Err(RunNameError::Empty);
    }
    if let Some(other) = name.chars().find(|c| !allowed(*c)) {
        return Err(RunNameError::Character(other));
    }
    if name.starts_with('.') {
        return Err(RunNameError::LeadingDot);
    }
    if name.len() > LONGEST {
        return Err(RunNameError::TooLong);
    }
    if name.to_ascii_lowercase().ends_with(".sandbox") {
        return Err(RunNameError::Sandbox);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "x".repeat(LONGEST);
        for good in ["2026-11", "default", "a.b_c-D", "-x", "sandbox", &longest] {
            assert_eq!(valid_run_name(good), Ok(()), "{good}");
        }
        let longer = "x".repeat(LONGEST + 1);
        for (bad, why) in [
            ("", RunNameError::Empty),
            (longer.as_str(), RunNameError::TooLong),
            (".", RunNameError::LeadingDot),
            ("..", RunNameError::LeadingDot),
            ("a/b", RunNameError::Character('/')),
            ("a b", RunNameError::Character(' ')),
            ("é", RunNameError::Character('é')),
            ("a\n", RunNameError::Character('\n')),
            ("x.sandbox", RunNameError::Sandbox),
            ("x.SANDBOX", RunNameError::Sandbox),
        ] {
            assert_eq!(valid_run_name(bad), Err(why), "{bad}");
        }
    }
}
