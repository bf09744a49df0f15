//! Who the agent is: its key, and the registration that the aggregator gave for it.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519_PUBLIC_KEY_LEN, Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};
use vantage_wire::exchange::request::{Authorization, signing_input};
use vantage_wire::exchange::{Enrolment, EnrolmentRequest, enrolment_signing_input};
use vantage_wire::report::SIGNATURE_BYTES;
use vantage_wire::{UtcMicros, VantageId};

use crate::spool::{Storage, replace};

const KEY_FILE: &str = "key.pk8";
const REGISTRATION_FILE: &str = "registration.json";

/// Name and version of this software, as reports and enrolment name it.
pub const SOFTWARE: &str = concat!("vantage-agent ", env!("CARGO_PKG_VERSION"));

/// A key or a registration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The folder cannot be read or written.
    #[error("failed to {doing}: {source}")]
    Storage {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The key is not one.
    #[error("{KEY_FILE} in the state folder is no Ed25519 key; remove it and enrol anew")]
    Key,
    /// The registration is not one.
    #[error(
        "{REGISTRATION_FILE} in the state folder cannot be read: {0}; remove it and enrol anew"
    )]
    Registration(serde_json::Error),
    /// The operating system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// A key (Ed25519, RFC 8032). It prints as its public part.
pub struct Key(Ed25519KeyPair);

impl Key {
    /// The key in the folder; a new one at the first start.
    ///
    /// # Errors
    /// Where it cannot be read or written, or is none.
    pub fn open(folder: &mut impl Storage) -> Result<Self, IdentityError> {
        let held = match folder.read(KEY_FILE) {
            Ok(held) => held,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                    .map_err(|_| IdentityError::Random)?;
                replace(folder, KEY_FILE, document.as_ref()).map_err(storage("write a new key"))?;
                document.as_ref().to_vec()
            }
            Err(error) => return Err(storage("read the key")(error)),
        };
        Ed25519KeyPair::from_pkcs8(&held).map(Self).map_err(|_| IdentityError::Key)
    }

    /// The public part.
    pub fn public(&self) -> [u8; ED25519_PUBLIC_KEY_LEN] {
        let mut public = [0; ED25519_PUBLIC_KEY_LEN];
        public.copy_from_slice(self.0.public_key().as_ref());
        public
    }

    /// Signs; equal bytes have equal signatures.
    pub fn sign(&self, bytes: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(self.0.sign(bytes).as_ref());
        signature
    }

    /// The request that trades a token for a registration.
    pub fn enrolment(&self, token: &Token) -> EnrolmentRequest {
        let public = self.public();
        let signature = self.sign(&enrolment_signing_input(&token.0, &public));
        EnrolmentRequest {
            token: token.0.clone(),
            public_key: BASE64_STANDARD.encode(public),
            signature: BASE64_STANDARD.encode(signature),
            software: SOFTWARE.to_owned(),
        }
    }

    /// The header `Authorization` of a request without a body.
    pub fn authorize(
        &self,
        method: &str,
        path_and_query: &str,
        vantage: &VantageId,
        signed_at: UtcMicros,
    ) -> Authorization {
        let input = signing_input(method, path_and_query, vantage, signed_at);
        let signature = BASE64_STANDARD.encode(self.sign(&input));
        Authorization { vantage: vantage.clone(), signed_at, signature }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&BASE64_STANDARD.encode(self.public())).finish()
    }
}

/// A one-time token. It never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token in a text: white space around it is not part of it. `None` where there is none.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// A digest by which the same token is known again, in base64.
    fn digest(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.0.as_bytes());
        BASE64_STANDARD.encode(&digest.as_ref()[..16])
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What the aggregator registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Who the agent is.
    #[serde(flatten)]
    pub enrolment: Enrolment,
    /// Which token it was had for, so that a new one is used and an old one is not used again.
    token_digest: String,
}

impl Registration {
    /// A registration that was had for a token.
    pub fn new(enrolment: Enrolment, token: &Token) -> Self {
        Self { enrolment, token_digest: token.digest() }
    }

    /// The registration in the folder; `None` before the first.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn load(folder: &mut impl Storage) -> Result<Option<Self>, IdentityError> {
        match folder.read(REGISTRATION_FILE) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(IdentityError::Registration)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(storage("read the registration")(error)),
        }
    }

    /// Keeps it in the folder.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self, folder: &mut impl Storage) -> Result<(), IdentityError> {
        let json = serde_json::to_vec_pretty(self).map_err(IdentityError::Registration)?;
        replace(folder, REGISTRATION_FILE, &json).map_err(storage("write the registration"))
    }

    /// Whether it was had for this token.
    pub fn is_for(&self, token: &Token) -> bool {
        self.token_digest == token.digest()
    }
}

fn storage(doing: &'static str) -> impl FnOnce(io::Error) -> IdentityError {
    move |source| IdentityError::Storage { doing, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;
    use crate::spool::Folder;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(&place.path().join("state")).unwrap();
        let first = Key::open(&mut folder).unwrap();
        let again = Key::open(&mut folder).unwrap();
        assert_eq!(first.public(), again.public());
        let mode = |name: &str| {
            std::fs::metadata(place.path().join(name)).unwrap().permissions().mode() & 0o777
        };
        assert_eq!((mode("state"), mode("state/key.pk8")), (0o700, 0o600));
        std::fs::write(place.path().join("state/key.pk8"), b"nonsense").unwrap();
        assert!(matches!(Key::open(&mut folder), Err(IdentityError::Key)));
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_secret_prints() {
        let place = tempfile::tempdir().unwrap();
        let key = Key::open(&mut Folder::open(place.path()).unwrap()).unwrap();
        let token = Token::new(" sesame\n").unwrap();
        let request = key.enrolment(&token);
        assert_eq!(request.token, "sesame");
        let public = key.public();
        let signature = BASE64_STANDARD.decode(&request.signature).unwrap();
        UnparsedPublicKey::new(&ED25519, public)
            .verify(&enrolment_signing_input("sesame", &public), &signature)
            .unwrap();
        let printed = format!("{token:?} {request:?}");
        assert!(!printed.contains("sesame"), "{printed}");
    }

    #[test]
    fn a_registration_is_kept_and_knows_its_token() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(place.path()).unwrap();
        assert_eq!(Registration::load(&mut folder).unwrap(), None);
        let (token, other) = (Token::new("one").unwrap(), Token::new("two").unwrap());
        let enrolment =
            Enrolment { vantage: "hk-1".parse().unwrap(), market: "hk".parse().unwrap() };
        let registration = Registration::new(enrolment, &token);
        registration.save(&mut folder).unwrap();
        let loaded = Registration::load(&mut folder).unwrap().unwrap();
        assert_eq!(loaded, registration);
        assert!(loaded.is_for(&token) && !loaded.is_for(&other));
    }
}
