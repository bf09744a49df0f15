//! Configurations: what they mean and what is said of wrong ones.

use vantage_world::services::{
    Admission, Behaviour, CertificateKind, Drip, Entry, Fate, PortKind, ServiceSpec, TcpBehaviour,
};

fn read(toml: &str) -> Result<ServiceSpec, String> {
    toml::from_str(toml).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_those_of_the_protocols() {
    for (kind, port, ports) in [
        ("http", 80, vec![(PortKind::Tcp, 80)]),
        ("https", 443, vec![(PortKind::Tcp, 443)]),
        ("h3", 443, vec![(PortKind::Udp, 443)]),
        ("dns", 53, vec![(PortKind::Tcp, 53), (PortKind::Udp, 53)]),
    ] {
        let spec = read(&format!("kind = '{kind}'")).unwrap();
        assert_eq!(spec.kind(), kind);
        assert_eq!(spec.port(), port);
        assert_eq!(spec.ports(), ports);
        assert!(spec.problems().is_empty(), "{kind}");
    }
    let error = read("kind = 'tcp'").unwrap_err();
    assert!(error.contains("missing field `port`"), "{error}");
}

#[test]
fn every_key_is_read() {
    let toml = r#"
        kind = "https"
        port = 8443
        names = ["sg.shop.test"]
        certificate = "expired"
        tls = ["1.3"]
        alpn = ["http/1.1"]
        behaviour = { drip = { bytes = 5, every-ms = 20 } }
        admission = "close"
    "#;
    let Ok(ServiceSpec::Https(spec)) = read(toml) else { panic!("{:?}", read(toml)) };
    assert_eq!(spec.port, 8443);
    assert_eq!(spec.names, ["sg.shop.test"]);
    assert_eq!(spec.certificate, CertificateKind::Expired);
    assert_eq!((spec.tls.len(), spec.alpn.len()), (1, 1));
    assert_eq!(spec.behaviour, Behaviour::Drip(Drip { bytes: 5, every_ms: 20 }));
    assert_eq!(spec.admission, Admission::Close);
    let Ok(ServiceSpec::Tcp(spec)) = read("kind = 'tcp'\nport = 25\nbehaviour = 'echo'") else {
        panic!()
    };
    assert_eq!(spec.behaviour, TcpBehaviour::Echo);
}

#[test]
fn every_behaviour_has_a_configuration() {
    for (toml, behaviour) in [
        ("'ok'", Behaviour::Ok),
        ("{ status = 503 }", Behaviour::Status(503)),
        ("{ bytes = 9 }", Behaviour::Bytes(9)),
        ("{ wait-ms = 9 }", Behaviour::WaitMs(9)),
        ("'stall'", Behaviour::Stall),
        ("'stall-body'", Behaviour::StallBody),
        ("'truncate'", Behaviour::Truncate),
        ("'reset'", Behaviour::Reset),
        ("'reset-early'", Behaviour::ResetEarly),
        ("'close'", Behaviour::Close),
        ("'garbage'", Behaviour::Garbage),
        ("{ redirect = 3 }", Behaviour::Redirect(3)),
        ("'redirect-loop'", Behaviour::RedirectLoop),
        ("{ retry-after-s = 3 }", Behaviour::RetryAfterS(3)),
        ("'echo-headers'", Behaviour::EchoHeaders),
    ] {
        let Ok(ServiceSpec::H3(spec)) = read(&format!("kind = 'h3'\nbehaviour = {toml}")) else {
            panic!("{toml}")
        };
        assert_eq!(spec.behaviour, behaviour);
    }
}

#[test]
fn records_have_short_and_long_forms() {
    let toml = r#"
        kind = "dns"
        ttl-s = 30
        records = { "shop.test" = ["198.51.100.7", "2001:db8::7"], "one.test" = "192.0.2.1", "bad.test" = "servfail" }
        views = [{ clients = ["192.0.2.9"], records = { "shop.test" = { fate = "silent", delay-ms = 5, ttl-s = 1 } } }]
    "#;
    let Ok(ServiceSpec::Dns(spec)) = read(toml) else { panic!("{:?}", read(toml)) };
    let shop = ["198.51.100.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    assert_eq!(spec.records["shop.test"], Entry::addresses(shop));
    assert_eq!(spec.records["one.test"], Entry::addresses(["192.0.2.1".parse().unwrap()]));
    assert_eq!(spec.records["bad.test"], Entry::fate(Fate::Servfail));
    let seen = &spec.views[0].records["shop.test"];
    assert_eq!((seen.fate, seen.delay_ms, seen.ttl_s), (Fate::Silent, 5, Some(1)));
    assert_eq!(spec.ttl_s, 30);
}

#[test]
fn wrong_configurations_say_what_would_be_right() {
    for (toml, part) in [
        ("port = 1", "missing field `kind`"),
        ("kind = 'smtp'", "expected one of `http`, `https`, `h3`, `dns`, `tcp`"),
        ("kind = 'http'\nnames = []", "unknown field `names`"),
        ("kind = 'https'\ncertificate = 'good'", "expected one of `valid`, `expired`"),
        ("kind = 'https'\ntls = ['1.1']", "expected `1.2` or `1.3`"),
        ("kind = 'http'\nbehaviour = 'slow'", "unknown variant `slow`"),
        ("kind = 'dns'\nrecords = { a = 'nowhere' }", "\"nowhere\" is no address, and as a fate"),
        ("kind = 'dns'\nrecords = { a = 7 }", "expected a list of addresses, an address, a fate"),
        ("kind = 'dns'\nrecords = { a = { adresses = [] } }", "unknown field `adresses`"),
        ("kind = 'dns'\nrecords = { a = ['1.2.3'] }", "invalid IP address syntax"),
    ] {
        let error = read(toml).unwrap_err();
        assert!(error.contains(part), "{toml}: {error}");
    }
}

#[test]
fn problems_name_their_keys() {
    for (toml, part) in [
        ("kind = 'http'\nbehaviour = { status = 99 }", "behaviour: status is 99"),
        ("kind = 'http'\nadmission = 'handshake-failure'", "admission: no http service"),
        ("kind = 'h3'\nadmission = 'close'", "admission: no h3 service"),
        ("kind = 'https'\ntls = []", "tls is empty"),
        ("kind = 'https'\nnames = ['not a name']", "names: \"not a name\""),
        ("kind = 'dns'\nviews = [{ clients = [], records = {} }]", "views[0].clients is empty"),
        ("kind = 'dns'\nrecords = { a = { delay-ms = 60001 } }", "records.\"a\".delay-ms"),
        ("kind = 'dns'\nrecords = { 'a..b' = [] }", "\"a..b\" is no domain name"),
        (
            "kind = 'dns'\nrecords = { a = { cname = 'b', addresses = ['192.0.2.1'] } }",
            "an alias has no other records",
        ),
    ] {
        let problems = read(toml).unwrap().problems();
        assert_eq!(problems.len(), 1, "{toml}: {problems:?}");
        assert!(problems[0].contains(part), "{toml}: {problems:?}");
    }
}
