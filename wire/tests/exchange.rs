//! What agents and aggregator say to each other keeps its form.

use serde_json::json;
use vantage_wire::UtcMicros;
use vantage_wire::exchange::request::{Authorization, signing_input};
use vantage_wire::exchange::{
    Acknowledgement, Assignment, Enrolment, EnrolmentRequest, ProblemDocument, Stored,
    enrolment_signing_input,
};

#[test]
fn the_documents_have_their_frozen_form() {
    let acknowledgement = serde_json::to_value(Acknowledgement { outcome: Stored::Duplicate });
    assert_eq!(acknowledgement.unwrap(), json!({"outcome": "duplicate"}));
    let enrolment: Enrolment =
        serde_json::from_value(json!({"vantage": "hk-1", "market": "hk", "later": 1})).unwrap();
    assert_eq!(enrolment.market.as_str(), "hk");
    let problem: ProblemDocument = serde_json::from_value(
        json!({"type": "/problems/unknown-agent", "title": "Unknown agent", "status": 401}),
    )
    .unwrap();
    assert_eq!(problem.code(), "unknown-agent");
}

#[test]
fn an_assignment_reads_as_it_was_frozen() {
    let text = include_str!("../testdata/v1/assignment.json");
    let assignment: Assignment = serde_json::from_str(text).unwrap();
    assert_eq!(assignment.targets.len(), 1);
    assert_eq!(assignment.targets[0].probes.len(), 6);
    let again = serde_json::to_value(&assignment).unwrap();
    assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
}

#[test]
fn names_that_break_the_rule_are_refused() {
    let error = serde_json::from_value::<Enrolment>(json!({"vantage": "HK", "market": "hk"}));
    assert!(error.unwrap_err().to_string().contains("vantage id has 'H' at character 1"));
}

#[test]
fn a_token_is_never_printed() {
    let request = EnrolmentRequest {
        token: "secret".to_owned(),
        public_key: "key".to_owned(),
        signature: "signature".to_owned(),
        software: "vantage-agent".to_owned(),
    };
    assert!(!format!("{request:?}").contains("secret"));
}

#[test]
fn what_is_signed_cannot_be_moved_between_fields() {
    let vantage = "hk-1".parse().unwrap();
    let input = signing_input("GET", "/api/v1/assignment?version=a", &vantage, UtcMicros::new(-7));
    assert_eq!(input, b"vantage request v1\0GET\0/api/v1/assignment?version=a\0hk-1\0-7");
    let enrolment = enrolment_signing_input("token", &[7; 32]);
    assert!(enrolment.starts_with(b"vantage enrolment v1\0token\0"));
    assert_eq!(enrolment.len(), 21 + 5 + 1 + 32);
}

#[test]
fn an_authorization_survives() {
    let header = "Vantage-Ed25519 hk-1 1700000000000000 c2ln";
    let authorization: Authorization = header.parse().unwrap();
    assert_eq!(authorization.to_string(), header);
    for bad in [
        "",
        "Bearer abc",
        "Vantage-Ed25519 hk-1 now c2ln",
        "Vantage-Ed25519 HK 1 c2ln",
        "Vantage-Ed25519 hk-1 1",
        "Vantage-Ed25519 hk-1 1 c2ln more",
    ] {
        assert!(bad.parse::<Authorization>().is_err(), "{bad}");
    }
}
