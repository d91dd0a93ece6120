//! The one voice: everything that is said to people while a run goes on, to standard error.
//!
//! On a terminal a live line, elsewhere a plain line every few seconds. Foreign text is expected to be free of
//! control characters: replies are cleaned where they are read, cells where they are shown.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::tally::Counts;

/// Without a terminal, how often a line says how far the run is.
const PLAIN_EVERY: Duration = Duration::from_secs(5);
/// The same trouble is told again only after so long.
const SAME_TROUBLE: Duration = Duration::from_secs(10);

/// Says lines from any thread, above the live line where there is one.
#[derive(Debug, Clone)]
pub struct Speaker {
    silent: bool,
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

impl Speaker {
    /// Says a line.
    pub fn say(&self, line: &str) {
        if self.silent {
            return;
        }
        // A panic while it is held leaves a live line that is there or not.
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        // A standard error that nobody reads is no reason to stop sending.
        match &*bar {
            Some(bar) => bar.suspend(|| drop(writeln!(io::stderr(), "{line}"))),
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }

    fn show(&self, bar: Option<ProgressBar>) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }
}

/// Speaks to the user.
pub struct Voice {
    quiet: bool,
    terminal: bool,
    speaker: Speaker,
    bar: Option<ProgressBar>,
    due: u64,
    begun: Instant,
    told: Instant,
    last: Counts,
    trouble: Option<(String, Instant)>,
}

impl Voice {
    /// A voice; quiet, it says nothing but what has to be said.
    pub fn new(quiet: bool) -> Self {
        let now = Instant::now();
        Voice {
            quiet,
            terminal: io::stderr().is_terminal(),
            speaker: Speaker {
                silent: false,
                bar: Arc::default(),
            },
            bar: None,
            due: 0,
            begun: now,
            told: now,
            last: Counts::default(),
            trouble: None,
        }
    }

    /// A voice for tests that run a campaign many times.
    #[cfg(test)]
    pub fn silent() -> Self {
        let mut voice = Voice::new(true);
        (voice.speaker.silent, voice.terminal) = (true, false);
        voice
    }

    /// A way to say lines from other threads.
    pub fn speaker(&self) -> Speaker {
        self.speaker.clone()
    }

    /// Says a line.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            self.write(line);
        }
    }

    /// Says a line that is never kept back.
    pub fn warn(&self, line: &str) {
        self.write(line);
    }

    /// Asks a question that is answered by y or n; anything else is no.
    pub fn ask(&self, question: &str) -> bool {
        let mut error = io::stderr();
        let _ = write!(error, "{question} [y/N] ").and_then(|()| error.flush());
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Whether a question would be seen and could be answered.
    pub fn can_ask(&self) -> bool {
        self.terminal && io::stdin().is_terminal()
    }

    /// A pass over so many recipients begins.
    pub fn begin(&mut self, due: u64) {
        self.due = due;
        self.begun = Instant::now();
        self.told = self.begun;
        if self.terminal && !self.quiet {
            let bar =
                ProgressBar::with_draw_target(Some(due), ProgressDrawTarget::stderr_with_hz(10));
            // `wide_msg` is cut to what the line has left: a line that wraps is not cleared whole.
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len}  {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.speaker.show(Some(bar.clone()));
            self.bar = Some(bar);
        }
    }

    /// Shows how far the run is.
    pub fn tick(&mut self, counts: &Counts) {
        if self.quiet {
            return;
        }
        let settled =
            counts.accepted + counts.failed + counts.in_doubt + counts.deferred + counts.invalid;
        if let Some(bar) = &self.bar {
            bar.set_length(self.due.max(settled));
            bar.set_position(settled);
            let rate = bar.per_sec();
            let left = match rate >= 0.1 {
                true => format!("{} left  ", indicatif::HumanDuration(bar.eta())),
                false => String::new(),
            };
            bar.set_message(format!("{rate:.0}/s  {left}{}", text(counts)));
        } else if self.told.elapsed() >= PLAIN_EVERY {
            let seconds = self.begun.elapsed().as_secs_f64();
            let rate = counts.accepted as f64 / seconds.max(0.001);
            self.write(&format!(
                "{settled} of {}: {}; {rate:.0}/s",
                self.due,
                text(counts)
            ));
            self.told = Instant::now();
        }
        self.last = *counts;
    }

    /// The live line goes away.
    pub fn end(&mut self) {
        self.speaker.show(None);
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// A connection came to nothing.
    pub fn trouble(&mut self, text: &str, wait: Duration) {
        let again = self
            .trouble
            .as_ref()
            .is_some_and(|(last, at)| last == text && at.elapsed() < SAME_TROUBLE);
        // The first loss of a connection is answered at once and is nobody's concern.
        if again || wait.is_zero() {
            return;
        }
        self.trouble = Some((text.to_owned(), Instant::now()));
        self.say(&format!("{text}; trying again"));
    }

    /// A first signal came.
    pub fn draining(&self) {
        self.warn("stopping: finishing what is in flight; once more to stop at once");
    }

    /// A second signal came.
    pub fn aborting(&mut self) {
        self.end();
        self.warn("stopped at once: what was in flight may be in doubt; the same command goes on");
    }

    fn write(&self, line: &str) {
        self.speaker.say(line);
    }
}

fn text(counts: &Counts) -> String {
    let mut text = format!("{} accepted", counts.accepted);
    for (count, name) in [
        (counts.failed, "failed"),
        (counts.deferred, "deferred"),
        (counts.in_doubt, "in doubt"),
        (counts.invalid, "invalid"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {name}"));
        }
    }
    let plural = if counts.connections == 1 { "" } else { "s" };
    text.push_str(&format!("; {} connection{plural}", counts.connections));
    text
}
