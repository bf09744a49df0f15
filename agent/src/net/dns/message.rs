//! Queries as bytes, and bytes as answers.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record};
use vantage_wire::{Failure, FailureCode};

pub use hickory_proto::rr::RecordType;

/// The largest UDP answer we ask for, which no path fragments (DNS flag day 2020).
const MAX_UDP_PAYLOAD: u16 = 1232;
/// Aliases followed within one answer.
const MAX_ALIASES: usize = 16;

/// A name that cannot be asked for.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is no domain name: {reason}")]
pub struct InvalidName {
    name: String,
    reason: String,
}

impl From<InvalidName> for Failure {
    fn from(invalid: InvalidName) -> Self {
        Self::new(FailureCode::ConfigInvalid, &invalid.to_string())
    }
}

/// One question to a server that resolves for its clients (recursion desired, EDNS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    id: u16,
    name: Name,
    record_type: RecordType,
    bytes: Vec<u8>,
}

impl Query {
    /// Asks for the records of one type that a name has. The name counts as complete, with or
    /// without its final dot: no search domain is added. An internationalised name is encoded.
    ///
    /// # Errors
    /// Where the name is none by RFC 1035.
    pub fn new(id: u16, name: &str, record_type: RecordType) -> Result<Self, InvalidName> {
        let invalid =
            |reason: &dyn ToString| InvalidName { name: name.into(), reason: reason.to_string() };
        if name.is_empty() {
            return Err(invalid(&"it is empty"));
        }
        let mut full = Name::from_str_relaxed(name).map_err(|error| invalid(&error))?;
        full.set_fqdn(true);
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(hickory_proto::op::Query::query(full.clone(), record_type));
        let mut edns = Edns::new();
        edns.set_max_payload(MAX_UDP_PAYLOAD);
        message.set_edns(edns);
        let bytes = message.to_vec().map_err(|error| invalid(&error))?;
        Ok(Self { id, name: full, record_type, bytes })
    }

    /// The message.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    rcode: ResponseCode,
    truncated: bool,
    records: Vec<Record>,
}

/// Reads a message that was received after `query` was sent; `None` for a stray: no DNS message,
/// no answer, another query's id or another question. Never panics.
///
/// A server that could not read the query may answer with an error and without a question.
pub fn read_answer(bytes: &[u8], query: &Query) -> Option<Answer> {
    // The id first: whoever sends us anything else gets little of our time.
    if bytes.get(..2)? != query.id.to_be_bytes() {
        return None;
    }
    let message = Message::from_vec(bytes).ok()?;
    let metadata = message.metadata;
    if metadata.message_type != MessageType::Response || metadata.op_code != OpCode::Query {
        return None;
    }
    let is_ours = match message.queries.as_slice() {
        [question] => {
            question.name == query.name
                && question.query_type == query.record_type
                && question.query_class == DNSClass::IN
        }
        [] => !matches!(metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain),
        _ => false,
    };
    is_ours.then_some(Answer {
        rcode: metadata.response_code,
        truncated: metadata.truncation,
        records: message.answers,
    })
}

impl Answer {
    /// Whether it was cut short, so that the rest can be had over TCP.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The answer section, in its order, whatever it holds.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The response code as RFC 1035 and 6895 name it, such as `NXDOMAIN`.
    pub fn rcode(&self) -> String {
        match self.rcode {
            ResponseCode::NoError => "NOERROR".into(),
            ResponseCode::FormErr => "FORMERR".into(),
            ResponseCode::ServFail => "SERVFAIL".into(),
            ResponseCode::NXDomain => "NXDOMAIN".into(),
            ResponseCode::NotImp => "NOTIMP".into(),
            ResponseCode::Refused => "REFUSED".into(),
            other => format!("RCODE{}", u16::from(other)),
        }
    }

    /// The data of the records asked for, in the answer's order: those of the name or of the one
    /// that its aliases lead to. Records of other names are left out.
    ///
    /// # Errors
    /// A failure of phase `dns` where the response code is one, or there are no such records.
    pub fn data(&self, query: &Query) -> Result<Vec<&RData>, Failure> {
        let code = match self.rcode {
            ResponseCode::NoError => {
                let found = self.follow(query);
                if !found.is_empty() {
                    return Ok(found);
                }
                FailureCode::DnsNodata
            }
            ResponseCode::NXDomain => FailureCode::DnsNxdomain,
            ResponseCode::Refused => FailureCode::DnsRefused,
            // The others, too, say that the server is not able to answer.
            _ => FailureCode::DnsServfail,
        };
        let detail = match code {
            FailureCode::DnsNodata => format!("no {} record of {}", query.record_type, query.name),
            _ => format!("{} to {} {}", self.rcode(), query.record_type, query.name),
        };
        Err(Failure::new(code, &detail))
    }

