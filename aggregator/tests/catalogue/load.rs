//! Catalogues and what belongs to them, read from files.

use std::fs;

use vantage_aggregator::catalogue::Catalogue;
use vantage_wire::exchange::assignment::Action;

const PROBE: &str = r#"
    [[market]]
    id = "hk"
    time_zone = "Asia/Hong_Kong"
    [[site]]
    id = "oregon"
    country = "US"
    [[target]]
    id = "a"
    site = "oregon"
    host = "a.example"
    [[target.probe]]
    kind = "tls"
    ca_file = "ca.pem"
"#;

/// A certificate of nobody's, valid in form.
const CERTIFICATE: &str = include_str!("ca.pem");

fn load(pem: Option<&str>) -> Result<Catalogue, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.toml");
    fs::write(&path, PROBE).unwrap();
    if let Some(pem) = pem {
        fs::write(folder.path().join("ca.pem"), pem).unwrap();
    }
    Catalogue::load(&path).map_err(|problems| problems.to_string())
}

#[test]
fn certificate_authorities_are_read_beside_the_catalogue_and_sent_to_agents() {
    let catalogue = load(Some(CERTIFICATE)).unwrap();
    let assignment = catalogue.assignment(&"hk-1".parse().unwrap(), &"hk".parse().unwrap());
    let Action::Tls { tls, .. } = &assignment.targets[0].probes[0].action else { panic!() };
    assert_eq!(tls.ca_pem.as_deref(), Some(CERTIFICATE));
}

#[test]
fn a_private_key_never_goes_to_agents() {
    let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    let message = load(Some(&format!("{CERTIFICATE}{key}"))).unwrap_err();
    assert!(message.contains("\"ca.pem\" holds a private key"), "{message}");
    assert!(!message.contains("c2VjcmV0"), "{message}");
}

#[test]
fn files_that_hold_no_certificate_are_refused() {
    let large = "x".repeat(1024 * 1024 + 1);
    for (pem, problem) in [
        (None, "No such file"),
        (Some(""), "holds no certificate"),
        (Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "\"ca.pem\": "),
        (Some(large.as_str()), "more than 1048576 bytes"),
    ] {
        let message = load(pem).unwrap_err();
        assert!(message.contains(problem), "{message}");
    }
}

#[test]
fn a_catalogue_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.toml");
    let message = Catalogue::load(&path).unwrap_err().to_string();
    assert!(message.contains("catalogue.toml") && message.contains("No such file"), "{message}");
    fs::write(&path, b"# \xff").unwrap();
    let message = Catalogue::load(&path).unwrap_err().to_string();
    assert!(message.contains("not UTF-8, from byte 2 on"), "{message}");
}
