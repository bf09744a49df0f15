//! From reports to answers: a simulated season goes into a real store, and the programs are asked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod changes;
mod comparing;
mod cut_off;
mod exporting;
mod interface;
mod planning;
mod ranking;
mod season;
mod unanswerable;
