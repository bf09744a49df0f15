//! What was learned in passing, in a few words.

use crate::attempt::Facts;
use crate::cli::paint::printable;

const SECONDS_PER_DAY: i64 = 86_400;

/// A few words beside an attempt: status, version, TTL.
pub fn brief(facts: &Facts) -> String {
    let mut words = Vec::new();
    if let Some(http) = &facts.http {
        words.extend(http.status.map(|status| status.to_string()));
        words.extend(http.version.as_deref().map(protocol));
        if http.redirects > 0 {
            words.push(format!("{} redirects", http.redirects));
        }
    } else if let Some(tls) = &facts.tls {
        words.extend(tls.version.as_deref().map(printable));
    }
    if let Some(dns) = &facts.dns {
        words.extend(dns.rcode.as_deref().map(printable));
        words.extend(dns.answers.first().map(|answer| printable(answer)));
        if dns.answers.len() > 1 {
            words.push(format!("+{}", dns.answers.len() - 1));
        }
    }
    words.extend(facts.ttl.map(|ttl| format!("ttl {ttl}")));
    if let Some(sent_again) = facts.syn_retransmits.filter(|count| *count > 0) {
        words.push(format!("SYN sent {} times", sent_again + 1));
    }
    words.join(" ")
}

/// Everything that was negotiated, for a summary. `now_unix_s` is the date.
pub fn full(facts: &Facts, now_unix_s: i64) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(tls) = &facts.tls {
        parts.extend(tls.version.as_deref().map(printable));
        parts.extend(tls.cipher.as_deref().map(printable));
        parts.extend(tls.alpn.as_deref().map(|alpn| format!("ALPN {}", printable(alpn))));
        parts.extend(tls.expires_unix_s.map(|expires| expiry(expires, now_unix_s)));
    }
    if let Some(http) = &facts.http {
        parts.extend(http.version.as_deref().map(protocol));
        parts.extend(http.status.map(|status| format!("status {status}")));
        parts.push(format!("{} bytes of body", http.body_bytes));
    }
    if let Some(dns) = &facts.dns {
        parts.extend(dns.rcode.as_deref().map(printable));
        parts.extend(dns.answers.iter().take(4).map(|answer| printable(answer)));
    }
    parts.extend(facts.ttl.map(|ttl| format!("TTL {ttl}")));
    parts
}

fn expiry(expires: i64, now: i64) -> String {
    let days = expires.saturating_sub(now).div_euclid(SECONDS_PER_DAY);
    match days {
        ..0 => format!("certificate expired {} days ago", -days),
        0 => "certificate expires today".to_owned(),
        1 => "certificate expires in 1 day".to_owned(),
        _ => format!("certificate expires in {days} days"),
    }
}

/// `HTTP/2.0` as people write it.
fn protocol(version: &str) -> String {
    printable(version.strip_suffix(".0").filter(|short| *short != "HTTP/1").unwrap_or(version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{HttpFacts, TlsFacts};

    #[test]
    fn facts_are_words_of_people() {
        let tls = TlsFacts {
            version: Some("TLSv1.3".into()),
            cipher: Some("TLS13_AES_128_GCM_SHA256".into()),
            alpn: Some("h2".into()),
            expires_unix_s: Some(90 * SECONDS_PER_DAY + 5),
        };
        let http = HttpFacts {
            status: Some(200),
            version: Some("HTTP/2.0".into()),
            ..HttpFacts::default()
        };
        let facts = Facts { tls: Some(tls), http: Some(http), ..Facts::default() };
        assert_eq!(brief(&facts), "200 HTTP/2");
        assert_eq!(
            full(&facts, SECONDS_PER_DAY).join(" · "),
            "TLSv1.3 · TLS13_AES_128_GCM_SHA256 · ALPN h2 · certificate expires in 89 days · \
             HTTP/2 · status 200 · 0 bytes of body"
        );
        assert_eq!(expiry(0, 10 * SECONDS_PER_DAY), "certificate expired 10 days ago");
        assert_eq!(expiry(SECONDS_PER_DAY, 10), "certificate expires today");
    }
}
