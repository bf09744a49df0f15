//! What the phases of an attempt should have been, from its packets: those in a world's truth log
//! or in a host's own capture.

use std::collections::BTreeMap;
use std::time::Duration;

use vantage_world::clock::Nanos;
use vantage_world::truth::{Flow, PacketKey, PacketRecord, TcpFlags, Truth};

/// The market's and the site's positions in worlds of [`crate::stage::market_and_site`].
const MARKET: u16 = 0;
const SITE: u16 = 1;
/// Longer than any connection here is silent, and shorter than a port takes to come round again.
const QUIC_SILENCE: Duration = Duration::from_millis(500);

/// Packets, indexed for the questions here.
#[derive(Debug)]
pub struct Packets {
    truth: Truth,
    syns: BTreeMap<(u16, u16), usize>,
}

impl Packets {
    /// Indexes packets.
    pub fn new(truth: Truth) -> Self {
        let mut syns = BTreeMap::new();
        for record in truth.between(MARKET, SITE) {
            if let PacketKey::Tcp { source_port, destination_port, flags, .. } = record.key
                && flags == TcpFlags::SYN
            {
                *syns.entry((source_port, destination_port)).or_default() += 1;
            }
        }
        Self { truth, syns }
    }

    /// How many packets are missing.
    pub fn missing(&self) -> u64 {
        self.truth.not_kept()
    }

    /// The market's ports in the order in which it connected from them to a port of the site.
    pub fn connections(&self, server_port: u16) -> Vec<u16> {
        let mut syns: Vec<_> = self
            .truth
            .between(MARKET, SITE)
            .filter_map(|record| match record.key {
                PacketKey::Tcp { source_port, destination_port, flags, .. }
                    if destination_port == server_port && flags == TcpFlags::SYN =>
                {
                    Some((record.arrival, source_port))
                }
                _ => None,
            })
            .collect();
        syns.sort_unstable();
        syns.into_iter().map(|(_, port)| port).collect()
    }

    /// Identifier and sequence number of the echoes of the market, in the order in which it asked.
    pub fn echoes(&self) -> Vec<(u16, u16)> {
        let mut requests: Vec<_> = self
            .truth
            .between(MARKET, SITE)
            .filter_map(|record| match record.key {
                PacketKey::Icmp { kind: 8, id, seq, .. } => Some((record.arrival, id, seq)),
                _ => None,
            })
            .collect();
        requests.sort_unstable();
        requests.into_iter().map(|(_, id, seq)| (id, seq)).collect()
    }

    /// The connection from a port; `None` where there is none, or the port was used twice, so
    /// that packets cannot be told apart.
    fn flow(&self, client_port: u16, server_port: u16) -> Option<Flow> {
        let once = self.syns.get(&(client_port, server_port)) == Some(&1);
        once.then_some(Flow { client: MARKET, client_port, server: SITE, server_port })
    }

    /// From the SYN to the SYN-ACK.
    pub fn tcp_connect(&self, client_port: u16, port: u16) -> Option<Duration> {
        self.truth.tcp_handshake(self.flow(client_port, port)?)
    }

    /// From the echo request to its reply.
    pub fn icmp_rtt(&self, (identifier, sequence): (u16, u16)) -> Option<Duration> {
        self.truth.icmp_echo(MARKET, identifier, sequence)
    }

    /// From the `ClientHello` to the segment with the client's `Finished`.
    pub fn tls_handshake(&self, client_port: u16, port: u16) -> Option<Duration> {
        let ours = self.data_segments(self.flow(client_port, port)?, true);
        Some(ours.get(1)?.0.since(ours[0].0))
    }

    /// From the request to the answer's first byte, and from there to its last. The answer ends
    /// with a body in segments of its own, of `body_bytes`; `preface` segments precede the request.
    pub fn http_exchange(
        &self,
        client_port: u16,
        port: u16,
        preface: usize,
        body_bytes: u64,
    ) -> Option<[Duration; 2]> {
        let flow = self.flow(client_port, port)?;
        let (asked, _) = *self.data_segments(flow, true).get(preface)?;
        let answer = self.data_segments(flow, false);
        let (end, _) = *answer.last()?;
        let head = containing(&answer, body_bytes + 1)?;
        Some([head.since(asked), end.since(head)])
    }

