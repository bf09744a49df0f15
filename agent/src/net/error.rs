//! Operating-system errors as failures.

use std::io;

use vantage_wire::{Failure, FailureCode, Phase};

/// Where an error came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The agent's own machine refused, before anything was sent.
    Local,
    /// Something on the path or the target answered, or did not.
    Remote,
}

/// The failure that an operating-system error means in a phase.
pub fn classify_io(error: &io::Error, phase: Phase, origin: Origin) -> Failure {
    let code = match error.raw_os_error() {
        Some(number) => by_number(number, phase, origin),
        None => by_kind(error.kind(), phase),
    };
    Failure::in_phase(code, phase, &error.to_string())
}

fn by_number(number: i32, phase: Phase, origin: Origin) -> FailureCode {
    match number {
        libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS | libc::EADDRINUSE => {
            FailureCode::AgentResource
        }
        // Every port, or every identifier of an ICMP socket, is in use.
        libc::EAGAIN if origin == Origin::Local => FailureCode::AgentResource,
        libc::EACCES | libc::EPERM if origin == Origin::Local => FailureCode::AgentPermission,
        // Without a route, IPv6 has no address to send from; of ports, TCP alone speaks so
        // (`connect::without_port`).
        libc::ENETUNREACH
        | libc::ENETDOWN
        | libc::EHOSTUNREACH
        | libc::EAFNOSUPPORT
        | libc::EADDRNOTAVAIL
            if origin == Origin::Local =>
        {
            FailureCode::AgentOffline
        }
        libc::ECONNREFUSED => match phase {
            Phase::Dns => FailureCode::DnsUnreachable,
            _ => FailureCode::TcpRefused,
        },
        libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED => reset(phase),
        libc::ETIMEDOUT => timeout(phase),
        libc::ENETUNREACH
        | libc::EHOSTUNREACH
        | libc::EACCES
        | libc::EPERM
        | libc::EHOSTDOWN
        | libc::ENONET
        | libc::ENOPROTOOPT
        | libc::EPROTO => match phase {
            Phase::Dns => FailureCode::DnsUnreachable,
            Phase::Rtt => FailureCode::IcmpUnreachable,
            Phase::Connect => FailureCode::TcpUnreachable,
            _ => reset(phase),
        },
        _ => FailureCode::Unknown,
    }
}

fn by_kind(kind: io::ErrorKind, phase: Phase) -> FailureCode {
    match (kind, phase) {
        (io::ErrorKind::UnexpectedEof, Phase::Tls) => FailureCode::TlsEof,
        (io::ErrorKind::UnexpectedEof, Phase::Request) => FailureCode::HttpEof,
        (io::ErrorKind::UnexpectedEof, Phase::Transfer) => FailureCode::HttpTruncated,
        (io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe, _) => reset(phase),
        (io::ErrorKind::TimedOut, _) => timeout(phase),
        _ => FailureCode::Unknown,
    }
}

/// The connection was reset in this phase.
fn reset(phase: Phase) -> FailureCode {
    match phase {
        Phase::Connect => FailureCode::TcpReset,
        Phase::Tls => FailureCode::TlsReset,
        Phase::Request | Phase::Transfer => FailureCode::HttpReset,
        Phase::Dns => FailureCode::DnsUnreachable,
        Phase::Rtt | Phase::Total => FailureCode::Unknown,
    }
}

/// The code of a timeout in this phase; a timeout always names its phase. `request` is the wait
/// for the first byte; sending the request has a code of its own.
pub const fn timeout(phase: Phase) -> FailureCode {
    match phase {
        Phase::Dns => FailureCode::DnsTimeout,
        Phase::Connect => FailureCode::TcpTimeout,
        Phase::Tls => FailureCode::TlsTimeout,
        Phase::Request => FailureCode::HttpFirstByteTimeout,
        Phase::Transfer => FailureCode::HttpBodyTimeout,
        Phase::Rtt => FailureCode::IcmpTimeout,
        Phase::Total => FailureCode::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_error_means_another_thing_in_another_phase_or_from_elsewhere() {
        use FailureCode as Code;
        use Origin::{Local, Remote};
        let code = |number, phase, origin| {
            classify_io(&io::Error::from_raw_os_error(number), phase, origin).code
        };
        for (number, phase, origin, expected) in [
            (libc::ENETUNREACH, Phase::Connect, Local, Code::AgentOffline),
            (libc::ENETUNREACH, Phase::Connect, Remote, Code::TcpUnreachable),
            (libc::EHOSTUNREACH, Phase::Rtt, Remote, Code::IcmpUnreachable),
            (libc::ECONNREFUSED, Phase::Connect, Remote, Code::TcpRefused),
            (libc::ECONNREFUSED, Phase::Dns, Remote, Code::DnsUnreachable),
            (libc::ECONNRESET, Phase::Connect, Remote, Code::TcpReset),
            (libc::ECONNRESET, Phase::Tls, Remote, Code::TlsReset),
            (libc::ECONNRESET, Phase::Transfer, Remote, Code::HttpReset),
            (libc::ETIMEDOUT, Phase::Connect, Remote, Code::TcpTimeout),
            (libc::EMFILE, Phase::Connect, Local, Code::AgentResource),
            (libc::EADDRNOTAVAIL, Phase::Connect, Local, Code::AgentOffline),
            (libc::EADDRNOTAVAIL, Phase::Dns, Local, Code::AgentOffline),
            (libc::EAGAIN, Phase::Rtt, Local, Code::AgentResource),
            (libc::EPERM, Phase::Rtt, Local, Code::AgentPermission),
        ] {
            assert_eq!(
                code(number, phase, origin),
                expected,
                "{number} in {phase} from {origin:?}"
            );
        }
    }
}
