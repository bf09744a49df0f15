//! Why an exchange broke off, as a failure.
//!
//! One mapping for all versions of HTTP, here for 1.1 and 2, in `quic` for 3. What ends without an
//! error (the connection by FIN or a GOAWAY that names none, the stream by its last frame) is
//! `http_eof` before the first byte of the response and `http_truncated` within it. What is broken
//! off (the connection by a TCP RST or a GOAWAY with an error, the stream by `RST_STREAM`) is
//! `http_reset` wherever it comes.

use std::error::Error;
use std::io;

use vantage_wire::{Failure, FailureCode, Phase};

use super::stamps::{Ended, Stamps, Taken, rustls_error};
use crate::net::tls::{Witness, classify_tls};
use crate::net::{Origin, classify_io};

/// What was being read when it broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The response's head, or not even that.
    Head,
    /// The response's body.
    Body {
        /// Whether it is shorter than announced.
        missing: bool,
    },
}

/// The failure of an exchange that broke off, from what was seen of its bytes and what hyper says.
pub fn broken(
    stamps: &Stamps,
    witness: Option<&Witness>,
    errors: [Option<&hyper::Error>; 2],
    stage: Broken,
) -> Failure {
    let taken = stamps.taken();
    let errors = || errors.into_iter().flatten();
    let detail = errors().next().map_or_else(String::new, describe);
    if let Some(stream) = errors().find_map(cause::<h2::Error>)
        && let Some(failure) = by_http2(stream, &taken, stage, &detail)
    {
        return failure;
    }
    // Bytes that are no HTTP are the reason, whatever followed them.
    if errors().any(hyper::Error::is_parse) {
        return protocol(stage, &detail);
    }
    match &taken.ended {
        Some(Ended::Eof) => match taken.leave_error() {
            None => closed(&taken, "the connection was closed"),
            Some(code) => {
                let detail = format!("the target left: {}", h2::Reason::from(code));
                Failure::in_phase(FailureCode::HttpReset, phase(&taken), &detail)
            }
        },
        Some(Ended::Error(error)) => by_io(error, &taken, witness, stage),
        None if errors().any(hyper::Error::is_user) => {
            Failure::new(FailureCode::ConfigInvalid, &detail)
        }
        None => protocol(stage, &detail),
    }
}

fn by_http2(error: &h2::Error, taken: &Taken, stage: Broken, detail: &str) -> Option<Failure> {
    if error.is_remote() {
        let in_order = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        return Some(if in_order {
            closed(taken, detail)
        } else {
            Failure::in_phase(FailureCode::HttpReset, phase(taken), detail)
        });
    }
    if !error.is_library() {
        return None;
    }
    // A stream that ends before its announced length is all that h2 calls an error of its own
    // within a body whose frames are sound.
    if stage == (Broken::Body { missing: true }) && error.is_reset() {
        return Some(closed(taken, "the stream ended before its announced length"));
    }
    Some(protocol(stage, detail))
}

fn by_io(error: &io::Error, taken: &Taken, witness: Option<&Witness>, stage: Broken) -> Failure {
    let Some(inner) = rustls_error(error) else {
        return classify_io(error, phase(taken), Origin::Remote);
    };
    if let Some(witness) = witness {
        let failure = classify_tls(inner, witness);
        if failure.code == FailureCode::TlsClientCert {
            return failure;
        }
        return protocol(stage, failure.detail.as_str());
    }
    protocol(stage, &inner.to_string())
}

/// The peer ended it: before a byte of a response, or too early.
fn closed(taken: &Taken, detail: &str) -> Failure {
    match phase(taken) {
        Phase::Transfer => Failure::new(FailureCode::HttpTruncated, detail),
        _ => Failure::new(FailureCode::HttpEof, detail),
    }
}

fn protocol(stage: Broken, detail: &str) -> Failure {
    let phase = match stage {
        Broken::Head => Phase::Request,
        Broken::Body { .. } => Phase::Transfer,
    };
    Failure::in_phase(FailureCode::HttpProtocol, phase, detail)
}

fn phase(taken: &Taken) -> Phase {
    if taken.began.is_some() { Phase::Transfer } else { Phase::Request }
}

/// An error within an error.
fn cause<T: Error + 'static>(error: &hyper::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The error and its causes.
fn describe(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
