//! Phases: the parts of an attempt that are timed by themselves.

use crate::closed_set::closed_set;

closed_set! {
    /// A part of an attempt, timed by itself.
    ///
    /// Which phases an attempt has depends on the probe: a TCP probe has no `request`, a warm
    /// connection no `connect`. A phase that was completed is recorded even where a later one
    /// failed. The order of the set is the order in which phases happen, then the two that span
    /// others.
    pub enum Phase, "phase" {
        1 Dns "dns" "Looking up the host name.";
        2 Connect "connect" "The TCP handshake, or the whole QUIC handshake, TLS included.";
        3 Tls "tls" "The TLS handshake on a TCP connection.";
        4 Request "request" "From the start of sending the request to the first byte of the response.";
        5 Transfer "transfer" "From the first byte of the response to its last.";
        6 Total "total" "From the moment the attempt was due to its success.";
        7 Rtt "rtt" "The kernel's own round-trip time: of the TCP handshake, or of an ICMP echo.";
    }
}
