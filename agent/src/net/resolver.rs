//! The agent's own look-ups: by the system's servers or given ones, without a cache.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::rr::RData;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, timeout_at};
use vantage_wire::report::Family;
use vantage_wire::{Attribution, Failure, FailureCode};

use super::dns::{Exchange, InvalidName, Query, RecordType, exchange_udp};
use super::system_servers::{ResolverError, system_servers};

/// Asks DNS servers anew at every attempt. `/etc/hosts` is not read and no search domain is
/// added: what is measured is what the network's users get for the full name.
#[derive(Debug, Clone)]
pub struct Resolver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    servers: Vec<SocketAddr>,
    random: Mutex<ChaCha8Rng>,
}

impl Resolver {
    /// A resolver that asks these servers, one after the other. Ids of queries are drawn from the
    /// seed, which must be secret where answers could be forged.
    pub fn new(servers: Vec<SocketAddr>, seed: u64) -> Self {
        let random = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
        Self(Arc::new(Shared { servers, random }))
    }

    /// A resolver that asks the servers of `/etc/resolv.conf` as it is now: at most three, as the
    /// C library does, or the machine itself where none is named (`resolv.conf(5)`). Lines that
    /// make no sense are ignored, as there.
    ///
    /// # Errors
    /// Where the file cannot be read, or names a network interface that is not there.
    pub fn from_system(seed: u64) -> Result<Self, ResolverError> {
        Ok(Self::new(system_servers()?, seed))
    }

