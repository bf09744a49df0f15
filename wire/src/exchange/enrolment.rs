//! How an agent becomes known: a one-time token is traded for the registration of a public key.

use serde::{Deserialize, Serialize};

use crate::id::{MarketId, VantageId};

/// What a new agent sends. The signature proves that it holds the private key.
///
/// Sending it again with the same key has the same answer, so that an answer that was lost does
/// not cost the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRequest {
    /// The one-time token that `vantage enroll` printed.
    pub token: String,
    /// The Ed25519 public key (RFC 8032), 32 bytes in base64.
    pub public_key: String,
    /// Signature of the [signing input](enrolment_signing_input), 64 bytes in base64.
    pub signature: String,
    /// Name and version of the agent.
    pub software: String,
}

/// Never prints the token.
impl std::fmt::Debug for EnrolmentRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolmentRequest")
            .field("public_key", &self.public_key)
            .field("software", &self.software)
            .finish_non_exhaustive()
    }
}

/// The registration: who the agent is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Its name.
    pub vantage: VantageId,
    /// The market that it measures from.
    pub market: MarketId,
}

/// The bytes that an agent signs to enrol: `vantage enrolment v1`, a zero byte, the token, a zero
/// byte, the 32 bytes of the public key.
pub fn enrolment_signing_input(token: &str, public_key: &[u8; 32]) -> Vec<u8> {
    let mut input = b"vantage enrolment v1\0".to_vec();
    input.extend_from_slice(token.as_bytes());
    input.push(0);
    input.extend_from_slice(public_key);
    input
}
