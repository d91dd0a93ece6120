//! Tokens in unsubscribe links: whom a link was made for, signed, so that nobody can make one for somebody else.
//!
//! HMAC with SHA-256 (RFC 2104), which every language has: the page behind the link can check a token itself.
//! `TOKEN = TEXT "." SIGNATURE`, both base64url without padding (RFC 4648 section 5): the text is campaign, run, address and
//! key with a line break between them (the key last, empty when it is the address); the signature is the first 16 octets
//! of the HMAC of `TEXT` as it stands in the token.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Half of the HMAC: nobody tries 2^128 links (RFC 2104 section 5).
const SIGNATURE: usize = 16;
/// A shorter key could be guessed from one token.
const SHORTEST_KEY: usize = 16;

/// Makes and checks tokens under one key; cannot be printed.
pub struct TokenKey(hmac::Key);

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Claims {
    /// The campaign's name.
    pub campaign: String,
    /// The run.
    pub run: String,
    /// The recipient's address.
    pub address: String,
    /// The recipient's key.
    pub key: String,
}

/// Why there is no key, or a token is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A key that could be guessed.
    #[error("the key is shorter than {SHORTEST_KEY} bytes; make one with: openssl rand -hex 32")]
    ShortKey,
    /// Not made by mailrun.
    #[error("this is no token of mailrun's; give it whole, as it stands in the link")]
    NoToken,
    /// Made with another key, or changed.
    #[error("this token was changed, or made with another key: do not believe it")]
    Forged,
}

impl TokenKey {
    /// A key of at least 16 bytes.
    ///
    /// # Errors
    /// When it is shorter.
    pub fn new(key: &[u8]) -> Result<Self, TokenError> {
        let long_enough = key.len() >= SHORTEST_KEY;
        let key = long_enough.then(|| hmac::Key::new(hmac::HMAC_SHA256, key));
        key.map(TokenKey).ok_or(TokenError::ShortKey)
    }

    /// The token for the link of one recipient in one run.
    pub fn token(&self, campaign: &str, run: &str, address: &str, key: &str) -> String {
        let key = if key == address { "" } else { key };
        let text = [campaign, run, address, key].join("\n");
        let mut token = URL_SAFE_NO_PAD.encode(text);
        let signature = hmac::sign(&self.0, token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature.as_ref()[..SIGNATURE], &mut token);
        token
    }

    /// Whom the token was made for.
    ///
    /// # Errors
    /// One that was not made with this key.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let (text, signature) = token.trim().split_once('.').ok_or(TokenError::NoToken)?;
        let given = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| TokenError::NoToken)?;
        let made = hmac::sign(&self.0, text.as_bytes());
        verify_slices_are_equal(&made.as_ref()[..SIGNATURE], &given)
            .map_err(|_| TokenError::Forged)?;
        let text = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| TokenError::NoToken)?;
        let text = String::from_utf8(text).map_err(|_| TokenError::NoToken)?;
        let mut parts = text.splitn(4, '\n').map(str::to_owned);
        let mut next = || parts.next().ok_or(TokenError::NoToken);
        let (campaign, run, address, key) = (next()?, next()?, next()?, next()?);
        Ok(Claims {
            key: if key.is_empty() { address.clone() } else { key },
            campaign,
            run,
            address,
        })
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(***)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key() -> TokenKey {
        TokenKey::new(b"0123456789abcdef").unwrap()
    }

    #[test]
    fn stays_the_same_for_ever() {
        // Links in messages that were mailed long ago must go on working.
        let token = key().token("November", "2026-11", "jane@a.example", "jane@a.example");
        assert_eq!(
            token,
            "Tm92ZW1iZXIKMjAyNi0xMQpqYW5lQGEuZXhhbXBsZQo.BVC9D4gw225aiGgxrKWSXQ"
        );
    }

    #[test]
    fn says_whom_it_was_made_for() {
        let claims = key()
            .verify(&key().token("N", "r", "jane@a.example", "42\nx"))
            .unwrap();
        assert_eq!(
            (claims.address.as_str(), claims.key.as_str()),
            ("jane@a.example", "42\nx")
        );
        assert_eq!((claims.campaign.as_str(), claims.run.as_str()), ("N", "r"));
        let same = key().token("N", "r", "jane@a.example", "jane@a.example");
        assert_eq!(key().verify(&same).unwrap().key, "jane@a.example");
    }

    #[test]
    fn nobody_can_make_one_for_somebody_else() {
        let token = key().token("N", "r", "jane@a.example", "jane@a.example");
        let (text, signature) = token.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode("N\nr\njohn@a.example\n");
        let other_key = TokenKey::new(b"another key of 1").unwrap();
        assert_eq!(other_key.verify(&token), Err(TokenError::Forged));
        for forged in [
            format!("{other}.{signature}"),
            format!("{text}A.{signature}"),
            format!("{text}."),
            format!("{text}.AAAA"),
        ] {
            assert_eq!(key().verify(&forged), Err(TokenError::Forged), "{forged}");
        }
        for none in ["", "x", text, "a.b c"] {
            assert_eq!(key().verify(none), Err(TokenError::NoToken), "{none}");
        }
        assert_eq!(TokenKey::new(b"short").unwrap_err(), TokenError::ShortKey);
        assert_eq!(format!("{:?}", key()), "TokenKey(***)");
    }
}
