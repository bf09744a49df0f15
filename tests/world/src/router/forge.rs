//! Packets that the router makes itself: resets, ICMP messages, forged datagrams.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{IpHeaders, IpNumber, Ipv4Header, Ipv6Header, PacketBuilder, PacketBuilderStep};

use super::packet::{ETHERNET_BYTES, Packet};
use crate::config::RejectCode;
use crate::truth::{PacketKey, TcpFlags};

/// The TTL of what the router sends; what is left of it at the receiver does not matter here.
const TTL: u8 = 64;
/// An ICMP error quotes at most so much of its cause that it stays within 576 bytes (RFC 1812
/// §4.3.2.3), which also is below IPv6's 1280.
const QUOTED_BYTES: usize = 520;

/// Addresses of the routers on the way, whose first half is named after the sender and whose
/// second half after the receiver: 198.18.0.0/15 (RFC 2544) and `2001:db8:ffff::/48`.
pub fn hop_address(ipv6: bool, from: usize, to: usize, hop: u8, hops: u8) -> IpAddr {
    let near_sender = hop <= hops / 2;
    let (host, number) = if near_sender { (from, hop) } else { (to, 255 - (hops - hop)) };
    // A world has at most 250 hosts.
    let host = u8::try_from(host).unwrap_or(u8::MAX);
    if ipv6 {
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, host.into(), 0, 0, 0, number.into()))
    } else {
        IpAddr::V4(Ipv4Addr::new(198, 18, host, number))
    }
}

/// A TCP reset.
#[derive(Debug, Clone, Copy)]
pub struct Reset {
    /// Whose packet it claims to be: address and port.
    pub from: (IpAddr, u16),
    /// Who receives it.
    pub to: (IpAddr, u16),
    /// Its sequence number; it is believed only where this is exactly what the receiver expects
    /// next (RFC 5961 §3.2).
    pub seq: u32,
    /// The acknowledgement that makes a reset of a SYN believable.
    pub ack: Option<u32>,
}

impl Reset {
    /// The frame.
    pub fn frame(&self) -> Option<Vec<u8>> {
        let builder =
            ip(self.from.0, self.to.0, TTL)?.tcp(self.from.1, self.to.1, self.seq, 0).rst();
        let builder = match self.ack {
            Some(number) => builder.ack(number),
            None => builder,
        };
        let mut frame = Vec::with_capacity(builder.size(0));
        builder.write(&mut frame, &[]).ok()?;
        Some(frame)
    }

    /// The reset that answers a segment: to its sender, in the name of its receiver.
    pub fn back_to_sender(packet: &Packet<'_>) -> Option<Self> {
        let PacketKey::Tcp {
            source_port, destination_port, seq, ack, flags, payload_bytes, ..
        } = packet.key
        else {
            return None;
        };
        let (from, to) = ((packet.destination, destination_port), (packet.source, source_port));
        Some(if flags.contains(TcpFlags::ACK) {
            Self { from, to, seq: ack, ack: None }
        } else {
            // RFC 9293 §3.10.7.4: what has no acknowledgement is reset by acknowledging it.
            let length = u32::from(payload_bytes)
                + u32::from(flags.contains(TcpFlags::SYN))
                + u32::from(flags.contains(TcpFlags::FIN));
            Self { from, to, seq: 0, ack: Some(seq.wrapping_add(length)) }
        })
    }

    /// The reset that goes on in place of a segment: to its receiver, in the name of its sender.
    /// `None` for a SYN, of whose connection the receiver knows nothing yet.
    pub fn on_to_receiver(packet: &Packet<'_>) -> Option<Self> {
        let PacketKey::Tcp { source_port, destination_port, seq, ack, flags, .. } = packet.key
        else {
            return None;
        };
        if flags == TcpFlags::SYN {
            return None;
        }
        Some(Self {
            from: (packet.source, source_port),
            to: (packet.destination, destination_port),
            seq,
            ack: Some(ack),
        })
    }
}