    fn follow(&self, query: &Query) -> Vec<&RData> {
        let mut name = &query.name;
        for _ in 0..=MAX_ALIASES {
            let of_name = || self.records.iter().filter(|record| record.name == *name);
            let wanted = |record: &&Record| {
                record.dns_class == DNSClass::IN
                    && (query.record_type == RecordType::ANY
                        || record.record_type() == query.record_type)
            };
            let found: Vec<_> = of_name().filter(wanted).map(|record| &record.data).collect();
            if !found.is_empty() {
                return found;
            }
            let alias = of_name().find_map(|record| match &record.data {
                RData::CNAME(target) => Some(&target.0),
                _ => None,
            });
            match alias {
                Some(target) => name = target,
                None => break,
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_proto::rr::rdata::{A, CNAME};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn query() -> Query {
        Query::new(0x1234, "www.shop.test", RecordType::A).unwrap()
    }

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn address(of: &str, last: u8) -> Record {
        Record::from_rdata(name(of), 60, RData::A(A(Ipv4Addr::new(192, 0, 2, last))))
    }

    fn alias(of: &str, target: &str) -> Record {
        Record::from_rdata(name(of), 60, RData::CNAME(CNAME(name(target))))
    }

    fn reply(rcode: ResponseCode, records: impl IntoIterator<Item = Record>) -> Message {
        let asked = Message::from_vec(query().bytes()).unwrap();
        let mut message = Message::response(0x1234, OpCode::Query);
        message.metadata.response_code = rcode;
        message.add_queries(asked.queries);
        message.add_answers(records);
        message
    }

    fn read(message: &Message) -> Option<Answer> {
        read_answer(&message.to_vec().unwrap(), &query())
    }

    #[test]
    fn a_query_wants_recursion_and_answers_that_no_path_fragments() {
        let message = Message::from_vec(query().bytes()).unwrap();
        assert!(message.metadata.recursion_desired);
        assert_eq!(message.max_payload(), 1232);
        assert_eq!(message.queries[0].to_string(), "www.shop.test. IN A");
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let long = "a".repeat(64);
        for name in ["", "a..b", long.as_str(), &"abcdefg.".repeat(40)] {
            let error = Query::new(1, name, RecordType::A).unwrap_err().to_string();
            assert!(error.contains("is no domain name"), "{error}");
        }
        for name in ["localhost", "_dmarc.shop.test.", ".", "bücher.test"] {
            assert!(Query::new(1, name, RecordType::A).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_answers_another_question_is_a_stray() {
        let good = || reply(ResponseCode::NoError, [address("www.shop.test.", 7)]);
        assert!(read(&good()).is_some());
        let mut other = good();
        other.metadata.id = 0x1235;
        assert_eq!(read(&other), None);
        let mut other = good();
        other.metadata.message_type = MessageType::Query;
        assert_eq!(read(&other), None);
        let mut other = good();
        other.queries[0].set_name(name("shop.test."));
        assert_eq!(read(&other), None);
        let mut other = good();
        other.queries[0].set_query_type(RecordType::AAAA);
        assert_eq!(read(&other), None);
        let mut other = good();
        other.queries.clear();
        assert_eq!(read(&other), None);
        assert_eq!(read_answer(&[], &query()), None);
        assert_eq!(read_answer(query().bytes(), &query()), None);
        let mut other = good();
        other.queries[0].set_name(name("WWW.Shop.TEST."));
        assert!(read(&other).is_some(), "case is not part of a name");
    }

    #[test]
    fn an_error_may_come_without_the_question() {
        let mut message = reply(ResponseCode::FormErr, []);
        message.queries.clear();
        let failure = read(&message).unwrap().data(&query()).unwrap_err();
        assert_eq!(failure.code, FailureCode::DnsServfail);
        assert_eq!(failure.detail.as_str(), "FORMERR to A www.shop.test.");
    }

    #[test]
    fn response_codes_are_failures() {
        for (rcode, code) in [
            (ResponseCode::NXDomain, FailureCode::DnsNxdomain),
            (ResponseCode::ServFail, FailureCode::DnsServfail),
            (ResponseCode::NotImp, FailureCode::DnsServfail),
            (ResponseCode::Refused, FailureCode::DnsRefused),
            (ResponseCode::NoError, FailureCode::DnsNodata),
        ] {
            let answer = read(&reply(rcode, [])).unwrap();
            assert_eq!(answer.data(&query()).unwrap_err().code, code, "{rcode:?}");
        }
    }

    #[test]
    fn aliases_are_followed_in_any_order_and_strangers_left_out() {
        let records = [
            address("c.test.", 9),
            address("stranger.test.", 8),
            alias("b.test.", "C.test."),
            alias("www.shop.test.", "b.test."),
        ];
        let answer = read(&reply(ResponseCode::NoError, records)).unwrap();
        let found: Vec<_> =
            answer.data(&query()).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.9"]);
    }

    #[test]
    fn aliases_that_go_round_end() {
        let records = [alias("www.shop.test.", "b.test."), alias("b.test.", "www.shop.test.")];
        let answer = read(&reply(ResponseCode::NoError, records)).unwrap();
        assert_eq!(answer.data(&query()).unwrap_err().code, FailureCode::DnsNodata);
    }

    /// Bytes at random, and a good answer with some of its bytes changed or its end cut off.
    #[test]
    fn no_bytes_make_it_panic() {
        let mut random = ChaCha8Rng::seed_from_u64(53);
        let records = [alias("www.shop.test.", "b.test."), address("b.test.", 1)];
        let good = reply(ResponseCode::NoError, records).to_vec().unwrap();
        for _ in 0..20_000 {
            let mut bytes = vec![0; (random.next_u32() % 200) as usize];
            random.fill_bytes(&mut bytes);
            let _ = read_answer(&bytes, &query());
            let mut bytes = good.clone();
            for _ in 0..random.next_u32() % 8 {
                let at = random.next_u32() as usize % bytes.len();
                bytes[at] = random.next_u32().to_le_bytes()[0];
            }
            bytes.truncate(random.next_u32() as usize % (good.len() * 2));
            if let Some(answer) = read_answer(&bytes, &query()) {
                let _ = answer.data(&query());
            }
        }
    }
}
