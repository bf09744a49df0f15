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

/// Sets a whole-number option of a socket.
///
/// # Errors
/// The operating system's.
pub fn set_option(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(0);
    // SAFETY: `value` lives across the call, and the length is that of `value`.
    let result = unsafe {
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, name, (&raw const value).cast(), length)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes a connected UDP socket report every ICMP error about what it sent (`IP_RECVERR`,
/// `ip(7)`). Without it the kernel reports a closed port, but neither an unreachable network nor
/// an exhausted TTL.
///
/// # Errors
/// The operating system's.
pub fn report_icmp_errors(socket: &impl AsFd, ipv6: bool) -> io::Result<()> {
    if ipv6 {
        set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)
    } else {
        set_option(socket, libc::IPPROTO_IP, libc::IP_RECVERR, 1)
    }
}
