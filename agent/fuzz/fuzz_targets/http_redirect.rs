//! Any `Location`, `Retry-After` and `Date` (lines of the input): a redirect leads to a host by
//! `http` or `https`, and a pause has a bound.

#![no_main]

use http::header::{DATE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, Uri};
use libfuzzer_sys::fuzz_target;
use vantage_agent::probe::{LONGEST_PAUSE, redirect_target, retry_after};

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let (mut head, ()) = Response::builder().status(302).body(()).expect("a status").into_parts();
    for name in [LOCATION, RETRY_AFTER, DATE] {
        if let Some(Ok(value)) = lines.next().map(HeaderValue::from_bytes) {
            head.headers.insert(name, value);
        }
    }
    for from in ["https://a.test:8443/b/c/d?q", "http://[2001:db8::1]", "/no-host"] {
        let from: Uri = from.parse().expect("a URL");
        match redirect_target(&head, &from) {
            Some(Ok(to)) if from.authority().is_some() => {
                assert!(matches!(to.scheme_str(), Some("http" | "https")), "{to}");
                assert!(to.authority().is_some(), "{to}");
            }
            Some(Err(problem)) => assert!(!problem.is_empty()),
            Some(Ok(_)) | None => {}
        }
    }
    assert!(retry_after(&head.headers).is_none_or(|pause| pause <= LONGEST_PAUSE));
});
