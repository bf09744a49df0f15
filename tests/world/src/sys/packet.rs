//! Packet sockets: whole Ethernet frames in and out, with the kernel's receive stamps.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Frames a socket may hold while its reader is busy; at 5000 small frames a second, seconds.
const RECEIVE_BUFFER_BYTES: libc::c_int = 16 << 20;

/// A frame as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// Index of the link it came in on.
    pub link: u32,
    /// The frame, Ethernet header first.
    pub frame: &'a [u8],
    /// When the kernel received it, or passed it to its link where it was sent from here: wall
    /// clock, nanoseconds since the Unix epoch; `None` where the kernel gave no stamp (it switches
    /// stamping on a moment after it was asked to).
    pub stamp_wall_ns: Option<u64>,
    /// Whether it was sent from here.
    pub outgoing: bool,
}

/// An `AF_PACKET` socket of the network namespace the calling thread was in when it was opened.
#[derive(Debug)]
pub struct PacketSocket {
    fd: OwnedFd,
}

impl PacketSocket {
    /// Opens a socket that sees every frame that any link of the namespace receives.
    ///
    /// # Errors
    /// The operating system's, `EPERM` without `CAP_NET_RAW` in the namespace.
    pub fn receiver() -> io::Result<Self> {
        Self::listening(0, false)
    }

    /// Opens a socket that sees every frame that one link of the namespace sends or receives.
    ///
    /// # Errors
    /// The operating system's, `EPERM` without `CAP_NET_RAW` in the namespace.
    pub fn observer(link: u32) -> io::Result<Self> {
        Self::listening(link, true)
    }

