//! HTTP requests and what their responses must be like.

use http::{HeaderName, HeaderValue, Method, Uri};
use regex_lite::RegexBuilder;
use vantage_wire::exchange::assignment::{Http, MAX_PATTERN_BYTES};

use super::super::address::{address, is_name};
use super::super::quote::quoted;
use super::super::section::Section;
use super::super::value::Text;
use super::of_target::OfTarget;
use super::{host, one_of, tls};

/// Most patterns of a catalogue: an agent may get all of them.
const MOST_PATTERNS: usize = 1_000;
const MOST_PATTERN_CHARS: usize = 1_000;
const MOST_BODY_BYTES: usize = 64 * 1024;
const BODY_LIMIT_BYTES: u64 = 1024 * 1024;
const MOST_BODY_LIMIT_BYTES: u64 = 1024 * 1024 * 1024;
const MOST_REDIRECTS: u64 = 20;
/// What agents write themselves.
const RESERVED: [&str; 4] = ["connection", "content-length", "transfer-encoding", "upgrade"];

/// A request, and where its URL leads.
pub struct Read {
    /// The request.
    pub request: Http,
    /// The URL's host.
    pub host: String,
    /// The URL's port.
    pub port: u16,
    /// Whether over TLS.
    pub https: bool,
}

pub fn read(of: OfTarget<'_>) -> Option<Read> {
    let section = of.section;
    let url = url(of);
    let follow = section.integer("follow_redirects", 0..=MOST_REDIRECTS);
    let versions = [("1.1", "1.1"), ("2", "2")];
    let version = section.text("http_version");
    let version = version.and_then(|text| one_of(text, "version of HTTP over TCP", &versions));
    let limit = section.integer("body_limit_bytes", 0..=MOST_BODY_LIMIT_BYTES);
    let request = Http {
        url: url.as_ref().map(|url| url.text.clone()).unwrap_or_default(),
        method: method(section).unwrap_or_else(|| "GET".to_owned()),
        headers: headers(section),
        body: body(section, "body").unwrap_or_default(),
        tls: tls::read(of),
        version: version.map(str::to_owned),
        expect_statuses: statuses(section),
        expect_body: body(section, "expect_body"),
        expect_regex: pattern(of),
        follow_redirects: follow.and_then(|most| u32::try_from(most).ok()).unwrap_or(0),
        body_limit_bytes: limit.unwrap_or(BODY_LIMIT_BYTES),
        reuse: section.flag("reuse").unwrap_or(false),
    };
    let Url { host, port, https, .. } = url?;
    Some(Read { request, host, port, https })
}

struct Url {
    text: String,
    host: String,
    port: u16,
    https: bool,
}

/// The URL; a path alone is one of the target's host, nothing at all its front page.
fn url(of: OfTarget<'_>) -> Option<Url> {
    let host = match address(of.host) {
        Some(std::net::IpAddr::V6(address)) => format!("[{address}]"),
        _ => of.host.to_owned(),
    };
    let Some(value) = of.section.value("url") else {
        let text = format!("https://{host}/");
        return Some(Url { text, host: of.host.to_owned(), port: 443, https: true });
    };
    let given = value.text()?;
    let text = match given.content.strip_prefix('/') {
        Some(path) => format!("https://{host}/{path}"),
        None => given.content.to_owned(),
    };
    let url = parse(&text);
    match &url {
        Ok(url) => host::check(&url.host, given.at, of.allow_private, of.section),
        Err(problem) => given.wrong(
            format!("{} is no URL to request: {problem}", quoted(given.content)),
            format!("such as \"https://{host}/\" or \"/status\""),
        ),
    }
    url.ok()
}

fn parse(text: &str) -> Result<Url, String> {
    let uri: Uri = text.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("it must begin with https:// or http://".to_owned()),
    };
    let authority = uri.authority().ok_or("it names no host")?;
    if authority.as_str().contains('@') {
        return Err("a user name has no place in it; use `headers`".to_owned());
    }
    let host = address(authority.host())
        .map_or_else(|| authority.host().to_owned(), |address| address.to_string());
    if address(&host).is_none() && !is_name(&host) {
        return Err(format!("{} is no host", quoted(&host)));
    }
    let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
        None => {
            if https {
                443
            } else {
                80
            }
        }
        Some(port) => {
            port.parse().ok().filter(|port| *port > 0).ok_or("its port must be from 1 to 65535")?
        }
    };
    Ok(Url { text: text.to_owned(), host, port, https })
}

