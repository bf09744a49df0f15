//! A world changes while programs run in it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::clients::{connect, resolve};
use vantage_world::truth::{Flow, PacketKey, PacketRecord};
use vantage_world::{World, WorldConfig, WorldError};

fn config(rtt_ms: u32, address: &str) -> WorldConfig {
    WorldConfig::from_toml(&format!(
        r#"
        [[host]]
        name = "market"
        [[host]]
        name = "site"
        [[host.service]]
        kind = "tcp"
        port = 7
        behaviour = "echo"
        [[host.service]]
        kind = "dns"
        records = {{ "shop.test" = ["{address}"] }}
        [[path]]
        from = ["market"]
        to = ["site"]
        rtt-ms = {rtt_ms}
        "#
    ))
    .unwrap()
}

fn echo(stream: &mut TcpStream, byte: u8) {
    let mut answer = [0];
    stream.write_all(&[byte]).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [byte]);
}

#[test]
fn a_change_of_delay_keeps_connections() {
    let world = World::start(&config(20, "198.51.100.1")).unwrap();
    let site = world.host("site").unwrap().ipv4();
    let market = world.host("market").unwrap();
    let mut connection = market.run(|| connect(site, 7).unwrap()).unwrap();
    echo(&mut connection.stream, b'a');
    world.change(&config(80, "198.51.100.1")).unwrap();
    echo(&mut connection.stream, b'b');
    world.change(&config(10, "198.51.100.1")).unwrap();
    echo(&mut connection.stream, b'c');

    let truth = world.truth().unwrap();
    let flow = Flow { client: 0, client_port: connection.client_port, server: 1, server_port: 7 };
    let delays: Vec<Duration> = truth
        .tcp_segments(flow)
        .into_iter()
        .filter(|record| matches!(record.key, PacketKey::Tcp { payload_bytes: 1, .. }))
        .map(|record: &PacketRecord| record.due.since(record.arrival))
        .collect();
    let ms = Duration::from_millis;
    assert_eq!(delays, [ms(10), ms(10), ms(40), ms(40), ms(5), ms(5)]);
}

#[test]
fn dns_answers_change_while_it_runs() {
    let world = World::start(&config(4, "198.51.100.1")).unwrap();
    let site = world.host("site").unwrap().ipv4().into();
    let ask = |world: &World| {
        let market = world.host("market").unwrap();
        market.run(|| resolve(site, "shop.test.", 1).unwrap()[0].addresses[0].to_string()).unwrap()
    };
    assert_eq!(ask(&world), "198.51.100.1");
    world.change(&config(4, "198.51.100.2")).unwrap();
    assert_eq!(ask(&world), "198.51.100.2");
}

#[test]
fn what_cannot_change_is_refused_and_leaves_everything() {
    let world = World::start(&config(4, "198.51.100.1")).unwrap();
    let mut other = config(80, "198.51.100.1");
    other.hosts[0].name = "elsewhere".into();
    other.paths.clear();
    other.seed = 77;
    let Err(WorldError::Config(problems)) = world.change(&other) else {
        panic!("the change was taken");
    };
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(world.config(), config(4, "198.51.100.1"));
}
