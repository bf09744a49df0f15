//! `GET /api/v1/rows`: what was measured, row by row, for as long as the reader takes them.
//!
//! At most one portion of [`Rows`] is held for a reader, however slow. Whatever happens on the way,
//! the last line is missing then: a reader cannot take a part for the whole.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::header::CONTENT_TYPE;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::questions::{Pairs, catalogue, now, parameters};
use super::readers::Reader;
use super::{ApiError, App, PAUSE, Problem};
use crate::answers::{AnswerError, RowDocument, Rows, RowsLine, RowsQuery};
use crate::export::Row;

/// The media type of one JSON document a line.
pub(super) const JSON_LINES: &str = "application/x-ndjson";
/// Most readers at once: each may hold some tens of megabytes.
pub(super) const MOST_READERS: usize = 4;
/// Rows that are sent together.
const TOGETHER: usize = 256;

pub(super) async fn list(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let mut parameters = parameters(pairs)?;
    let query = RowsQuery::take_from(&mut parameters)?;
    parameters.finish()?;
    let Ok(place) = Arc::clone(&app.exporting).try_acquire_owned() else {
        let detail = format!("rows are sent to {MOST_READERS} readers at once");
        return Err(Problem::Overloaded.because(detail).retry_after(PAUSE));
    };
    let rows = Rows::of(&app.store, &catalogue(&app), &query, now(&app)).await?;
    let begin = RowsLine::Begin(rows.begin());
    let sending = Sending {
        first: Some(begin),
        rows,
        portion: VecDeque::new(),
        sent: 0,
        ended: false,
        draining: app.draining.clone(),
        _place: place,
    };
    let lines = stream::try_unfold(sending, async |mut sending| {
        let lines = sending.next().await.inspect_err(|error| {
            tracing::warn!(error = %crate::log::chain(error), "an export was broken off");
        })?;
        Ok::<_, BrokenOff>(lines.map(|lines| (lines, sending)))
    });
    Ok(([(CONTENT_TYPE, JSON_LINES)], Body::from_stream(lines)).into_response())
}

/// Why the last line was not sent.
#[derive(Debug, thiserror::Error)]
enum BrokenOff {
    #[error("the aggregator is ending")]
    Draining,
    #[error(transparent)]
    Unanswered(#[from] AnswerError),
    #[error("a row cannot be written")]
    Unwritten(#[from] serde_json::Error),
}

/// One answer on its way.
struct Sending {
    first: Option<RowsLine>,
    rows: Rows,
    portion: VecDeque<Row>,
    sent: u64,
    ended: bool,
    draining: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Sending {
    /// The next lines; `None` after the last.
    async fn next(&mut self) -> Result<Option<Bytes>, BrokenOff> {
        if let Some(first) = self.first.take() {
            return line(&first).map(Some);
        }
        while self.portion.is_empty() {
            if self.draining.is_cancelled() {
                return Err(BrokenOff::Draining);
            }
            match self.rows.next().await? {
                Some(portion) => self.portion = portion.into(),
                None if self.ended => return Ok(None),
                None => {
                    self.ended = true;
                    return line(&RowsLine::End(self.sent)).map(Some);
                }
            }
        }
        let together = self.portion.len().min(TOGETHER);
        let mut lines = Vec::new();
        for row in self.portion.drain(..together) {
            let row = RowsLine::Row(Box::new(RowDocument::from(&row)));
            serde_json::to_writer(&mut lines, &row)?;
            lines.push(b'\n');
        }
        self.sent += together as u64;
        Ok(Some(lines.into()))
    }
}

fn line(line: &RowsLine) -> Result<Bytes, BrokenOff> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes.into())
}