fn method(section: &Section<'_>) -> Option<String> {
    let text = section.text("method")?;
    match Method::from_bytes(text.content.as_bytes()) {
        Ok(Method::CONNECT) => text.wrong("CONNECT is for proxies", "such as \"GET\" or \"HEAD\""),
        Ok(_) if text.content.bytes().any(|byte| byte.is_ascii_lowercase()) => text.wrong(
            "methods are written in capitals",
            format!("did you mean {:?}?", text.content.to_ascii_uppercase()),
        ),
        Ok(_) => {}
        Err(_) => {
            let message = format!("{} is no method", quoted(text.content));
            text.wrong(message, "such as \"GET\" or \"HEAD\"");
        }
    }
    Some(text.content.to_owned())
}

fn headers(section: &Section<'_>) -> Vec<(String, String)> {
    let Some(value) = section.value("headers") else { return Vec::new() };
    let Some(entries) = value.as_entries() else {
        value.wrong_type("a table such as { Accept = \"text/html\" }");
        return Vec::new();
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut names: Vec<HeaderName> = Vec::new();
    for (name, value) in entries {
        match HeaderName::from_bytes(name.content.as_bytes()) {
            Ok(key) if RESERVED.contains(&key.as_str()) => {
                name.wrong(format!("header {key} is the probe's own"), "leave it out");
            }
            Ok(key) if names.contains(&key) => {
                name.wrong(format!("header {key} is there twice"), "letter case does not count");
            }
            Ok(key) => names.push(key),
            Err(_) => name.wrong(
                format!("{} is no name of a header", quoted(name.content)),
                "letters, digits and hyphens, such as \"Accept-Language\"",
            ),
        }
        let Some(text) = value.text() else { continue };
        if HeaderValue::from_str(text.content).is_err() {
            let message = "the header's value has characters that cannot be sent";
            text.wrong(message, "one line without control characters");
        }
        headers.push((name.content.to_owned(), text.content.to_owned()));
    }
    headers
}

fn body(section: &Section<'_>, key: &'static str) -> Option<String> {
    let text = section.text(key)?;
    if text.content.is_empty() || text.content.len() > MOST_BODY_BYTES {
        text.wrong(format!("`{key}` must have 1 to {MOST_BODY_BYTES} bytes"), "");
    }
    Some(text.content.to_owned())
}

fn pattern(of: OfTarget<'_>) -> Option<String> {
    let text = of.section.text("expect_regex")?;
    let patterns = of.around.patterns.get() + 1;
    of.around.patterns.set(patterns);
    if patterns > MOST_PATTERNS {
        if patterns == MOST_PATTERNS + 1 {
            text.wrong(format!("there may be at most {MOST_PATTERNS} `expect_regex`"), "");
        }
    } else if text.content.chars().count() > MOST_PATTERN_CHARS {
        text.wrong(format!("`expect_regex` must have at most {MOST_PATTERN_CHARS} characters"), "");
    } else if let Err(error) = RegexBuilder::new(text.content).size_limit(MAX_PATTERN_BYTES).build()
    {
        text.wrong(format!("`expect_regex` is no pattern: {error}"), "the syntax is regex-lite's");
    }
    Some(text.content.to_owned())
}

/// A status, or a list of statuses and classes of them.
fn statuses(section: &Section<'_>) -> Vec<u16> {
    const SUCH_AS: &str = "such as 200, [200, 204] or [\"2xx\", 404]";
    let Some(value) = section.value("expect_status") else { return Vec::new() };
    let items = if value.is_integer() || value.as_text().is_some() {
        vec![value]
    } else {
        let Some(items) = value.items("a status or a list of them") else { return Vec::new() };
        if items.is_empty() {
            value.wrong("an empty list expects nothing", SUCH_AS);
        }
        items
    };
    let mut statuses = std::collections::BTreeSet::new();
    for item in &items {
        if let Some(text) = item.as_text() {
            match class(text) {
                Some(class) => statuses.extend(class * 100..class * 100 + 100),
                None => {
                    text.wrong(
                        format!("{} is no class of statuses", quoted(text.content)),
                        SUCH_AS,
                    );
                }
            }
        } else if let Some(status) =
            item.integer(100..=599).and_then(|code| u16::try_from(code).ok())
        {
            statuses.insert(status);
        }
    }
    statuses.into_iter().collect()
}

fn class(text: Text<'_>) -> Option<u16> {
    let digit = text.content.strip_suffix("xx")?;
    digit.parse().ok().filter(|class| (1..=5).contains(class) && digit.len() == 1)
}
