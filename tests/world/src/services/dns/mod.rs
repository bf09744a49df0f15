//! A DNS server that answers from a table, as a recursive resolver would, with other answers for other clients and
//! special fates for chosen names.

mod answer;
mod records;
mod server;
mod zone;

pub use records::{Entry, Fate, Records, View};
pub(super) use server::{DnsPort, spawn_server};
pub(super) use zone::Zone;
