//! What is read of a response's body.

use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::{Method, Response, StatusCode};
use vantage_wire::{Failure, FailureCode, Phase};

use crate::spec::HttpSpec;

/// A body, as far as it has been read.
#[derive(Debug)]
pub struct ReadBody {
    /// What was kept of it.
    pub bytes: Vec<u8>,
    /// Bytes that were read, within the limit.
    pub read_bytes: u64,
    /// Whether there was more than the limit lets be read.
    pub cut: bool,
    limit_bytes: u64,
    announced_bytes: Option<u64>,
    keep: bool,
}

impl ReadBody {
    /// The body of this response, before anything of it was read.
    pub fn of(spec: &HttpSpec, keep: bool, response: &Response<()>) -> Self {
        // Such an answer has a length, but no body (RFC 9110 §8.6).
        let bodiless = spec.method == Method::HEAD || response.status() == StatusCode::NOT_MODIFIED;
        let announced = response.headers().get(CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        Self {
            bytes: Vec::new(),
            read_bytes: 0,
            cut: false,
            limit_bytes: spec.body_limit_bytes,
            announced_bytes: announced.filter(|_| !bodiless),
            keep,
        }
    }

    /// Whether more of it may be read: one byte beyond the limit, to tell whether it is there.
    pub fn wants_more(&self) -> bool {
        !self.cut
    }

    /// Takes what was received.
    pub fn take(&mut self, mut chunk: impl Buf) {
        while chunk.has_remaining() && !self.cut {
            let bytes = chunk.chunk();
            let room = self.limit_bytes - self.read_bytes;
            let within = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            self.cut = within < bytes.len();
            if self.keep {
                self.bytes.extend_from_slice(&bytes[..within]);
            }
            self.read_bytes += within as u64;
            chunk.advance(within);
        }
    }

    /// Compares a body that has ended with its announced length (RFC 9114 §4.1.2), which h3 does
    /// not do.
    ///
    /// # Errors
    /// `http_truncated` where it is shorter, `http_protocol` where it is longer.
    pub fn check_length(&self) -> Result<(), Failure> {
        let Some(announced) = self.announced_bytes else { return Ok(()) };
        let code = match self.read_bytes {
            read if read == announced => return Ok(()),
            read if read < announced => FailureCode::HttpTruncated,
            _ => FailureCode::HttpProtocol,
        };
        let detail = format!("{} bytes of {announced}", self.read_bytes);
        Err(Failure::in_phase(code, Phase::Transfer, &detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(limit_bytes: u64, announced: Option<u64>, method: Method) -> ReadBody {
        let mut spec = HttpSpec::get("https://a.test/".parse().unwrap());
        (spec.body_limit_bytes, spec.method) = (limit_bytes, method);
        let mut response = Response::new(());
        if let Some(announced) = announced {
            response.headers_mut().insert(CONTENT_LENGTH, announced.into());
        }
        ReadBody::of(&spec, true, &response)
    }

    #[test]
    fn a_body_is_cut_at_the_limit_only_where_there_is_more() {
        for (limit, cut, kept) in [(0, true, ""), (3, true, "abc"), (6, false, "abcdef")] {
            let mut body = body(limit, None, Method::GET);
            body.take(&b"abc"[..]);
            body.take(&b"def"[..]);
            assert_eq!((body.cut, &body.bytes[..]), (cut, kept.as_bytes()));
            assert_eq!(body.read_bytes, kept.len() as u64);
        }
    }

    #[test]
    fn a_body_must_be_as_long_as_announced() {
        let code = |announced, method| {
            let mut body = body(100, announced, method);
            body.take(&b"abc"[..]);
            body.check_length().err().map(|failure| failure.code)
        };
        assert_eq!(code(None, Method::GET), None);
        assert_eq!(code(Some(3), Method::GET), None);
        assert_eq!(code(Some(4), Method::GET), Some(FailureCode::HttpTruncated));
        assert_eq!(code(Some(2), Method::GET), Some(FailureCode::HttpProtocol));
        assert_eq!(code(Some(4), Method::HEAD), None);
    }
}
