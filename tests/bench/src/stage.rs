//! A market and a site, and the agent at the market.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_agent::net::tls::TlsClients;
use vantage_agent::net::{Resolver, TcpNetwork};
use vantage_agent::probe::Probe;
use vantage_agent::runner::{InFlight, Outcome, Runner};
use vantage_agent::schedule::{SHORTEST_INTERVAL, spread};
use vantage_agent::spec::{Action, PhaseTimeouts};
use vantage_agent::{Guard, ProbeSpec, Surroundings};
use vantage_wire::report::Family;

/// The site's address in worlds of [`market_and_site`].
pub const SITE: &str = "192.0.2.2";
/// A port of the site that takes connections and closes them.
pub const TCP_PORT: u16 = 7;

/// The world file of `market` and `site`, which serves TCP, HTTP, HTTPS and HTTP/3, so many
/// milliseconds apart.
pub fn market_and_site(rtt_ms: u32) -> String {
    format!(
        r#"
        [[host]]
        name = "market"
        [[host]]
        name = "site"
        service = [
            {{ kind = "tcp", port = {TCP_PORT}, behaviour = "close" }},
            {{ kind = "http" }},
            {{ kind = "https" }},
            {{ kind = "h3" }},
        ]
        [[path]]
        from = ["market"]
        to = ["site"]
        rtt-ms = {rtt_ms}
        "#
    )
}

/// The kernel's network, every address allowed, and no names but those that need no question.
pub fn surroundings() -> Surroundings<TcpNetwork> {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 53));
    Surroundings {
        network: Arc::new(TcpNetwork::new(Resolver::new(vec![nobody], 1))),
        guard: Guard::ALLOW_PRIVATE,
        tls: TlsClients::new(),
        contact: None,
    }
}

/// A probe with a timeout of five seconds and nothing else set.
pub fn spec(action: Action) -> ProbeSpec {
    ProbeSpec {
        action,
        family: Family::Any,
        timeout: Duration::from_secs(5),
        phase_timeouts: PhaseTimeouts::default(),
    }
}

/// Probes of one kind.
#[derive(Debug, Clone)]
pub struct Load {
    /// What each does.
    pub action: Action,
    /// How many attempts they make a second, all together; a multiple of ten.
    pub per_second: u32,
}

/// Runs loads in the calling thread as an agent does, each probe every 100 ms and the probes
/// spread over that time, and returns the outcomes of each load in the order in which they were
/// due. Those of the first second are left out: an agent runs for weeks.
///
/// # Panics
/// Where there is no run-time or a probe cannot be prepared.
#[expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]
pub fn run_agent(loads: &[Load], length: Duration) -> Vec<Vec<Outcome>> {
    const WARM_UP: Duration = Duration::from_secs(1);
    let mut by_load = vec![Vec::new(); loads.len()];
    let work = async {
        let mut runner = Runner::new(InFlight::default());
        let surroundings = surroundings();
        let slots = (WARM_UP + length).as_millis() / SHORTEST_INTERVAL.as_millis();
        let mut load_of = Vec::new();
        let start = Instant::now();
        for (load, Load { action, per_second }) in loads.iter().enumerate() {
            for number in 0..per_second / 10 {
                let probe = Probe::new(spec(action.clone()), surroundings.clone())
                    .expect("the probe makes sense");
                let first = start + spread(&format!("{load}/{number}"), SHORTEST_INTERVAL);
                runner.add(probe, first, SHORTEST_INTERVAL, u64::try_from(slots).ok());
                load_of.push(load);
            }
        }
        let take = |outcome: Outcome| {
            if outcome.due >= start + WARM_UP {
                by_load[load_of[outcome.probe]].push(outcome);
            }
        };
        runner.run(take, CancellationToken::new()).await;
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a run-time")
        .block_on(work);
    for outcomes in &mut by_load {
        outcomes.sort_by_key(|outcome| outcome.due);
    }
    by_load
}
