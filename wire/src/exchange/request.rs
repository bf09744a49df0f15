//! Signed requests: how an agent that asks for something says who it is.
//!
//! The header `Authorization: Vantage-Ed25519 <vantage> <time> <signature>` bears the name of the
//! vantage point, the time of signing in microseconds of UTC, and the signature in base64. A
//! reader refuses a time further than [`MAX_SKEW`] from its own; the refusal bears the aggregator's
//! time as every answer does, so an agent whose clock is wrong learns by how much and asks again.

use std::fmt;
use std::str::FromStr;

use crate::id::VantageId;
use crate::units::{Micros, UtcMicros};

/// The scheme of the header `Authorization`.
pub const SCHEME: &str = "Vantage-Ed25519";
/// How far the time of signing may be from the reader's.
pub const MAX_SKEW: Micros = Micros::from_secs(300);

/// The bytes that are signed: `vantage request v1`, then, each after a zero byte, the method, the
/// path with its query, the vantage point and the time.
pub fn signing_input(
    method: &str,
    path_and_query: &str,
    vantage: &VantageId,
    signed_at: UtcMicros,
) -> Vec<u8> {
    format!("vantage request v1\0{method}\0{path_and_query}\0{vantage}\0{}", signed_at.get())
        .into_bytes()
}

/// The value of the header. Prints as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Who asks.
    pub vantage: VantageId,
    /// When it was signed, by the agent's corrected clock.
    pub signed_at: UtcMicros,
    /// The signature, in base64.
    pub signature: String,
}

impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME} {} {} {}", self.vantage, self.signed_at.get(), self.signature)
    }
}

/// A header that is not of the form that this module describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authorization is not of the form `{SCHEME} <vantage> <time> <signature>`")]
pub struct NotAuthorization;

impl FromStr for Authorization {
    type Err = NotAuthorization;

    fn from_str(text: &str) -> Result<Self, NotAuthorization> {
        let mut words = text.split(' ');
        let (Some(SCHEME), Some(vantage), Some(time), Some(signature), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err(NotAuthorization);
        };
        Ok(Self {
            vantage: vantage.parse().map_err(|_| NotAuthorization)?,
            signed_at: UtcMicros::new(time.parse().map_err(|_| NotAuthorization)?),
            signature: signature.to_owned(),
        })
    }
}
