//! Reads what is enclosed. An author's own path may lead anywhere; one that data takes part in may not leave the campaign
//! folder, and is read while messages are made.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// The campaign folder.
#[derive(Debug, Clone)]
pub struct Folder {
    typed: PathBuf,
    /// Absolute and without symbolic links; `None`: there is no such folder.
    real: Option<PathBuf>,
}

impl Folder {
    /// The folder as typed.
    pub fn new(folder: &Path) -> Self {
        Folder {
            typed: folder.to_owned(),
            real: folder.canonicalize().ok(),
        }
    }

    /// Reads a file that the campaign's author names; gives its path without symbolic links, too.
    ///
    /// # Errors
    /// What is wrong and what to do, with the path.
    pub fn fixed(&self, path: &str) -> Result<(PathBuf, Vec<u8>), String> {
        let file = self.typed.join(path);
        let shown = file.display();
        let read = file
            .canonicalize()
            .and_then(|real| read(&real).map(|bytes| (real, bytes)));
        read.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                format!("there is no file \"{shown}\"; put it there, or correct the path")
            }
            _ => format!("cannot read \"{shown}\": {error}"),
        })
    }

    /// Reads a file whose path data takes part in.
    ///
    /// # Errors
    /// What is wrong and what to do, with the path, safe to print.
    pub fn by_data(&self, path: &str) -> Result<Vec<u8>, String> {
        let typed = Path::new(path);
        let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.is_empty() {
            return Err("the path is empty; fill the row's cells in it".to_owned());
        }
        // A backslash is a separator elsewhere, and in no sensible name.
        if !typed.components().all(stays) || path.contains(['\\', '\0']) {
            return Err(format!(
                "{path:?} would leave the campaign folder; correct the row's cells in it"
            ));
        }
        let outside = || {
            format!(
                "{path:?} leads out of the campaign folder by a symbolic link; put the file itself there"
            )
        };
        let missing = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => format!(
                "there is no file {path:?} in the campaign folder; put it there, or correct the row's cells in it"
            ),
            kind => format!("cannot read {path:?}: {kind}"),
        };
        let real = self
            .typed
            .join(typed)
            .canonicalize()
            .map_err(|error| missing(&error))?;
        match &self.real {
            Some(folder) if real.starts_with(folder) => {
                read(&real).map_err(|error| missing(&error))
            }
            _ => Err(outside()),
        }
    }
}

/// The whole of a plain file: a pipe would be waited for without end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let is_plain = fs::metadata(path)?.is_file();
    if !is_plain {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a plain file",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_of_data_stays_in_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("campaign");
        fs::create_dir_all(inside.join("invoices")).unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        fs::write(inside.join("invoices/1.pdf"), "one").unwrap();
        std::os::unix::fs::symlink("../../secret", inside.join("invoices/link")).unwrap();
        std::os::unix::fs::symlink("1.pdf", inside.join("invoices/near")).unwrap();
        std::os::unix::fs::symlink("../..", inside.join("invoices/up")).unwrap();
        let folder = Folder::new(&inside);

        assert_eq!(folder.by_data("invoices/1.pdf").unwrap(), b"one");
        assert_eq!(folder.by_data("./invoices/near").unwrap(), b"one");
        let absolute = inside.join("invoices/1.pdf").display().to_string();
        for path in [
            "../secret",
            "invoices/../invoices/1.pdf",
            &absolute,
            "..\\secret",
            "invoices/1.pdf\0",
            "invoices/link",
            "invoices/up/secret",
        ] {
            let error = folder.by_data(path).unwrap_err();
            assert!(error.contains("campaign folder"), "{path}: {error}");
        }
        for path in ["", "invoices/2.pdf", "invoices", "invoices/1.pdf/x"] {
            assert!(folder.by_data(path).is_err(), "{path}");
        }
    }

    #[test]
    fn an_authors_path_may_lead_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("a.pdf"), "a").unwrap();
        let file = elsewhere.path().join("a.pdf").display().to_string();
        let (_, bytes) = Folder::new(folder.path()).fixed(&file).unwrap();
        assert_eq!(bytes, b"a");
        let error = Folder::new(folder.path()).fixed("b.pdf").unwrap_err();
        assert!(
            error.starts_with("there is no file \"") && error.contains("b.pdf"),
            "{error}"
        );
        assert!(
            Folder::new(folder.path())
                .fixed(".")
                .unwrap_err()
                .ends_with("it is not a plain file")
        );
    }
}
