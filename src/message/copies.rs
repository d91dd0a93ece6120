//! Further recipients of a message: who they are, each once.

use lettre::Address;

use super::address::is_same;
use crate::recipients::parse_address;

/// Somebody in Cc or Bcc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    pub display: Option<String>,
    pub address: Address,
}

/// The one address that `value` is, with or without a display name, as strictly as in a list.
///
/// # Errors
/// What is wrong and what to do. A second address can only be a cell's, and no cell adds a recipient.
pub(super) fn parse(value: &str) -> Result<Copy, String> {
    match parse_address(value) {
        Ok((display, address)) => Ok(Copy { display, address }),
        Err(_) if value.matches('@').count() > 1 => Err(
            "more than one address, and a cell can't add a recipient; give each address a column and an entry of its own"
                .to_owned(),
        ),
        Err(why) => Err(why),
    }
}

/// Those of Cc that are not there before, and not the main recipient, who is in To.
pub(super) fn each_once(copies: Vec<Copy>, main: &Address) -> Vec<Copy> {
    let mut once: Vec<Copy> = Vec::with_capacity(copies.len());
    for copy in copies {
        let address = copy.address.as_ref();
        if !is_same(address, main) && !once.iter().any(|other| is_same(address, &other.address)) {
            once.push(copy);
        }
    }
    once
}

/// The envelope's recipients besides the main one, each once.
pub(super) fn envelope(cc: &[Copy], bcc: Vec<Copy>, main: &Address) -> Vec<Address> {
    let all = cc.iter().cloned().chain(bcc).collect();
    let once = each_once(all, main).into_iter();
    once.map(|copy| copy.address).collect()
}
