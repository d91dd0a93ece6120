//! What goes with a message beside its texts: inline images and attachments.
//!
//! What is the same in all messages is read and encoded once, before the first row, and shared. A file whose path a
//! row's data takes part in is read when that row's message is made: the one place that reads while messages are made
//! is [`files`], and it reads nothing outside the campaign folder. What was made of it is kept (`kept`) for further rows that
//! name it; where the path leads, and whether the file is still the same one, is looked at for each row.

mod attachments;
pub mod files;
mod images;
mod kept;

pub use attachments::Attachments;
pub use images::Images;

/// What cannot be enclosed, found before anything is sent: what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EncloseError(pub String);

#[cfg(test)]
mod tests;
