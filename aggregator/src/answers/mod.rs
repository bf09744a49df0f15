//! From the store to the answers: what the HTTP interface gives and the command line prints.
//!
//! Each question reads the roll-ups that it needs in one pass, hands them to the
//! [`analysis`](crate::analysis) as samples by block, and puts what comes back into a document with
//! the names, the range and the caveats that make it readable by itself. The interface serves these
//! documents and `vantage rank --url` reads them again, so both ways print the same.
//!
//! Blocks are local days of the market. Where a market has fewer than three of them, everything is
//! computed over hours, and says so.

mod caveats;
mod changes;
mod comparison;
mod error;
mod moment;
mod names;
mod parameters;
mod places;
mod planning;
mod probes;
mod question;
mod ranking;
mod rollups;
mod row_document;
mod rows;
mod scope;
mod series;
mod sites;
mod stretch;

pub use changes::{ChangeDocument, ChangesAnswer, ChangesQuery, changes};
pub use comparison::{ComparisonAnswer, ComparisonQuery, compare};
pub use error::AnswerError;
pub use moment::{Moment, NoMoment, Range};
pub use names::Names;
pub use parameters::Parameters;
pub use places::{
    MarketDocument, MigrationDocument, ResidencyDocument, SiteDocument, markets, migrations, sites,
};
pub use planning::{PlanAnswer, PlanQuery, plan};
pub use probes::{ProbeChoice, Probed};
pub use question::Question;
pub use ranking::{RankingsAnswer, rank};
pub use rollups::{Blocks, Reading, Subject};
pub use row_document::{NoHistogram, RowDocument, RowFailure, RowsLine};
pub use rows::{Rows, RowsQuery};
pub use scope::{Scope, Settled};
pub use series::{
    FailureTotal, HistogramDocument, HistogramsAnswer, MOST_SERIES, Point, Series, SeriesAnswer,
    SeriesQuery, Summary, Whose, histograms, series,
};
pub use stretch::{NoStretch, Stretch};
