//! A mailrun that is running: watched, signalled, killed, and awaited no longer than is reasonable.

use std::fs::{self, File};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::support::Ran;

/// Longer than anything here takes on a slow machine; what takes longer hangs.
pub const LONG: Duration = Duration::from_secs(180);

/// Looks every millisecond until there is something to be seen.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {LONG:?} in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A child process whose output goes to files. Killed when the test ends before it.
pub struct Running {
    child: Child,
    output: TempDir,
    /// The most memory it ever held, in KiB, as last seen.
    pub peak_kib: Option<u64>,
}

impl Running {
    /// Starts the command.
    pub fn start(command: &mut Command) -> Self {
        let output = tempfile::tempdir().unwrap();
        command.stdout(File::create(output.path().join("stdout")).unwrap());
        command.stderr(File::create(output.path().join("stderr")).unwrap());
        Running {
            child: command.spawn().unwrap(),
            output,
            peak_kib: None,
        }
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it said on standard error so far.
    pub fn stderr(&self) -> String {
        self.said("stderr")
    }

    fn said(&self, stream: &str) -> String {
        let bytes = fs::read(self.output.path().join(stream)).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Sends a signal by its name: `INT`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success(), "kill -s {name} {id}");
    }

    /// Kills it (SIGKILL); false when it had ended before.
    pub fn kill(mut self) -> bool {
        let ended = self.ended();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        !ended
    }

    /// Waits for its end, and notes its memory meanwhile.
    #[track_caller]
    pub fn end(&mut self) -> Ran {
        let path = format!("/proc/{}/status", self.child.id());
        let status = until("the end of mailrun", || {
            // The kernel keeps the highest value; a process that has just ended shows none.
            let text = fs::read_to_string(&path).unwrap_or_default();
            let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            if let Some(peak) = peak {
                let kib = peak.trim().trim_end_matches(" kB").parse().unwrap();
                self.peak_kib = Some(kib);
            }
            self.child.try_wait().unwrap()
        });
        Ran {
            status: status.code().unwrap_or(-1),
            stdout: self.said("stdout"),
            stderr: self.said("stderr"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended in a test that passes: then both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