/// An ICMP message about a packet, to its sender.
pub fn icmp_error(about: &Packet<'_>, from: IpAddr, code: RejectCode) -> Option<Vec<u8>> {
    let quoted = about.frame.get(ETHERNET_BYTES..)?;
    let quoted = &quoted[..quoted.len().min(QUOTED_BYTES)];
    let mut frame = Vec::new();
    // Type and code: RFC 792 and 1812 §5.2.7.1, RFC 4443 §3.
    match (from, about.source) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let (kind, code) = match code {
                RejectCode::Net => (3, 0),
                RejectCode::Host => (3, 1),
                RejectCode::Port => (3, 3),
                RejectCode::Prohibited => (3, 13),
                RejectCode::TtlExceeded => (11, 0),
            };
            let builder = ip(IpAddr::V4(from), IpAddr::V4(to), TTL)?.icmpv4_raw(kind, code, [0; 4]);
            builder.write(&mut frame, quoted).ok()?;
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let (kind, code) = match code {
                RejectCode::Net => (1, 0),
                RejectCode::Host => (1, 3),
                RejectCode::Port => (1, 4),
                RejectCode::Prohibited => (1, 1),
                RejectCode::TtlExceeded => (3, 0),
            };
            let builder = ip(IpAddr::V6(from), IpAddr::V6(to), TTL)?.icmpv6_raw(kind, code, [0; 4]);
            builder.write(&mut frame, quoted).ok()?;
        }
        _ => return None,
    }
    Some(frame)
}

/// A UDP datagram in the name of the packet's receiver, to its sender.
pub fn datagram_back(to: &Packet<'_>, payload: &[u8]) -> Option<Vec<u8>> {
    let PacketKey::Udp { source_port, destination_port, .. } = to.key else { return None };
    let builder = ip(to.destination, to.source, TTL)?.udp(destination_port, source_port);
    let mut frame = Vec::with_capacity(builder.size(payload.len()));
    builder.write(&mut frame, payload).ok()?;
    Some(frame)
}

fn ip(from: IpAddr, to: IpAddr, ttl: u8) -> Option<PacketBuilderStep<IpHeaders>> {
    // The MAC address of every host; the builder fills in lengths, protocol and checksums.
    let ethernet = PacketBuilder::ethernet2(crate::network::HOST_MAC, crate::network::HOST_MAC);
    let headers = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => IpHeaders::Ipv4(
            Ipv4Header::new(0, ttl, IpNumber::TCP, from.octets(), to.octets()).ok()?,
            etherparse::Ipv4Extensions::default(),
        ),
        (IpAddr::V6(from), IpAddr::V6(to)) => IpHeaders::Ipv6(
            Ipv6Header {
                hop_limit: ttl,
                source: from.octets(),
                destination: to.octets(),
                ..Ipv6Header::default()
            },
            etherparse::Ipv6Extensions::default(),
        ),
        _ => return None,
    };
    Some(ethernet.ip(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_answers_what_the_segment_acknowledged() {
        let syn = Reset {
            from: ("192.0.2.1".parse().unwrap(), 5000),
            to: ("192.0.2.2".parse().unwrap(), 443),
            seq: 77,
            ack: Some(99),
        };
        let frame = syn.frame().unwrap();
        let packet = Packet::read(&frame).unwrap();
        let back = Reset::back_to_sender(&packet).unwrap();
        assert_eq!((back.seq, back.ack, back.to), (99, None, syn.from));
    }

    #[test]
    fn icmp_errors_quote_their_cause() {
        for (from, to) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
            let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
            let cause = Reset { from: (from, 1), to: (to, 2), seq: 3, ack: None }.frame().unwrap();
            let cause = Packet::read(&cause).unwrap();
            let frame = icmp_error(&cause, to, RejectCode::Prohibited).unwrap();
            let error = Packet::read(&frame).unwrap();
            assert_eq!(error.destination, from);
            assert_eq!(error.payload, &cause.frame[14..]);
        }
    }

    #[test]
    fn hops_have_distinct_addresses() {
        let hops = 8;
        let mut addresses: Vec<_> =
            (1..=hops).map(|hop| hop_address(false, 3, 4, hop, hops)).collect();
        addresses.dedup();
        assert_eq!(addresses.len(), 8);
        assert_eq!(addresses[0].to_string(), "198.18.3.1");
        assert_eq!(addresses[7].to_string(), "198.18.4.255");
    }
}
