//! What the kernel says beside a packet: control messages (`cmsg(3)`), read without trusting a
//! length in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libc::c_int;

use super::sys::WallTime;

/// A message is aligned, and its length is stored, as a word of the machine.
const WORD: usize = size_of::<usize>();
/// Length, level and type.
const HEADER_BYTES: usize = (WORD + 2 * size_of::<c_int>()).next_multiple_of(WORD);

/// What was said beside a packet or an entry of the error queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Details {
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

impl Details {
    /// Reads the control messages that the kernel wrote. What is not asked for, or is cut short,
    /// is passed over.
    pub fn read(control: &[u8]) -> Self {
        let mut details = Self::default();
        for (level, kind, data) in messages(control) {
            match (level, kind) {
                // Of the three stamps of SO_TIMESTAMPING, the first is the kernel's own.
                (libc::SOL_SOCKET, libc::SO_TIMESTAMPING | libc::SO_TIMESTAMPNS) => {
                    details.stamp = stamp(data);
                }
                (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                    details.ttl = int(data, 0).and_then(|ttl| u8::try_from(ttl).ok());
                }
                (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                    details.queued = queued(data);
                }
                _ => {}
            }
        }
        details
    }
}

/// Level, type and content of each message, up to the first whose length makes no sense.
fn messages(mut rest: &[u8]) -> impl Iterator<Item = (c_int, c_int, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from_ne_bytes(bytes(rest, 0)?);
        let message = rest.get(..length)?;
        let data = message.get(HEADER_BYTES..)?;
        let (level, kind) = (int(message, WORD)?, int(message, WORD + size_of::<c_int>())?);
        rest = rest.get(length.next_multiple_of(WORD)..).unwrap_or_default();
        Some((level, kind, data))
    })
}

/// A `timespec`: two words. All zero is none.
fn stamp(data: &[u8]) -> Option<WallTime> {
    let seconds = isize::from_ne_bytes(bytes(data, 0)?);
    let nanos = isize::from_ne_bytes(bytes(data, WORD)?);
    let stamped = (seconds, nanos) != (0, 0);
    stamped.then(|| WallTime::from_parts(seconds as i64, nanos as i64))
}

/// A `sock_extended_err` (`ip(7)`) and behind it the address of who reported the error.
fn queued(data: &[u8]) -> Option<Queued> {
    let [origin, kind, code, _pad] = bytes(data, 4)?;
    let info = u32::from_ne_bytes(bytes(data, 8)?);
    Some(match origin {
        libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6 => {
            Queued::Icmp { kind, code, info, from: data.get(16..).and_then(address) }
        }
        libc::SO_EE_ORIGIN_TIMESTAMPING => Queued::Sent,
        _ => Queued::Other,
    })
}

/// The address of a `sockaddr_in` or `sockaddr_in6`.
fn address(data: &[u8]) -> Option<IpAddr> {
    match c_int::from(u16::from_ne_bytes(bytes(data, 0)?)) {
        libc::AF_INET => bytes(data, 4).map(|octets: [u8; 4]| Ipv4Addr::from(octets).into()),
        libc::AF_INET6 => bytes(data, 8).map(|octets: [u8; 16]| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

fn int(data: &[u8], at: usize) -> Option<c_int> {
    bytes(data, at).map(c_int::from_ne_bytes)
}

/// So many bytes from a place on; `None` where the data ends before.
fn bytes<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: c_int, kind: c_int, data: &[u8]) -> Vec<u8> {
        let mut message = (HEADER_BYTES + data.len()).to_ne_bytes().to_vec();
        message.extend([level.to_ne_bytes(), kind.to_ne_bytes()].concat());
        message.resize(HEADER_BYTES, 0);
        message.extend(data);
        message.resize(message.len().next_multiple_of(WORD), 0);
        message
    }

    fn error(origin: u8, from: &[u8]) -> Vec<u8> {
        let mut data = vec![113, 0, 0, 0, origin, 3, 1, 0];
        data.extend(1_400_u32.to_ne_bytes());
        data.extend([0; 4]);
        data.extend(from);
        data
    }

    #[test]
    fn messages_are_read_one_after_the_other() {
        let family = |family: c_int| u16::try_from(family).unwrap().to_ne_bytes();
        let v4 = [&family(libc::AF_INET)[..], &[0, 0, 192, 0, 2, 7], &[0; 8]].concat();
        let stamp = [7_isize.to_ne_bytes(), 9_isize.to_ne_bytes()].concat();
        let control = [
            message(libc::SOL_SOCKET, libc::SO_TIMESTAMPING, &stamp),
            message(libc::IPPROTO_IP, libc::IP_TTL, &61_i32.to_ne_bytes()),
            message(libc::IPPROTO_IP, libc::IP_RECVERR, &error(libc::SO_EE_ORIGIN_ICMP, &v4)),
        ]
        .concat();
        let details = Details::read(&control);
        assert_eq!((details.stamp, details.ttl), (Some(WallTime::from_parts(7, 9)), Some(61)));
        let from = Some("192.0.2.7".parse().unwrap());
        assert_eq!(details.queued, Some(Queued::Icmp { kind: 3, code: 1, info: 1_400, from }));
        // However it is cut, what is whole is read and nothing else.
        for length in 0..control.len() {
            let cut = Details::read(&control[..length]);
            assert!(cut.stamp.is_none() || cut.stamp == details.stamp);
            assert!(cut.queued.is_none_or(|queued| matches!(queued, Queued::Icmp { .. })));
        }
    }

    #[test]
    fn the_reporter_is_read_where_it_is_known() {
        let v6 = [&10_u16.to_ne_bytes()[..], &[0; 6], &[0x20, 1, 0xd, 0xb8], &[0; 11], &[7]];
        for (from, expected) in [
            (v6.concat(), Some("2001:db8::7".parse().unwrap())),
            (vec![0; 16], None),
            (Vec::new(), None),
        ] {
            let data = error(libc::SO_EE_ORIGIN_ICMP6, &from);
            let control = message(libc::IPPROTO_IPV6, libc::IPV6_RECVERR, &data);
            let found = Details::read(&control).queued;
            let icmp = Queued::Icmp { kind: 3, code: 1, info: 1_400, from: expected };
            assert_eq!(found, Some(icmp));
        }
    }

    #[test]
    fn lengths_that_lie_end_the_reading() {
        for length in [0, 1, HEADER_BYTES - 1, 1_000, usize::MAX, usize::MAX - WORD] {
            let mut control = message(libc::IPPROTO_IP, libc::IP_TTL, &61_i32.to_ne_bytes());
            control[..WORD].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(Details::read(&control), Details::default(), "{length}");
        }
    }
}
