//! `mailrun init`: a campaign to begin with, written into a folder in which nothing is yet.

mod examples;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use examples::{EXAMPLES, Example, STARTER};

/// Why no campaign was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is no example of that name.
    #[error("there is no example {name:?}; there are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// Something is there.
    #[error("{}: {what}, and stays as it is; name another folder, which init makes", path.display())]
    There {
        /// Where.
        path: PathBuf,
        /// What.
        what: &'static str,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The example of this name; without one, the starter.
///
/// # Errors
/// There is none of that name.
pub fn choose(name: Option<&str>) -> Result<&'static Example, InitError> {
    let Some(name) = name else {
        return Ok(&STARTER);
    };
    Example::find(name).ok_or_else(|| {
        let known: Vec<_> = EXAMPLES.iter().map(|example| example.name).collect();
        InitError::Unknown {
            name: name.to_owned(),
            known: known.join(", "),
        }
    })
}

/// Writes the example's files into `folder`, which is made; it may be there if it is empty. Nothing is overwritten.
///
/// # Errors
/// Something is in the folder; the system's.
pub fn write(example: &Example, folder: &Path) -> Result<(), InitError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| InitError::Io { path, source }
    };
    let there = |what| InitError::There {
        path: folder.to_owned(),
        what,
    };
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(there("there is something in this folder"));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(there("this is a file"));
        }
        Err(error) => return Err(failed(folder)(error)),
    }
    for (name, bytes) in example.files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        // Never one that somebody has put there in the meantime.
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut file| file.write_all(bytes))
            .map_err(failed(&path))?;
    }
    Ok(())
}
