//! Where a redirect leads (RFC 9110 §15.4, RFC 3986 §5.2).

use http::header::{AUTHORIZATION, COOKIE, HOST, LOCATION};
use http::response::Parts;
use http::uri::Authority;
use http::{Method, StatusCode, Uri};

use super::request::{Origin, Template};

/// Where the response to a request of `from` redirects; `None` when it does not. The target has a
/// host and is `http` or `https`, unless it is an error: a sentence for people.
pub fn target(head: &Parts, from: &Uri) -> Option<Result<Uri, String>> {
    let redirects = matches!(head.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = head.headers.get(LOCATION).filter(|_| redirects)?;
    let resolved = location
        .to_str()
        .map_err(|_| "location is not ASCII".to_owned())
        .and_then(|location| resolve(location, from));
    Some(resolved)
}

/// What the request that follows a redirect is like: 303 asks for GET, and so, by old custom, do
/// 301 and 302 after POST. What was meant for one host only is not told to another.
pub fn follow(template: &mut Template, status: StatusCode, from: &Origin, to: &Origin) {
    let to_get = match status {
        StatusCode::SEE_OTHER => template.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => template.method == Method::POST,
        _ => false,
    };
    if to_get {
        template.method = Method::GET;
        template.body.clear();
        template.headers.remove(http::header::CONTENT_TYPE);
    }
    if from != to {
        for name in [AUTHORIZATION, COOKIE, HOST] {
            template.headers.remove(name);
        }
    }
}

fn resolve(location: &str, from: &Uri) -> Result<Uri, String> {
    let location = location.split_once('#').map_or(location, |(before, _)| before);
    let scheme = from.scheme_str().unwrap_or("http");
    let authority = from.authority().map_or("", Authority::as_str);
    let lower = location.to_ascii_lowercase();
    let text = if lower.starts_with("http://") || lower.starts_with("https://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if has_scheme(location) {
        return Err(format!("location {location:?} is neither http nor https"));
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.is_empty() || location.starts_with('?') {
        let query = from.query().filter(|_| location.is_empty());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{authority}{}{query}{location}", from.path())
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let problem = || format!("location {location:?} is no URL");
    let mut parts = text.parse::<Uri>().map_err(|_| problem())?.into_parts();
    if let Some(path) = &parts.path_and_query {
        let query = path.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", without_dots(path.path()));
        parts.path_and_query = Some(path.parse().map_err(|_| problem())?);
    }
    Uri::from_parts(parts).map_err(|_| problem())
}

fn has_scheme(location: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    location.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters)
    })
}

/// The path without its `.` and `..` (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => {
                kept.push(other);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_as_in_the_rfc() {
        let from: Uri = "https://a.test:8443/b/c/d?q".parse().unwrap();
        for (location, expected) in [
            ("http://o.test/x#y", "http://o.test/x"),
            ("HTTPS://o.test", "https://o.test/"),
            ("//o.test/x", "https://o.test/x"),
            ("/x?y=1", "https://a.test:8443/x?y=1"),
            ("g", "https://a.test:8443/b/c/g"),
            ("./g/", "https://a.test:8443/b/c/g/"),
            ("../../../g", "https://a.test:8443/g"),
            ("..", "https://a.test:8443/b/"),
            ("?z", "https://a.test:8443/b/c/d?z"),
            ("", "https://a.test:8443/b/c/d?q"),
            ("#top", "https://a.test:8443/b/c/d?q"),
            ("g?u=http://x", "https://a.test:8443/b/c/g?u=http://x"),
        ] {
            assert_eq!(resolve(location, &from).unwrap(), expected, "{location}");
        }
        for location in ["ftp://o.test/", "mailto:me@o.test", "http://", "/ x"] {
            assert!(resolve(location, &from).is_err(), "{location}");
        }
    }
}
