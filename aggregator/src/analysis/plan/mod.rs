//! Which sites to host at: the best set under the operator's rules.
//!
//! [`plan`] chooses the sites that minimise `Σ weight · score(market, its best site in the set)`
//! under residency, required and forbidden sites, a cost limit, a ceiling for the worst market and
//! n+1. In the literature: the *p-median* problem (Hakimi 1964) with covering constraints. It is
//! solved exactly, by branch and bound; nothing is rounded away but the 52nd binary digit.
//!
//! ```text
//! Question ─▶ Instance (numbers) ─▶ search ─▶ Plan (document), or Infeasible: which rule, and where
//! ```
//!
//! The best set is chosen from measured scores, so it profits from lucky measurements: its interval
//! does not cover that choice. How much of it is luck is what [`Stability`] tells.

mod answer;
mod document;
mod evaluate;
mod explain;
mod frame;
mod instance;
mod obstacle;
mod question;
mod search;
mod stability;
#[cfg(test)]
mod tests;

pub use answer::plan;
pub use document::{
    Alternative, Difference, Figure, FrontierPoint, OtherChoice, Plan, SecondChoice, Served,
    Stability, WorstServed,
};
pub use obstacle::{Infeasible, Obstacle};
pub use question::{Question, Scores};
