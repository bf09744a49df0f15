//! Connections that are kept between attempts.

use std::time::Duration;

use vantage_agent::Attempt;
use vantage_agent::spec::HttpVersion;
use vantage_wire::Attribution::{Path, Target};
use vantage_wire::FailureCode as Code;
use vantage_wire::Phase::{Connect, Request, Tls, Total, Transfer};
use vantage_world::services::Behaviour;

use super::{HTTPS, SITE, attempts, spec};
use crate::stage;

#[test]
fn a_kept_connection_is_measured_by_itself() {
    let world = stage::world(SITE, "");
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        let mut spec = spec(&world, &format!("{HTTPS}/ok"));
        (spec.reuse, spec.version) = (true, version);
        let before = world.service("site", 0).unwrap().connections();
        let attempts = attempts(&world, spec, &|_| {}, 4);
        assert!(attempts.iter().all(Attempt::is_ok), "{attempts:?}");
        stage::assert_phases(&attempts[0], &[Connect, Tls, Request, Transfer, Total]);
        for warm in &attempts[1..] {
            assert!(warm.warm && warm.address.is_some() && warm.facts.tls.is_some());
            stage::assert_phases(warm, &[Request, Transfer, Total]);
            assert!(stage::took(warm, Request) >= stage::RTT);
        }
        assert_eq!(world.service("site", 0).unwrap().connections() - before, 1);
    }
}

#[test]
fn a_kept_connection_that_the_path_cut_is_made_anew() {
    let rule = "interference = [{ protocol = \"tcp\", action = \"kill\", after-ms = 150 }]";
    let world = stage::world(SITE, rule);
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        let mut spec = spec(&world, &format!("{HTTPS}/ok"));
        (spec.reuse, spec.version) = (true, version);
        let attempts =
            attempts(&world, spec, &|_| std::thread::sleep(Duration::from_millis(200)), 3);
        assert!(attempts.iter().all(|attempt| attempt.is_ok() && !attempt.warm), "{attempts:?}");
    }
}

#[test]
fn a_kept_connection_that_is_closed_under_a_request_is_made_anew() {
    let world = stage::world(SITE, "");
    let service = world.service("site", 0).unwrap();
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        for end in [Behaviour::Close, Behaviour::ResetEarly] {
            let mut spec = spec(&world, &format!("{HTTPS}/"));
            (spec.reuse, spec.version) = (true, version);
            let before = |number| {
                let behaviour = if number == 1 { end.clone() } else { Behaviour::Ok };
                service.set_behaviour(behaviour).unwrap();
            };
            let attempts = attempts(&world, spec, &before, 4);
            // The second asked twice, and was left without an answer twice.
            let code = if end == Behaviour::Close { Code::HttpEof } else { Code::HttpReset };
            let by = if end == Behaviour::Close { Target } else { Path };
            stage::assert_fails(&attempts[1], code, Request, by);
            stage::assert_phases(&attempts[1], &[Connect, Tls]);
            assert!(attempts[2].is_ok() && !attempts[2].warm, "{attempts:?}");
            assert!(attempts[3].is_ok() && attempts[3].warm, "{attempts:?}");
        }
    }
}
