//! The signed envelope around a report.

use prost::Message as _;

use super::bounds::MAX_ENVELOPE_BYTES;
use super::error::{Locate as _, ReportError};
use super::model::{Decoded, Report};
use super::{compress, message};
use crate::id::VantageId;

/// The version of the format that this software writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// The length of an Ed25519 signature (RFC 8032).
pub const SIGNATURE_BYTES: usize = 64;

/// The bytes that are signed: `vantage report v<version>` and a zero byte, the length of the
/// vantage point's name as one byte, the name, the compressed body.
///
/// The first part keeps a signature for one purpose from being used for another, the length keeps
/// name and body apart.
pub fn signing_input(version: u32, vantage: &VantageId, body: &[u8]) -> Vec<u8> {
    let name = vantage.as_str().as_bytes();
    let mut input = format!("vantage report v{version}\0").into_bytes();
    input.reserve(1 + name.len() + body.len());
    // A name has at most 63 bytes.
    input.extend(u8::try_from(name.len()));
    input.extend_from_slice(name);
    input.extend_from_slice(body);
    input
}

/// A report as it travels: named, compressed and signed, but not looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    vantage: VantageId,
    body: Vec<u8>,
    signature: [u8; SIGNATURE_BYTES],
}

impl Envelope {
    /// Encodes, compresses and signs a report. `sign` gets the [signing input](signing_input).
    ///
    /// # Errors
    ///
    /// [`ReportError`] where the report does not add up or is too large. An agent then divides it.
    pub fn seal(
        report: &Report,
        sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES],
    ) -> Result<Self, ReportError> {
        let body = compress::compress(&report.encode()?)?;
        let signature = sign(&signing_input(FORMAT_VERSION, &report.vantage, &body));
        let envelope = Self { vantage: report.vantage.clone(), body, signature };
        let bytes = envelope.message().encoded_len();
        if bytes > MAX_ENVELOPE_BYTES {
            return Err(ReportError::EnvelopeTooLarge { bytes });
        }
        Ok(envelope)
    }

    /// Reads the outer message only, which is safe for any bytes from anyone.
    ///
    /// # Errors
    ///
    /// [`ReportError`] where the bytes are too many or no envelope of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReportError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(ReportError::EnvelopeTooLarge { bytes: bytes.len() });
        }
        let message::Envelope { version, vantage, body, signature } =
            message::Envelope::decode(bytes)
                .map_err(|source| ReportError::Protobuf { message: "envelope", source })?;
        if version != FORMAT_VERSION {
            return Err(ReportError::Version { found: version });
        }
        let vantage = VantageId::new(&vantage).field("vantage")?;
        let signature = <[u8; SIGNATURE_BYTES]>::try_from(signature)
            .map_err(|signature| ReportError::Signature { bytes: signature.len() })?;
        Ok(Self { vantage, body, signature })
    }

    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        self.message().encode_to_vec()
    }

    fn message(&self) -> message::Envelope {
        message::Envelope {
            version: FORMAT_VERSION,
            vantage: self.vantage.to_string(),
            body: self.body.clone(),
            signature: self.signature.to_vec(),
        }
    }

    /// Who claims to have sent it: whose key to verify with.
    pub const fn vantage(&self) -> &VantageId {
        &self.vantage
    }

    /// The Ed25519 signature.
    pub const fn signature(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.signature
    }

    /// The bytes that the signature must fit.
    pub fn signing_input(&self) -> Vec<u8> {
        signing_input(FORMAT_VERSION, &self.vantage, &self.body)
    }

    /// Has the signature verified; only then can the envelope be opened. `verify` gets the
    /// [signing input](signing_input) and the signature. It may accept without looking only where
    /// the bytes come from a place that verified them before.
    ///
    /// # Errors
    ///
    /// What `verify` returned.
    pub fn verify<E>(
        self,
        verify: impl FnOnce(&[u8], &[u8; SIGNATURE_BYTES]) -> Result<(), E>,
    ) -> Result<VerifiedEnvelope, E> {
        verify(&self.signing_input(), &self.signature)?;
        Ok(VerifiedEnvelope(self))
    }
}

/// An envelope whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEnvelope(Envelope);

impl VerifiedEnvelope {
    /// Who sent it.
    pub const fn vantage(&self) -> &VantageId {
        &self.0.vantage
    }

    /// Inflates and decodes the report.
    ///
    /// # Errors
    ///
    /// [`ReportError`] where the body is no report, too large, does not add up, or names another
    /// vantage point than the envelope.
    pub fn open(&self) -> Result<Decoded, ReportError> {
        let decoded = Report::decode(&compress::inflate(&self.0.body)?)?;
        if decoded.report.vantage != self.0.vantage {
            return Err(ReportError::VantageMismatch {
                envelope: self.0.vantage.clone(),
                report: decoded.report.vantage,
            });
        }
        Ok(decoded)
    }
}
