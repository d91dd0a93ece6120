//! What couriers tell while they work.

/// Something that people may want to know of while it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A connection came to nothing; tried again after so many milliseconds.
    Trouble {
        /// What happened.
        text: String,
        /// Until the next try.
        wait_ms: u64,
    },
    /// A server is used otherwise from now on: more simply, more slowly, or not at all.
    Notice {
        /// How, and why.
        text: String,
    },
}
