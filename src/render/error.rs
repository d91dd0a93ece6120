//! What can be wrong with templates, before and while rendering.

use std::fmt;
use std::io;
use std::path::PathBuf;

use handlebars::RenderErrorReason;

/// Where in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the campaign resolved it, or `campaign.toml: subject` for a setting.
    pub template: String,
    /// 1-based line and column (in characters), where known; in a setting, those of its value.
    pub position: Option<(usize, usize)>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)?;
        match self.position {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// Templates that cannot be used; found before anything is sent.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file or the folder of partials cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not UTF-8.
    #[error("{path}:{line}: not UTF-8; save the template as UTF-8", path = path.display())]
    Encoding {
        /// Which.
        path: PathBuf,
        /// The first line that is not.
        line: usize,
    },
    /// A mistake in a template: its syntax, or a name that nothing has.
    #[error("{place}: {problem}")]
    Wrong {
        /// Where.
        place: Place,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A column that would hide, or be hidden by, what every template sees.
    #[error("the column {0:?} has the name of a built-in value; rename the column")]
    Reserved(String),
}

/// One row's message that cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RenderError {
    /// Where.
    pub place: Place,
    /// What is wrong: safe to print, whatever the cells hold.
    pub problem: String,
}

impl RenderError {
    pub(super) fn new(template: &str, error: &handlebars::RenderError) -> RenderError {
        RenderError {
            place: Place {
                template: error
                    .template_name
                    .as_deref()
                    .unwrap_or(template)
                    .to_owned(),
                position: error.line_no.zip(error.column_no),
            },
            problem: match error.reason() {
                RenderErrorReason::Other(problem) => problem.clone(),
                RenderErrorReason::MissingVariable(Some(name)) => {
                    format!("{name:?} has no value here, or not one of the kind that is needed")
                }
                RenderErrorReason::MissingVariable(None) => "there is no such entry".to_owned(),
                other => format!("cannot be rendered: {other}"),
            },
        }
    }
}
