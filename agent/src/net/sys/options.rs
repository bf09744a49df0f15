//! Socket options that ask for more than the data of a packet.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use libc::c_int;

/// Asks the kernel to stamp the packets of a socket: those received, and where it can, those sent,
/// whose stamps come in the error queue. Stamps are wall-clock times ([`super::WallTime`]).
///
/// The kernel begins and ends stamping for the whole machine, a moment after the first socket asks
/// and after the last one is closed; packets in between have no stamp.
///
/// # Errors
/// The operating system's, where it can do neither.
pub fn stamp_packets(socket: &impl AsFd) -> io::Result<()> {
    // With an id beside each stamp, and without the packet itself.
    let flags = libc::SOF_TIMESTAMPING_RX_SOFTWARE
        | libc::SOF_TIMESTAMPING_TX_SOFTWARE
        | libc::SOF_TIMESTAMPING_SOFTWARE
        | libc::SOF_TIMESTAMPING_OPT_ID
        | libc::SOF_TIMESTAMPING_OPT_TSONLY;
    set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, flags.cast_signed())
        .or_else(|_| set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1))
}

/// Asks for the TTL of received packets and for every ICMP error about sent ones, and lets the
/// packets be split on their way.
///
/// # Errors
/// The operating system's.
pub fn receive_details(socket: &impl AsFd, ipv6: bool) -> io::Result<()> {
    if ipv6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)?;
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT, 1)?;
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_DONT)
    } else {
        set(socket, libc::IPPROTO_IP, libc::IP_RECVERR, 1)?;
        set(socket, libc::IPPROTO_IP, libc::IP_RECVTTL, 1)?;
        set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_DONT)
    }
}

fn set(socket: &impl AsFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: `value` lives across the call and its length is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            libc::socklen_t::try_from(size_of::<c_int>()).unwrap_or(0),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
