//! `[defaults]`.

use std::ops::RangeInclusive;
use std::time::Duration;

use vantage_wire::WindowLength;
use vantage_wire::address::refused;

use super::super::address::socket_address;
use super::super::keys;
use super::super::model::Defaults;
use super::super::quote::quoted;
use super::super::section::Section;
use super::line;

/// Time between the starts of attempts.
pub const INTERVALS: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_hours(24);
/// Most time for an attempt, or a phase of it.
pub const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_mins(1);
/// Most attempts per second that a target sees.
pub const RATES: RangeInclusive<f64> = 0.001..=100_000.0;

const MOST_ANCHORS: usize = 16;

impl Default for Defaults {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            window: WindowLength::MINUTE,
            max_attempts_per_second: 10.0,
            contact: None,
            anchors: Vec::new(),
            paused: false,
        }
    }
}

pub(super) fn read(root: &Section<'_>) -> Defaults {
    let usual = Defaults::default();
    let Some(section) = root.table(keys::DEFAULTS, "defaults") else { return usual };
    Defaults {
        interval: section.span("interval", INTERVALS).unwrap_or(usual.interval),
        timeout: section.span("timeout", TIMEOUTS).unwrap_or(usual.timeout),
        window: window(&section).unwrap_or(usual.window),
        max_attempts_per_second: section
            .number("max_attempts_per_second", RATES)
            .unwrap_or(usual.max_attempts_per_second),
        contact: contact(&section),
        anchors: anchors(&section).unwrap_or_default(),
        paused: section.flag("paused").unwrap_or(usual.paused),
    }
}

fn window(section: &Section<'_>) -> Option<WindowLength> {
    let value = section.value("window")?;
    let span = value.span(Duration::from_secs(1)..=Duration::from_hours(24))?;
    let seconds = u32::try_from(span.as_secs()).ok().filter(|_| span.subsec_nanos() == 0);
    let length = seconds.and_then(|seconds| WindowLength::from_seconds(seconds).ok());
    if length.is_none() {
        value.wrong(
            "`window` must be whole seconds that divide a day",
            "such as \"10s\", \"30s\", \"1m\", \"5m\", \"10m\" or \"1h\"",
        );
    }
    length
}

/// It goes into the header `User-Agent`.
fn contact(section: &Section<'_>) -> Option<String> {
    let contact = line(section, "contact")?;
    if let Some(value) = section.value("contact").filter(|_| !contact.is_ascii()) {
        value.wrong(
            "`contact` is sent as a header and must be ASCII",
            "a URL or an address for mail, such as \"https://probes.example/about\"",
        );
    }
    Some(contact)
}

fn anchors(section: &Section<'_>) -> Option<Vec<std::net::SocketAddr>> {
    let value = section.value("anchors")?;
    let texts = value.texts()?;
    if texts.len() > MOST_ANCHORS {
        value.wrong(format!("there may be at most {MOST_ANCHORS} anchors"), "two are enough");
    }
    let mut anchors = Vec::new();
    for text in texts {
        match socket_address(text.content, None) {
            None => text.wrong(
                format!("{} is no address with a port", quoted(text.content)),
                "such as \"192.0.2.1:443\" or \"[2001:db8::1]:443\"",
            ),
            Some(anchor) => match refused(anchor.ip(), true) {
                Some(reason) => text.wrong(format!("{} is {reason}", anchor.ip()), ""),
                None if anchors.contains(&anchor) => {
                    text.wrong(format!("{anchor} is in the list twice"), "leave one out");
                }
                None => anchors.push(anchor),
            },
        }
    }
    Some(anchors)
}
