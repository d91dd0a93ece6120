//! What couriers tell while they work.

use crate::recipients::InvalidRow;

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
    /// A row of which the server cannot take an address: as one that the list does not allow.
    Invalid(Box<InvalidRow>),
    /// A server is used otherwise from now on: more simply, more slowly, or not at all.
    Notice {
        /// How, and why.
        text: String,
    },
}
