//! Whether the ledger that is written is still the one that the next run will find, and how it comes back if not.
//!
//! An open file can be written after it was removed or another took its name: no write fails, and all of it is gone
//! when the process ends. So its name is looked at while the run goes on and once more at the end, and what was
//! written is put back under it.

use std::fs::{self, File, Metadata};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use super::LedgerError;

/// The file that is written, and the name that it should have.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    file: File,
}

impl Watch {
    /// Watches the ledger at `path`, which is there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn over(path: &Path) -> Result<Self, LedgerError> {
        let file = File::open(path).map_err(|source| LedgerError::io(path, "watch", source))?;
        Ok(Watch {
            path: path.to_owned(),
            file,
        })
    }

    /// Whether the name still leads to the file.
    ///
    /// # Errors
    /// [`LedgerError::Vanished`] when it does not; what looking gives.
    pub fn check(&self) -> Result<(), LedgerError> {
        let io = |source| LedgerError::io(&self.path, "look at the ledger", source);
        let written = self.file.metadata().map_err(io)?;
        match fs::metadata(&self.path) {
            Ok(found) if is_same(&found, &written) => Ok(()),
            Ok(_) => Err(self.vanished()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.vanished()),
            Err(error) => Err(io(error)),
        }
    }

    fn vanished(&self) -> LedgerError {
        LedgerError::Vanished {
            path: self.path.clone(),
        }
    }

    /// Writes what the file holds under its name again, where nothing else has that; gives where it is now.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn put_back(&mut self) -> Result<PathBuf, LedgerError> {
        let mut path = self.path.clone();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| {
                LedgerError::io(folder, "make the folder of the ledger", source)
            })?;
        }
        let mut copy = File::create_new(&path);
        if copy
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
        {
            path.set_extension("rescued.jsonl");
            copy = File::create_new(&path);
        }
        let io = |source| LedgerError::io(&path, "put the ledger back", source);
        let mut copy = copy.map_err(io)?;
        // Nobody is to go on with a part of it.
        let _ = copy.try_lock();
        self.file.rewind().map_err(io)?;
        io::copy(&mut self.file, &mut copy).map_err(io)?;
        copy.sync_all().map_err(io)?;
        Ok(path)
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Elsewhere an open file keeps its name.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_removed_or_replaced_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/r.jsonl");
        for (replace, back) in [(false, "r.jsonl"), (true, "r.rescued.jsonl")] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "all of it\n").unwrap();
            let mut watch = Watch::over(&path).unwrap();
            watch.check().unwrap();
            fs::remove_dir_all(path.parent().unwrap()).unwrap();
            if replace {
                fs::create_dir(path.parent().unwrap()).unwrap();
                fs::write(&path, "another\n").unwrap();
            }
            assert!(matches!(watch.check(), Err(LedgerError::Vanished { .. })));
            let found = watch.put_back().unwrap();
            assert_eq!(found.file_name().unwrap(), back);
            assert_eq!(fs::read_to_string(found).unwrap(), "all of it\n");
            if replace {
                assert_eq!(fs::read_to_string(&path).unwrap(), "another\n");
            }
        }
    }
}
