//! One packet's fate.

use std::fmt;

use crate::clock::Nanos;

/// What the router saw of a packet and did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketRecord {
    /// When it left its sender, by the kernel's receive stamp. For a packet that the router made
    /// itself: when its cause arrived.
    pub arrival: Nanos,
    /// When the path would have delivered it; equal to `arrival` for a packet that was dropped.
    pub due: Nanos,
    /// When it was handed to its receiver; `None` for a packet that was dropped.
    pub sent: Option<Nanos>,
    /// Position of the sending host in the configuration.
    pub from: u16,
    /// Position of the receiving host; equal to `from` where no host has the destination address.
    pub to: u16,
    /// Length of the frame in bytes.
    pub frame_bytes: u16,
    /// Whether it is IPv6.
    pub ipv6: bool,
    /// What became of it.
    pub verdict: Verdict,
    /// What to recognise it by.
    pub key: PacketKey,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It reached its receiver.
    Delivered,
    /// The router made it (a reset, a forged answer, an ICMP message) and delivered it.
    Injected,
    /// The path is down.
    Blackholed,
    /// A rule of interference took it.
    Interfered,
    /// It was lost at random.
    Lost,
    /// The narrow link's queue was full.
    QueueFull,
    /// Its TTL ended on the way.
    TtlExceeded,
    /// No host has its destination address.
    NoHost,
    /// The kernel refused to take it for its receiver.
    SendFailed,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 9] = [
        Self::Delivered,
        Self::Injected,
        Self::Blackholed,
        Self::Interfered,
        Self::Lost,
        Self::QueueFull,
        Self::TtlExceeded,
        Self::NoHost,
        Self::SendFailed,
    ];

    /// Its name in truth files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Injected => "injected",
            Self::Blackholed => "blackholed",
            Self::Interfered => "interfered",
            Self::Lost => "lost",
            Self::QueueFull => "queue_full",
            Self::TtlExceeded => "ttl_exceeded",
            Self::NoHost => "no_host",
            Self::SendFailed => "send_failed",
        }
    }
}

/// What a packet is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKey {
    /// A TCP segment.
    Tcp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number.
        ack: u32,
        /// SYN, ACK, FIN, RST.
        flags: TcpFlags,
        /// Payload length in bytes.
        payload_bytes: u16,
    },
    /// A UDP datagram.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// The first two payload bytes, which are the id of a DNS message; 0 when there are none.
        dns_id: u16,
    },
    /// An ICMP or ICMPv6 message.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// Identifier of an echo; else 0.
        id: u16,
        /// Sequence number of an echo; else 0.
        seq: u16,
    },
    /// Anything else, fragments included.
    Other,
}

/// The flags of a TCP segment that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Synchronise.
    pub const SYN: Self = Self(1);
    /// Acknowledge.
    pub const ACK: Self = Self(2);
    /// Finish.
    pub const FIN: Self = Self(4);
    /// Reset.
    pub const RST: Self = Self(8);

    /// These flags and those.
    #[must_use]
    pub const fn with(self, other: Self, set: bool) -> Self {
        if set { Self(self.0 | other.0) } else { self }
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, letter) in
            [(Self::SYN, 'S'), (Self::ACK, 'A'), (Self::FIN, 'F'), (Self::RST, 'R')]
        {
            if self.contains(flag) {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for PacketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tcp { source_port, destination_port, seq, ack, flags, payload_bytes } => write!(
                f,
                "tcp {source_port} {destination_port} seq={seq} ack={ack} flags={flags} payload={payload_bytes}"
            ),
            Self::Udp { source_port, destination_port, dns_id } => {
                write!(f, "udp {source_port} {destination_port} id={dns_id}")
            }
            Self::Icmp { kind, code, id, seq } => {
                write!(f, "icmp type={kind} code={code} id={id} seq={seq}")
            }
            Self::Other => f.write_str("other"),
        }
    }
}
