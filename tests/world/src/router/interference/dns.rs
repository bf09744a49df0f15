//! DNS questions on their way, and forged answers to them.

use std::net::IpAddr;

use hickory_proto::op::{Message, MessageType, OpCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::config::InterferenceRule;

/// TTL of forged records in seconds.
const FORGED_TTL_S: u32 = 300;

/// The name a DNS query asks for; `None` when the payload is no query.
pub fn question_name(payload: &[u8]) -> Option<String> {
    query(payload)?.queries.first().map(|question| question.name().to_ascii())
}

/// The answer a forger gives to a query that a rule matches; `None` when it does not match or
/// the rule has no address of the family asked for.
pub fn forged_answer(payload: &[u8], rule: &InterferenceRule) -> Option<Vec<u8>> {
    let query = query(payload)?;
    let question = query.queries.first()?;
    if !rule.names.is_empty() && !rule.names_match(&question.name().to_ascii()) {
        return None;
    }
    let records: Vec<Record> = rule
        .answers
        .iter()
        .filter_map(|address| match (address, question.query_type()) {
            (IpAddr::V4(address), RecordType::A) => Some(RData::A(A(*address))),
            (IpAddr::V6(address), RecordType::AAAA) => Some(RData::AAAA(AAAA(*address))),
            _ => None,
        })
        .map(|data| Record::from_rdata(question.name().clone(), FORGED_TTL_S, data))
        .collect();
    if records.is_empty() {
        return None;
    }
    let mut answer = Message::response(query.metadata.id, OpCode::Query);
    answer.metadata.recursion_desired = query.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_query(question.clone());
    answer.add_answers(records);
    answer.to_vec().ok()
}

fn query(payload: &[u8]) -> Option<Message> {
    let message = Message::from_vec(payload).ok()?;
    let is_query = message.metadata.message_type == MessageType::Query
        && message.metadata.op_code == OpCode::Query;
    is_query.then_some(message)
}
