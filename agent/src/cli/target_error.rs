//! What is wrong with a target that a person named.

/// A target that makes no sense. The messages name it and say what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing was written where something belongs.
    #[error("target {0:?} names no host")]
    NoHost(String),
    /// The host cannot be one.
    #[error(
        "target {target:?}: {host:?} is neither a host name nor an address; write international names as xn--…, IPv6 addresses with a port in brackets"
    )]
    Host {
        /// The target.
        target: String,
        /// Its host.
        host: String,
    },
    /// No port where one is needed.
    #[error("target {0:?} needs a port, as in {0}:443")]
    NoPort(String),
    /// Not a number from 1 to 65535.
    #[error("target {target:?}: port {port:?} must be a number from 1 to 65535")]
    Port {
        /// The target.
        target: String,
        /// Its port.
        port: String,
    },
    /// A scheme we do not know.
    #[error(
        "target {target:?}: unknown scheme {scheme:?}; there are http://, https://, h3://, tcp:, tls:, quic:, icmp: and dns:"
    )]
    Scheme {
        /// The target.
        target: String,
        /// Its scheme.
        scheme: String,
    },
    /// Not a URL.
    #[error("target {target:?} is not a URL: {problem}")]
    Url {
        /// The target.
        target: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The DNS part makes no sense.
    #[error("target {target:?}: {problem}")]
    Dns {
        /// The target.
        target: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The target says another kind than `--kind`.
    #[error("target {target:?} is of kind {own}, not {asked}")]
    Kind {
        /// The target.
        target: String,
        /// The kind it says.
        own: &'static str,
        /// The kind asked for.
        asked: &'static str,
    },
}
