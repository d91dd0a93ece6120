//! A Maildir: written in `tmp`, renamed into `new`. Names are made of clock, process and a count, never of data.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Stored;

/// Counts every file of this process, so that two sandboxes may share a folder.
static SEQUENCE: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(super) struct Maildir {
    tmp: PathBuf,
    new: PathBuf,
}

impl Maildir {
    pub(super) fn create(root: &Path) -> io::Result<Maildir> {
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(root.join(folder))?;
        }
        Ok(Maildir {
            tmp: root.join("tmp"),
            new: root.join("new"),
        })
    }

    /// Stores a message under its envelope. Not synced: the sandbox promises nothing past a power loss.
    pub(super) fn store(&self, message: &Stored) -> io::Result<()> {
        let name = unique_name();
        let tmp = self.tmp.join(&name);
        let written = write(&tmp, message).and_then(|()| fs::rename(&tmp, self.new.join(&name)));
        if written.is_err() {
            let _ = fs::remove_file(&tmp);
        }
        written
    }
}

fn write(path: &Path, message: &Stored) -> io::Result<()> {
    let mut envelope = format!("Return-Path: <{}>\r\n", message.from);
    for recipient in &message.to {
        envelope.extend(["Delivered-To: ", recipient, "\r\n"]);
    }
    let mut file = File::create_new(path)?;
    file.write_all(envelope.as_bytes())?;
    file.write_all(&message.content)
}

fn unique_name() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let count = SEQUENCE.fetch_add(1, Ordering::Relaxed);
    format!(
        "{}.M{}P{}Q{count}.sandbox",
        now.as_secs(),
        now.subsec_micros(),
        process::id()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn stored() -> Stored {
        Stored {
            from: "news@acme.example".to_owned(),
            to: vec!["../a@b.example".to_owned(), "c@d.example".to_owned()],
            content: b"Subject: x\r\n\r\n.\xff\r\n".to_vec(),
            connection: 1,
        }
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    #[test]
    fn a_message_is_one_new_file_under_its_envelope() {
        let root = tempfile::tempdir().unwrap();
        let maildir = Maildir::create(&root.path().join("deep/er")).unwrap();
        maildir.store(&stored()).unwrap();
        maildir.store(&stored()).unwrap();

        let new = files(&maildir.new);
        assert_eq!(new.len(), 2);
        let expected = b"Return-Path: <news@acme.example>\r\nDelivered-To: ../a@b.example\r\n\
            Delivered-To: c@d.example\r\nSubject: x\r\n\r\n.\xff\r\n";
        assert_eq!(fs::read(&new[0]).unwrap(), expected);
        assert_eq!(files(&maildir.tmp), Vec::<PathBuf>::new());
        assert!(root.path().join("deep/er/cur").is_dir());
    }

    #[test]
    fn a_message_that_cannot_be_stored_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let maildir = Maildir::create(root.path()).unwrap();
        fs::remove_dir(&maildir.new).unwrap();
        maildir.store(&stored()).unwrap_err();
        assert_eq!(files(&maildir.tmp), Vec::<PathBuf>::new());
    }
}
