//! Who may speak: enrolment tokens and the signatures of agents.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::rand::SecureRandom;
use ring::signature::{ED25519, UnparsedPublicKey};

/// SHA-256 of a secret: what is kept instead of it.
pub type SecretHash = [u8; 32];

/// What every enrolment token begins with, so that it is known for what it is where it turns up.
const PREFIX: &str = "vantage-enrol-";
/// Nobody guesses 256 bits.
const TOKEN_BYTES: usize = 32;

/// A one-time token, known only to whoever it is printed for.
pub struct Token(String);

impl Token {
    /// Draws a token.
    ///
    /// # Errors
    ///
    /// Where the system has no randomness to give.
    pub fn draw(random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        let mut secret = [0; TOKEN_BYTES];
        random.fill(&mut secret).map_err(|_| NoRandomness)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret))))
    }

    /// The token itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        hash_secret(&self.0)
    }
}

/// Never prints the token.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The system has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random generator failed")]
pub struct NoRandomness;

/// The hash of a secret. The secrets hashed here have 256 random bits, so a fast hash is enough.
pub fn hash_secret(secret: &str) -> SecretHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// A signature that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit")]
pub struct BadSignature;

/// Verifies an Ed25519 signature (RFC 8032).
///
/// # Errors
///
/// [`BadSignature`].
pub fn verify(public_key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(message, signature)
        .map_err(|_| BadSignature)
}

/// Reads `N` bytes from base64; `None` where the text is anything else.
pub fn from_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Longer text than N bytes take is not decoded at all.
    if text.len() > N.div_ceil(3) * 4 {
        return None;
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    #[test]
    fn tokens_differ_and_are_not_printed() {
        let random = SystemRandom::new();
        let [one, other] = [0; 2].map(|_| Token::draw(&random).unwrap());
        assert_ne!(one.reveal(), other.reveal());
        assert_ne!(one.hash(), other.hash());
        assert!(one.reveal().starts_with("vantage-enrol-"));
        assert!(!format!("{one:?}").contains(&one.reveal()[PREFIX.len()..]));
    }

    #[test]
    fn only_the_key_that_signed_fits() {
        let key = |seed: u8| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = |pair: &Ed25519KeyPair| pair.public_key().as_ref().try_into().unwrap();
        let (mine, other) = (key(1), key(2));
        let signature = mine.sign(b"message");
        assert_eq!(verify(&public(&mine), b"message", signature.as_ref()), Ok(()));
        assert_eq!(verify(&public(&other), b"message", signature.as_ref()), Err(BadSignature));
        assert_eq!(verify(&public(&mine), b"massage", signature.as_ref()), Err(BadSignature));
        assert_eq!(verify(&public(&mine), b"message", b"short"), Err(BadSignature));
        assert_eq!(verify(&[0xff; 32], b"message", signature.as_ref()), Err(BadSignature));
    }

    #[test]
    fn base64_of_the_wrong_length_is_refused() {
        assert_eq!(from_base64::<3>("AAAA"), Some([0; 3]));
        assert_eq!(from_base64::<2>("AAAA"), None);
        assert_eq!(from_base64::<3>("AAA"), None);
        assert_eq!(from_base64::<3>("????"), None);
        assert_eq!(from_base64::<3>(&"A".repeat(4_000)), None);
    }
}
