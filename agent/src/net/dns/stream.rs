//! A query on a connection, behind its length (RFC 7766): over TCP, or TLS (RFC 7858).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use vantage_wire::Failure;

use super::{Exchange, Query, broken, read_answer};
use crate::net::error::Origin;

/// Asks on an open connection. Waits until an answer comes: messages that are none are counted in
/// `strays`.
///
/// # Errors
/// `dns_unreachable` where the connection ends before.
pub async fn exchange_stream(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    query: &Query,
    strays: &mut u32,
) -> Result<Exchange, Failure> {
    let remote = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            broken(&io::Error::new(error.kind(), "closed before an answer"), Origin::Remote)
        }
        _ => broken(&error, Origin::Remote),
    };
    // Length and message in one write: some servers insist on one segment (RFC 7766 §8).
    let length = u16::try_from(query.bytes().len()).unwrap_or(u16::MAX);
    let framed = [&length.to_be_bytes()[..], query.bytes()].concat();
    let start = Instant::now();
    stream.write_all(&framed).await.map_err(remote)?;
    stream.flush().await.map_err(remote)?;
    loop {
        let length = stream.read_u16().await.map_err(remote)?;
        let mut message = vec![0; length.into()];
        stream.read_exact(&mut message).await.map_err(remote)?;
        let took = start.elapsed();
        match read_answer(&message, query) {
            Some(answer) => return Ok(Exchange { answer, took }),
            None => *strays = strays.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use vantage_wire::{FailureCode, Phase};

    use super::*;
    use crate::net::dns::RecordType;

    #[tokio::test]
    async fn messages_are_read_behind_their_length() {
        let query = Query::new(7, "shop.test", RecordType::A).unwrap();
        let (mut client, mut server) = tokio::io::duplex(1024);
        let serve = async {
            let mut message = vec![0; server.read_u16().await.unwrap().into()];
            server.read_exact(&mut message).await.unwrap();
            assert_eq!(message, query.bytes());
            // An empty message, an echo of the query, and a refusal.
            server.write_u16(0).await.unwrap();
            for flags in [[0, 0], [0x80, 5]] {
                message[2] |= flags[0];
                message[3] |= flags[1];
                server.write_u16(message.len().try_into().unwrap()).await.unwrap();
                server.write_all(&message).await.unwrap();
            }
        };
        let mut strays = 0;
        let (exchange, ()) = tokio::join!(exchange_stream(&mut client, &query, &mut strays), serve);
        assert_eq!(exchange.unwrap().answer.rcode(), "REFUSED");
        assert_eq!(strays, 2);
    }

    #[tokio::test]
    async fn a_connection_that_ends_is_an_unreachable_server() {
        let query = Query::new(7, "shop.test", RecordType::A).unwrap();
        let (mut client, mut server) = tokio::io::duplex(1024);
        server.write_all(&[0, 40, 1]).await.unwrap();
        server.shutdown().await.unwrap();
        let failure = exchange_stream(&mut client, &query, &mut 0).await.unwrap_err();
        assert_eq!((failure.code, failure.phase), (FailureCode::DnsUnreachable, Phase::Dns));
        assert_eq!(failure.detail.as_str(), "closed before an answer");
    }
}
