//! Failures: why an attempt did not succeed, as a closed set of codes.
//!
//! The names follow OONI df-007 and W3C Network Error Logging where those have one. Numbers and
//! names are stable; the set only grows. A reader that meets a number from a newer writer counts
//! it as [`FailureCode::Unknown`], so that no failed attempt is lost
//! (see [`FailureCode::from_wire`]).

use std::fmt;

use crate::closed_set::closed_set;
use crate::phase::Phase;
use crate::text::Text;

/// Whom a failure is laid to. Only the first three speak about the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribution {
    /// The probed server, or what its operator publishes about it.
    Target,
    /// The network between, including those who interfere with it.
    Path,
    /// The resolver that was asked for the address.
    Resolver,
    /// The agent or its machine: coverage is lost, nothing is said about the site.
    Agent,
    /// The catalogue, or a limit that the target's operator sets to probes: coverage is lost.
    Config,
    /// Nobody could be named.
    Unknown,
}

impl Attribution {
    /// Every attribution.
    pub const ALL: &'static [Self] =
        &[Self::Target, Self::Path, Self::Resolver, Self::Agent, Self::Config, Self::Unknown];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Path => "path",
            Self::Resolver => "resolver",
            Self::Agent => "agent",
            Self::Config => "config",
            Self::Unknown => "unknown",
        }
    }

    /// Whether such failures count in a site's failure rate. Those of agents and configuration
    /// lower coverage instead, and the share of unknown ones is reported by itself.
    pub const fn counts_against_site(self) -> bool {
        matches!(self, Self::Target | Self::Path | Self::Resolver)
    }
}

impl fmt::Display for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

macro_rules! failure_codes {
    ($($number:literal $variant:ident $name:literal $phase:ident $attribution:ident $meaning:literal;)+) => {
        closed_set! {
            /// Why an attempt failed. Timeouts always name what they waited for.
            pub enum FailureCode, "failure code" {
                $($number $variant $name $meaning;)+
            }
        }

        impl FailureCode {
            /// The phase in which this failure happens unless it is said otherwise. Failures of an
            /// attempt as a whole, such as a missed slot, have [`Phase::Total`].
            pub const fn default_phase(self) -> Phase {
                match self {
                    $(Self::$variant => Phase::$phase,)+
                }
            }

            /// Whom this failure is laid to.
            pub const fn attribution(self) -> Attribution {
                match self {
                    $(Self::$variant => Attribution::$attribution,)+
                }
            }
        }
    };
}

// Numbers are grouped by hundreds, with room for more in each group.
failure_codes! {
    1 Unknown "unknown" Total Unknown "The attempt failed for a reason that this version cannot name.";

    100 DnsNxdomain "dns_nxdomain" Dns Target "The name does not exist.";
    101 DnsNodata "dns_nodata" Dns Target "The name exists but has no address of the family asked for.";
    102 DnsBogus "dns_bogus" Dns Path "The answer is forged: an address that cannot be the target's.";
    103 DnsTimeout "dns_timeout" Dns Resolver "No resolver answered in time.";
    104 DnsUnreachable "dns_unreachable" Dns Resolver "No resolver could be reached.";
    105 DnsServfail "dns_servfail" Dns Resolver "The resolver answered that it failed.";
    106 DnsRefused "dns_refused" Dns Resolver "The resolver refused to answer.";

    200 TcpRefused "tcp_refused" Connect Target "The target refused the connection.";
    201 TcpTimeout "tcp_timeout" Connect Path "The TCP handshake was not completed in time.";
    202 TcpReset "tcp_reset" Connect Path "The connection was reset during the TCP handshake.";
    203 TcpUnreachable "tcp_unreachable" Connect Path "The network reported that the target cannot be reached.";

    300 TlsHandshake "tls_handshake" Tls Target "The target ended the TLS handshake with an alert, or broke the protocol.";
    301 TlsCertExpired "tls_cert_expired" Tls Target "The certificate has expired or is not valid yet.";
    302 TlsCertName "tls_cert_name" Tls Target "The certificate is for another name.";
    303 TlsCertUntrusted "tls_cert_untrusted" Tls Target "The certificate is signed by nobody we trust.";
    304 TlsCertOther "tls_cert_other" Tls Target "The certificate is wrong in another way.";
    305 TlsTimeout "tls_timeout" Tls Path "The TLS handshake was not completed in time.";
    306 TlsReset "tls_reset" Tls Path "The connection was reset during the TLS handshake.";
    307 TlsEof "tls_eof" Tls Path "The connection was closed during the TLS handshake.";
    308 TlsClientCert "tls_client_cert" Tls Config "The target demands a client certificate.";

    400 QuicVersion "quic_version" Connect Target "The target speaks no version of QUIC that we do.";
    401 QuicRefused "quic_refused" Connect Target "The target refused the QUIC connection.";
    402 QuicHandshake "quic_handshake" Connect Target "The target ended the QUIC handshake with an error, or broke the protocol.";
    403 QuicTimeout "quic_timeout" Connect Path "The QUIC handshake was not completed in time.";
    404 QuicReset "quic_reset" Connect Path "The QUIC connection was reset.";

    500 HttpEof "http_eof" Request Target "The connection was closed before a response began.";
    501 HttpProtocol "http_protocol" Request Target "The response is not HTTP.";
    502 HttpRedirect "http_redirect" Request Target "The response redirects where none is expected, or too often.";
    503 Http4xx "http_4xx" Request Target "The response has a status of 400 to 499, other than 429.";
    504 Http5xx "http_5xx" Request Target "The response has a status of 500 to 599.";
    505 HttpAssert "http_assert" Transfer Target "The response does not meet the probe's expectations.";
    506 HttpSendTimeout "http_send_timeout" Request Path "The request could not be sent in time.";
    507 HttpFirstByteTimeout "http_first_byte_timeout" Request Path "No byte of the response arrived in time.";
    508 HttpBodyTimeout "http_body_timeout" Transfer Path "The response was not completed in time.";
    509 HttpTruncated "http_truncated" Transfer Path "The response is shorter than it announced.";
    510 HttpReset "http_reset" Request Path "The connection was reset during the request or the response.";
    511 Http429 "http_429" Request Config "The target asks for fewer requests (status 429).";

    600 IcmpTimeout "icmp_timeout" Rtt Path "No echo reply arrived in time.";
    601 IcmpUnreachable "icmp_unreachable" Rtt Path "A router reported that the target cannot be reached.";
    602 IcmpTtlExceeded "icmp_ttl_exceeded" Rtt Path "The packet ran out of hops.";
    603 IcmpProhibited "icmp_prohibited" Rtt Path "A router reported that the traffic is prohibited.";

    700 AgentMissedSlot "agent_missed_slot" Total Agent "The agent could not start the attempt when it was due.";
    701 AgentOffline "agent_offline" Total Agent "The agent had no network.";
    702 AgentResource "agent_resource" Total Agent "The agent ran out of a resource, such as file descriptors or memory.";
    703 AgentPermission "agent_permission" Total Agent "The agent lacks a right that the probe needs.";
    704 AgentCancelled "agent_cancelled" Total Agent "The agent stopped before the attempt was over.";

    800 ConfigInvalid "config_invalid" Total Config "The probe cannot be run as configured.";
    801 TargetDenied "target_denied" Total Config "The target's address is one that agents refuse to probe.";
}

