//! One HTTP/3 request: the same answers as over TCP, carried out with QUIC's means.

use bytes::{Buf, Bytes};
use h3::error::StreamError;
use h3::server::RequestStream;
use http::{Request, Response};
use quinn::VarInt;
use tokio::time::{Instant, interval_at};

use super::answer::{Answer, End, Ending, Reply, answer};
use super::http::{HttpSite, MAX_REQUEST_BODY_BYTES};

/// `H3_NO_ERROR` (RFC 9114 §8.1).
pub const NO_ERROR: VarInt = VarInt::from_u32(0x100);
/// `H3_INTERNAL_ERROR` (RFC 9114 §8.1).
const INTERNAL_ERROR: VarInt = VarInt::from_u32(0x102);

type Stream = RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

/// Answers `request` as the site's behaviour says.
pub async fn respond(
    request: Request<()>,
    mut stream: Stream,
    connection: &quinn::Connection,
    site: &HttpSite,
) {
    site.tasks.count_request();
    if skip(&mut stream).await.is_err() {
        return;
    }
    let (head, ()) = request.into_parts();
    let reply = answer(&head, &site.behaviour().await);
    match reply {
        // An error means that the peer is gone or no longer interested.
        Reply::Answer(answer) => drop(send(answer, &mut stream, connection).await),
        Reply::Silence => std::future::pending().await,
        Reply::End(End::Close) => connection.close(NO_ERROR, b""),
        Reply::End(End::Reset) => connection.close(INTERNAL_ERROR, b""),
        Reply::End(End::Garbage) => drop(send_data_first(&mut stream).await),
    }
}

async fn send(
    mut answer: Answer,
    stream: &mut Stream,
    connection: &quinn::Connection,
) -> Result<(), StreamError> {
    if !answer.after.is_zero() {
        tokio::time::sleep(answer.after).await;
    }
    let mut response = Response::new(());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    stream.send_response(response).await?;
    let mut pace = answer.payload.every.map(|every| interval_at(Instant::now() + every, every));
    while answer.payload.left() > 0 {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        if let Some(bytes) = answer.payload.next_chunk() {
            stream.send_data(bytes).await?;
        }
    }
    match answer.payload.ending {
        // Fewer bytes than `content-length` make the response malformed (RFC 9114 §4.1.2). A reset of the stream would
        // throw away the half that is meant to arrive.
        Ending::Whole | Ending::Truncated => stream.finish().await,
        Ending::Silence => std::future::pending().await,
        Ending::Reset => {
            connection.close(INTERNAL_ERROR, b"");
            Ok(())
        }
    }
}

async fn send_data_first(stream: &mut Stream) -> Result<(), StreamError> {
    stream.send_data(Bytes::from_static(b"a body before any headers")).await?;
    stream.finish().await
}

/// Reads a request body to its end, or so far as is reasonable.
async fn skip(stream: &mut Stream) -> Result<(), StreamError> {
    let mut read_bytes = 0;
    while read_bytes < MAX_REQUEST_BODY_BYTES {
        match stream.recv_data().await? {
            Some(bytes) => read_bytes += bytes.remaining(),
            None => return Ok(()),
        }
    }
    Ok(())
}
