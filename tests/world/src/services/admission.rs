//! What a client meets before it can make any request.

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::answer::End;
use super::wire::{close_in_order, end_stream};

/// What a service does with a new connection.
///
/// | configuration | http | https | h3 |
/// |---|---|---|---|
/// | `"serve"` | serves | serves | serves |
/// | `"refuse"` | nothing listens: RST to every SYN | same | nothing is bound: ICMP port unreachable |
/// | `"silence"` | accepts, never sends a byte | same: no answer to the `ClientHello` | ignores every packet |
/// | `"reset"` | accepts, then RST | same | `CONNECTION_CLOSE` with `CONNECTION_REFUSED` |
/// | `"close"` | accepts, then FIN | same: end of stream in the TLS handshake | – |
/// | `"garbage"` | accepts, sends bytes of no protocol, then FIN | same: no TLS record | – |
/// | `"close-after-client-hello"` | – | FIN once the `ClientHello` has come | – |
/// | `"handshake-failure"` | – | TLS alert `handshake_failure` (no common key exchange) | the same alert as QUIC `CRYPTO_ERROR` 0x128 |
/// | `"version-negotiation"` | – | – | Version Negotiation that offers no version a client knows |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Admission {
    /// Serves requests.
    #[default]
    Serve,
    /// Does not listen, so that the kernel refuses.
    Refuse,
    /// Accepts and then says nothing.
    Silence,
    /// Resets at once.
    Reset,
    /// Closes at once, in order.
    Close,
    /// Sends bytes that are of no protocol, and closes.
    Garbage,
    /// Closes in order once the whole TLS `ClientHello` has come.
    CloseAfterClientHello,
    /// Fails the TLS handshake with the alert `handshake_failure`.
    HandshakeFailure,
    /// Claims to speak only a QUIC version that nobody knows.
    VersionNegotiation,
}

impl Admission {
    /// Whether a TCP listener is wanted.
    pub fn listens(&self) -> bool {
        *self != Self::Refuse
    }

    /// Whether a plain HTTP service can do it.
    pub fn fits_http(self) -> bool {
        !matches!(
            self,
            Self::CloseAfterClientHello | Self::HandshakeFailure | Self::VersionNegotiation
        )
    }

    /// Whether an HTTPS service can do it.
    pub fn fits_https(self) -> bool {
        self != Self::VersionNegotiation
    }

    /// Whether an HTTP/3 service can do it.
    pub fn fits_h3(self) -> bool {
        !matches!(self, Self::Close | Self::Garbage | Self::CloseAfterClientHello)
    }
}

/// Does with a TCP connection what `admission` says, and gives it back where it is to be served after all.
pub async fn meet(mut stream: TcpStream, admission: Admission) -> Option<TcpStream> {
    match admission {
        Admission::Serve | Admission::HandshakeFailure | Admission::VersionNegotiation => {
            return Some(stream);
        }
        // Only connections that were accepted just before the listener went.
        Admission::Refuse | Admission::Reset => end_stream(stream, End::Reset).await,
        Admission::Silence => drain(&mut stream).await,
        Admission::Close => end_stream(stream, End::Close).await,
        Admission::Garbage => end_stream(stream, End::Garbage).await,
        Admission::CloseAfterClientHello => {
            if skip_tls_record(&mut stream).await.is_ok() {
                close_in_order(&mut stream).await;
            }
        }
    }
    None
}

/// Reads and forgets until the peer is gone.
pub async fn drain(stream: &mut TcpStream) {
    let mut ignored = [0; 4096];
    while matches!(stream.read(&mut ignored).await, Ok(length) if length > 0) {}
}

/// Reads one TLS record: type (1 byte), version (2), length (2), fragment (RFC 8446 §5.1).
async fn skip_tls_record(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await?;
    let length = u16::from_be_bytes([header[3], header[4]]);
    let mut fragment = vec![0; length.into()];
    stream.read_exact(&mut fragment).await?;
    Ok(())
}
