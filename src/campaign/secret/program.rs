//! A program run for what it prints: no shell, no input, an end to its time and to its output.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::LONGEST;
use crate::wording::printable;

/// Of what it says on standard error, so much of the end is kept.
const WORDS: usize = 4096;

/// How often to look whether a program that has closed its output has ended.
const TICK: Duration = Duration::from_millis(5);

/// What a program said, and how it ended.
pub(super) struct Output {
    program: String,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The exit status; `None`: killed by a signal.
    pub(super) code: Option<i32>,
}

/// Why a program gave nothing that can be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// No such program.
    #[error("there is no program {0:?}")]
    Missing(String),
    /// It cannot be run.
    #[error("{0:?} cannot be run: {1}")]
    Unusable(String, String),
    /// It took too long.
    #[error("{0:?} did not end within {1} s")]
    Slow(String, u64),
    /// It printed more than a secret can be.
    #[error("{0:?} printed more than 64 KiB; the password alone may be there")]
    Endless(String),
    /// It said that it failed.
    #[error("{program:?} ended with {status}{words}")]
    Failed {
        /// Which.
        program: String,
        /// "status 1", "a signal".
        status: String,
        /// The last line of its standard error after a colon, or nothing.
        words: String,
    },
}

/// Runs `words`, the program first, for `patience` at most.
pub(super) fn run(words: &[String], patience: Duration) -> Result<Output, ProgramError> {
    let program = words.first().cloned().unwrap_or_default();
    let unusable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ProgramError::Missing(program.clone()),
        _ => ProgramError::Unusable(program.clone(), error.to_string()),
    };
    let mut child = Command::new(&program)
        .args(words.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(unusable)?;
    let ended = follow(&mut child, &program, patience);
    if ended.is_err() {
        // It is of no use any more; that it has ended by itself meanwhile is no trouble.
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}

/// Reads what it prints until it ends. Both outputs are watched at once, so that neither can fill up and stop it; a child
/// of its own that keeps them open longer than `patience` is not waited for.
fn follow(child: &mut Child, program: &str, patience: Duration) -> Result<Output, ProgramError> {
    let deadline = Instant::now() + patience;
    let slow = || ProgramError::Slow(program.to_owned(), patience.as_secs());
    let broken = |error: io::Error| ProgramError::Unusable(program.to_owned(), error.to_string());
    let mut pipes = (child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while pipes.0.is_some() || pipes.1.is_some() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(slow());
        }
        let outs = pipes.0.as_ref().map(AsFd::as_fd);
        let errs = pipes.1.as_ref().map(AsFd::as_fd);
        let fds = outs.iter().chain(&errs);
        let mut fds: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let time = Timespec::try_from(left).ok();
        match poll(&mut fds, time.as_ref()) {
            Ok(0) => continue,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(broken(error.into())),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let out_ready = outs.is_some() && ready.next().unwrap_or(false);
        let err_ready = errs.is_some() && ready.next().unwrap_or(false);
        if out_ready && take(&mut pipes.0, &mut stdout).map_err(broken)? {
            pipes.0 = None;
        }
        if stdout.len() > LONGEST + 2 {
            return Err(ProgramError::Endless(program.to_owned()));
        }
        if err_ready && take(&mut pipes.1, &mut stderr).map_err(broken)? {
            pipes.1 = None;
        }
        let surplus = stderr.len().saturating_sub(WORDS);
        stderr.drain(..surplus);
    }
    let status = loop {
        match child.try_wait().map_err(broken)? {
            Some(status) => break status,
            None if Instant::now() < deadline => thread::sleep(TICK),
            None => return Err(slow()),
        }
    };
    Ok(Output {
        program: program.to_owned(),
        stdout,
        stderr,
        code: status.code(),
    })
}

/// Takes what is there; whether that was the end.
fn take(pipe: &mut Option<impl Read>, into: &mut Vec<u8>) -> io::Result<bool> {
    let Some(pipe) = pipe else { return Ok(true) };
    let mut buffer = [0; 4096];
    match pipe.read(&mut buffer) {
        Ok(length) => {
            into.extend_from_slice(&buffer[..length]);
            Ok(length == 0)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

impl Output {
    /// What it printed, when it said that all is well.
    pub(super) fn succeeded(self) -> Result<Vec<u8>, ProgramError> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        let words = match self.last_words() {
            words if words.is_empty() => words,
            words => format!(": {words}"),
        };
        Err(ProgramError::Failed {
            status: match self.code {
                Some(code) => format!("status {code}"),
                None => "a signal".to_owned(),
            },
            program: self.program,
            words,
        })
    }

    /// The last line that it said on standard error, fit for a terminal; what it printed as the secret is masked in it.
    pub(super) fn last_words(&self) -> String {
        let said = String::from_utf8_lossy(&self.stderr);
        let line = said.lines().rev().map(str::trim).find(|it| !it.is_empty());
        let line = line.unwrap_or_default();
        let printed = String::from_utf8_lossy(&self.stdout);
        let line = match printed.trim() {
            "" => line.to_owned(),
            secret => line.replace(secret, "***"),
        };
        printable(&line)
    }
}
