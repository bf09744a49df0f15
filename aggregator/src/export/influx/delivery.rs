//! Lines to the server: what it will never take is found and put aside, the rest arrives.

use std::ops::Range;

use tokio_util::sync::CancellationToken;

use super::answer::{Reason, Refusal, Saying, WriteError};
use super::lines::Lines;
use super::server::Server;

/// What became of lines of which none is left to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Lines that the server has.
    pub written: u64,
    /// Lines that it will never take.
    pub aside: Vec<Aside>,
    /// Whether it was asked to take more at once than it does.
    pub too_large: bool,
}

impl Delivered {
    /// Adds what became of other lines. Lines that were put aside for the same reason are told
    /// together, by the first of them.
    pub fn add(&mut self, other: Self) {
        self.written += other.written;
        self.too_large |= other.too_large;
        for aside in other.aside {
            match self.aside.iter_mut().find(|known| known.reason == aside.reason) {
                Some(known) => known.count += aside.count,
                None => self.aside.push(aside),
            }
        }
    }
}

/// Lines that the server will never take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// How many.
    pub count: u64,
    /// Why.
    pub reason: Reason,
    /// What the server says.
    pub saying: Saying,
    /// The first of them, cut to what fits into a log.
    pub line: Saying,
}

/// What has to be seen to before every request.
pub trait BeforeRequest: Send {
    /// Why lines cannot be written.
    type Error: From<WriteError>;

    /// Says whether to go on.
    fn see_to_it(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Writes lines. A part that the server refuses is halved until the halves are taken, or are one
/// line, which is put aside: k bad ones among n lines cost about 2·k·log₂ n requests. Where the
/// server says that it left all lines of a part out, as it does with what is older than it keeps,
/// they are put aside at once. `None` where it was told to stop: some of the lines may be written.
///
/// # Errors
///
/// [`WriteError`] that is no refusal: some of the lines may be written; writing all of them again
/// changes nothing. What `before` says, likewise.
pub async fn deliver<B: BeforeRequest>(
    server: &Server,
    lines: &Lines,
    stop: &CancellationToken,
    before: &mut B,
) -> Result<Option<Delivered>, B::Error> {
    let mut delivered = Delivered::default();
    // The next part is the last: earlier lines go first.
    let mut parts: Vec<Range<usize>> = Vec::new();
    parts.extend((!lines.is_empty()).then_some(0..lines.count()));
    while let Some(part) = parts.pop() {
        before.see_to_it().await?;
        let writing = server.write(lines.part(part.clone()));
        let Some(answer) = stop.run_until_cancelled(writing).await else { return Ok(None) };
        let refusal = match answer {
            Ok(()) => {
                delivered.written += part.len() as u64;
                continue;
            }
            Err(WriteError::Refused(refusal)) => refusal,
            Err(WriteError::TooLarge) => {
                delivered.too_large = true;
                let saying = Saying::new("status 413");
                Refusal { reason: Reason::TooLarge, dropped: None, saying }
            }
            Err(error) => return Err(error.into()),
        };
        if part.len() == 1 || refusal.dropped == Some(part.len()) {
            let first = lines.part(part.start..part.start + 1);
            delivered.aside.push(Aside {
                count: part.len() as u64,
                reason: refusal.reason,
                saying: refusal.saying,
                line: Saying::new(&String::from_utf8_lossy(first)),
            });
            continue;
        }
        let middle = part.start + part.len() / 2;
        parts.push(middle..part.end);
        parts.push(part.start..middle);
    }
    Ok(Some(delivered))
}
