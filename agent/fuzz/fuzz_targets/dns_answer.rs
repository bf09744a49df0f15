//! Any bytes as the answer to a query, by themselves and behind the header and question that make
//! them an answer: nothing panics, and an answer's data is some of its records.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vantage_agent::net::dns::{Query, RecordType, read_answer};

const HEADER_BYTES: usize = 12;
/// Of the header: the flags that make a message an answer, with recursion.
const IS_ANSWER: [u8; 2] = [0x81, 0x80];

static QUERIES: LazyLock<[Query; 3]> = LazyLock::new(|| {
    [RecordType::A, RecordType::ANY, RecordType::TXT]
        .map(|kind| Query::new(0x1234, "www.shop.test", kind).expect("a name"))
});

fuzz_target!(|bytes: &[u8]| {
    for query in QUERIES.iter() {
        check(bytes, query);
        check(&as_answer(bytes, query), query);
    }
});

/// The first three bytes count the records of the sections, the others are the records.
fn as_answer(bytes: &[u8], query: &Query) -> Vec<u8> {
    let (counts, records) = bytes.split_at(bytes.len().min(3));
    // What follows the question in a query of ours is its OPT record, of 11 bytes.
    let question = &query.bytes()[HEADER_BYTES..query.bytes().len() - 11];
    let mut message = query.bytes()[..HEADER_BYTES].to_vec();
    message[2..4].copy_from_slice(&IS_ANSWER);
    for (section, count) in counts.iter().enumerate() {
        message[6 + 2 * section..8 + 2 * section].copy_from_slice(&u16::from(*count).to_be_bytes());
    }
    message.extend(question);
    message.extend(records);
    message
}

fn check(bytes: &[u8], query: &Query) {
    let Some(answer) = read_answer(bytes, query) else { return };
    assert!(!answer.rcode().is_empty());
    for record in answer.records() {
        let _ = record.to_string();
    }
    match answer.data(query) {
        Ok(data) => {
            assert!(!data.is_empty());
            let mut records = answer.records().iter().map(|record| &record.data);
            assert!(data.into_iter().all(|wanted| records.any(|kept| std::ptr::eq(kept, wanted))));
        }
        Err(failure) => assert!(!failure.detail.is_empty()),
    }
}
