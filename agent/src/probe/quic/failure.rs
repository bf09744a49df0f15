//! What the errors of QUIC and HTTP/3 mean.

use std::io;

use h3::error::{Code, StreamError};
use quinn::{ConnectionError, TransportErrorCode};
use rustls::AlertDescription;
use vantage_wire::{Failure, FailureCode, Phase};

use crate::net::timeout;
use crate::net::tls::{Witness, alert_name, classify_tls};

/// Why a handshake failed, unless it was for the certificate, which the caller knows more of.
pub fn handshake(error: &ConnectionError, witness: &Witness) -> Failure {
    let code = match error {
        ConnectionError::VersionMismatch => FailureCode::QuicVersion,
        ConnectionError::ConnectionClosed(close) => {
            by_transport_code(close.error_code, witness).unwrap_or(FailureCode::QuicHandshake)
        }
        ConnectionError::TransportError(_) | ConnectionError::ApplicationClosed(_) => {
            FailureCode::QuicHandshake
        }
        ConnectionError::Reset => FailureCode::QuicReset,
        ConnectionError::TimedOut => FailureCode::QuicTimeout,
        // Nobody but the agent closes here, and it does so only when it gives up.
        ConnectionError::LocallyClosed | ConnectionError::CidsExhausted => {
            FailureCode::AgentResource
        }
    };
    Failure::in_phase(code, Phase::Connect, &describe(error))
}

/// What the refusal of a certificate means. TLS over QUIC has no phase of its own.
pub fn certificate(refusal: &rustls::Error, witness: &Witness) -> Failure {
    Failure { phase: Phase::Connect, ..classify_tls(refusal, witness) }
}

/// What an error of the socket means during the handshake. All but a closed port is laid to the
/// path, as a lost datagram would be: the attempt merely knows it sooner.
pub fn socket(error: &io::Error) -> Failure {
    let code = match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => FailureCode::QuicRefused,
        // No ICMP message becomes one of these: the machine itself did not let the datagram go.
        Some(libc::EPERM) => FailureCode::AgentPermission,
        Some(libc::ENOBUFS | libc::ENOMEM) => FailureCode::AgentResource,
        Some(libc::ENETDOWN) => FailureCode::AgentOffline,
        _ => FailureCode::QuicTimeout,
    };
    Failure::in_phase(code, Phase::Connect, &error.to_string())
}

/// A timeout under the name that it has here; every other failure as it is.
pub fn timed_out(failure: Failure, usual: FailureCode, here: FailureCode) -> Failure {
    if failure.code == usual { Failure { code: here, ..failure } } else { failure }
}

/// Why an exchange failed: what was `seen`, unless the end of the whole connection explains it.
pub fn exchange(seen: Failure, closed: Option<&ConnectionError>, witness: &Witness) -> Failure {
    match closed {
        // The agent itself closes when it sees a breach of HTTP/3.
        Some(ConnectionError::LocallyClosed) | None => seen,
        Some(closed) => {
            let code = connection(closed, seen.phase, witness);
            // A TLS 1.3 server judges our certificate when the handshake is over for us.
            let late = code == FailureCode::TlsClientCert;
            let phase = if late { Phase::Connect } else { seen.phase };
            Failure::in_phase(code, phase, &describe(closed))
        }
    }
}

/// Why a connection ended in the midst of an exchange.
fn connection(closed: &ConnectionError, phase: Phase, witness: &Witness) -> FailureCode {
    match closed {
        ConnectionError::ApplicationClosed(close)
            if u64::from(close.error_code) == Code::H3_NO_ERROR.value() =>
        {
            ended(phase)
        }
        ConnectionError::ApplicationClosed(_) => FailureCode::HttpReset,
        ConnectionError::ConnectionClosed(close) => {
            match by_transport_code(close.error_code, witness) {
                Some(FailureCode::TlsClientCert) => FailureCode::TlsClientCert,
                _ if close.error_code == TransportErrorCode::NO_ERROR => ended(phase),
                _ => FailureCode::QuicReset,
            }
        }
        ConnectionError::Reset => FailureCode::QuicReset,
        ConnectionError::TimedOut => timeout(phase),
        ConnectionError::TransportError(_)
        | ConnectionError::VersionMismatch
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => FailureCode::HttpProtocol,
    }
}

/// Why a single stream ended early, or why the agent closed the connection. The mapping is that of
/// [`http`](super::super::http): an end without an error is `http_eof` or `http_truncated`, what is
/// broken off (`RESET_STREAM`) is `http_reset`.
pub fn stream(error: &StreamError, phase: Phase) -> Failure {
    let code = match error {
        StreamError::RemoteTerminate { .. } => FailureCode::HttpReset,
        StreamError::RemoteClosing { .. } => ended(phase),
        error if is_end_of_stream(error) => ended(phase),
        _ => FailureCode::HttpProtocol,
    };
    Failure::in_phase(code, phase, &error.to_string())
}

/// Whether h3 closed the connection because the stream ended before the response's head or within
/// one of its frames. Nothing but its words tells these from frames that make no sense.
fn is_end_of_stream(error: &StreamError) -> bool {
    let said = error.to_string();
    ["Stream finished without receiving response headers", "received incomplete frame"]
        .iter()
        .any(|end| said.contains(end))
}

