//! Requests, by page.

use std::collections::BTreeMap;
use std::sync::Mutex;

use http::StatusCode;
use vantage_service::metrics::{Exposition, Sample, Value};

use super::{lock, names};

/// How often each page was asked for, and what came of it.
#[derive(Debug, Default)]
pub struct Requests(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    answered: BTreeMap<(String, u16), u64>,
    refused: BTreeMap<(String, &'static str), u64>,
}

/// What stands for pages that there are not: their names are the clients' to choose.
const OTHER: &str = "other";

impl Requests {
    /// A request was answered. `page` is one of the pages that there are, or `None`; `problem` the
    /// name of a refusal.
    pub fn count(&self, page: Option<&str>, status: StatusCode, problem: Option<&'static str>) {
        let page = page.unwrap_or(OTHER);
        let mut counts = lock(&self.0);
        *counts.answered.entry((page.to_owned(), status.as_u16())).or_default() += 1;
        if let Some(problem) = problem {
            *counts.refused.entry((page.to_owned(), problem)).or_default() += 1;
        }
    }

    pub(super) fn put(&self, exposition: &mut Exposition) {
        let counts = lock(&self.0);
        let answered = counts.answered.iter().map(|((page, status), count)| {
            Sample::new([page.clone(), status.to_string()], Value::Count(*count))
        });
        exposition.put(names::REQUESTS, answered);
        let refused = counts.refused.iter().map(|((page, problem), count)| {
            Sample::new([page.clone(), (*problem).to_owned()], Value::Count(*count))
        });
        exposition.put(names::REFUSALS, refused);
    }
}
