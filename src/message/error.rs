//! Why a message cannot be built: the campaign is wrong, or one row is.

use lettre::Address;
use thiserror::Error;

/// A campaign of which no message can be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BuilderError {
    /// An address of the campaign that no list could hold.
    #[error("{setting}: {:?} is no address that mail can be sent with: {why}", AsRef::<str>::as_ref(.address))]
    Address {
        /// The setting's name.
        setting: &'static str,
        /// The address.
        address: Address,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A display name with a control character.
    #[error("{setting}: the display name holds U+{:04X}, which no header may hold; take it out", u32::from(*.character))]
    Display {
        /// The setting's name.
        setting: &'static str,
        /// The character.
        character: char,
    },
    /// Not a field name (RFC 5322 section 3.6.8).
    #[error(
        "headers: {name:?} is not a header's name; use 1 to 76 ASCII letters, digits and hyphens"
    )]
    HeaderName {
        /// The name.
        name: String,
    },
    /// A field that mailrun writes itself.
    #[error("headers: mailrun sets {name:?} itself; take it out of headers")]
    ReservedHeader {
        /// The name.
        name: String,
    },
    /// The same field twice; names are compared without case.
    #[error("headers: {name:?} is set twice; keep one of them")]
    RepeatedHeader {
        /// The name.
        name: String,
    },
}

/// A message that cannot be built from a row, whatever the server: the row is `invalid`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The column whose cell is at fault, where it is known.
    pub column: Option<String>,
    /// What is wrong, beginning with the field or part at fault, and what to do; without a full stop. Nothing in it
    /// can move a terminal's cursor.
    pub reason: String,
}