/// The connection was closed in order, before the answer or before its end.
const fn ended(phase: Phase) -> FailureCode {
    match phase {
        Phase::Transfer => FailureCode::HttpTruncated,
        _ => FailureCode::HttpEof,
    }
}

/// What the peer's reason for closing means (RFC 9000 §20.1), where it is more than an error.
fn by_transport_code(code: TransportErrorCode, witness: &Witness) -> Option<FailureCode> {
    if code == TransportErrorCode::CONNECTION_REFUSED {
        return Some(FailureCode::QuicRefused);
    }
    let meant = classify_tls(&rustls::Error::AlertReceived(alert(code)?), witness).code;
    (meant == FailureCode::TlsClientCert).then_some(meant)
}

/// The TLS alert within a QUIC error code (RFC 9001 §4.8).
fn alert(code: TransportErrorCode) -> Option<AlertDescription> {
    let number = u64::from(code).checked_sub(0x100)?;
    u8::try_from(number).ok().map(AlertDescription::from)
}

/// The error for people; alerts by their name.
fn describe(error: &ConnectionError) -> String {
    let code = match error {
        ConnectionError::ConnectionClosed(close) => close.error_code,
        ConnectionError::ApplicationClosed(close) => {
            let code = Code::from(u64::from(close.error_code));
            return format!("closed by the target with {code}");
        }
        _ => return error.to_string(),
    };
    match alert(code) {
        Some(alert) => format!("received alert {}", alert_name(alert)),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use quinn::{ApplicationClose, ConnectionClose};

    use super::*;

    fn closed(code: TransportErrorCode) -> ConnectionError {
        ConnectionError::ConnectionClosed(ConnectionClose {
            error_code: code,
            frame_type: None,
            reason: Bytes::new(),
        })
    }

    fn application(code: Code) -> ConnectionError {
        ConnectionError::ApplicationClosed(ApplicationClose {
            error_code: quinn::VarInt::from_u64(code.value()).unwrap(),
            reason: Bytes::new(),
        })
    }

    #[test]
    fn a_close_in_the_handshake_means_what_its_code_says() {
        use FailureCode as Is;
        for (error, expected, detail) in [
            (ConnectionError::VersionMismatch, Is::QuicVersion, "version"),
            (closed(TransportErrorCode::CONNECTION_REFUSED), Is::QuicRefused, "refused"),
            (closed(TransportErrorCode::crypto(40)), Is::QuicHandshake, "handshake_failure"),
            (closed(TransportErrorCode::crypto(116)), Is::TlsClientCert, "certificate_required"),
            (closed(TransportErrorCode::PROTOCOL_VIOLATION), Is::QuicHandshake, "protocol"),
            (ConnectionError::Reset, Is::QuicReset, "reset"),
            (ConnectionError::TimedOut, Is::QuicTimeout, "timed out"),
        ] {
            let failure = handshake(&error, &Witness::default());
            assert_eq!((failure.code, failure.phase), (expected, Phase::Connect), "{error:?}");
            assert!(failure.detail.as_str().contains(detail), "{failure}");
        }
    }

    #[test]
    fn what_icmp_says_during_the_handshake_is_a_refusal_only_from_the_port() {
        use FailureCode as Is;
        for (errno, expected) in [
            (libc::ECONNREFUSED, Is::QuicRefused),
            (libc::EHOSTUNREACH, Is::QuicTimeout),
            (libc::ENETUNREACH, Is::QuicTimeout),
            (libc::EACCES, Is::QuicTimeout),
            (libc::ENOPROTOOPT, Is::QuicTimeout),
            (libc::EPERM, Is::AgentPermission),
            (libc::ENOBUFS, Is::AgentResource),
        ] {
            assert_eq!(socket(&io::Error::from_raw_os_error(errno)).code, expected, "{errno}");
        }
    }

    #[test]
    fn a_connection_that_ends_in_an_exchange_says_why() {
        use FailureCode as Is;
        let witness = Witness::default();
        for (error, in_request, in_transfer) in [
            (application(Code::H3_NO_ERROR), Is::HttpEof, Is::HttpTruncated),
            (application(Code::H3_INTERNAL_ERROR), Is::HttpReset, Is::HttpReset),
            (closed(TransportErrorCode::NO_ERROR), Is::HttpEof, Is::HttpTruncated),
            (closed(TransportErrorCode::INTERNAL_ERROR), Is::QuicReset, Is::QuicReset),
            (closed(TransportErrorCode::crypto(116)), Is::TlsClientCert, Is::TlsClientCert),
            (ConnectionError::Reset, Is::QuicReset, Is::QuicReset),
            (ConnectionError::TimedOut, Is::HttpFirstByteTimeout, Is::HttpBodyTimeout),
        ] {
            assert_eq!(connection(&error, Phase::Request, &witness), in_request, "{error:?}");
            assert_eq!(connection(&error, Phase::Transfer, &witness), in_transfer, "{error:?}");
        }
    }
}
