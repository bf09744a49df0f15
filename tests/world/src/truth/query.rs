//! Questions to the truth: the joins between a measurement and its packets.

use std::collections::HashMap;
use std::time::Duration;

use super::record::{PacketKey, PacketRecord, TcpFlags, Verdict};
use crate::clock::Nanos;

/// A TCP connection, by the positions of its hosts in the configuration and its ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The host that connects.
    pub client: u16,
    /// The port it connects from.
    pub client_port: u16,
    /// The host that is connected to.
    pub server: u16,
    /// The port it listens on.
    pub server_port: u16,
}

impl Flow {
    fn of(record: &PacketRecord) -> Option<(Self, Self)> {
        let PacketKey::Tcp { source_port, destination_port, .. } = record.key else { return None };
        let outward = Self {
            client: record.from,
            client_port: source_port,
            server: record.to,
            server_port: destination_port,
        };
        Some((outward, outward.reversed()))
    }

    const fn reversed(self) -> Self {
        Self {
            client: self.server,
            client_port: self.server_port,
            server: self.client,
            server_port: self.client_port,
        }
    }
}

/// An echo, by the asking host, its identifier and its sequence number.
type Echo = (u16, u16, u16);
/// A DNS transaction over UDP, by the asking host, its port and the message id.
type Question = (u16, u16, u16);

/// A snapshot of the truth log, indexed for joins with measurements.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    records: Vec<PacketRecord>,
    not_kept: u64,
    // Each connection stands under both of its directions.
    tcp: HashMap<Flow, Vec<usize>>,
    icmp: HashMap<Echo, Vec<usize>>,
    dns: HashMap<Question, Vec<usize>>,
}

impl Truth {
    /// Indexes records.
    pub fn new(records: Vec<PacketRecord>, not_kept: u64) -> Self {
        let mut truth = Self { not_kept, ..Self::default() };
        for (at, record) in records.iter().enumerate() {
            match record.key {
                PacketKey::Tcp { .. } => {
                    if let Some((outward, back)) = Flow::of(record) {
                        truth.tcp.entry(outward).or_default().push(at);
                        truth.tcp.entry(back).or_default().push(at);
                    }
                }
                PacketKey::Udp { source_port, destination_port, dns_id } => {
                    if destination_port == DNS_PORT {
                        truth.dns.entry((record.from, source_port, dns_id)).or_default().push(at);
                    } else if source_port == DNS_PORT {
                        truth
                            .dns
                            .entry((record.to, destination_port, dns_id))
                            .or_default()
                            .push(at);
                    }
                }
                PacketKey::Icmp { kind, id, seq, .. } => {
                    if ECHO_REQUEST.contains(&kind) {
                        truth.icmp.entry((record.from, id, seq)).or_default().push(at);
                    } else if ECHO_REPLY.contains(&kind) {
                        truth.icmp.entry((record.to, id, seq)).or_default().push(at);
                    }
                }
                PacketKey::Other => {}
            }
        }
        truth.records = records;
        truth
    }

    /// The packets, in the order their fate was settled.
    pub fn records(&self) -> &[PacketRecord] {
        &self.records
    }

    /// How many packets the log had no room for; a test that counts wants 0.
    pub fn not_kept(&self) -> u64 {
        self.not_kept
    }

    /// All packets from one host to another.
    pub fn between(&self, from: u16, to: u16) -> impl Iterator<Item = &PacketRecord> {
        self.records.iter().filter(move |record| record.from == from && record.to == to)
    }

