//! From the bytes of a query to the bytes of its answer.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::records::{Entry, Fate};
use super::zone::Zone;

/// The largest UDP payload we send and announce, which no path fragments (DNS flag day 2020).
const MAX_UDP_PAYLOAD: u16 = 1232;
/// Aliases followed before giving up with SERVFAIL.
const MAX_ALIASES: usize = 8;
const HEADER_BYTES: usize = 12;

/// What carries a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One datagram.
    Udp,
    /// A stream of length-prefixed messages.
    Tcp,
}

/// An answer to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// The message.
    pub bytes: Vec<u8>,
    /// Time to let pass before it is sent.
    pub after: Duration,
}

/// Answers `query`; `None` where nothing is to be sent.
pub fn reply(query: &[u8], client: IpAddr, zone: &Zone, transport: Transport) -> Option<Reply> {
    let Ok(request) = Message::from_vec(query) else { return malformed(query) };
    if request.metadata.message_type != MessageType::Query {
        return None;
    }
    let mut response = blank_response(&request);
    let mut after = Duration::ZERO;
    match single_question(&request) {
        Err(code) => response.metadata.response_code = code,
        Ok(question) => {
            let entry = zone.entry(client, &question.name);
            let fate = entry.map_or(Fate::Nxdomain, |entry| entry.fate);
            after = Duration::from_millis(entry.map_or(0, |entry| entry.delay_ms));
            match fate {
                Fate::Silent => return None,
                Fate::Garbage => return Some(Reply { bytes: garbage(query), after }),
                Fate::Servfail => response.metadata.response_code = ResponseCode::ServFail,
                Fate::Refused => response.metadata.response_code = ResponseCode::Refused,
                Fate::Nxdomain => negative(&mut response, ResponseCode::NXDomain, question, zone),
                Fate::Nodata => negative(&mut response, ResponseCode::NoError, question, zone),
                Fate::Truncate if transport == Transport::Udp => {
                    response.metadata.truncation = true;
                }
                Fate::Answer | Fate::Truncate => fill(&mut response, question, client, zone),
                Fate::WrongId => {
                    fill(&mut response, question, client, zone);
                    response.metadata.id = !response.metadata.id;
                }
            }
        }
    }
    let bytes = encode(&response, &request, transport)?;
    Some(Reply { bytes, after })
}

fn blank_response(request: &Message) -> Message {
    let mut response = Message::response(request.metadata.id, request.metadata.op_code);
    response.metadata = Metadata::response_from_request(&request.metadata);
    response.metadata.recursion_available = true;
    response.add_queries(request.queries.iter().cloned());
    if let Some(asked) = &request.edns {
        // RFC 6891: an OPT record answers an OPT record, in the responder's own version and size.
        let mut edns = Edns::new();
        edns.set_max_payload(MAX_UDP_PAYLOAD).set_dnssec_ok(asked.flags().dnssec_ok);
        response.set_edns(edns);
    }
    response
}

fn single_question(request: &Message) -> Result<&Query, ResponseCode> {
    if request.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
        return Err(ResponseCode::BADVERS);
    }
    if request.metadata.op_code != OpCode::Query {
        return Err(ResponseCode::NotImp);
    }
    match request.queries.as_slice() {
        [question] if question.query_class == DNSClass::IN => Ok(question),
        [_] => Err(ResponseCode::Refused),
        _ => Err(ResponseCode::FormErr),
    }
}

/// Adds the records asked for, following aliases within the table.
fn fill(response: &mut Message, question: &Query, client: IpAddr, zone: &Zone) {
    let mut name = question.name.clone();
    for _ in 0..MAX_ALIASES {
        let Some(entry) = zone.entry(client, &name) else {
            return negative(response, ResponseCode::NXDomain, question, zone);
        };
        let ttl_s = entry.ttl_s.unwrap_or(zone.ttl_s);
        let alias = entry.cname.as_deref().and_then(|target| Name::from_ascii(target).ok());
        let Some(mut target) = alias else {
            let records = records_of(entry, question.query_type)
                .map(|data| Record::from_rdata(name.clone(), ttl_s, data));
            let before = response.answers.len();
            response.add_answers(records);
            if response.answers.len() == before {
                negative(response, ResponseCode::NoError, question, zone);
            }
            return;
        };
        target.set_fqdn(true);
        let alias = RData::CNAME(CNAME(target.clone()));
        response.add_answer(Record::from_rdata(name, ttl_s, alias));
        if question.query_type == RecordType::CNAME {
            return;
        }
        name = target;
    }
    response.metadata.response_code = ResponseCode::ServFail;
}

fn records_of(entry: &Entry, kind: RecordType) -> impl Iterator<Item = RData> {
    let addresses = entry.addresses.iter().map(|address| match *address {
        IpAddr::V4(address) => RData::A(A(address)),
        IpAddr::V6(address) => RData::AAAA(AAAA(address)),
    });
    let texts = entry.txt.iter().map(|text| RData::TXT(TXT::new(vec![text.clone()])));
    addresses.chain(texts).filter(move |data| kind == RecordType::ANY || data.record_type() == kind)
}

/// A negative answer with the SOA record that lets resolvers cache it (RFC 2308). The zone is taken to be the name's
/// last label.
fn negative(response: &mut Message, code: ResponseCode, question: &Query, zone: &Zone) {
    response.metadata.response_code = code;
    let apex = question.name.trim_to(1);
    let of_apex = |label| apex.prepend_label(label).unwrap_or_else(|_| apex.clone());
    let (primary, mailbox) = (of_apex("ns"), of_apex("hostmaster"));
    let soa = SOA::new(primary, mailbox, 1, 3600, 600, 86_400, zone.ttl_s);
    response.add_authority(Record::from_rdata(apex, zone.ttl_s, RData::SOA(soa)));
}

fn encode(response: &Message, request: &Message, transport: Transport) -> Option<Vec<u8>> {
    let bytes = response.to_vec().ok()?;
    let most = match transport {
        Transport::Udp => usize::from(request.max_payload().min(MAX_UDP_PAYLOAD)),
        Transport::Tcp => usize::from(u16::MAX),
    };
    if bytes.len() <= most { Some(bytes) } else { response.truncate().to_vec().ok() }
}

/// FORMERR to what has at least the header of a query; nothing to anything else.
fn malformed(query: &[u8]) -> Option<Reply> {
    let [high, low, flags, ..] = *query else { return None };
    if query.len() < HEADER_BYTES || flags & 0x80 != 0 {
        return None;
    }
    let id = u16::from_be_bytes([high, low]);
    let error = Message::error_msg(id, OpCode::Query, ResponseCode::FormErr);
    Some(Reply { bytes: error.to_vec().ok()?, after: Duration::ZERO })
}

/// The id, so that it is taken for the answer, and then counts of records that cannot follow.
fn garbage(query: &[u8]) -> Vec<u8> {
    let mut bytes = query.get(..2).unwrap_or_default().to_vec();
    bytes.extend_from_slice(&[0xff; 30]);
    bytes
}
