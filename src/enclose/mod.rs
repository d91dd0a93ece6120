//! What goes with a message beside its texts: inline images.
//!
//! What is the same in all messages is read and encoded once, before the first row, and shared. A file whose path a
//! row's data takes part in is read when that row's message is made: the one place that reads while messages are made
//! is [`files`], and it reads nothing outside the campaign folder.

pub mod files;
mod images;

pub use images::Images;

#[cfg(test)]
mod tests;
