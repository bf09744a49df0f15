//! Verification of certificate chains, which remembers what it has found good.
//!
//! Whether a chain is good is a function of its bytes, the name, the authorities and the time, and of
//! the time only by the validity of its certificates: nothing is asked of anybody (no revocation
//! list, no OCSP). So the same chain for the same name needs no second verification while every
//! certificate in it is valid, and the verdict is as true as the first. A target that is probed every
//! second shows the same chain for weeks; to verify it takes a signature's verification per certificate, the dearest
//! part of a handshake beside the key exchange.
//!
//! Only what was found good is remembered. The handshake's own signature, by which the server shows
//! that it holds the leaf's key, is verified at every attempt; it does not pass through here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{Context, Digest, SHA256};
use rustls::Error;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::certificate::Certificate;

/// Good chains remembered, of some 64 bytes each. Beyond, all are forgotten: an agent has fewer
/// targets, unless they show another chain every time.
const MOST_REMEMBERED: usize = 4_096;

/// webpki's verification by one set of authorities.
#[derive(Debug)]
pub struct ChainVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    good: Mutex<BTreeMap<Fingerprint, Good>>,
}

/// SHA-256 of a chain and the name that it is for.
type Fingerprint = [u8; 32];

/// A chain that was found good.
#[derive(Debug, Clone, Copy)]
struct Good {
    leaf: Certificate,
    // Within these all certificates of the chain are valid: seconds since the Unix epoch.
    begins_unix_s: i64,
    expires_unix_s: i64,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// What the leaf says of itself; `None` where it cannot be read.
    pub leaf: Option<Certificate>,
    /// Whether the chain is good.
    pub verdict: Result<ServerCertVerified, Error>,
}

impl ChainVerifier {
    /// Verification by the authorities of this verifier.
    pub fn new(webpki: Arc<WebPkiServerVerifier>) -> Self {
        Self { webpki, good: Mutex::default() }
    }

    /// The verification by itself, which remembers nothing.
    pub fn webpki(&self) -> &Arc<WebPkiServerVerifier> {
        &self.webpki
    }

    /// Verifies that a chain is good for a name at a time.
    pub fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Found {
        let fingerprint = fingerprint(leaf, others, name);
        if let Some(good) = self.remembered(&fingerprint, now) {
            return Found { leaf: Some(good.leaf), verdict: Ok(ServerCertVerified::assertion()) };
        }
        // webpki's verifier looks at no OCSP response.
        let verdict = self.webpki.verify_server_cert(leaf, others, name, &[], now);
        // What cannot be read has no expiry; webpki says the rest.
        let read = Certificate::read(leaf);
        if verdict.is_ok()
            && let Some(leaf) = read
            && let Some(good) = Good::of(leaf, others)
        {
            self.remember(fingerprint, good);
        }
        Found { leaf: read, verdict }
    }

    fn remembered(&self, fingerprint: &Fingerprint, now: UnixTime) -> Option<Good> {
        let now_unix_s = i64::try_from(now.as_secs()).ok()?;
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let good = good.get(fingerprint)?;
        (good.begins_unix_s..=good.expires_unix_s).contains(&now_unix_s).then_some(*good)
    }

    fn remember(&self, fingerprint: Fingerprint, chain: Good) {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= MOST_REMEMBERED {
            good.clear();
        }
        good.insert(fingerprint, chain);
    }
}

