//! Whether a response is what the probe expects.

use http::StatusCode;
use regex_lite::{Regex, RegexBuilder};
use vantage_wire::exchange::assignment::MAX_PATTERN_BYTES;
use vantage_wire::{Failure, FailureCode};

use crate::spec::{Expectations, SpecError};

/// What a response must be like, made ready.
#[derive(Debug)]
pub struct Judge {
    statuses: Vec<u16>,
    body_contains: Option<String>,
    body_matches: Option<Regex>,
}

impl Judge {
    /// Makes expectations ready.
    ///
    /// # Errors
    /// When a status or the pattern is none.
    pub fn new(expect: &Expectations) -> Result<Self, SpecError> {
        if let Some(status) = expect.statuses.iter().find(|status| !(200..=599).contains(*status)) {
            return Err(SpecError::Parameter(format!("status {status} is not one of 200 to 599")));
        }
        let compile = |pattern: &String| {
            RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().map_err(|error| {
                SpecError::Parameter(format!("the body's pattern {pattern:?}: {error}"))
            })
        };
        Ok(Self {
            statuses: expect.statuses.clone(),
            body_contains: expect.body_contains.clone(),
            body_matches: expect.body_matches.as_ref().map(compile).transpose()?,
        })
    }

    /// Whether the body has to be kept to be judged.
    pub fn wants_body(&self) -> bool {
        self.body_contains.is_some() || self.body_matches.is_some()
    }

    /// Whether this status is expected by its number.
    pub fn names(&self, status: StatusCode) -> bool {
        self.statuses.contains(&status.as_u16())
    }

    /// Judges a status that is not followed as a redirect.
    ///
    /// # Errors
    /// The failure it is.
    pub fn status(&self, status: StatusCode) -> Result<(), Failure> {
        if self.names(status) || (self.statuses.is_empty() && (200..400).contains(&status.as_u16()))
        {
            return Ok(());
        }
        let code = match status.as_u16() {
            429 => FailureCode::Http429,
            300..=399 => FailureCode::HttpRedirect,
            400..=499 => FailureCode::Http4xx,
            // Statuses beyond 599 count as 5xx (RFC 9110 §15).
            500.. => FailureCode::Http5xx,
            _ => FailureCode::HttpAssert,
        };
        Err(Failure::new(code, &format!("status {status}")))
    }

    /// Judges a body. Bytes that are not UTF-8 match nothing but a pattern's wildcards.
    ///
    /// # Errors
    /// `http_assert`.
    pub fn body(&self, bytes: &[u8]) -> Result<(), Failure> {
        if !self.wants_body() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(bytes);
        let lacks = |what: &str| Err(Failure::new(FailureCode::HttpAssert, what));
        if let Some(wanted) = &self.body_contains
            && !text.contains(wanted.as_str())
        {
            return lacks(&format!("the body does not contain {wanted:?}"));
        }
        if let Some(pattern) = &self.body_matches
            && !pattern.is_match(&text)
        {
            return lacks(&format!("the body does not match {:?}", pattern.as_str()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(expect: &Expectations, status: u16) -> Option<FailureCode> {
        let status = StatusCode::from_u16(status).unwrap();
        Judge::new(expect).unwrap().status(status).err().map(|failure| failure.code)
    }

    #[test]
    fn statuses_are_judged_by_list_or_by_class() {
        use FailureCode as Code;
        let any = Expectations::default();
        let only = Expectations { statuses: vec![200, 404], ..Expectations::default() };
        for (status, by_class, by_list) in [
            (200, None, None),
            (204, None, Some(Code::HttpAssert)),
            (302, None, Some(Code::HttpRedirect)),
            (404, Some(Code::Http4xx), None),
            (410, Some(Code::Http4xx), Some(Code::Http4xx)),
            (429, Some(Code::Http429), Some(Code::Http429)),
            (503, Some(Code::Http5xx), Some(Code::Http5xx)),
            (700, Some(Code::Http5xx), Some(Code::Http5xx)),
        ] {
            assert_eq!((code(&any, status), code(&only, status)), (by_class, by_list), "{status}");
        }
    }

    #[test]
    fn bodies_are_searched_and_matched() {
        let expect = Expectations {
            body_contains: Some("ok".into()),
            body_matches: Some("^[a-z]+\n$".into()),
            ..Expectations::default()
        };
        let judge = Judge::new(&expect).unwrap();
        assert!(judge.body(b"ok\n").is_ok() && judge.body(b"okay\n").is_ok());
        assert!(judge.body(b"ok 1\n").is_err() && judge.body(b"\xff").is_err());
    }

    #[test]
    fn impossible_expectations_are_refused() {
        for expect in [
            Expectations { statuses: vec![700], ..Expectations::default() },
            Expectations { body_matches: Some("(".into()), ..Expectations::default() },
            Expectations {
                body_matches: Some("(a{1000}){1000}".into()),
                ..Expectations::default()
            },
        ] {
            assert!(Judge::new(&expect).is_err(), "{expect:?}");
        }
    }
}
