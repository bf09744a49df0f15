//! The servers that emulated sites run: HTTP, HTTPS, HTTP/3, DNS and plain TCP, each able to misbehave in every way that
//! a probe must tell apart.
//!
//! A service is described by a [`ServiceSpec`], started by [`start`] within a host's namespace, and changed while it
//! runs through its [`ServiceHandle`]. What a request meets is a [`Behaviour`], chosen site-wide or by the request's
//! path; what a connection meets before any request is an [`Admission`]; what a DNS query meets is its name's
//! [`Entry`].
//!
//! The servers speak through the real kernel and real protocol libraries, and add no delay of their own: Nagle's
//! algorithm is off, and headers and a small body leave in one write.

mod admission;
mod answer;
mod behaviour;
mod body;
mod ca;
mod change;
mod dns;
mod h3;
mod h3_stream;
mod handle;
mod http;
mod https;
mod listen;
mod spec;
mod start;
mod tasks;
mod tcp;
mod tls;
mod wire;

pub use admission::Admission;
pub use behaviour::{Behaviour, Drip, PathChoice};
pub use ca::{Authority, AuthorityError, CertificateKind, Identity};
pub use dns::{Entry, Fate, Records, View};
pub use handle::{ServiceError, ServiceHandle};
pub use spec::{DnsSpec, H3Spec, HttpSpec, HttpsSpec, PortKind, ServiceSpec, TcpSpec};
pub use start::start;
pub use tcp::TcpBehaviour;
pub use tls::{Alpn, TlsVersion};
