//! Six markets, six sites and the aggregator's place; what is probed at each site, and how that ends.

use std::fmt::Write as _;

use vantage_world::World;

/// The markets; each has one agent, `hk-1` and so on.
pub(crate) const MARKETS: [&str; 6] = ["hk", "tw", "in", "ru", "mx", "id"];
/// The sites. Port 7 answers at each; what else is probed there fails, always in the same way.
const SITES: [Site; 6] = [
    Site {
        name: "beijing",
        fails: "tcp-refused",
        probe: "kind = \"tcp\"\nport = 8",
        service: "",
        interference: "",
    },
    Site {
        name: "oregon",
        fails: "tcp-timeout",
        probe: "kind = \"tcp\"\nport = 9",
        service: "",
        interference: "{ action = \"drop\", protocol = \"tcp\", ports = [9] }",
    },
    Site {
        name: "singapore",
        fails: "tls-reset",
        probe: "kind = \"tls\"\nserver_name = \"blocked.test\"",
        service: "kind = \"https\"",
        interference: "{ action = \"reset\", protocol = \"tcp\", names = [\"blocked.test\"] }",
    },
    Site {
        name: "california",
        fails: "http-5xx",
        probe: "kind = \"http\"\nurl = \"http://HOST/\"",
        service: "kind = \"http\"\nbehaviour = { status = 503 }",
        interference: "",
    },
    Site {
        name: "mumbai",
        fails: "tls-eof",
        probe: "kind = \"tls\"",
        service: "kind = \"https\"\nadmission = \"close-after-client-hello\"",
        interference: "",
    },
    Site {
        name: "sao-paulo",
        fails: "tcp-unreachable",
        probe: "kind = \"tcp\"\nport = 9",
        service: "",
        interference: "{ action = \"reject\", protocol = \"tcp\", ports = [9], code = \"host\" }",
    },
];
/// A probe that succeeds; the others bear the name of the code that they fail with.
pub(crate) const SUCCEEDS: &str = "open";
/// Length of windows, in seconds.
pub(crate) const WINDOW_S: i64 = 1;
/// Attempts of one probe in one window.
pub(crate) const DUE: u64 = 10;

/// A site and the failure that it is there for.
struct Site {
    name: &'static str,
    /// The code, with hyphens: the id of the probe.
    fails: &'static str,
    /// Keys of the probe.
    probe: &'static str,
    /// Keys of the service that it meets, if one is needed.
    service: &'static str,
    /// The rule on the way there, if one is needed.
    interference: &'static str,
}

/// The world file; where `cut`, no agent reaches the aggregator.
pub(crate) fn world(cut: bool) -> String {
    let mut text = String::from("[[host]]\nname = \"hq\"\n");
    for market in MARKETS {
        writeln!(text, "[[host]]\nname = \"{market}-1\"").unwrap();
    }
    for site in &SITES {
        writeln!(text, "[[host]]\nname = \"{}\"", site.name).unwrap();
        text.push_str("[[host.service]]\nkind = \"tcp\"\nport = 7\nbehaviour = \"close\"\n");
        if !site.service.is_empty() {
            writeln!(text, "[[host.service]]\n{}", site.service).unwrap();
        }
    }
    for market in MARKETS {
        writeln!(
            text,
            "[[path]]\nfrom = [\"{market}-1\"]\nto = [\"hq\"]\nrtt-ms = 30\nblackhole = {cut}"
        )
        .unwrap();
        for (number, site) in SITES.iter().enumerate() {
            let rtt_ms = 10 + 20 * number;
            writeln!(
                text,
                "[[path]]\nfrom = [\"{market}-1\"]\nto = [\"{}\"]\nrtt-ms = {rtt_ms}\n\
                 interference = [{}]",
                site.name, site.interference
            )
            .unwrap();
        }
    }
    text
}

/// Two probes of every site, one that succeeds and one that fails.
pub(crate) fn catalogue(world: &World) -> String {
    let mut text = format!(
        "[defaults]\nwindow = \"{WINDOW_S}s\"\ninterval = \"100ms\"\ntimeout = \"500ms\"\n\
         max_attempts_per_second = 1000\n"
    );
    for market in MARKETS {
        writeln!(text, "[[market]]\nid = \"{market}\"\nweight = 1\ntime_zone = \"UTC\"").unwrap();
    }
    for Site { name, fails, probe, .. } in &SITES {
        let host = world.host(name).unwrap().ipv4().to_string();
        let probe = probe.replace("HOST", &host);
        writeln!(
            text,
            "[[site]]\nid = \"{name}\"\ncountry = \"US\"\n\
             [[target]]\nid = \"{name}-web\"\nsite = \"{name}\"\nhost = \"{host}\"\n\
             allow_private = true\n\
             [[target.probe]]\nid = \"{SUCCEEDS}\"\nkind = \"tcp\"\nport = 7\n\
             [[target.probe]]\nid = \"{fails}\"\n{probe}"
        )
        .unwrap();
    }
    text
}
