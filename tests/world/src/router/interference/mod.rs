//! What stands on a path: decides about each packet before chance does.

mod dns;
mod flows;

use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use super::forge::Reset;
use super::narrow_link::NarrowLink;
use super::packet::Packet;
use crate::clock::Nanos;
use crate::config::{Bandwidth, InterferenceAction, InterferenceRule, Protocol, RejectCode};
use crate::truth::PacketKey;

pub use flows::FlowKey;
use flows::{Flows, Judgement};

/// The queue of a throttled kind of traffic.
const THROTTLE_QUEUE_BYTES: u64 = 65_536;

/// All rules of one path, with what they remember.
#[derive(Debug)]
pub struct Interference {
    rules: Vec<RuleState>,
    random: ChaCha8Rng,
}

#[derive(Debug)]
struct RuleState {
    rule: InterferenceRule,
    flows: Flows,
    throttle: NarrowLink,
}

/// What interference does to a packet.
#[derive(Debug, Default, PartialEq)]
pub struct Effect {
    /// Whether the packet is taken from the path.
    pub taken: bool,
    /// When a packet that is not taken may go on, if it had to wait.
    pub held_until: Option<Nanos>,
    /// Packets made in response.
    pub injections: Vec<Injection>,
    /// A connection to cut later.
    pub kill: Option<(Nanos, FlowKey)>,
}

/// A packet that interference makes.
#[derive(Debug, PartialEq, Eq)]
pub struct Injection {
    /// Whom it goes to.
    pub toward: Toward,
    /// The packet.
    pub content: InjectedPacket,
    /// Where on the path it is made, in thousandths of the way from the sender.
    pub at_permille: u16,
}

/// An end of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// The sender of the packet that was met.
    Sender,
    /// Its receiver.
    Receiver,
}

/// What is injected.
#[derive(Debug, PartialEq, Eq)]
pub enum InjectedPacket {
    /// A whole frame.
    Frame(Vec<u8>),
    /// An ICMP message about the packet that was met; the router knows the address it comes from.
    IcmpError(RejectCode),
}

impl Effect {
    fn taken() -> Self {
        Self { taken: true, ..Self::default() }
    }

    fn inject(mut self, rule: &InterferenceRule, toward: Toward, frame: Option<Vec<u8>>) -> Self {
        if let Some(frame) = frame {
            self.injections.push(Injection {
                toward,
                content: InjectedPacket::Frame(frame),
                at_permille: permille(rule.at),
            });
        }
        self
    }
}

fn permille(share: f64) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0…1000"
    )]
    let permille = (share * 1_000.0).round().clamp(0.0, 1_000.0) as u16;
    permille
}

impl Interference {
    /// Rules that have seen nothing yet; `random` decides which connections are hit.
    pub fn new(rules: &[InterferenceRule], random: ChaCha8Rng) -> Self {
        let mut interference = Self { rules: Vec::new(), random };
        interference.change(rules);
        interference
    }

    /// Other rules, which have seen nothing yet.
    pub fn change(&mut self, rules: &[InterferenceRule]) {
        let fresh = |rule: &InterferenceRule| RuleState {
            rule: rule.clone(),
            flows: Flows::default(),
            throttle: NarrowLink::default(),
        };
        self.rules = rules.iter().map(fresh).collect();
    }

    /// What the first rule that matches does to a packet.
    pub fn meet(&mut self, packet: &Packet<'_>, arrival: Nanos) -> Effect {
        let Self { rules, random } = self;
        rules.iter_mut().find_map(|state| state.meet(packet, arrival, random)).unwrap_or_default()
    }

    /// Cuts a connection whose time has come: the resets for both ends.
    pub fn kill(&mut self, key: FlowKey) -> Vec<Injection> {
        for state in &mut self.rules {
            if let Some((to_sender, to_receiver)) = state.flows.kill(key) {
                let effect = Effect::default()
                    .inject(&state.rule, Toward::Sender, to_sender.frame())
                    .inject(&state.rule, Toward::Receiver, to_receiver.frame());
                return effect.injections;
            }
        }
        Vec::new()
    }
}

