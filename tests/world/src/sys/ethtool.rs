//! Switches off what a network card would do for the kernel, so that every frame is what a real
//! wire would carry: one segment each, checksums filled in.

use std::io;
use std::mem::zeroed;
use std::os::fd::AsRawFd;

/// `ETHTOOL_S…` commands of `linux/ethtool.h`, each with value 0: transmit checksums,
/// scatter-gather, TCP segmentation, generic segmentation, generic receive.
const SWITCHES: [u32; 5] = [0x17, 0x19, 0x1f, 0x24, 0x2c];

#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// Switches off segmentation, receive and checksum offloads of a link.
///
/// Looks the link up in the network namespace of the calling thread.
///
/// # Errors
/// The operating system's; `ENODEV` where no such link exists.
pub fn disable_offloads(link_name: &str) -> io::Result<()> {
    // Any socket will do: the ioctl reaches the namespace through it.
    let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0))?;
    for command in SWITCHES {
        let mut value = EthtoolValue { command, data: 0 };
        // SAFETY: all-zero is a valid `ifreq`.
        let mut request: libc::ifreq = unsafe { zeroed() };
        for (slot, byte) in
            request.ifr_name.iter_mut().zip(link_name.bytes().take(libc::IFNAMSIZ - 1))
        {
            *slot = libc::c_char::from_ne_bytes([byte]);
        }
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        // SAFETY: `request` and the value it points to live across the call; the commands above
        // read and write one `EthtoolValue`.
        let result =
            unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
