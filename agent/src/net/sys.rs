//! The system calls that have no safe wrapper.
//!
//! The only module of the crate that may contain `unsafe`. Every block passes the kernel pointers
//! to values on the caller's stack, with their lengths; the kernel keeps none of them.

#![expect(unsafe_code, reason = "system calls without a safe wrapper; argued at each block")]

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

/// Makes a connected UDP socket report every ICMP error about what it sent (`IP_RECVERR`,
/// `ip(7)`). Without it the kernel reports a closed port, but neither an unreachable network nor
/// an exhausted TTL.
///
/// # Errors
/// The operating system's.
pub fn report_icmp_errors(socket: &impl AsFd, ipv6: bool) -> io::Result<()> {
    let on: libc::c_int = 1;
    let (level, option) = if ipv6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
    } else {
        (libc::IPPROTO_IP, libc::IP_RECVERR)
    };
    let length = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(0);
    // SAFETY: `on` lives across the call, and the length is that of `on`.
    let result = unsafe {
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, option, (&raw const on).cast(), length)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
