//! What is encoded can be decoded, and is the same.

use std::convert::Infallible;

use proptest::prelude::*;
use vantage_wire::report::{Decoded, Envelope, Omitted, Report, signing_input};

use crate::{arbitrary, samples};

proptest! {
    #[test]
    fn report_survives(report in arbitrary::report()) {
        let bytes = report.encode().unwrap();
        let Decoded { report: decoded, omitted } = Report::decode(&bytes).unwrap();
        prop_assert_eq!(&decoded, &report);
        prop_assert_eq!(omitted, Omitted::default());
        prop_assert_eq!(decoded.encode().unwrap(), bytes);
    }

    #[test]
    fn envelope_survives(report in arbitrary::report(), signature: [u8; 32]) {
        let signature = <[u8; 64]>::try_from([signature, signature].concat()).unwrap();
        let bytes = Envelope::seal(&report, |_| signature).unwrap().encode();
        let envelope = Envelope::decode(&bytes).unwrap();
        prop_assert_eq!(envelope.vantage(), &report.vantage);
        prop_assert_eq!(envelope.signature(), &signature);
        prop_assert_eq!(envelope.encode(), bytes);
        let opened = envelope.verify(|_, _| Ok::<_, Infallible>(())).unwrap().open().unwrap();
        prop_assert_eq!(opened.report, report);
    }
}

#[test]
fn signer_and_verifier_see_the_same_bytes() {
    let mut signed = Vec::new();
    let envelope = Envelope::seal(&samples::full(), |input| {
        signed = input.to_vec();
        samples::SIGNATURE
    })
    .unwrap();
    assert!(signed.starts_with(b"vantage report v1\0\x0bsao-paulo-2"));
    envelope
        .verify(|input, signature| {
            assert_eq!(input, signed);
            assert_eq!(signature, &samples::SIGNATURE);
            Ok::<_, Infallible>(())
        })
        .unwrap();
}

#[test]
fn signing_input_keeps_name_and_body_apart() {
    let input = |vantage: &str, body| signing_input(1, &vantage.parse().unwrap(), body);
    assert_ne!(input("hk", b"-1body"), input("hk-1", b"body"));
    assert_ne!(
        signing_input(1, &"hk".parse().unwrap(), b""),
        signing_input(2, &"hk".parse().unwrap(), b"")
    );
}

#[test]
fn envelope_that_fails_verification_stays_closed() {
    let envelope = Envelope::seal(&samples::minimal(), |_| samples::SIGNATURE).unwrap();
    assert_eq!(envelope.verify(|_, _| Err("forged")), Err("forged"));
}