    fn listening(link: u32, outgoing: bool) -> io::Result<Self> {
        // Everything is set before the socket hears frames: no frame arrives unstamped or twice.
        let socket = Self::open(0)?;
        socket.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, (!outgoing).into())?;
        socket.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        // Beyond the system's limit where we may, up to it where we may not.
        if socket.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES).is_err() {
            socket.set(libc::SOL_SOCKET, libc::SO_RCVBUF, RECEIVE_BUFFER_BYTES)?;
        }
        socket.bind(link)?;
        Ok(socket)
    }

    /// Opens a socket that only sends, straight to the driver, and has each frame stamped there.
    ///
    /// # Errors
    /// The operating system's, `EPERM` without `CAP_NET_RAW` in the namespace.
    pub fn sender() -> io::Result<Self> {
        let socket = Self::open(0)?;
        socket.set(libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)?;
        let stamps = libc::SOF_TIMESTAMPING_TX_SOFTWARE
            | libc::SOF_TIMESTAMPING_SOFTWARE
            | libc::SOF_TIMESTAMPING_OPT_TSONLY;
        socket.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPING, stamps.cast_signed())?;
        Ok(socket)
    }

    fn open(protocol: u16) -> io::Result<Self> {
        let flags = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, flags, i32::from(protocol.to_be())) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just returned this descriptor to us; nobody else owns it.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    fn set(&self, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
        // SAFETY: `value` lives across the call and its length is given.
        let result = unsafe {
            libc::setsockopt(
                self.fd.as_raw_fd(),
                level,
                name,
                (&raw const value).cast(),
                socklen::<libc::c_int>(),
            )
        };
        check(result)
    }

    /// Starts reception on a link of the namespace; 0 is all of them.
    fn bind(&self, link: u32) -> io::Result<()> {
        let address = link_address(link, libc::ETH_P_ALL);
        // SAFETY: `address` lives across the call and its length is given.
        let result = unsafe {
            libc::bind(
                self.fd.as_raw_fd(),
                (&raw const address).cast(),
                socklen::<libc::sockaddr_ll>(),
            )
        };
        check(result)
    }

    /// Sends one frame out of a link, and says when the link's driver had it: wall clock,
    /// nanoseconds since the Unix epoch; `None` where the kernel gave no stamp.
    ///
    /// # Errors
    /// The operating system's; `ENOBUFS` or `EAGAIN` when the link's peer cannot take more.
    pub fn send(&self, link: u32, frame: &[u8]) -> io::Result<Option<u64>> {
        let address = link_address(link, 0);
        // SAFETY: `frame` and `address` live across the call and their lengths are given.
        let sent = unsafe {
            libc::sendto(
                self.fd.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                libc::MSG_DONTWAIT,
                (&raw const address).cast(),
                socklen::<libc::sockaddr_ll>(),
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(self.send_stamp()) }
    }

    /// Takes the stamp of the frame just sent. A virtual link has its driver called by the
    /// sending system call, so the stamp is there when that returns.
    fn send_stamp(&self) -> Option<u64> {
        // SAFETY: all-zero is a valid value of this C struct.
        let mut header: libc::msghdr = unsafe { zeroed() };
        let mut control = Control([0; 128]);
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = control.0.len();
        let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
        // SAFETY: `header` and the buffer it points to live across the call; no data is asked for.
        let length = unsafe { libc::recvmsg(self.fd.as_raw_fd(), &raw mut header, flags) };
        if length < 0 { None } else { stamp(&header, libc::SCM_TIMESTAMPING) }
    }

    /// Takes the next waiting frame; `None` when there is none. A frame longer than `buffer` is
    /// cut to its length.
    ///
    /// # Errors
    /// The operating system's.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<Received<'a>>> {
        // SAFETY: all-zero is a valid value of these C structs.
        let (mut address, mut header): (libc::sockaddr_ll, libc::msghdr) = unsafe { zeroed() };
        let mut control = Control([0; 128]);
        let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        header.msg_name = (&raw mut address).cast();
        header.msg_namelen = socklen::<libc::sockaddr_ll>();
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = control.0.len();
        // SAFETY: every pointer in `header` is to a value above that outlives the call, with its
        // length beside it.
        let length =
            unsafe { libc::recvmsg(self.fd.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
        let Ok(length) = usize::try_from(length) else {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(error) };
        };
        let stamp_wall_ns = stamp(&header, libc::SCM_TIMESTAMPNS);
        Ok(Some(Received {
            link: u32::try_from(address.sll_ifindex).unwrap_or(0),
            frame: &buffer[..length.min(buffer.len())],
            stamp_wall_ns,
            outgoing: address.sll_pkttype == libc::PACKET_OUTGOING,
        }))
    }

    /// How many frames the kernel could not keep for this socket since the last call.
    ///
    /// # Errors
    /// The operating system's.
    pub fn missed(&self) -> io::Result<u32> {
        // SAFETY: all-zero is a valid value of this C struct.
        let mut statistics: libc::tpacket_stats = unsafe { zeroed() };
        let mut length = socklen::<libc::tpacket_stats>();
        // SAFETY: `statistics` and `length` live across the call; the length is given.
        let result = unsafe {
            libc::getsockopt(
                self.fd.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        check(result)?;
        Ok(statistics.tp_drops)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Room for control messages, aligned as their headers must be.
#[repr(align(8))]
struct Control([u8; 128]);

/// Finds a stamp of the kernel among the control messages of a received message.
fn stamp(header: &libc::msghdr, kind: libc::c_int) -> Option<u64> {
    // SAFETY: `header` was filled by a successful `recvmsg`; the macros walk only within
    // `msg_control..msg_control + msg_controllen`, which the kernel set to what it wrote.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: not null, so it points at a control message header inside the control buffer.
        let (level, found) = unsafe { ((*message).cmsg_level, (*message).cmsg_type) };
        if level == libc::SOL_SOCKET && found == kind {
            // SAFETY: a message of either type begins with the software stamp, a `timespec`; it
            // may be unaligned.
            let stamp: libc::timespec =
                unsafe { libc::CMSG_DATA(message).cast::<libc::timespec>().read_unaligned() };
            let seconds = u64::try_from(stamp.tv_sec).ok()?;
            let nanos = u64::try_from(stamp.tv_nsec).ok()?;
            return Some(seconds * 1_000_000_000 + nanos);
        }
        // SAFETY: as for the first header.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    None
}

fn link_address(link: u32, protocol: libc::c_int) -> libc::sockaddr_ll {
    // SAFETY: all-zero is a valid `sockaddr_ll`.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or(0);
    address.sll_protocol = u16::try_from(protocol).unwrap_or(0).to_be();
    address.sll_ifindex = i32::try_from(link).unwrap_or(0);
    address.sll_halen = 6;
    address
}

fn socklen<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
