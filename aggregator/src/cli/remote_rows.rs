//! Rows that an aggregator sends, line by line.

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;

use super::CommandError;
use super::asking::{get, unreachable};
use crate::answers::{Parameters, RowsLine};
use crate::api::ROWS;
use crate::export::Row;

/// A line that is longer is no row: those with a million different latencies take some megabytes.
const LONGEST_LINE: usize = 64 << 20;

/// Rows on their way from an aggregator. At most one line is held that has not come to its end.
pub(super) struct RemoteRows {
    url: String,
    answer: reqwest::Response,
    begin: Timestamp,
    /// Bytes that have come.
    pending: Vec<u8>,
    /// How many of them are read.
    read: usize,
    received: u64,
    ended: bool,
}

impl RemoteRows {
    /// Asks an aggregator for rows, and waits until the first come.
    pub(super) async fn of(url: &str, parameters: &Parameters) -> Result<Self, CommandError> {
        let answer = get(url, ROWS, parameters).await?;
        let mut rows = Self {
            url: url.to_owned(),
            answer,
            begin: Timestamp::UNIX_EPOCH,
            pending: Vec::new(),
            read: 0,
            received: 0,
            ended: false,
        };
        rows.begin = match rows.line().await {
            Ok(RowsLine::Begin(begin)) => begin,
            Ok(_) => return Err(rows.failed(anyhow!("the answer does not begin as rows do"))),
            Err(error) => return Err(rows.failed(error)),
        };
        Ok(rows)
    }

    /// When the first row can begin.
    pub(super) const fn begin(&self) -> Timestamp {
        self.begin
    }

    /// The next row; `None` where the aggregator says that there are no more. An answer that ends
    /// before that is an error.
    pub(super) async fn next(&mut self) -> Result<Option<Row>, CommandError> {
        if self.ended {
            return Ok(None);
        }
        match self.row().await {
            Ok(row) => Ok(row),
            Err(error) => Err(self.failed(error.context(format!("after {} rows", self.received)))),
        }
    }

    async fn row(&mut self) -> anyhow::Result<Option<Row>> {
        match self.line().await? {
            RowsLine::Row(row) => {
                self.received += 1;
                Ok(Some((*row).try_into()?))
            }
            RowsLine::End(sent) if sent == self.received => {
                self.ended = true;
                Ok(None)
            }
            RowsLine::End(sent) => Err(anyhow!("{sent} rows were sent")),
            RowsLine::Begin(_) => Err(anyhow!("the answer begins anew")),
        }
    }

    async fn line(&mut self) -> anyhow::Result<RowsLine> {
        let mut searched = self.read;
        loop {
            if let Some(length) = self.pending[searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.read..searched + length;
                self.read = line.end + 1;
                return serde_json::from_slice(&self.pending[line])
                    .context("the answer is of another version");
            }
            self.pending.drain(..self.read);
            self.read = 0;
            searched = self.pending.len();
            if searched > LONGEST_LINE {
                return Err(anyhow!("the answer has a line of more than {LONGEST_LINE} bytes"));
            }
            let more = self.answer.chunk().await.context("the answer was cut off")?;
            self.pending.extend_from_slice(&more.context("the answer was cut off")?);
        }
    }

    fn failed(&self, error: anyhow::Error) -> CommandError {
        unreachable(&self.url, error)
    }
}
