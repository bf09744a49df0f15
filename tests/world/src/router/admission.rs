//! The chain every packet goes through: down → interference → hops → loss, narrow link, delay.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::HostPort;
use super::agenda::{Agenda, Event};
use super::forge::{hop_address, icmp_error};
use super::interference::{FlowKey, InjectedPacket, Injection, Toward};
use super::packet::{Packet, age};
use super::path::Path;
use crate::clock::Nanos;
use crate::config::{PathTable, RejectCode, TimeSpec};
use crate::truth::{PacketKey, PacketRecord, Verdict};

/// All paths, and the decisions on the packets that enter them.
#[derive(Debug)]
pub struct Admission {
    by_address: HashMap<IpAddr, usize>,
    hosts: usize,
    paths: Vec<Path>,
    time: TimeSpec,
    started: Nanos,
}

impl Admission {
    /// Fresh paths. `started` is when the emulated day began.
    pub fn new(ports: &[HostPort], table: &PathTable, seed: u64, started: Nanos) -> Self {
        let hosts = ports.len();
        let by_address = ports
            .iter()
            .enumerate()
            .flat_map(|(at, port)| port.addresses.into_iter().map(move |address| (address, at)))
            .collect();
        let paths = (0..hosts * hosts)
            .map(|at| {
                let (from, to) = (at / hosts, at % hosts);
                Path::new(table.path(from, to).clone(), seed, from, to)
            })
            .collect();
        Self { by_address, hosts, paths, time: table.time, started }
    }

    /// Gives the paths other properties; packets under way keep their times.
    pub fn change(&mut self, table: &PathTable) {
        for (at, path) in self.paths.iter_mut().enumerate() {
            path.change(table.path(at / self.hosts, at % self.hosts));
        }
        self.time = table.time;
    }

    /// The emulated hour of the day.
    fn hour(&self, at: Nanos) -> f64 {
        let hours = at.since(self.started).as_secs_f64() * self.time.factor / 3_600.0;
        (self.time.start_hour + hours).rem_euclid(24.0)
    }

    fn path(&mut self, from: usize, to: usize) -> &mut Path {
        &mut self.paths[from * self.hosts + to]
    }

    /// Decides about a frame that a host sent: what will come of it goes on the agenda. Returns
    /// the record of a packet whose fate is settled already; `None` also for what is no IP packet.
    pub fn admit(
        &mut self,
        from: usize,
        frame: &[u8],
        arrival: Nanos,
        agenda: &mut Agenda,
    ) -> Option<PacketRecord> {
        let packet = Packet::read(frame)?;
        let to = self.by_address.get(&packet.destination).copied();
        let record = record(&packet, from, to.unwrap_or(from), arrival);
        let settled = |verdict| Some(PacketRecord { verdict, ..record });
        let Some(to) = to else {
            // Neighbour discovery and the like ask everybody; nobody is to answer.
            if !is_multicast(packet.destination) {
                let spot = Spot { from, to: from, at_permille: 0, cause: arrival };
                self.refuse(&packet, RejectCode::Net, spot, agenda);
            }
            return settled(Verdict::NoHost);
        };
        if self.path(from, to).spec().blackhole {
            return settled(Verdict::Blackholed);
        }

        let effect = self.path(from, to).interference.meet(&packet, arrival);
        for Injection { toward, content, at_permille } in effect.injections {
            let spot = Spot { from, to, at_permille, cause: arrival };
            match content {
                InjectedPacket::Frame(frame) => self.send(frame, toward, spot, agenda),
                InjectedPacket::IcmpError(code) => self.refuse(&packet, code, spot, agenda),
            }
        }
        if let Some((at, flow)) = effect.kill {
            agenda.enter(at, Event::Kill { from, to, flow });
        }
        if effect.taken {
            return settled(Verdict::Interfered);
        }

        let hops = self.path(from, to).spec().hops;
        if packet.ttl <= hops {
            let at_permille = u16::from(packet.ttl) * 1_000 / (u16::from(hops) + 1);
            let spot = Spot { from, to, at_permille, cause: arrival };
            self.refuse(&packet, RejectCode::TtlExceeded, spot, agenda);
            return settled(Verdict::TtlExceeded);
        }

        let hour = self.hour(arrival);
        let entered = effect.held_until.unwrap_or(arrival);
        match self.path(from, to).carry(entered, frame.len(), hour) {
            Ok(due) => {
                let mut frame: Box<[u8]> = frame.into();
                age(&mut frame, hops);
                let record = PacketRecord { due, ..record };
                agenda.enter(due, Event::Deliver { frame, record });
                None
            }
            Err(verdict) => settled(verdict),
        }
    }

