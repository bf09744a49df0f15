//! Errors of TLS as failures.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};
use vantage_wire::{Failure, FailureCode, Phase};

use super::witness::Witness;
use crate::net::error::{Origin, classify_io};

/// The failure that a handshake's error means.
pub fn classify_handshake(error: &io::Error, witness: &Witness) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(error) => classify_tls(error, witness),
        None => classify_io(error, Phase::Tls, Origin::Remote),
    }
}

/// The failure that an error of TLS means, on the connection of this witness: in phase `tls`, also
/// where it shows later, as a TLS 1.3 server's verdict on our missing certificate does.
pub fn classify_tls(error: &Error, witness: &Witness) -> Failure {
    match error {
        Error::InvalidCertificate(problem) => {
            Failure::new(certificate(problem, witness), &error.to_string())
        }
        Error::NoCertificatesPresented => {
            Failure::new(FailureCode::TlsCertOther, &error.to_string())
        }
        Error::AlertReceived(alert) => {
            let code = if wants_certificate(*alert, witness) {
                FailureCode::TlsClientCert
            } else {
                FailureCode::TlsHandshake
            };
            Failure::new(code, &format!("received alert {}", alert_name(*alert)))
        }
        Error::FailedToGetCurrentTime | Error::FailedToGetRandomBytes => {
            Failure::in_phase(FailureCode::AgentResource, Phase::Tls, &error.to_string())
        }
        other => Failure::new(FailureCode::TlsHandshake, &other.to_string()),
    }
}

fn certificate(problem: &CertificateError, witness: &Witness) -> FailureCode {
    use CertificateError as Problem;
    match problem {
        Problem::Expired
        | Problem::ExpiredContext { .. }
        | Problem::NotValidYet
        | Problem::NotValidYetContext { .. } => FailureCode::TlsCertExpired,
        Problem::NotValidForName | Problem::NotValidForNameContext { .. } => {
            FailureCode::TlsCertName
        }
        Problem::UnknownIssuer => FailureCode::TlsCertUntrusted,
        // What `openssl req -x509` makes calls itself an authority, or is of version 1: webpki
        // refuses it for that before it looks for the issuer, which is nobody.
        Problem::Other(_) if witness.self_signed() => FailureCode::TlsCertUntrusted,
        _ => FailureCode::TlsCertOther,
    }
}

/// Whether the alert demands a certificate of ours. TLS 1.2 has no alert of its own for that:
/// servers answer an empty certificate with one of several.
fn wants_certificate(alert: AlertDescription, witness: &Witness) -> bool {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => true,
        Alert::BadCertificate
        | Alert::NoCertificate
        | Alert::UnknownCA
        | Alert::CertificateUnknown
        | Alert::AccessDenied
        | Alert::HandshakeFailure => witness.certificate_requested(),
        _ => false,
    }
}

/// The alert's name as RFC 8446 §6 writes it.
fn alert_name(alert: AlertDescription) -> String {
    let Some(name) = alert.as_str() else { return u8::from(alert).to_string() };
    let mut spelled = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for letter in name.chars() {
        if letter.is_uppercase() && after_small {
            spelled.push('_');
        }
        after_small = letter.is_lowercase();
        spelled.push(letter.to_ascii_lowercase());
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_codes() {
        use FailureCode as Code;
        let witness = Witness::default();
        for (error, expected) in [
            (Error::InvalidCertificate(CertificateError::NotValidYet), Code::TlsCertExpired),
            (Error::InvalidCertificate(CertificateError::BadSignature), Code::TlsCertOther),
            (Error::NoCertificatesPresented, Code::TlsCertOther),
            (Error::AlertReceived(AlertDescription::CertificateRequired), Code::TlsClientCert),
            (Error::AlertReceived(AlertDescription::BadCertificate), Code::TlsHandshake),
            (Error::DecryptError, Code::TlsHandshake),
            (Error::FailedToGetRandomBytes, Code::AgentResource),
        ] {
            let failure = classify_tls(&error, &witness);
            assert_eq!((failure.code, failure.phase), (expected, Phase::Tls), "{error}");
        }
    }

    #[test]
    fn an_alert_after_a_request_for_our_certificate_demands_it() {
        let witness = Witness::default();
        witness.without_certificate().resolve(&[], &[]);
        let error = Error::AlertReceived(AlertDescription::BadCertificate);
        assert_eq!(classify_tls(&error, &witness).code, FailureCode::TlsClientCert);
    }

    #[test]
    fn alerts_are_named_as_in_the_rfc() {
        assert_eq!(alert_name(AlertDescription::HandshakeFailure), "handshake_failure");
        assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(alert_name(AlertDescription::Unknown(200)), "200");
    }
}
