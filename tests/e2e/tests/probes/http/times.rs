//! Times held against the packets.

use vantage_agent::spec::{HttpSpec, HttpVersion};
use vantage_wire::Phase::{Request, Transfer};
use vantage_world::clock::Nanos;

use super::{HTTP, SITE, attempts, spec};
use crate::stage;

/// The segment in which this byte came, counted from the last one as 1. Segments may have been
/// joined on their way, so their number tells nothing.
fn containing(segments: &[(Nanos, u64)], from_end: u64) -> (Nanos, u64) {
    let mut left = from_end;
    let from_last = segments.iter().rev();
    *from_last
        .take_while(|(_, bytes)| {
            let goes_on = left > 0;
            left = left.saturating_sub(*bytes);
            goes_on
        })
        .last()
        .unwrap()
}

#[test]
fn phases_last_as_long_as_their_packets() {
    let world = stage::world(SITE, "");
    // Over HTTP/2 the client's first segment is a preface, and each byte of the body has a frame.
    for (version, what, preface, body_bytes) in
        [(HttpVersion::Http1, "HTTP/1.1", 0, 3), (HttpVersion::Http2, "HTTP/2", 1, 30)]
    {
        let spec = spec(&world, &format!("{HTTP}/drip/3/10"));
        let attempts = attempts(&world, HttpSpec { version, ..spec }, &|_| {}, 50);
        let truth = world.take_truth().unwrap();
        let mut request = stage::OverTruth::default();
        let mut transfer = stage::OverTruth::default();
        let mut whole = stage::OverTruth::default();
        for (attempt, flow) in attempts.iter().zip(stage::flows(&truth, 80)) {
            let (asked, _) = stage::data_segments(&truth, flow, true)[preface];
            let answer = stage::data_segments(&truth, flow, false);
            let (end, _) = answer[answer.len() - 1];
            let (head, _) = containing(&answer, body_bytes + 1);
            let (first, last) = (head.since(asked), end.since(asked));
            let to_first = stage::took(attempt, Request);
            let to_last = stage::took(attempt, Transfer);
            request.add(to_first, first);
            whole.add(to_first + to_last, last);
            transfer.add_between(to_last, end.since(head));
        }
        request.print(&format!("{what} request"), 50);
        transfer.judge(&format!("{what} transfer"), 50);
        whole.print(&format!("{what} request and transfer"), 50);
    }
}
