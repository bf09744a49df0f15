//! Reports: what an agent sends to the aggregator, format version 1.
//!
//! `wire/FORMAT.md` describes every field, its unit, its range and the rules for change. A report
//! is a protobuf message, compressed with zstd, wrapped in a signed [`Envelope`]:
//!
//! ```text
//! Envelope { version, vantage, body, signature }      ≤ 1 MiB
//!                               └─ zstd ─▶ Report     ≤ 8 MiB, ≤ the counts in `bounds`
//! ```
//!
//! The types keep a reader to the only safe order: [`Envelope::decode`] looks at nothing but the
//! outer message, [`Envelope::verify`] lets the caller check the signature, and only a
//! [`VerifiedEnvelope`] can be opened. This crate does no cryptography: signer and verifier are
//! closures over [`Envelope::signing_input`].
//!
//! # Hostile bytes
//!
//! No byte string makes these functions panic, and none makes them take memory out of proportion.
//! Two things could: a small zstd frame that inflates without end, and a small protobuf whose
//! empty submessages (two bytes each) become structs of a hundred. The first is inflated as a
//! stream that stops at the limit, whatever the frame's header says, with a bounded window. For
//! the second, a scan counts the repeated elements before prost allocates for any of them. The
//! scan, some eighty lines that know nothing but nesting and limits, was chosen over a decoder of
//! our own because the derive on the message structs then stays the one definition of the format.
//!
//! # What is checked
//!
//! [`Report::decode`] and [`Report::encode`] apply the same limits and the same invariants, so what
//! can be encoded can be decoded, and a decoded report can be trusted to add up: see [`Tally`].

pub mod bounds;
mod compress;
mod decode;
mod encode;
mod encoded;
mod envelope;
mod error;
mod health;
mod merge;
mod message;
mod model;
mod probe;
mod windows;

pub use encoded::EncodedHistogram;
pub use envelope::{Envelope, FORMAT_VERSION, SIGNATURE_BYTES, VerifiedEnvelope, signing_input};
pub use error::{Location, Problem, ReportError};
pub use health::Health;
pub use merge::{MAX_MERGED_ADDRESSES, MergeError, coarsen};
pub use model::{
    ClockOffset, Decoded, FailureCount, Omitted, Report, Software, Tally, WindowReport,
};
pub use probe::{Family, ProbeKey, ProbeKind};
pub use windows::{decode_windows, encode_windows};
