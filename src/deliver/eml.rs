//! The dry run: each message as a file, byte for byte as it would be submitted.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::message::Message;

/// A key in a file name is cut to so many bytes: with the row it stays well below 255.
const KEY_LENGTH: usize = 150;

/// Writes the message into `folder` as `ROW-KEY.eml`; a file of that name is replaced whole.
///
/// # Errors
/// What the system gives.
pub fn write(folder: &Path, message: &Message) -> io::Result<PathBuf> {
    let path = folder.join(file_name(message.row, &message.key));
    let part = folder.join(format!(".{}.part", message.row));
    let mut file = File::create(&part)?;
    for part in &message.content {
        file.write_all(part.bytes())?;
    }
    drop(file);
    fs::rename(&part, &path)?;
    Ok(path)
}

/// Letters, digits and `@+-_.` stay; everything else, in which a path or a terminal could see more than a name, is `_`.
fn file_name(row: u64, key: &str) -> String {
    let mut name: String = key
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "@+-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    name.truncate(name.floor_char_boundary(KEY_LENGTH));
    format!("{row}-{name}.eml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_no_path() {
        assert_eq!(file_name(1, "anna@example.com"), "1-anna@example.com.eml");
        assert_eq!(file_name(2, "../../etc/passwd"), "2-.._.._etc_passwd.eml");
        assert_eq!(
            file_name(3, "a\0b\\c:d\u{1b}[31m\u{202e}"),
            "3-a_b_c_d__31m_.eml"
        );
        assert_eq!(file_name(4, "王伟"), "4-王伟.eml");
        assert!(file_name(5, &"é".repeat(500)).len() < 255);
    }
}
