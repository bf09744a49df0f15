//! The server name in a TLS ClientHello, read from the segments of a connection as they pass.

use std::collections::BTreeMap;

use rustls::server::Acceptor;

/// Segments kept that came before their turn; a ClientHello is two or three segments.
const MOST_EARLY: usize = 8;

/// What is known of a connection's server name.
#[derive(Debug, PartialEq, Eq)]
pub enum ServerName {
    /// More segments are needed.
    Unknown,
    /// The client asks for this name.
    Name(String),
    /// The client names nobody, or does not speak TLS.
    None,
}

/// Puts the client's first bytes together.
pub struct HelloReader {
    acceptor: Acceptor,
    next_seq: u32,
    early: BTreeMap<u32, Vec<u8>>,
}

impl std::fmt::Debug for HelloReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HelloReader").field("next_seq", &self.next_seq).finish_non_exhaustive()
    }
}

impl HelloReader {
    /// A reader for a connection whose SYN had this sequence number.
    pub fn new(syn_seq: u32) -> Self {
        Self {
            acceptor: Acceptor::default(),
            next_seq: syn_seq.wrapping_add(1),
            early: BTreeMap::new(),
        }
    }

    /// Takes a segment of the client, in any order and also when repeated.
    pub fn read(&mut self, seq: u32, payload: &[u8]) -> ServerName {
        // A segment may come again with more in it.
        let known = self.early.get(&seq).map_or(0, Vec::len);
        if payload.len() > known && self.early.len() < MOST_EARLY {
            self.early.insert(seq, payload.to_vec());
        }
        while let Some((&at, _)) =
            self.early.iter().find(|&(&at, bytes)| covers(at, bytes.len(), self.next_seq))
        {
            let bytes = self.early.remove(&at).unwrap_or_default();
            let skip = self.next_seq.wrapping_sub(at) as usize;
            let mut rest = &bytes[skip..];
            self.next_seq = at.wrapping_add(u32::try_from(bytes.len()).unwrap_or(0));
            if self.acceptor.read_tls(&mut rest).is_err() {
                return ServerName::None;
            }
            match self.acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    return accepted
                        .client_hello()
                        .server_name()
                        .map_or(ServerName::None, |name| ServerName::Name(name.to_owned()));
                }
                Err(_) => return ServerName::None,
            }
        }
        ServerName::Unknown
    }
}

/// Whether bytes from `at` on hold the one at `wanted`.
fn covers(at: u32, length: usize, wanted: u32) -> bool {
    (wanted.wrapping_sub(at) as usize) < length
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;

    fn client_hello(name: &str) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let mut client =
            ClientConnection::new(Arc::new(config), name.to_owned().try_into().unwrap()).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_name_is_read_from_segments_of_any_size_and_order() {
        let hello = client_hello("blocked.test");
        for cut in [1, 5, 60, hello.len() - 1] {
            let (first, second) = hello.split_at(cut);
            // Close to the wrap of the sequence numbers.
            let start = u32::MAX - 2;
            let second_seq = start.wrapping_add(u32::try_from(cut).unwrap());
            let name = ServerName::Name("blocked.test".into());

            let mut in_order = HelloReader::new(start.wrapping_sub(1));
            assert_eq!(in_order.read(start.wrapping_sub(1), &[]), ServerName::Unknown, "the SYN");
            assert_eq!(in_order.read(start, &[]), ServerName::Unknown, "an empty segment");
            assert_eq!(in_order.read(start, first), ServerName::Unknown);
            assert_eq!(in_order.read(start, first), ServerName::Unknown, "a repeated segment");
            assert_eq!(in_order.read(second_seq, second), name);

            let mut swapped = HelloReader::new(start.wrapping_sub(1));
            assert_eq!(swapped.read(second_seq, second), ServerName::Unknown);
            assert_eq!(swapped.read(start, first), name);
        }
    }

    #[test]
    fn what_is_not_tls_has_no_name() {
        let mut reader = HelloReader::new(0);
        assert_eq!(
            reader.read(1, b"GET / HTTP/1.1\r\nHost: blocked.test\r\n\r\n"),
            ServerName::None
        );
    }
}
