//! Reads what is enclosed. An author's own path may lead anywhere; one that data takes part in may not leave the campaign
//! folder, and is read while messages are made.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// How a folder is opened that something is looked for in: it need not be one whose files may be listed.
#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::DIRECTORY;

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
            _ => match other_than_file(&error) {
                Some(what) => {
                    format!("\"{shown}\" {what}; put the file there, or correct the path")
                }
                None => format!("cannot read \"{shown}\": {error}"),
            },
        })
    }

    /// Finds a file whose path data takes part in.
    ///
    /// # Errors
    /// What is wrong and what to do, with the path, safe to print.
    pub fn by_data(&self, path: &str) -> Result<Found, String> {
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
            _ => unreadable(path, error),
        };
        let real = self
            .typed
            .join(typed)
            .canonicalize()
            .map_err(|error| missing(&error))?;
        match &self.real {
            Some(folder) if real.starts_with(folder) => {
                let stamp = Stamp::of(&real).map_err(|error| missing(&error))?;
                let folder = folder.clone();
                Ok(Found {
                    folder,
                    real,
                    stamp,
                })
            }
            _ => Err(outside()),
        }
    }
}

/// A plain file in the campaign folder.
#[derive(Debug)]
pub struct Found {
    /// The campaign folder, as absolute.
    folder: PathBuf,
    /// Absolute, and without symbolic links.
    pub real: PathBuf,
    /// As it was when it was found.
    pub stamp: Stamp,
}

impl Found {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, with `path`, which led to it.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let read = self.open().and_then(|mut file| {
            is_plain(&file.metadata()?)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        read.map_err(|error| unreadable(path, &error))
    }

    /// Opens it from the folder on, step by step: a symbolic link that was put in since it was found is not followed.
    fn open(&self) -> io::Result<File> {
        let inside = self.real.strip_prefix(&self.folder);
        let inside = inside.map_err(io::Error::other)?;
        let mut at = rustix::fs::open(&self.folder, FOLDER, Mode::empty())?;
        let mut parts = inside.components().peekable();
        while let Some(part) = parts.next() {
            let flags = match parts.peek() {
                Some(_) => FOLDER,
                // A pipe would be waited for without end.
                None => OFlags::RDONLY | OFlags::NONBLOCK,
            };
            let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            at = rustix::fs::openat(&at, part.as_os_str(), flags, Mode::empty())?;
        }
        Ok(File::from(at))
    }
}

/// What changes with a file: another file, another length, another moment of writing or of being put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    file: (u64, u64),
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let it = plain(path)?;
        Ok(Stamp {
            file: (it.dev(), it.ino()),
            length: it.len(),
            written: (it.mtime(), it.mtime_nsec()),
            changed: (it.ctime(), it.ctime_nsec()),
        })
    }
}

/// What the system says of a plain file: a pipe would be waited for without end.
fn plain(path: &Path) -> io::Result<Metadata> {
    let metadata = fs::metadata(path)?;
    is_plain(&metadata).map(|()| metadata)
}

fn is_plain(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "is a folder",
        _ if kind.is_fifo() => "is a named pipe",
        _ if kind.is_socket() => "is a socket",
        _ => "is a device",
    };
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{what}, not a file"),
    ))
}

/// What stands in place of a file, when that is the trouble.
fn other_than_file(error: &io::Error) -> Option<String> {
    let own = error.kind() == io::ErrorKind::InvalidInput && error.get_ref().is_some();
    own.then(|| error.to_string())
}

/// Why a file that a row names cannot be read. The system's own text may hold a path that the row's data is no part of.
fn unreadable(path: &str, error: &io::Error) -> String {
    match other_than_file(error) {
        Some(what) => {
            format!("{path:?} {what}; put the file there, or correct the row's cells in it")
        }
        None => format!("cannot read {path:?}: {}", error.kind()),
    }
}

/// The whole of a plain file.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    plain(path)?;
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

        let found = folder.by_data("invoices/1.pdf").unwrap();
        assert_eq!(found.read("").unwrap(), b"one");
        let near = folder.by_data("./invoices/near").unwrap();
        assert_eq!((near.real, near.stamp), (found.real, found.stamp));
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
        let error = folder.by_data("invoices").unwrap_err();
        assert!(
            error.starts_with("\"invoices\" is a folder, not a file; put the file there"),
            "{error}"
        );
        for path in ["", "invoices/2.pdf", "invoices/1.pdf/x"] {
            assert!(folder.by_data(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_link_that_is_put_in_behind_the_check_is_not_followed() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("campaign");
        let deep = inside.join("invoices/2026");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(outside.path().join("private/2026")).unwrap();
        fs::write(deep.join("1.pdf"), "one").unwrap();
        fs::write(outside.path().join("private/2026/1.pdf"), "secret").unwrap();
        let found = Folder::new(&inside).by_data("invoices/2026/1.pdf").unwrap();
        assert_eq!(found.read("").unwrap(), b"one");

        fs::rename(deep.join("1.pdf"), deep.join("kept")).unwrap();
        symlink("../../../private/2026/1.pdf", deep.join("1.pdf")).unwrap();
        assert!(found.read("").is_err());
        fs::remove_file(deep.join("1.pdf")).unwrap();
        #[cfg(target_os = "linux")]
        {
            rustix::fs::mkfifoat(rustix::fs::CWD, deep.join("1.pdf"), Mode::RWXU).unwrap();
            let pipe = "\"1\" is a named pipe, not a file; put the file there, or correct the row's cells in it";
            assert_eq!(found.read("1").unwrap_err(), pipe);
            let by_data = Folder::new(&inside).by_data("invoices/2026/1.pdf");
            assert_eq!(
                by_data.unwrap_err(),
                pipe.replace("\"1\"", "\"invoices/2026/1.pdf\"")
            );
            let own = Folder::new(&inside)
                .fixed("invoices/2026/1.pdf")
                .unwrap_err();
            assert!(
                own.ends_with(
                    "/1.pdf\" is a named pipe, not a file; put the file there, or correct the path"
                ),
                "{own}"
            );
        }
        fs::rename(deep.join("kept"), deep.join("1.pdf")).unwrap();
        assert_eq!(found.read("").unwrap(), b"one");

        for (folder, to) in [
            ("invoices/2026", "../../private/2026"),
            ("invoices", "../private"),
        ] {
            let folder = inside.join(folder);
            fs::rename(&folder, inside.join("aside")).unwrap();
            symlink(to, &folder).unwrap();
            assert_eq!(fs::read(&found.real).unwrap(), b"secret");
            assert!(found.read("").is_err(), "{to}");
            fs::remove_file(&folder).unwrap();
            fs::rename(inside.join("aside"), &folder).unwrap();
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
                .ends_with("\" is a folder, not a file; put the file there, or correct the path")
        );
    }
}
