//! Receiving a packet with all that the kernel says about it.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};

use super::WallTime;

/// Which queue of a socket is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Packets received.
    Packets,
    /// Errors about packets sent, and the stamps of their sending.
    Errors,
}

/// A packet or an error, with what was said beside it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Bytes that were written to the buffer. Of an error: the start of the packet it is about,
    /// behind its IP header.
    pub length: usize,
    /// When the kernel received or sent the packet.
    pub stamp: Option<WallTime>,
    /// TTL or hop limit of a received packet.
    pub ttl: Option<u8>,
    /// What the entry in the error queue is about.
    pub queued: Option<Queued>,
}

/// What an entry in the error queue is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// A packet was handed to the network.
    Sent,
    /// An ICMP or ICMPv6 message about a packet came in.
    Icmp {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
        /// More about it: of "packet too big", the bytes that would fit.
        info: u32,
        /// Who sent it.
        from: Option<IpAddr>,
    },
    /// Anything else.
    Other,
}

/// Takes the next entry of a queue, without waiting. What is longer than `buffer` is cut.
///
/// # Errors
/// The operating system's: `WouldBlock` where the queue is empty; from the queue of packets also
/// the number of an error that lies in the queue of errors.
pub fn receive(socket: &impl AsFd, queue: Queue, buffer: &mut [u8]) -> io::Result<Received> {
    let mut control = Control([0; 512]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all-zero is a valid value of this C struct.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    // An array of 512 bytes; the field's type differs between C libraries.
    header.msg_controllen = control.0.len() as _;
    let flags = libc::MSG_DONTWAIT
        | match queue {
            Queue::Packets => 0,
            Queue::Errors => libc::MSG_ERRQUEUE,
        };
    // SAFETY: every pointer in `header` is to a value above that outlives the call, with its
    // length beside it.
    let length = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut header, flags) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    let mut received = Received { length, ..Received::default() };
    // SAFETY: `header` was filled by a successful `recvmsg`; the macros walk only within
    // `msg_control..msg_control + msg_controllen`, which the kernel set to what it wrote.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !message.is_null() {
        // SAFETY: not null, so it points at a control message within `control`.
        unsafe { received.note(message) };
        // SAFETY: as for the first header.
        message = unsafe { libc::CMSG_NXTHDR(&raw const header, message) };
    }
    Ok(received)
}

/// Room for control messages, aligned as their headers must be.
#[repr(align(8))]
struct Control([u8; 512]);

impl Received {
    /// Takes over what a control message says.
    ///
    /// # Safety
    /// `message` must point at a control message that the kernel wrote.
    unsafe fn note(&mut self, message: *const libc::cmsghdr) {
        // SAFETY: by the caller's promise.
        let libc::cmsghdr { cmsg_level: level, cmsg_type: kind, .. } = unsafe { message.read() };
        match (level, kind) {
            (libc::SOL_SOCKET, libc::SO_TIMESTAMPING | libc::SO_TIMESTAMPNS) => {
                // Of the three stamps of SO_TIMESTAMPING, the first is the kernel's own; zero is
                // none.
                // SAFETY: by the caller's promise, and a `timespec` is valid for any bytes.
                let stamp = unsafe { content::<libc::timespec>(message, 0) };
                self.stamp = stamp
                    .filter(|stamp| (stamp.tv_sec, stamp.tv_nsec) != (0, 0))
                    .map(WallTime::from_timespec);
            }
            (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                // SAFETY: by the caller's promise, and an integer is valid for any bytes.
                let ttl = unsafe { content::<libc::c_int>(message, 0) };
                self.ttl = ttl.and_then(|ttl| u8::try_from(ttl).ok());
            }
            (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                // SAFETY: by the caller's promise, and this C struct is valid for any bytes.
                let error = unsafe { content::<libc::sock_extended_err>(message, 0) };
                // SAFETY: by the caller's promise.
                self.queued = error.map(|error| queued(&error, unsafe { offender(message) }));
            }
            _ => {}
        }
    }
}

fn queued(error: &libc::sock_extended_err, from: Option<IpAddr>) -> Queued {
    match error.ee_origin {
        libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6 => {
            Queued::Icmp { kind: error.ee_type, code: error.ee_code, info: error.ee_info, from }
        }
        libc::SO_EE_ORIGIN_TIMESTAMPING => Queued::Sent,
        _ => Queued::Other,
    }
}

/// The address behind the description of an error: who reported it.
///
/// # Safety
/// `message` must point at a control message that the kernel wrote.
unsafe fn offender(message: *const libc::cmsghdr) -> Option<IpAddr> {
    let at = size_of::<libc::sock_extended_err>();
    // SAFETY: by the caller's promise, and these C structs are valid for any bytes.
    unsafe {
        match i32::from(content::<libc::sa_family_t>(message, at)?) {
            libc::AF_INET => content::<libc::sockaddr_in>(message, at)
                .map(|address| Ipv4Addr::from_bits(u32::from_be(address.sin_addr.s_addr)).into()),
            libc::AF_INET6 => content::<libc::sockaddr_in6>(message, at)
                .map(|address| Ipv6Addr::from(address.sin6_addr.s6_addr).into()),
            _ => None,
        }
    }
}

/// A value within a control message; `None` where the message ends before it.
///
/// # Safety
/// `message` must point at a control message that the kernel wrote, and `T` must be valid for any
/// bytes.
unsafe fn content<T: Copy>(message: *const libc::cmsghdr, at: usize) -> Option<T> {
    // SAFETY: by the caller's promise.
    let (length, data) = unsafe { ((*message).cmsg_len, libc::CMSG_DATA(message)) };
    let header = data as usize - message as usize;
    #[expect(clippy::unnecessary_cast, reason = "its type differs between C libraries")]
    let length = (length as usize).checked_sub(header)?;
    (at + size_of::<T>() <= length).then(|| {
        // SAFETY: the value ends within the message; it may be unaligned.
        unsafe { data.add(at).cast::<T>().read_unaligned() }
    })
}
