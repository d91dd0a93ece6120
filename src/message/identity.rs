//! What identifies a message: a hash, so that neither the list's order nor the time takes part.

use super::Identity;

/// RFC 4648 section 6, in lower case: safe in a local part, a URL and a file name alike.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 26 digits of 5 bits each: 130 bits, so that two keys of one run do not meet.
const DIGITS: usize = 26;

impl Identity {
    /// The identity of the message to `key` in run `run` of the campaign named `campaign`.
    ///
    /// `domain`, the From address's, is only the right side of the Message-ID (RFC 5322 section 3.6.4), as A-labels.
    #[must_use]
    pub fn of(campaign: &str, run: &str, key: &str, domain: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        for input in [campaign, run, key] {
            // With its length before it, no input can lend a character to the next one.
            hasher.update(&(input.len() as u64).to_le_bytes());
            hasher.update(input.as_bytes());
        }
        let send_id = base32(hasher.finalize().as_bytes());
        let message_id = if domain.is_ascii() {
            format!("{send_id}@{domain}")
        } else {
            // A domain that IDNA does not know stands in no From address that a builder takes.
            let domain = idna::domain_to_ascii(domain).unwrap_or_default();
            format!("{send_id}@{domain}")
        };
        Self {
            send_id,
            message_id,
        }
    }

    /// The identity of a message that went out under this Message-ID before; `None` when no message of mailrun's has it.
    ///
    /// The text comes from a file that others may have changed, and goes into a header.
    #[must_use]
    pub fn recorded(message_id: &str) -> Option<Self> {
        let (send_id, domain) = message_id.split_once('@')?;
        let of_domain = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
        let fits = send_id.len() == DIGITS
            && send_id.bytes().all(|byte| ALPHABET.contains(&byte))
            && !domain.is_empty()
            && domain.chars().all(of_domain);
        fits.then(|| Self {
            send_id: send_id.to_owned(),
            message_id: message_id.to_owned(),
        })
    }
}

/// A name for `bytes`, as many digits as a `send_id` has: equal bytes, equal names.
pub(super) fn name_of(bytes: &[u8]) -> String {
    base32(blake3::hash(bytes).as_bytes())
}

/// The first `DIGITS` digits of `hash`, the highest bit first.
fn base32(hash: &[u8; 32]) -> String {
    (0..DIGITS)
        .map(|digit| {
            let (byte, bit) = (digit * 5 / 8, digit * 5 % 8);
            let pair = u16::from_be_bytes([hash[byte], hash[byte + 1]]);
            char::from(ALPHABET[usize::from(pair >> (11 - bit) & 31)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_for_ever() {
        // A changed value here would mail everyone of an unfinished run under a new Message-ID.
        let identity = Identity::of("November", "2026-11", "jane@a.example", "acme.example");
        assert_eq!(identity.send_id, "4rhrd22wtmxzu3jtnhlmetqpbd");
        assert_eq!(
            identity.message_id,
            format!("{}@acme.example", identity.send_id)
        );
    }

    #[test]
    fn depends_on_each_input_and_on_where_it_ends() {
        let id = |campaign, run, key| Identity::of(campaign, run, key, "x.example").send_id;
        let all = [
            id("a", "b", "c"),
            id("ab", "", "c"),
            id("a", "bc", ""),
            id("a", "b", "d"),
            id("", "ab", "c"),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{one} twice");
        }
    }

    #[test]
    fn domain_is_for_the_message_id_alone() {
        let one = Identity::of("a", "b", "c", "x.example");
        let other = Identity::of("a", "b", "c", "y.example");
        assert_eq!(one.send_id, other.send_id);
        assert_ne!(one.message_id, other.message_id);
        let foreign = Identity::of("a", "b", "c", "köln.example").message_id;
        assert_eq!(foreign, format!("{}@xn--kln-sna.example", one.send_id));
    }

    #[test]
    fn a_recorded_message_id_is_taken_only_as_it_was_made() {
        let made = Identity::of("a", "b", "c", "köln.example");
        assert_eq!(Identity::recorded(&made.message_id), Some(made.clone()));
        for other in [
            "",
            "short@x.example",
            &made.send_id,
            &format!("{}@", made.send_id),
            &format!("{}\r\nBcc: x@x.example", made.message_id),
            &format!("{}>", made.message_id),
            &made.message_id.to_uppercase(),
        ] {
            assert_eq!(Identity::recorded(other), None, "{other:?}");
        }
    }

    #[test]
    fn base32_agrees_with_rfc_4648() {
        let mut hash = [0; 32];
        hash[..6].copy_from_slice(b"foobar");
        assert!(base32(&hash).starts_with("mzxw6ytboi"));
        assert_eq!(base32(&[0xff; 32]), "7".repeat(26));
    }
}
