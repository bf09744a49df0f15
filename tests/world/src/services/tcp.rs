//! A plain TCP port without any protocol.

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

use super::admission::drain;
use super::answer::End;
use super::wire::end_stream;

/// What a plain TCP port does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpBehaviour {
    /// Keeps it open, forgetting what comes, and closes when the peer does.
    #[default]
    Accept,
    /// Sends back what comes.
    Echo,
    /// Closes it at once, in order.
    Close,
    /// Resets it at once.
    Reset,
    /// Keeps it open and never reads: the peer can send until the window is full, and its close stays unanswered
    /// until a keep-alive finds the peer gone, a minute or two later.
    Silence,
    /// Does not listen: the kernel answers every SYN with RST.
    Refuse,
}

impl TcpBehaviour {
    /// Whether a listener is wanted.
    pub fn listens(&self) -> bool {
        *self != Self::Refuse
    }
}

/// Serves one connection.
pub async fn serve(mut stream: TcpStream, behaviour: TcpBehaviour) {
    match behaviour {
        TcpBehaviour::Accept => drain(&mut stream).await,
        TcpBehaviour::Echo => echo(&mut stream).await,
        TcpBehaviour::Close => end_stream(stream, End::Close).await,
        // `Refuse` only meets connections that were accepted just before the listener went.
        TcpBehaviour::Reset | TcpBehaviour::Refuse => end_stream(stream, End::Reset).await,
        TcpBehaviour::Silence => {
            // Ends with a RST: the peer's own, or its kernel's answer to our keep-alive once the peer has closed.
            let _ = stream.ready(Interest::ERROR).await;
        }
    }
}

async fn echo(stream: &mut TcpStream) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(length) = stream.read(&mut bytes).await {
        if length == 0 || stream.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
