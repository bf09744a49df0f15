//! The TCP connections that a rule watches.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use rand::{Rng, RngExt as _};

use crate::clock::Nanos;
use crate::config::{InterferenceAction, InterferenceRule};
use crate::router::forge::Reset;
use crate::router::packet::Packet;
use crate::router::server_name::{HelloReader, ServerName};
use crate::truth::{PacketKey, TcpFlags};

/// Most connections a rule remembers; beyond that it forgets the oldest.
const MOST_FLOWS: usize = 65_536;

/// A connection on a path, from the end whose packets the rule watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FlowKey {
    ipv6: bool,
    source_port: u16,
    destination_port: u16,
}

/// What a rule thinks of a packet's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Not, or not yet, one that the rule is after.
    Innocent,
    /// This packet gives it away.
    Caught {
        /// When its first packet passed.
        first_seen: Nanos,
    },
    /// Caught earlier, to be cut later.
    Waiting,
    /// Cut already.
    Dead,
}

#[derive(Debug)]
enum State {
    /// Nothing is known yet.
    New,
    /// Waiting for the server name.
    Reading(Box<HelloReader>),
    /// Asked for another name, or was spared.
    Innocent,
    /// To be cut later.
    Waiting,
    /// Cut.
    Dead,
}

#[derive(Debug)]
struct Flow {
    state: State,
    first_seen: Nanos,
    first_seq: u32,
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
    // Where both ends are, as far as the last packet of this direction tells.
    next_seq: u32,
    last_ack: u32,
}

/// The connections a rule remembers.
#[derive(Debug, Default)]
pub struct Flows {
    flows: HashMap<FlowKey, Flow>,
    by_age: VecDeque<FlowKey>,
}

impl Flows {
    /// Takes a packet into account; `None` when it is not TCP.
    pub fn judge(
        &mut self,
        rule: &InterferenceRule,
        packet: &Packet<'_>,
        arrival: Nanos,
        random: &mut impl Rng,
    ) -> Option<(FlowKey, Judgement)> {
        let PacketKey::Tcp { source_port, destination_port, seq, ack, flags, payload_bytes } =
            packet.key
        else {
            return None;
        };
        let key = FlowKey { ipv6: packet.source.is_ipv6(), source_port, destination_port };
        let opens = flags == TcpFlags::SYN;
        let known = self.flows.get(&key).is_some_and(|flow| !opens || flow.first_seq == seq);
        if !known {
            let state = match (rule.names.is_empty(), opens) {
                (true, _) => State::New,
                (false, true) => State::Reading(Box::new(HelloReader::new(seq))),
                // Its beginning was missed, so its name will never be known.
                (false, false) => State::Innocent,
            };
            let flow = Flow {
                state,
                first_seen: arrival,
                first_seq: seq,
                source: (packet.source, source_port),
                destination: (packet.destination, destination_port),
                next_seq: seq,
                last_ack: ack,
            };
            self.remember(key, flow);
        }
        let flow = self.flows.get_mut(&key)?;
        let length = u32::from(payload_bytes)
            + u32::from(flags.contains(TcpFlags::SYN))
            + u32::from(flags.contains(TcpFlags::FIN));
        flow.next_seq = seq.wrapping_add(length);
        flow.last_ack = ack;
        let caught = match &mut flow.state {
            State::New => true,
            State::Reading(reader) => match reader.read(seq, packet.payload) {
                ServerName::Name(name) if rule.names_match(&name) => true,
                ServerName::Name(_) | ServerName::None => {
                    flow.state = State::Innocent;
                    false
                }
                ServerName::Unknown => false,
            },
            State::Innocent => false,
            State::Waiting => return Some((key, Judgement::Waiting)),
            // The ends of a cut connection may tell each other so.
            State::Dead if flags.contains(TcpFlags::RST) => false,
            State::Dead => return Some((key, Judgement::Dead)),
        };
        if !caught {
            return Some((key, Judgement::Innocent));
        }
        if rule.share < 1.0 && random.random::<f64>() >= rule.share {
            flow.state = State::Innocent;
            return Some((key, Judgement::Innocent));
        }
        flow.state = match rule.action {
            InterferenceAction::Kill => State::Waiting,
            _ => State::Dead,
        };
        Some((key, Judgement::Caught { first_seen: flow.first_seen }))
    }

    /// Declares a waiting connection dead: the resets to its sender and to its receiver.
    pub fn kill(&mut self, key: FlowKey) -> Option<(Reset, Reset)> {
        let flow = self.flows.get_mut(&key)?;
        if !matches!(flow.state, State::Waiting) {
            return None;
        }
        flow.state = State::Dead;
        let to_sender = Reset {
            from: flow.destination,
            to: flow.source,
            seq: flow.last_ack,
            ack: Some(flow.next_seq),
        };
        let to_receiver = Reset {
            from: flow.source,
            to: flow.destination,
            seq: flow.next_seq,
            ack: Some(flow.last_ack),
        };
        Some((to_sender, to_receiver))
    }

    fn remember(&mut self, key: FlowKey, flow: Flow) {
        if self.flows.insert(key, flow).is_none() {
            self.by_age.push_back(key);
        }
        if self.by_age.len() > MOST_FLOWS
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.flows.remove(&oldest);
        }
    }
}