    /// When the segments with data of one end passed the client (its own when they left it, the
    /// server's when they reached it), and how many bytes each held.
    fn data_segments(&self, flow: Flow, by_client: bool) -> Vec<(Nanos, u64)> {
        let mut seen: Vec<_> = self
            .truth
            .tcp_segments(flow)
            .into_iter()
            .filter(|record| (record.from == flow.client) == by_client)
            .filter_map(|record| match record.key {
                PacketKey::Tcp { payload_bytes: bytes @ 1.., .. } => {
                    let at = if by_client { record.arrival } else { record.sent? };
                    Some((at, bytes.into()))
                }
                _ => None,
            })
            .collect();
        seen.sort_unstable();
        seen
    }

    /// The QUIC connection from this port of the market; `None` where the port was used twice.
    pub fn quic_connection(&self, port: u16) -> Option<QuicConnection> {
        let is_its = |record: &&PacketRecord| match record.key {
            PacketKey::Udp { source_port, destination_port, .. } => {
                port == if record.from == MARKET { source_port } else { destination_port }
            }
            _ => false,
        };
        let mut datagrams: Vec<_> = self.truth.records().iter().filter(is_its).copied().collect();
        datagrams.sort_by_key(|record| record.arrival);
        let silent = |pair: &[PacketRecord]| pair[1].arrival.since(pair[0].arrival) > QUIC_SILENCE;
        (!datagrams.windows(2).any(silent)).then_some(QuicConnection { datagrams })
    }
}

/// When the segment came in which this byte was, counted from the last one as 1. Segments may
/// have been joined on their way, so their number tells nothing.
fn containing(segments: &[(Nanos, u64)], from_end: u64) -> Option<Nanos> {
    let mut left = from_end;
    for (at, bytes) in segments.iter().rev() {
        if *bytes >= left {
            return Some(*at);
        }
        left -= bytes;
    }
    None
}

/// The datagrams of one QUIC connection.
#[derive(Debug)]
pub struct QuicConnection {
    datagrams: Vec<PacketRecord>,
}

impl QuicConnection {
    /// From the first datagram to the one with our `Finished`, and from the request to the first
    /// datagram of its answer, for which the site waits so long. Datagrams are encrypted, and told
    /// by what can have caused them; `None` where one was sent again.
    pub fn handshake_and_exchange(&self, rtt: Duration, wait: Duration) -> Option<[Duration; 2]> {
        let (ours, theirs): (Vec<&PacketRecord>, Vec<&PacketRecord>) =
            self.datagrams.iter().partition(|record| record.from == MARKET);
        let first = ours.first()?.arrival;
        let reply = theirs.first()?.sent?;
        // The site's part of the handshake, with its one small certificate, is all in its first
        // datagram. Nobody waits for what follows that in the same flight (connection ids), and it
        // may come later than our `Finished` leaves.
        let finished = ours.iter().find(|record| record.arrival >= reply)?.arrival;
        // What they send within a round trip of their first is their first flight: nothing that
        // we said to it has reached them.
        let mut later =
            theirs.iter().filter_map(|record| record.sent).filter(|at| *at >= reply + rtt);
        // The request follows `Finished` before anything else is heard of the site.
        let heard = later.next()?;
        let asked = ours.iter().rfind(|record| record.arrival < heard)?.arrival;
        let answered = later.filter(|at| *at >= asked + rtt + wait).min()?;
        Some([finished.since(first), answered.since(asked)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_from_the_end() {
        let segments = [(Nanos(1), 100), (Nanos(2), 5), (Nanos(3), 1)];
        let expected = [(1, Some(3)), (2, Some(2)), (6, Some(2)), (7, Some(1)), (107, None)];
        for (from_end, at) in expected {
            assert_eq!(containing(&segments, from_end), at.map(Nanos), "{from_end}");
        }
    }
}