    /// The servers, in the order they are asked.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.0.servers
    }

    /// A query with an id at random.
    ///
    /// # Errors
    /// Where the name is none.
    pub fn query(&self, name: &str, record_type: RecordType) -> Result<Query, InvalidName> {
        // A generator has no state between two calls that a panic could have left half done.
        let mut random = self.0.random.lock().unwrap_or_else(PoisonError::into_inner);
        let [low, high, ..] = random.next_u32().to_le_bytes();
        drop(random);
        Query::new(u16::from_le_bytes([low, high]), name, record_type)
    }

    /// Finds the addresses of a name, in the order of the answer; never an empty list. One query
    /// is sent for each type of address needed. For `Any`, both types are asked for at once, and
    /// an IPv4 address is taken as soon as there is one: the answer about IPv6 is waited for only
    /// where there is no IPv4 address.
    ///
    /// The next server is asked where one cannot be reached, or has not answered in its share of
    /// the time until `deadline`: the time left, divided by the servers left. Any answer is
    /// final. `localhost` and names below it are this machine (RFC 6761).
    ///
    /// # Errors
    /// A failure of phase `dns`; where no server answers, the first server's unless that was the
    /// agent's own trouble. The last server is waited for without end: `deadline` is the caller's.
    pub async fn resolve(
        &self,
        name: &str,
        family: Family,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, Failure> {
        if let Some(addresses) = of_this_machine(name, family) {
            return Ok(addresses);
        }
        let look_up = |record_type| self.addresses(name, record_type, deadline);
        match family {
            Family::V4 => look_up(RecordType::A).await,
            Family::V6 => look_up(RecordType::AAAA).await,
            Family::Any => {
                let (mut v4, mut v6) =
                    (pin!(look_up(RecordType::A)), pin!(look_up(RecordType::AAAA)));
                let mut found_v6 = None;
                let found_v4 = loop {
                    tokio::select! {
                        found = &mut v4 => break found,
                        found = &mut v6, if found_v6.is_none() => found_v6 = Some(found),
                    }
                };
                match found_v4 {
                    Err(failure) if failure.code == FailureCode::DnsNodata => {
                        let found = match found_v6 {
                            Some(found) => found,
                            None => v6.await,
                        };
                        found.map_err(|failure| either_type(failure, name))
                    }
                    found => found,
                }
            }
        }
    }

    async fn addresses(
        &self,
        name: &str,
        record_type: RecordType,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, Failure> {
        let query = self.query(name, record_type)?;
        let mut failed: Option<Failure> = None;
        let servers = &self.0.servers;
        for (at, &server) in servers.iter().enumerate() {
            let failure = match self.ask(server, &query, deadline, servers.len() - at).await {
                Ok(exchange) => {
                    return Ok(exchange
                        .answer
                        .data(&query)?
                        .into_iter()
                        .filter_map(address_in)
                        .collect());
                }
                Err(failure) => failure,
            };
            let is_agents = |failure: &Failure| failure.attribution() == Attribution::Agent;
            if failed.as_ref().is_none_or(|first| is_agents(first) && !is_agents(&failure)) {
                failed = Some(failure);
            }
        }
        Err(failed.unwrap_or_else(|| {
            Failure::new(FailureCode::ConfigInvalid, "there is no DNS server to ask")
        }))
    }

    /// Asks one server in its share of the time, the last without a limit.
    async fn ask(
        &self,
        server: SocketAddr,
        query: &Query,
        deadline: Instant,
        servers_left: usize,
    ) -> Result<Exchange, Failure> {
        let mut strays = 0;
        let exchange = exchange_udp(server, query, &mut strays);
        if servers_left <= 1 {
            return exchange.await;
        }
        let now = Instant::now();
        let left = deadline.saturating_duration_since(now);
        let share = left / u32::try_from(servers_left).unwrap_or(u32::MAX);
        timeout_at(now + share, exchange).await.unwrap_or_else(|_| {
            let detail = format!("{server}: no answer within {share:?}");
            Err(Failure::new(FailureCode::DnsTimeout, &detail))
        })
    }
}

fn address_in(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

/// No data of the second type, where there was none of the first either.
fn either_type(failure: Failure, name: &str) -> Failure {
    match failure.code {
        FailureCode::DnsNodata => {
            Failure::new(failure.code, &format!("no A or AAAA record of {name}"))
        }
        _ => failure,
    }
}

/// The addresses of `localhost` and the names below it, which are asked of nobody (RFC 6761 §6.3).
fn of_this_machine(name: &str, family: Family) -> Option<Vec<IpAddr>> {
    let last = name.strip_suffix('.').unwrap_or(name).rsplit('.').next()?;
    if !last.eq_ignore_ascii_case("localhost") {
        return None;
    }
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    Some(match family {
        Family::V4 => vec![v4],
        Family::V6 => vec![v6],
        Family::Any => vec![v4, v6],
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hickory_proto::op::{Message, OpCode, ResponseCode};
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::{A, AAAA};
    use tokio::net::UdpSocket;

    use super::*;

    /// A server on loopback that answers each query as it is told, or not; and whom it answered.
    struct Served {
        address: SocketAddr,
        asked: Arc<Mutex<Vec<RecordType>>>,
        _task: tokio::task::JoinSet<()>,
    }

    async fn serve(reply: fn(RecordType) -> Option<(ResponseCode, Option<RData>)>) -> Served {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            let mut bytes = [0; 512];
            loop {
                let (length, client) = socket.recv_from(&mut bytes).await.unwrap();
                let query = Message::from_vec(&bytes[..length]).unwrap();
                let question = query.queries[0].clone();
                log.lock().unwrap().push(question.query_type);
                let Some((rcode, data)) = reply(question.query_type) else { continue };
                let mut answer = Message::response(query.metadata.id, OpCode::Query);
                answer.metadata.response_code = rcode;
                let name = question.name.clone();
                answer.add_query(question);
                answer.add_answers(data.map(|data| Record::from_rdata(name, 1, data)));
                socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
            }
        });
        Served { address, asked, _task: task }
    }

    impl Served {
        fn asked(&self) -> Vec<RecordType> {
            let mut asked = self.asked.lock().unwrap().clone();
            asked.sort();
            asked
        }
    }

    fn v4() -> RData {
        RData::A(A(Ipv4Addr::new(192, 0, 2, 7)))
    }

    fn v6() -> RData {
        RData::AAAA(AAAA("2001:db8::7".parse().unwrap()))
    }

    async fn resolve(servers: &[SocketAddr], family: Family) -> Result<String, Failure> {
        let deadline = Instant::now() + Duration::from_millis(400);
        let resolver = Resolver::new(servers.to_vec(), 1);
        let found = timeout_at(deadline, resolver.resolve("shop.test", family, deadline)).await;
        let found = found.unwrap_or(Err(Failure::new(FailureCode::DnsTimeout, "waited")))?;
        Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[tokio::test]
    async fn one_query_is_sent_for_each_type_needed() {
        let reply = |kind| {
            let data = if kind == RecordType::A { v4() } else { v6() };
            Some((ResponseCode::NoError, Some(data)))
        };
        for (family, found, asked) in [
            (Family::V4, "192.0.2.7", &[RecordType::A][..]),
            (Family::V6, "2001:db8::7", &[RecordType::AAAA]),
            (Family::Any, "192.0.2.7", &[RecordType::A, RecordType::AAAA]),
        ] {
            let served = serve(reply).await;
            assert_eq!(resolve(&[served.address], family).await.unwrap(), found);
            // The second of two queries may still be in the server's socket.
            while served.asked().len() < asked.len() {
                tokio::task::yield_now().await;
            }
            assert_eq!(served.asked(), asked);
        }
    }

    #[tokio::test]
    async fn an_ipv6_address_is_taken_where_there_is_no_other() {
        let served =
            serve(|kind| Some((ResponseCode::NoError, (kind == RecordType::AAAA).then(v6)))).await;
        assert_eq!(resolve(&[served.address], Family::Any).await.unwrap(), "2001:db8::7");
        let failure = resolve(&[served.address], Family::V4).await.unwrap_err();
        assert_eq!(failure.code, FailureCode::DnsNodata);
    }

    #[tokio::test]
    async fn nobody_answers_about_ipv6_and_nobody_waits_for_it() {
        let served =
            serve(|kind| (kind == RecordType::A).then(|| (ResponseCode::NoError, Some(v4()))))
                .await;
        assert_eq!(resolve(&[served.address], Family::Any).await.unwrap(), "192.0.2.7");
    }

    #[tokio::test]
    async fn the_next_server_is_asked_only_where_one_does_not_answer() {
        let good = serve(|_| Some((ResponseCode::NoError, Some(v4())))).await;
        let broken = serve(|_| Some((ResponseCode::ServFail, None))).await;
        let silent = serve(|_| None).await;
        let closed = {
            let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            taken.local_addr().unwrap()
        };
        let find = async |servers: &[SocketAddr]| resolve(servers, Family::V4).await;
        assert_eq!(find(&[closed, good.address]).await.unwrap(), "192.0.2.7");
        assert_eq!(find(&[silent.address, good.address]).await.unwrap(), "192.0.2.7");
        for (servers, code) in [
            (&[broken.address, good.address][..], FailureCode::DnsServfail),
            (&[closed, closed], FailureCode::DnsUnreachable),
            (&[silent.address, closed], FailureCode::DnsTimeout),
            (&[closed, silent.address], FailureCode::DnsTimeout),
            (&[], FailureCode::ConfigInvalid),
        ] {
            assert_eq!(find(servers).await.unwrap_err().code, code, "{servers:?}");
        }
    }

    #[test]
    fn localhost_is_this_machine() {
        for name in ["localhost", "LocalHost.", "a.b.localhost"] {
            let found = of_this_machine(name, Family::Any).unwrap();
            assert!(found.iter().all(IpAddr::is_loopback), "{name}");
        }
        assert_eq!(of_this_machine("localhost", Family::V6).unwrap().len(), 1);
        for name in ["localhost.test", "notlocalhost", "", "."] {
            assert_eq!(of_this_machine(name, Family::Any), None, "{name}");
        }
    }
}