impl RuleState {
    /// `None` when the rule does not match.
    fn meet(
        &mut self,
        packet: &Packet<'_>,
        arrival: Nanos,
        random: &mut ChaCha8Rng,
    ) -> Option<Effect> {
        if !covers(&self.rule, packet.key) {
            return None;
        }
        match self.rule.action {
            InterferenceAction::Reset | InterferenceAction::Kill => {
                self.meet_flow(packet, arrival, random)
            }
            InterferenceAction::Drop if self.rule.names.is_empty() => Some(Effect::taken()),
            InterferenceAction::Drop => match packet.key {
                PacketKey::Udp { .. } => self.asks_for_named(packet).then(Effect::taken),
                _ => self.meet_flow(packet, arrival, random),
            },
            InterferenceAction::ForgeDns => {
                let answer = dns::forged_answer(packet.payload, &self.rule)?;
                let frame = super::forge::datagram_back(packet, &answer);
                Some(Effect::default().inject(&self.rule, Toward::Sender, frame))
            }
            InterferenceAction::Throttle => {
                let limit = Bandwidth {
                    rate_kbps: self.rule.rate_kbps.unwrap_or(1),
                    queue_bytes: THROTTLE_QUEUE_BYTES,
                };
                Some(match self.throttle.pass(limit, arrival, packet.frame.len()) {
                    Some(departure) => Effect { held_until: Some(departure), ..Effect::default() },
                    None => Effect::taken(),
                })
            }
            InterferenceAction::Reject => Some(Effect {
                taken: true,
                injections: vec![Injection {
                    toward: Toward::Sender,
                    content: InjectedPacket::IcmpError(self.rule.code.unwrap_or(RejectCode::Host)),
                    at_permille: permille(self.rule.at),
                }],
                ..Effect::default()
            }),
        }
    }

    fn asks_for_named(&self, packet: &Packet<'_>) -> bool {
        dns::question_name(packet.payload).is_some_and(|name| self.rule.names_match(&name))
    }

    fn meet_flow(
        &mut self,
        packet: &Packet<'_>,
        arrival: Nanos,
        random: &mut ChaCha8Rng,
    ) -> Option<Effect> {
        let (key, judgement) = self.flows.judge(&self.rule, packet, arrival, random)?;
        Some(match (judgement, self.rule.action) {
            (Judgement::Innocent, _) => return None,
            (Judgement::Caught { first_seen }, InterferenceAction::Kill) => {
                let after = Duration::from_millis(self.rule.after_ms.unwrap_or(0));
                Effect { kill: Some((first_seen + after, key)), ..Effect::default() }
            }
            // Known, and its time has not come.
            (Judgement::Waiting, _) => Effect::default(),
            (Judgement::Caught { .. } | Judgement::Dead, InterferenceAction::Drop) => {
                Effect::taken()
            }
            (Judgement::Caught { .. }, _) => {
                let to_receiver = Reset::on_to_receiver(packet).and_then(|reset| reset.frame());
                self.reset_sender(packet).inject(&self.rule, Toward::Receiver, to_receiver)
            }
            (Judgement::Dead, _) => self.reset_sender(packet),
        })
    }

    fn reset_sender(&self, packet: &Packet<'_>) -> Effect {
        let to_sender = Reset::back_to_sender(packet).and_then(|reset| reset.frame());
        Effect::taken().inject(&self.rule, Toward::Sender, to_sender)
    }
}

/// Whether a rule looks at packets of this kind at all.
fn covers(rule: &InterferenceRule, key: PacketKey) -> bool {
    let (protocol, port) = match key {
        PacketKey::Tcp { destination_port, .. } => (Protocol::Tcp, Some(destination_port)),
        PacketKey::Udp { destination_port, .. } => (Protocol::Udp, Some(destination_port)),
        PacketKey::Icmp { .. } => (Protocol::Icmp, None),
        PacketKey::Other => (Protocol::Any, None),
    };
    let protocol_fits = rule.protocol == Protocol::Any || rule.protocol == protocol;
    let port_fits = rule.ports.is_empty() || port.is_some_and(|port| rule.ports.contains(&port));
    protocol_fits && port_fits
}