impl FailureCode {
    /// The code with this number on the wire; [`FailureCode::Unknown`] where this version knows
    /// none, so that what a newer writer counted is counted here too.
    pub fn from_wire(number: u32) -> Self {
        Self::from_number(number).unwrap_or(Self::Unknown)
    }
}

/// What is said about a failure for people: an errno, a TLS alert, a response code, a status.
/// Never part of a key, never interpreted.
pub type Detail = Text<120>;

/// The failure of one attempt: the first phase that failed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub code: FailureCode,
    /// In which phase. Usually the code's [default](FailureCode::default_phase).
    pub phase: Phase,
    /// More for people, possibly empty.
    pub detail: Detail,
}

impl Failure {
    /// A failure in the code's default phase.
    pub fn new(code: FailureCode, detail: &str) -> Self {
        Self::in_phase(code, code.default_phase(), detail)
    }

    /// A failure in the given phase, for codes that can occur in several: a connection may be
    /// reset before the response or in the midst of it.
    pub fn in_phase(code: FailureCode, phase: Phase, detail: &str) -> Self {
        Self { code, phase, detail: Detail::new(detail) }
    }

    /// Whom the failure is laid to.
    pub const fn attribution(&self) -> Attribution {
        self.code.attribution()
    }
}

/// Prints such as `tcp_refused in connect: errno 111`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.code, self.phase)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_find_their_code() {
        for &code in FailureCode::ALL {
            assert_eq!(FailureCode::from_number(code.number()), Some(code));
            assert_eq!(code.name().parse(), Ok(code));
        }
        assert!(FailureCode::ALL.is_sorted_by(|a, b| a.number() < b.number()));
        let error = "tcp_refuse".parse::<FailureCode>().unwrap_err();
        assert_eq!(error.to_string(), "\"tcp_refuse\" is no failure code");
    }

    #[test]
    fn number_of_a_newer_writer_counts_as_unknown() {
        assert_eq!(FailureCode::from_number(65_000), None);
        assert_eq!(FailureCode::from_wire(65_000), FailureCode::Unknown);
        assert_eq!(FailureCode::from_wire(510), FailureCode::HttpReset);
    }

    #[test]
    fn only_target_path_and_resolver_count_against_a_site() {
        let counting: Vec<_> =
            Attribution::ALL.iter().filter(|a| a.counts_against_site()).map(|a| a.name()).collect();
        assert_eq!(counting, ["target", "path", "resolver"]);
    }

    #[test]
    fn prints_phase_and_detail() {
        assert_eq!(Failure::new(FailureCode::TcpTimeout, "").to_string(), "tcp_timeout in connect");
        let reset = Failure::in_phase(FailureCode::HttpReset, Phase::Transfer, "errno 104");
        assert_eq!(reset.to_string(), "http_reset in transfer: errno 104");
    }
}
