//! Where a list's bytes are, to be read from their beginning as often as wanted.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::error::ListError;

/// What stands for standard input.
pub const STDIN: &str = "-";

/// A file by its name, or a nameless copy of what can be read but once.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    File(PathBuf),
    Spool(Arc<File>),
}

impl Origin {
    /// The list of this name, or standard input, copied to its end.
    pub fn of(file: &Path) -> Result<Origin, ListError> {
        let path = || file.to_owned();
        if file.as_os_str() == STDIN {
            let spooled = spool(&mut io::stdin().lock());
            return spooled.map_err(|cause| ListError::Stdin { cause });
        }
        // Asked before opening: where a directory cannot be opened at all, the error would say "permission",
        // and a pipe would be waited for.
        let found = file.metadata().map_err(|e| ListError::from_io(file, e))?;
        if found.is_dir() {
            return Err(ListError::Directory { file: path() });
        }
        if !found.is_file() {
            return Err(ListError::NoFile { file: path() });
        }
        Ok(Origin::File(path()))
    }

    /// The bytes as they lie there.
    pub fn open(&self) -> io::Result<Bytes> {
        match self {
            Origin::File(path) => File::open(path).map(Bytes::File),
            Origin::Spool(file) => Ok(Bytes::Spool {
                file: Arc::clone(file),
                at: 0,
            }),
        }
    }

    /// The bytes, uncompressed where they are compressed.
    pub fn plain(&self, gzip: bool) -> io::Result<Box<dyn Read + Send>> {
        let bytes = self.open()?;
        Ok(match gzip {
            false => Box::new(bytes),
            true => Box::new(MultiGzDecoder::new(BufReader::with_capacity(
                1 << 16,
                bytes,
            ))),
        })
    }

    /// The first bytes, at most so many.
    pub fn start(&self, gzip: bool, most: usize) -> io::Result<Vec<u8>> {
        let mut start = Vec::new();
        self.plain(gzip)?
            .take(most as u64)
            .read_to_end(&mut start)?;
        Ok(start)
    }
}

/// A copy that nobody else sees, and that is gone with the process, however that ends.
pub(super) fn spool(input: &mut dyn Read) -> io::Result<Origin> {
    let mut file = tempfile::tempfile()?;
    io::copy(input, &mut file)?;
    Ok(Origin::Spool(Arc::new(file)))
}

/// An open origin.
#[derive(Debug)]
pub(super) enum Bytes {
    File(File),
    /// Read by place: several may read one spool at once.
    Spool {
        file: Arc<File>,
        at: u64,
    },
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Bytes::File(file) => file.read(buffer),
            Bytes::Spool { file, at } => {
                let read = file.read_at(buffer, *at)?;
                *at += read as u64;
                Ok(read)
            }
        }
    }
}

impl Seek for Bytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (file, at) = match self {
            Bytes::File(file) => return file.seek(to),
            Bytes::Spool { file, at } => (file, at),
        };
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(step) => at.checked_add_signed(step),
            SeekFrom::End(step) => file.metadata()?.len().checked_add_signed(step),
        };
        *at = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(*at)
    }
}
