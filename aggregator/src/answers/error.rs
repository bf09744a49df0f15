//! Why a question has no answer.

use vantage_wire::histogram::CountOverflow;

use crate::catalogue::nearest;
use crate::store::StoreError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// A name that the catalogue does not have.
    #[error("there is no {what} {name:?}{hint}")]
    Unknown {
        /// What was looked for, such as `market`.
        what: &'static str,
        /// The name.
        name: String,
        /// What there is, or was probably meant; begins with `; `, or is empty.
        hint: String,
    },
    /// A question that makes no sense.
    #[error("{0}")]
    Senseless(String),
    /// There is nothing to answer with.
    #[error("not enough data: {0}")]
    NotEnoughData(String),
    /// Agents have reported more attempts than can be.
    #[error("counts of attempts do not fit")]
    Overflow(#[from] CountOverflow),
    /// The store cannot be read.
    #[error("failed to read the store")]
    Store(#[from] StoreError),
}

impl AnswerError {
    /// Of a computation that was stopped, because the process ends or it has a fault.
    pub(super) fn stopped(error: tokio::task::JoinError) -> Self {
        Self::Store(StoreError::backend(error))
    }
}

/// A name that is not known, with the one that was probably meant, or those there are.
pub(super) fn unknown<'k>(
    what: &'static str,
    name: &str,
    known: impl Iterator<Item = &'k str>,
) -> AnswerError {
    let known: Vec<_> = known.collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(meant) => format!("; did you mean {meant}?"),
        None if known.is_empty() => "; the catalogue has none".to_owned(),
        None if known.len() <= 20 => format!("; there are {}", known.join(", ")),
        None => String::new(),
    };
    AnswerError::Unknown { what, name: name.to_owned(), hint }
}