    /// Cuts a connection whose time has come.
    pub fn kill(&mut self, from: usize, to: usize, flow: FlowKey, now: Nanos, agenda: &mut Agenda) {
        for injection in self.path(from, to).interference.kill(flow) {
            let spot = Spot { from, to, at_permille: injection.at_permille, cause: now };
            if let InjectedPacket::Frame(frame) = injection.content {
                self.send(frame, injection.toward, spot, agenda);
            }
        }
    }

    /// Answers a packet with an ICMP message from the router at a spot. Nothing is said about an
    /// ICMP error (RFC 1122 §3.2.2), or errors would breed errors.
    fn refuse(&mut self, about: &Packet<'_>, code: RejectCode, spot: Spot, agenda: &mut Agenda) {
        if is_icmp_error(about) {
            return;
        }
        // A path without routers still has something in its middle that answers.
        let hops = self.path(spot.from, spot.to).spec().hops.max(1);
        let hop = match code {
            RejectCode::TtlExceeded => about.ttl.clamp(1, hops),
            _ => spot.hop(hops),
        };
        let address = hop_address(about.source.is_ipv6(), spot.from, spot.to, hop, hops);
        if let Some(frame) = icmp_error(about, address, code) {
            self.send(frame, Toward::Sender, spot, agenda);
        }
    }

    /// Puts a packet of the router's own on its way. Jitter is left out: it arrives as early as
    /// its place allows, but never overtakes what is under way to the same host.
    fn send(&mut self, frame: Vec<u8>, toward: Toward, spot: Spot, agenda: &mut Agenda) {
        let Spot { from, to, at_permille, cause } = spot;
        let outward = self.path(from, to).spec().delay;
        let reached = cause + share(outward, at_permille);
        let (source, target, due) = match toward {
            Toward::Sender => {
                let back = share(self.path(to, from).spec().delay, at_permille);
                (to, from, self.path(to, from).not_before(reached + back))
            }
            Toward::Receiver => {
                let onward = share(outward, 1_000 - at_permille);
                (from, to, self.path(from, to).in_order(reached + onward))
            }
        };
        let Some(packet) = Packet::read(&frame) else { return };
        let record = PacketRecord {
            due,
            verdict: Verdict::Injected,
            ..record(&packet, source, target, cause)
        };
        agenda.enter(due, Event::Deliver { frame: frame.into(), record });
    }
}

/// A place on a path, and the moment something entered the path that is answered there.
#[derive(Debug, Clone, Copy)]
struct Spot {
    from: usize,
    to: usize,
    /// Thousandths of the way from `from`.
    at_permille: u16,
    cause: Nanos,
}

impl Spot {
    /// Which of the path's routers stands there.
    fn hop(self, hops: u8) -> u8 {
        let hop = u32::from(self.at_permille) * (u32::from(hops) + 1) / 1_000;
        u8::try_from(hop).unwrap_or(hops).clamp(1, hops)
    }
}

fn record(packet: &Packet<'_>, from: usize, to: usize, arrival: Nanos) -> PacketRecord {
    // A world has at most 250 hosts, a frame at most 1514 bytes.
    let narrow = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    PacketRecord {
        arrival,
        due: arrival,
        sent: None,
        from: narrow(from),
        to: narrow(to),
        frame_bytes: narrow(packet.frame.len()),
        ipv6: packet.source.is_ipv6(),
        verdict: Verdict::Delivered,
        key: packet.key,
    }
}

fn share(span: Duration, permille: u16) -> Duration {
    span * u32::from(permille) / 1_000
}

fn is_multicast(address: IpAddr) -> bool {
    address.is_multicast() || address == IpAddr::V4(std::net::Ipv4Addr::BROADCAST)
}

fn is_icmp_error(packet: &Packet<'_>) -> bool {
    match packet.key {
        PacketKey::Icmp { kind, .. } if packet.source.is_ipv4() => !matches!(kind, 0 | 8),
        PacketKey::Icmp { kind, .. } => kind < 128,
        _ => false,
    }
}
