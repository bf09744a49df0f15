//! DNS over UDP and TCP.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};
use vantage_world::services::{Entry, Fate, Records, View};

use crate::client::{QUIET, Served, serve, serve_on};

const DNS: &str = r#"
kind = "dns"
port = 0
ttl-s = 30

[records]
"shop.test" = ["198.51.100.7", "2001:db8::7", "198.51.100.8"]
"Mixed.Test." = "192.0.2.1"
"alias.test" = { cname = "www.test", ttl-s = 5 }
"www.test" = { cname = "shop.test" }
"dangling.test" = { cname = "nowhere.test" }
"round.test" = { cname = "round.test" }
"text.test" = { txt = ["one", "two"] }
"gone.test" = "nxdomain"
"empty.test" = { addresses = ["192.0.2.1"], fate = "nodata" }
"broken.test" = "servfail"
"closed.test" = "refused"
"silent.test" = "silent"
"large.test" = { addresses = ["192.0.2.1"], fate = "truncate" }
"rubbish.test" = "garbage"
"stranger.test" = { addresses = ["192.0.2.1"], fate = "wrong-id" }
"slow.test" = { addresses = ["192.0.2.1"], delay-ms = 90 }
"#;

fn query(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(0x1234, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

async fn udp_bytes(served: &Served, query: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(served.address()).await.unwrap();
    socket.send(query).await.unwrap();
    let mut bytes = vec![0; 65_536];
    let length = socket.recv(&mut bytes).await.unwrap();
    bytes.truncate(length);
    bytes
}

async fn udp(served: &Served, query: &Message) -> Message {
    Message::from_vec(&udp_bytes(served, &query.to_vec().unwrap()).await).unwrap()
}

async fn tcp_bytes(served: &Served, query: &Message) -> Vec<u8> {
    let mut stream = served.tcp().await;
    let query = query.to_vec().unwrap();
    stream.write_u16(query.len().try_into().unwrap()).await.unwrap();
    stream.write_all(&query).await.unwrap();
    let length = stream.read_u16().await.unwrap();
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

async fn ask(served: &Served, name: &str, kind: RecordType) -> Message {
    let message = query(name, kind);
    let over_udp = udp(served, &message).await;
    let over_tcp = Message::from_vec(&tcp_bytes(served, &message).await).unwrap();
    assert_eq!(over_udp, over_tcp, "{name}: both transports answer alike");
    assert_eq!(over_udp.metadata.id, 0x1234);
    assert!(over_udp.metadata.recursion_desired && over_udp.metadata.recursion_available);
    assert_eq!(over_udp.queries, message.queries);
    over_udp
}

fn addresses(message: &Message) -> Vec<IpAddr> {
    let address = |data: &RData| match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    };
    message.answers.iter().filter_map(|record| address(&record.data)).collect()
}

fn soa_minimum(message: &Message) -> Option<u32> {
    message.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.minimum),
        _ => None,
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn addresses_are_answered_by_type() {
    let served = serve(DNS).await;
    let v4 = ask(&served, "shop.test.", RecordType::A).await;
    assert_eq!(addresses(&v4), [ip("198.51.100.7"), ip("198.51.100.8")]);
    assert_eq!(v4.metadata.response_code, ResponseCode::NoError);
    assert!(v4.answers.iter().all(|record| record.ttl == 30));
    let v6 = ask(&served, "shop.test.", RecordType::AAAA).await;
    assert_eq!(addresses(&v6), [ip("2001:db8::7")]);
    let case = ask(&served, "mIXED.tEST.", RecordType::A).await;
    assert_eq!(addresses(&case), [ip("192.0.2.1")]);
    assert_eq!(served.handle.requests(), 6);
}

#[tokio::test]
async fn aliases_are_followed() {
    let served = serve(DNS).await;
    let answer = ask(&served, "alias.test.", RecordType::AAAA).await;
    let chain: Vec<_> = answer
        .answers
        .iter()
        .map(|record| (record.name.to_ascii(), record.record_type(), record.ttl))
        .collect();
    assert_eq!(
        chain,
        [
            ("alias.test.".to_owned(), RecordType::CNAME, 5),
            ("www.test.".to_owned(), RecordType::CNAME, 30),
            ("shop.test.".to_owned(), RecordType::AAAA, 30),
        ]
    );
    assert_eq!(ask(&served, "alias.test.", RecordType::CNAME).await.answers.len(), 1);
    let dangling = ask(&served, "dangling.test.", RecordType::A).await;
    assert_eq!(dangling.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(dangling.answers.len(), 1);
    let round = ask(&served, "round.test.", RecordType::A).await;
    assert_eq!(round.metadata.response_code, ResponseCode::ServFail);
}

#[tokio::test]
async fn texts_are_answered() {
    let served = serve(DNS).await;
    let answer = ask(&served, "text.test.", RecordType::TXT).await;
    let texts: Vec<_> = answer.answers.iter().map(|record| record.data.to_string()).collect();
    assert_eq!(texts, ["one", "two"]);
}

#[tokio::test]
async fn negative_answers_carry_an_soa() {
    let served = serve(DNS).await;
    for (name, kind, code) in [
        ("unknown.test.", RecordType::A, ResponseCode::NXDomain),
        ("gone.test.", RecordType::A, ResponseCode::NXDomain),
        ("empty.test.", RecordType::A, ResponseCode::NoError),
        ("text.test.", RecordType::A, ResponseCode::NoError),
        ("shop.test.", RecordType::MX, ResponseCode::NoError),
        (".", RecordType::NS, ResponseCode::NXDomain),
    ] {
        let answer = ask(&served, name, kind).await;
        assert_eq!(answer.metadata.response_code, code, "{name}");
        assert!(answer.answers.is_empty(), "{name}");
        assert_eq!(soa_minimum(&answer), Some(30), "{name}");
    }
}

#[tokio::test]
async fn failures_are_answered() {
    let served = serve(DNS).await;
    let broken = ask(&served, "broken.test.", RecordType::A).await;
    assert_eq!(broken.metadata.response_code, ResponseCode::ServFail);
    let closed = ask(&served, "closed.test.", RecordType::A).await;
    assert_eq!(closed.metadata.response_code, ResponseCode::Refused);
}

#[tokio::test]
async fn silence_is_no_answer_on_either_transport() {
    let served = serve(DNS).await;
    let silent = query("silent.test.", RecordType::A);
    assert!(timeout(QUIET, udp(&served, &silent)).await.is_err());
    assert!(timeout(QUIET, tcp_bytes(&served, &silent)).await.is_err());
}

#[tokio::test]
async fn truncation_sends_clients_to_tcp() {
    let served = serve(DNS).await;
    let large = query("large.test.", RecordType::A);
    let over_udp = udp(&served, &large).await;
    assert!(over_udp.metadata.truncation);
    assert!(over_udp.answers.is_empty());
    let over_tcp = Message::from_vec(&tcp_bytes(&served, &large).await).unwrap();
    assert!(!over_tcp.metadata.truncation);
    assert_eq!(addresses(&over_tcp), [ip("192.0.2.1")]);
}

#[tokio::test]
async fn what_does_not_fit_is_truncated_as_well() {
    let served = serve(DNS).await;
    let many = (0..60).map(|host| IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)));
    let records = Records::from([("shop.test".to_owned(), Entry::addresses(many))]);
    served.handle.set_records(records).unwrap();
    let mut message = query("shop.test.", RecordType::A);
    let plain = udp(&served, &message).await;
    assert!(plain.metadata.truncation, "60 addresses need more than 512 bytes");
    message.set_edns(Edns::new());
    message.edns.as_mut().unwrap().set_max_payload(4096);
    let extended = udp(&served, &message).await;
    assert!(!extended.metadata.truncation);
    assert_eq!(addresses(&extended).len(), 60);
}

#[tokio::test]
async fn garbage_has_the_id_and_nothing_more() {
    let served = serve(DNS).await;
    let rubbish = query("rubbish.test.", RecordType::A);
    let bytes = udp_bytes(&served, &rubbish.to_vec().unwrap()).await;
    assert_eq!(bytes[..2], [0x12, 0x34]);
    assert!(Message::from_vec(&bytes).is_err());
    assert_eq!(tcp_bytes(&served, &rubbish).await, bytes);
}

#[tokio::test]
async fn a_wrong_id_is_another_than_the_querys() {
    let served = serve(DNS).await;
    let answer = udp(&served, &query("stranger.test.", RecordType::A)).await;
    assert_eq!(answer.metadata.id, !0x1234);
    assert_eq!(addresses(&answer), [ip("192.0.2.1")]);
}

#[tokio::test]
async fn a_slow_name_holds_up_no_other() {
    let served = serve(DNS).await;
    let begin = Instant::now();
    let slow = query("slow.test.", RecordType::A);
    let (slow, fast) =
        tokio::join!(async { (udp(&served, &slow).await, begin.elapsed()) }, async {
            (ask(&served, "shop.test.", RecordType::A).await, begin.elapsed())
        },);
    assert_eq!(addresses(&slow.0), [ip("192.0.2.1")]);
    assert!(slow.1 >= Duration::from_millis(90));
    assert!(fast.1 < slow.1);
}

#[tokio::test]
async fn edns_answers_edns() {
    let served = serve(DNS).await;
    let mut message = query("shop.test.", RecordType::A);
    assert_eq!(udp(&served, &message).await.edns, None);
    let mut edns = Edns::new();
    edns.set_max_payload(1400).set_dnssec_ok(true);
    message.set_edns(edns);
    let answered = udp(&served, &message).await.edns.unwrap();
    assert_eq!(answered.max_payload(), 1232);
    assert!(answered.flags().dnssec_ok);
    message.edns.as_mut().unwrap().set_version(1);
    let refused = udp(&served, &message).await;
    assert_eq!(
        u16::from(refused.metadata.response_code),
        16,
        "BADVERS, which shares its number with BADSIG"
    );
    assert_eq!(refused.edns.unwrap().version(), 0);
}

#[tokio::test]
async fn odd_queries_get_their_errors() {
    let served = serve(DNS).await;
    let mut two = query("shop.test.", RecordType::A);
    two.add_query(Query::query(Name::root(), RecordType::A));
    assert_eq!(udp(&served, &two).await.metadata.response_code, ResponseCode::FormErr);
    let mut notify = query("shop.test.", RecordType::A);
    notify.metadata.op_code = OpCode::Notify;
    assert_eq!(udp(&served, &notify).await.metadata.response_code, ResponseCode::NotImp);
    let mut chaos = query("shop.test.", RecordType::A);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(udp(&served, &chaos).await.metadata.response_code, ResponseCode::Refused);
    let broken = udp_bytes(&served, &[0x12, 0x34, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0]).await;
    assert_eq!(Message::from_vec(&broken).unwrap().metadata.response_code, ResponseCode::FormErr);
    assert!(timeout(QUIET, udp_bytes(&served, b"short")).await.is_err());
    let answer = udp_bytes(&served, &two.to_vec().unwrap()).await;
    assert!(timeout(QUIET, udp_bytes(&served, &answer)).await.is_err(), "answers are not answered");
}

#[tokio::test]
async fn views_are_for_their_clients() {
    let bind = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let toml = r#"
        kind = "dns"
        port = 0
        records = { "shop.test" = ["192.0.2.1"], "base.test" = ["192.0.2.5"], "*" = "servfail" }
        views = [
            { clients = ["127.0.0.2"], records = { "shop.test" = ["192.0.2.2"] } },
            { clients = ["127.0.0.3", "127.0.0.2"], records = { "shop.test" = ["192.0.2.3"], "three.test" = ["192.0.2.3"] } },
            { clients = ["::1"], records = { "shop.test" = ["192.0.2.6"] } },
        ]
    "#;
    let served = serve_on(toml, &bind).await;
    let see = async |client: &str, name: &str| {
        let client = ip(client);
        let server = served.handle.local_addrs()[usize::from(client.is_ipv6())];
        let socket = UdpSocket::bind((client, 0)).await.unwrap();
        socket.connect(server).await.unwrap();
        socket.send(&query(name, RecordType::A).to_vec().unwrap()).await.unwrap();
        let mut bytes = [0; 1232];
        let length = socket.recv(&mut bytes).await.unwrap();
        addresses(&Message::from_vec(&bytes[..length]).unwrap())
    };
    assert_eq!(see("127.0.0.1", "shop.test.").await, [ip("192.0.2.1")]);
    assert_eq!(see("127.0.0.2", "shop.test.").await, [ip("192.0.2.2")], "the first view counts");
    assert_eq!(see("127.0.0.3", "shop.test.").await, [ip("192.0.2.3")]);
    assert_eq!(see("::1", "shop.test.").await, [ip("192.0.2.6")]);
    assert_eq!(see("127.0.0.2", "three.test.").await, [ip("192.0.2.3")], "the next view has it");
    assert_eq!(see("127.0.0.2", "base.test.").await, [ip("192.0.2.5")], "the base has it");
    assert!(see("127.0.0.1", "three.test.").await.is_empty());
    let other = udp(&served, &query("other.test.", RecordType::A)).await;
    assert_eq!(other.metadata.response_code, ResponseCode::ServFail, "`*` stands for the rest");

    served.handle.set_views(Vec::new()).unwrap();
    assert_eq!(see("127.0.0.2", "shop.test.").await, [ip("192.0.2.1")]);
    assert!(served.handle.views().unwrap().is_empty());
}

#[tokio::test]
async fn records_change_while_running() {
    let served = serve(DNS).await;
    let mut records = served.handle.records().unwrap();
    records.insert("shop.test".to_owned(), Entry::addresses([ip("203.0.113.9")]));
    records.insert("gone.test".to_owned(), Entry::addresses([ip("203.0.113.9")]));
    served.handle.set_records(records).unwrap();
    assert_eq!(addresses(&ask(&served, "shop.test.", RecordType::A).await), [ip("203.0.113.9")]);
    assert_eq!(addresses(&ask(&served, "gone.test.", RecordType::A).await), [ip("203.0.113.9")]);
    served.handle.set_records(Records::from([("a..b".to_owned(), Entry::default())])).unwrap_err();
    assert_eq!(addresses(&ask(&served, "shop.test.", RecordType::A).await), [ip("203.0.113.9")]);

    let client = ip("127.0.0.1");
    let broken = Records::from([("shop.test".to_owned(), Entry::fate(Fate::Servfail))]);
    served.handle.set_views(vec![View { clients: vec![client], records: broken }]).unwrap();
    let answer = ask(&served, "shop.test.", RecordType::A).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
    served.handle.set_behaviour(vantage_world::services::Behaviour::Ok).unwrap_err();
}

#[tokio::test]
async fn one_tcp_connection_carries_many_queries() {
    let served = serve(DNS).await;
    let mut stream = served.tcp().await;
    for name in ["shop.test.", "text.test.", "unknown.test."] {
        let bytes = query(name, RecordType::A).to_vec().unwrap();
        stream.write_u16(bytes.len().try_into().unwrap()).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
    }
    for name in ["shop.test.", "text.test.", "unknown.test."] {
        let mut bytes = vec![0; stream.read_u16().await.unwrap().into()];
        stream.read_exact(&mut bytes).await.unwrap();
        let answer = Message::from_vec(&bytes).unwrap();
        assert_eq!(answer.queries[0].name.to_ascii(), name);
    }
    served.stop.cancel();
    served.handle.ended().await;
    let end = stream.read(&mut [0]).await;
    assert!(matches!(&end, Ok(0)) || end.unwrap_err().kind() == ErrorKind::ConnectionReset);
}
