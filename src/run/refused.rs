//! A row of which no message can be made, as people are told of it; of a group, the row that is at fault.

use std::mem;

use crate::compose::Composer;
use crate::message::Refusal;
use crate::recipients::{GroupRow, InvalidRow, Recipient};
use crate::wording::count;

/// The row, with the reason; `others` are the other rows of its group.
pub fn invalid_row(composer: &Composer, mut recipient: Recipient, refusal: Refusal) -> InvalidRow {
    let mut others = mem::take(&mut recipient.others);
    let mut reason = refusal.reason.clone();
    if !others.is_empty() {
        let all = count(1 + others.len() as u64, "row");
        reason += &format!(" (its group, of {all}, is not mailed without it)");
        let other = other_at_fault(composer, &recipient, &others, &refusal);
        if let Some(other) = other.map(|at| &mut others[at]) {
            mem::swap(&mut recipient.position, &mut other.position);
            mem::swap(&mut recipient.fields, &mut other.fields);
            mem::swap(&mut recipient.nested, &mut other.nested);
        }
    }
    InvalidRow {
        address: recipient.address.to_string(),
        key: recipient.key,
        keyed: true,
        position: recipient.position,
        column: refusal.column,
        reason,
        fields: recipient.fields,
        nested: recipient.nested,
        others,
        torn: false,
    }
}

/// Which of the further rows it is: the one with which the message is refused for this, and without which, of the rows before
/// it alone, it is not; `None`: the first. A template does not say in which round of an `each` it failed, so that it is tried.
fn other_at_fault(
    composer: &Composer,
    first: &Recipient,
    others: &[GroupRow],
    refusal: &Refusal,
) -> Option<usize> {
    let mut sheet = composer.sheet();
    let mut is_refused = |others: &[GroupRow]| {
        let mut part = first.clone();
        part.others = others.to_vec();
        composer.compose(&part, "", &mut sheet).err().as_ref() == Some(refusal)
    };
    if is_refused(&[]) {
        return None;
    }
    let (mut fine, mut refused) = (0, others.len());
    while refused - fine > 1 {
        let middle = fine.midpoint(refused);
        match is_refused(&others[..middle]) {
            true => refused = middle,
            false => fine = middle,
        }
    }
    Some(fine)
}