impl Good {
    /// `None` where a certificate cannot be read, so that nobody knows how long it is valid.
    fn of(leaf: Certificate, others: &[CertificateDer<'_>]) -> Option<Self> {
        let alone =
            Self { leaf, begins_unix_s: leaf.begins_unix_s, expires_unix_s: leaf.expires_unix_s };
        others.iter().try_fold(alone, |chain, other| {
            let other = Certificate::read(other)?;
            Some(Self {
                begins_unix_s: chain.begins_unix_s.max(other.begins_unix_s),
                expires_unix_s: chain.expires_unix_s.min(other.expires_unix_s),
                ..chain
            })
        })
    }
}

fn fingerprint(
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    name: &ServerName<'_>,
) -> Fingerprint {
    let mut context = Context::new(&SHA256);
    // Lengths keep the parts apart.
    let mut add = |part: &[u8]| {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    };
    add(name.to_str().as_bytes());
    add(leaf);
    for other in others {
        add(other);
    }
    let digest: Digest = context.finish();
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(digest.as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::crypto::ring;
    use rustls::{CertificateError, RootCertStore};
    use vantage_world::clock;
    use vantage_world::services::{Authority, CertificateKind, Identity};

    use super::*;

    const DAY_S: u64 = 86_400;

    struct Stage {
        verifier: ChainVerifier,
        authority: Authority,
        now_unix_s: u64,
    }

    impl Stage {
        fn new() -> Self {
            let now = clock::wall();
            let authority = Authority::generate(now).unwrap();
            let mut roots = RootCertStore::empty();
            roots.add(authority.ca_der().clone()).unwrap();
            let provider = Arc::new(ring::default_provider());
            let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = ChainVerifier::new(webpki.build().unwrap());
            let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
            Self { verifier, authority, now_unix_s: since.as_secs() }
        }

        fn issue(&self, kind: CertificateKind) -> Identity {
            self.authority.issue(kind, &["shop.test".to_owned()], &[]).unwrap()
        }

        fn verify(&self, chain: &[CertificateDer<'_>], name: &str, at_s: u64) -> Result<(), Error> {
            let name = ServerName::try_from(name).unwrap();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(at_s));
            let found = self.verifier.verify(&chain[0], &chain[1..], &name, now);
            assert!(found.leaf.is_some());
            found.verdict.map(|_| ())
        }

        fn remembered(&self) -> usize {
            self.verifier.good.lock().unwrap().len()
        }
    }

    fn problem(verdict: Result<(), Error>) -> CertificateError {
        match verdict.unwrap_err() {
            Error::InvalidCertificate(problem) => problem,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_good_chain_is_good_until_it_expires_and_for_its_name_only() {
        let stage = Stage::new();
        let chain = stage.issue(CertificateKind::Valid).chain;
        let now = stage.now_unix_s;
        let expires = u64::try_from(Certificate::read(&chain[0]).unwrap().expires_unix_s).unwrap();
        for at in [now, now + 1, expires] {
            stage.verify(&chain, "shop.test", at).unwrap();
        }
        assert_eq!(stage.remembered(), 1);
        let late = problem(stage.verify(&chain, "shop.test", expires + 1));
        assert!(matches!(late, CertificateError::ExpiredContext { .. }), "{late:?}");
        let early = problem(stage.verify(&chain, "shop.test", now - 2 * DAY_S));
        assert!(matches!(early, CertificateError::NotValidYetContext { .. }), "{early:?}");
        let other = problem(stage.verify(&chain, "other.test", now));
        assert!(matches!(other, CertificateError::NotValidForNameContext { .. }), "{other:?}");
    }

    #[test]
    fn a_chain_is_remembered_as_long_as_all_of_it_is_valid() {
        let stage = Stage::new();
        let mut chain = stage.issue(CertificateKind::Valid).chain;
        let begins = |der| Certificate::read(der).unwrap().begins_unix_s;
        // Shown for nothing, and valid for a shorter time than the leaf.
        chain.extend(stage.issue(CertificateKind::NotYetValid).chain);
        stage.verify(&chain, "shop.test", stage.now_unix_s).unwrap();
        let good = *stage.verifier.good.lock().unwrap().values().next().unwrap();
        assert_eq!(good.begins_unix_s, begins(&chain[1]));
        let name = ServerName::try_from("shop.test").unwrap();
        let fingerprint = fingerprint(&chain[0], &chain[1..], &name);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(stage.now_unix_s));
        assert!(stage.verifier.remembered(&fingerprint, now).is_none());
        stage.verify(&chain, "shop.test", stage.now_unix_s).unwrap();
    }

    #[test]
    fn what_is_not_good_is_judged_anew_every_time() {
        let stage = Stage::new();
        for kind in [CertificateKind::Untrusted, CertificateKind::Forged, CertificateKind::Expired]
        {
            let chain = stage.issue(kind).chain;
            for _ in 0..2 {
                stage.verify(&chain, "shop.test", stage.now_unix_s).unwrap_err();
            }
        }
        assert_eq!(stage.remembered(), 0);
        // One bit less than a good one.
        let good = stage.issue(CertificateKind::Valid).chain;
        stage.verify(&good, "shop.test", stage.now_unix_s).unwrap();
        let mut bytes = good[0].to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        stage.verify(&[CertificateDer::from(bytes)], "shop.test", stage.now_unix_s).unwrap_err();
    }

    #[test]
    fn the_number_remembered_is_bounded() {
        let stage = Stage::new();
        let leaf = Certificate { begins_unix_s: 0, expires_unix_s: 1, self_signed: false };
        for number in 0..2 * MOST_REMEMBERED as u64 {
            let mut fingerprint = Fingerprint::default();
            fingerprint[..8].copy_from_slice(&number.to_be_bytes());
            stage.verifier.remember(fingerprint, Good::of(leaf, &[]).unwrap());
        }
        assert!(stage.remembered() <= MOST_REMEMBERED);
    }
}