    /// How many packets met this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.records.iter().filter(|record| record.verdict == verdict).count()
    }

    fn at<'a, K: std::hash::Hash + Eq>(
        &'a self,
        index: &'a HashMap<K, Vec<usize>>,
        key: &K,
    ) -> impl Iterator<Item = &'a PacketRecord> + Clone {
        index.get(key).into_iter().flatten().map(|&at| &self.records[at])
    }

    /// The segments of a connection, both directions, by arrival.
    pub fn tcp_segments(&self, flow: Flow) -> Vec<&PacketRecord> {
        let mut segments: Vec<_> = self.at(&self.tcp, &flow).collect();
        segments.sort_by_key(|record| record.arrival);
        segments
    }

    /// The handshake of a connection: from the SYN that was answered leaving the client to the
    /// SYN-ACK reaching it. Where several SYNs got through, the last before the answer counts.
    /// `None` when it was not completed.
    pub fn tcp_handshake(&self, flow: Flow) -> Option<Duration> {
        let delivered = |from: u16, wanted: TcpFlags| {
            self.at(&self.tcp, &flow).filter(move |record| {
                record.verdict == Verdict::Delivered
                    && record.from == from
                    && matches!(record.key, PacketKey::Tcp { flags, .. } if flags == wanted)
            })
        };
        let syn_ack = TcpFlags::SYN.with(TcpFlags::ACK, true);
        let answer = delivered(flow.server, syn_ack).min_by_key(|record| record.sent)?;
        let question = delivered(flow.client, TcpFlags::SYN)
            .filter(|record| record.arrival < answer.arrival)
            .max_by_key(|record| record.arrival)?;
        Some(answer.sent?.since(question.arrival))
    }

    /// An echo: from the request leaving `client` to the reply reaching it. `None` when there was
    /// no reply.
    pub fn icmp_echo(&self, client: u16, id: u16, seq: u16) -> Option<Duration> {
        let echo = (client, id, seq);
        let packets = self.at(&self.icmp, &echo);
        let asked =
            packets.clone().filter(|record| record.from == client).map(|r| r.arrival).min()?;
        let answered =
            packets.filter(|record| record.from != client).filter_map(|r| r.sent).min()?;
        Some(answered.since(asked))
    }

    /// All answers to a DNS query over UDP, in the order they arrived: the time from the query
    /// leaving `client` to each answer reaching it, and whether the router forged the answer.
    pub fn dns_answers(&self, client: u16, client_port: u16, id: u16) -> Vec<(Duration, bool)> {
        let question = (client, client_port, id);
        let packets = self.at(&self.dns, &question);
        let queries = packets.clone().filter(|record| record.from == client);
        let Some(asked) = queries.map(|record| record.arrival).min() else { return Vec::new() };
        let mut answers: Vec<_> = packets
            .filter(|record| record.to == client)
            .filter_map(|record| {
                Some((record.sent?.since(asked), record.verdict == Verdict::Injected))
            })
            .collect();
        answers.sort_unstable();
        answers
    }

    /// The exchanges of a connection: for each time the client sent data after it had last
    /// received some, from its first data segment leaving it to the first and to the last data
    /// segment of the answer reaching it.
    pub fn tcp_exchanges(&self, flow: Flow) -> Vec<Exchange> {
        // Seen from the client: its own segments count when they leave, the server's when they
        // arrive.
        let mut seen: Vec<_> = self
            .at(&self.tcp, &flow)
            .filter_map(|record| match record.key {
                PacketKey::Tcp { payload_bytes: 1.., .. } => {
                    let by_client = record.from == flow.client;
                    Some((if by_client { record.arrival } else { record.sent? }, by_client))
                }
                _ => None,
            })
            .collect();
        seen.sort_unstable();
        let mut exchanges = Vec::new();
        let mut asked: Option<Nanos> = None;
        let mut answered: Option<Exchange> = None;
        for (at, by_client) in seen {
            match (by_client, asked) {
                // More of the same question.
                (true, Some(_)) if answered.is_none() => {}
                (true, _) => {
                    exchanges.extend(answered.take());
                    asked = Some(at);
                }
                (false, Some(start)) => {
                    let after = at.since(start);
                    let first_byte = answered.map_or(after, |exchange| exchange.first_byte);
                    answered = Some(Exchange { first_byte, last_byte: after });
                }
                // The server spoke first.
                (false, None) => {}
            }
        }
        exchanges.extend(answered);
        exchanges
    }
}

/// A question on a connection and its answer, timed from the question's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Until the answer's first bytes arrived.
    pub first_byte: Duration,
    /// Until the answer's last bytes arrived.
    pub last_byte: Duration,
}

const DNS_PORT: u16 = 53;
/// ICMP and ICMPv6.
const ECHO_REQUEST: [u8; 2] = [8, 128];
const ECHO_REPLY: [u8; 2] = [0, 129];

#[cfg(test)]
mod tests {
    use super::*;
    const FLOW: Flow = Flow { client: 0, client_port: 5000, server: 1, server_port: 443 };

    fn segment(
        from: u16,
        at_ms: u64,
        takes_ms: u64,
        flags: TcpFlags,
        payload_bytes: u16,
    ) -> PacketRecord {
        let (source_port, destination_port) = if from == 0 { (5000, 443) } else { (443, 5000) };
        let at = |ms: u64| Nanos(ms * 1_000_000);
        PacketRecord {
            arrival: at(at_ms),
            due: at(at_ms + takes_ms),
            sent: Some(at(at_ms + takes_ms)),
            from,
            to: 1 - from,
            frame_bytes: 66,
            ipv6: false,
            verdict: Verdict::Delivered,
            key: PacketKey::Tcp {
                source_port,
                destination_port,
                seq: 1,
                ack: 1,
                flags,
                payload_bytes,
            },
        }
    }

    #[test]
    fn a_repeated_syn_counts_from_the_one_that_was_answered() {
        let syn_ack = TcpFlags::SYN.with(TcpFlags::ACK, true);
        let mut lost = segment(0, 0, 0, TcpFlags::SYN, 0);
        lost.verdict = Verdict::Lost;
        lost.sent = None;
        let truth = Truth::new(
            vec![lost, segment(0, 1000, 20, TcpFlags::SYN, 0), segment(1, 1021, 20, syn_ack, 0)],
            0,
        );
        assert_eq!(truth.tcp_handshake(FLOW), Some(Duration::from_millis(41)));
        assert_eq!(truth.tcp_handshake(Flow { client_port: 5001, ..FLOW }), None);
    }

    #[test]
    fn exchanges_begin_when_the_client_speaks_again() {
        let data = TcpFlags::ACK;
        let truth = Truth::new(
            vec![
                segment(0, 100, 20, data, 500),
                segment(0, 101, 20, data, 100),
                segment(1, 125, 20, data, 1400),
                segment(1, 126, 20, data, 1400),
                segment(0, 147, 20, data, 80),
                segment(1, 170, 20, data, 300),
            ],
            0,
        );
        let exchange = |first_ms, last_ms| Exchange {
            first_byte: Duration::from_millis(first_ms),
            last_byte: Duration::from_millis(last_ms),
        };
        assert_eq!(truth.tcp_exchanges(FLOW), [exchange(45, 46), exchange(43, 43)]);
    }
}
