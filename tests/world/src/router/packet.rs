//! Reading packets, and aging them by the hops of a path.

use std::net::IpAddr;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use crate::truth::{PacketKey, TcpFlags};

/// Length of an Ethernet header without tags, which is all there is in a world.
pub const ETHERNET_BYTES: usize = 14;

/// A packet read from a frame.
#[derive(Debug, Clone)]
pub struct Packet<'a> {
    /// The whole frame.
    pub frame: &'a [u8],
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// What to recognise it by.
    pub key: PacketKey,
    /// What the transport header carries.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a frame; `None` when it holds no IP packet.
    pub fn read(frame: &'a [u8]) -> Option<Self> {
        let sliced = SlicedPacket::from_ethernet(frame).ok()?;
        let (source, destination, ttl) = match sliced.net? {
            NetSlice::Ipv4(ip) => {
                let header = ip.header();
                (
                    IpAddr::V4(header.source_addr()),
                    IpAddr::V4(header.destination_addr()),
                    header.ttl(),
                )
            }
            NetSlice::Ipv6(ip) => {
                let header = ip.header();
                (
                    IpAddr::V6(header.source_addr()),
                    IpAddr::V6(header.destination_addr()),
                    header.hop_limit(),
                )
            }
            NetSlice::Arp(_) => return None,
        };
        let (key, payload) = match sliced.transport {
            Some(TransportSlice::Tcp(tcp)) => (
                PacketKey::Tcp {
                    source_port: tcp.source_port(),
                    destination_port: tcp.destination_port(),
                    seq: tcp.sequence_number(),
                    ack: tcp.acknowledgment_number(),
                    flags: TcpFlags::NONE
                        .with(TcpFlags::SYN, tcp.syn())
                        .with(TcpFlags::ACK, tcp.ack())
                        .with(TcpFlags::FIN, tcp.fin())
                        .with(TcpFlags::RST, tcp.rst()),
                    payload_bytes: u16::try_from(tcp.payload().len()).unwrap_or(u16::MAX),
                },
                tcp.payload(),
            ),
            Some(TransportSlice::Udp(udp)) => (
                PacketKey::Udp {
                    source_port: udp.source_port(),
                    destination_port: udp.destination_port(),
                    dns_id: word(udp.payload(), 0),
                },
                udp.payload(),
            ),
            Some(TransportSlice::Icmpv4(icmp)) => (icmp_key(icmp.slice(), [0, 8]), icmp.payload()),
            Some(TransportSlice::Icmpv6(icmp)) => {
                (icmp_key(icmp.slice(), [128, 129]), icmp.payload())
            }
            None => (PacketKey::Other, &[][..]),
        };
        Some(Self { frame, source, destination, ttl, key, payload })
    }
}

fn icmp_key(message: &[u8], echoes: [u8; 2]) -> PacketKey {
    let byte = |at: usize| message.get(at).copied().unwrap_or(0);
    let kind = byte(0);
    let is_echo = echoes.contains(&kind);
    PacketKey::Icmp {
        kind,
        code: byte(1),
        id: if is_echo { word(message, 4) } else { 0 },
        seq: if is_echo { word(message, 6) } else { 0 },
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// Takes `hops` off the TTL (hop limit) of the IP packet in a frame. The caller has made sure
/// that the TTL is larger.
pub fn age(frame: &mut [u8], hops: u8) {
    let Some(ip) = frame.get_mut(ETHERNET_BYTES..) else { return };
    match ip.first().map(|first| first >> 4) {
        Some(4) if ip.len() >= 20 => {
            // RFC 1624, equation 3: HC' = ~(~HC + ~m + m') over the word that holds the TTL.
            let before = word(ip, 8);
            ip[8] -= hops;
            let sum = u32::from(!word(ip, 10)) + u32::from(!before) + u32::from(word(ip, 8));
            let folded = (sum & 0xffff) + (sum >> 16);
            let folded = (folded & 0xffff) + (folded >> 16);
            let checksum = !u16::try_from(folded).unwrap_or(u16::MAX);
            ip[10..12].copy_from_slice(&checksum.to_be_bytes());
        }
        Some(6) if ip.len() >= 40 => ip[7] -= hops,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use etherparse::{Ipv4HeaderSlice, PacketBuilder};

    use super::*;

    #[test]
    fn aging_keeps_the_header_checksum_right() {
        for ttl in [2, 63, 64, 65, 255] {
            for hops in 0..ttl.min(40) {
                let mut frame = Vec::new();
                PacketBuilder::ethernet2([2; 6], [2; 6])
                    .ipv4([192, 0, 2, 1], [192, 0, 2, 2], ttl)
                    .udp(1000, 53)
                    .write(&mut frame, &[0xab, 0xcd])
                    .unwrap();
                age(&mut frame, hops);
                let header = Ipv4HeaderSlice::from_slice(&frame[14..]).unwrap().to_header();
                assert_eq!(header.time_to_live, ttl - hops);
                assert_eq!(header.header_checksum, header.calc_header_checksum());
            }
        }
    }

    #[test]
    fn packets_are_recognised() {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([2; 6], [2; 6])
            .ipv6([1; 16], [2; 16], 9)
            .icmpv6_echo_request(7, 8)
            .write(&mut frame, b"x")
            .unwrap();
        let packet = Packet::read(&frame).unwrap();
        assert_eq!(packet.ttl, 9);
        assert_eq!(packet.key, PacketKey::Icmp { kind: 128, code: 0, id: 7, seq: 8 });
        assert!(Packet::read(&frame[..20]).is_none());
    }
}
