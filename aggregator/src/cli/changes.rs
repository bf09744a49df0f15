//! `vantage changes`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::asking::Answering;
use super::figures::{difference_within, latency, nothing};
use super::{CommandError, table};
use crate::analysis::change::Cause;
use crate::answers::{self, ChangeDocument, ChangesAnswer, ChangesQuery};
use crate::api::CHANGES;

/// Shows when latencies moved to another level and stayed there, with the addresses before and
/// after: did the route move, or the server?
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    query: ChangesQuery,
    #[command(flatten)]
    answering: Answering,
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { query, answering } = arguments;
    answering
        .answer(
            CHANGES,
            |parameters| query.put_into(parameters),
            async |local| answers::changes(&local.store, &local.catalogue, &query, local.now).await,
            people,
            csv,
        )
        .await?;
    Ok(())
}

fn csv(answer: &ChangesAnswer) -> String {
    let rows: Vec<_> = answer
        .changes
        .iter()
        .map(|change| {
            [
                change.at.to_string(),
                change.market.to_string(),
                change.vantage.to_string(),
                change.target.to_string(),
                change.probe.to_string(),
                change.before_us.to_string(),
                change.after_us.to_string(),
                change.separation.to_string(),
                cause(change.cause).to_owned(),
                list(&change.addresses_before, " "),
                list(&change.addresses_after, " "),
            ]
        })
        .collect();
    let headings = [
        "at",
        "market",
        "vantage",
        "target",
        "probe",
        "before us",
        "after us",
        "separation",
        "cause",
        "addresses before",
        "addresses after",
    ];
    table::csv(&headings, &rows)
}

fn people(answer: &ChangesAnswer) -> String {
    let question = &answer.question;
    let head = format!(
        "hourly medians of {} {}, {} to {}\n\n",
        question.probe, question.phase, question.range.from, question.range.to
    );
    if answer.changes.is_empty() {
        return head + "no change of level that would matter\n";
    }
    let rows: Vec<_> = answer.changes.iter().map(row).collect();
    let headings = ["at", "vantage", "target", "before", "after", "change", "what moved"];
    head + &table::aligned(&headings, &rows)
}

fn row(change: &ChangeDocument) -> [String; 7] {
    let addresses = || {
        let (before, after) = (&change.addresses_before, &change.addresses_after);
        format!(": {} → {}", list(before, ", "), list(after, ", "))
    };
    let moved = match change.cause {
        Cause::Address | Cause::Unclear => cause(change.cause).to_owned() + &addresses(),
        Cause::Route | Cause::Unknown => cause(change.cause).to_owned(),
    };
    [
        change.at.to_string(),
        change.vantage.to_string(),
        change.target.to_string(),
        latency(Some(change.before_us)),
        latency(Some(change.after_us)),
        difference_within(Some(change.after_us - change.before_us), None),
        moved,
    ]
}

const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Address => "address",
        Cause::Route => "route",
        Cause::Unclear => "unclear",
        Cause::Unknown => "unknown",
    }
}

fn list(addresses: &BTreeSet<IpAddr>, between: &str) -> String {
    if addresses.is_empty() {
        return nothing();
    }
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}
