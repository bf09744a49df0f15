//! A capture at a host sees what the host's programs and the truth log see, between the two.

use std::time::Duration;

use crate::clients::{connect, ping};
use vantage_world::World;
use vantage_world::truth::{Flow, PacketKey};

/// By how much the clocks of a join may differ.
const CLOCKS: Duration = Duration::from_micros(2);

#[test]
fn a_capture_lies_between_programs_and_the_truth() {
    let world = World::start_toml(
        r#"
        [[host]]
        name = "hk-1"
        [[host]]
        name = "singapore"
        [[host.service]]
        kind = "tcp"
        port = 7
        behaviour = "echo"
        [[host]]
        name = "tw-1"
        [[path]]
        from = ["*"]
        to = ["singapore"]
        rtt-ms = 20
        "#,
    )
    .unwrap();
    let (market, site) = (world.host("hk-1").unwrap(), world.host("singapore").unwrap());
    let site_address = site.ipv4();
    // The kernel begins to stamp some moments after it was first asked to.
    market.run(|| ping(site_address, 1)).unwrap().unwrap();
    let capture = world.capture("hk-1").unwrap();
    let connected = market.run(|| connect(site_address, 7)).unwrap().unwrap();
    let echo = market.run(|| ping(site_address, 2)).unwrap().unwrap();
    world.host("tw-1").unwrap().run(|| ping(site_address, 3)).unwrap().unwrap();
    let captured = capture.finish().unwrap();
    let truth = world.truth().unwrap();

    assert_eq!(captured.not_kept(), 0);
    let ends = [market.position(), site.position()];
    assert!(captured.records().iter().all(|record| {
        ends.contains(&record.from) && ends.contains(&record.to) && record.from != record.to
    }));
    let others = PacketKey::Icmp { kind: 8, code: 0, id: echo.id, seq: 3 };
    assert!(captured.records().iter().all(|record| record.key != others));

    let flow = Flow {
        client: market.position(),
        client_port: connected.client_port,
        server: site.position(),
        server_port: 7,
    };
    let handshakes = [&truth, &captured].map(|seen| seen.tcp_handshake(flow).unwrap());
    let echoes = [&truth, &captured]
        .map(|seen| seen.icmp_echo(market.position(), echo.id, echo.seq).unwrap());
    for ([by_router, by_capture], measured) in [(handshakes, connected.took), (echoes, echo.took)] {
        println!("router {by_router:?}, capture {by_capture:?}, program {measured:?}");
        assert!(by_router <= by_capture + CLOCKS, "{by_router:?} {by_capture:?}");
        assert!(by_capture <= measured + CLOCKS, "{by_capture:?} {measured:?}");
    }
}
