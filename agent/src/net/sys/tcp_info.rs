//! What the kernel knows of a TCP connection.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// What the kernel knows of a TCP handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpInfo {
    /// Its estimate of the round trip: right after the handshake, the handshake itself.
    pub rtt: Duration,
    /// Segments sent again so far.
    pub retransmits: u32,
}

/// Reads `TCP_INFO` of a connected socket (`tcp(7)`; the fields used are there since Linux 2.6).
///
/// # Errors
/// The operating system's.
pub fn tcp_info(socket: &impl AsFd) -> io::Result<TcpInfo> {
    // SAFETY: all-zero is a valid value of this C struct.
    let mut info: libc::tcp_info = unsafe { zeroed() };
    let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).unwrap_or(0);
    // SAFETY: `info` and `length` live across the call, and the length is that of `info`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(TcpInfo {
        rtt: Duration::from_micros(info.tcpi_rtt.into()),
        retransmits: info.tcpi_total_retrans,
    })
}
