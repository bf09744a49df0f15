//! Receiving a packet with all that the kernel says about it.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd};

use crate::net::control::Details;

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
    /// What was said beside it.
    pub details: Details,
}

/// Room for control messages, aligned as their headers must be.
#[repr(align(8))]
struct Control([u8; 512]);

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
    // Cast because the type differs between C libraries.
    let written = (header.msg_controllen as usize).min(control.0.len());
    Ok(Received { length, details: Details::read(&control.0[..written]) })
}
