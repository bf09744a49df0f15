//! The configuration of names and their answers.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use hickory_proto::rr::Name;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

/// Names and what is answered for them. Names are compared without regard to case and to a final dot. The name `*`
/// stands for every name that is not listed.
pub type Records = BTreeMap<String, Entry>;

/// What is answered for one name.
///
/// In a configuration file it is a list of addresses, one address, a fate, or a table of this type's fields:
///
/// ```toml
/// "shop.test" = ["198.51.100.7", "2001:db8::7"]
/// "one.test" = "198.51.100.7"
/// "broken.test" = "servfail"
/// "www.shop.test" = { cname = "shop.test", ttl-s = 5 }
/// "slow.test" = { addresses = ["198.51.100.7"], delay-ms = 300 }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
// Derives the reader of the table form as `Entry::deserialize`; the trait's reader below adds the short forms.
#[serde(remote = "Self", deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Entry {
    /// A and AAAA records, in this order.
    pub addresses: Vec<IpAddr>,
    /// The name that this one is an alias of. Excludes addresses and texts.
    pub cname: Option<String>,
    /// TXT records of one string each. (at most 255 bytes each)
    pub txt: Vec<String>,
    /// What happens to queries for this name.
    pub fate: Fate,
    /// Time before the answer. (ms, 0..=60 000)
    pub delay_ms: u64,
    /// Time to live of this name's records; the zone's if absent. (s)
    pub ttl_s: Option<u32>,
}

/// What happens to queries for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The records that there are of the type asked for; no data if there are none.
    #[default]
    Answer,
    /// NXDOMAIN with the SOA record, as for a name that is not listed.
    Nxdomain,
    /// NOERROR without records, with the SOA record, for any type.
    Nodata,
    /// SERVFAIL.
    Servfail,
    /// REFUSED.
    Refused,
    /// No answer. Over TCP the connection stays open.
    Silent,
    /// Over UDP an empty answer with the TC bit, over TCP the records.
    Truncate,
    /// The query's id and then bytes that no DNS message can have.
    Garbage,
    /// The records, under an id that is not the query's.
    WrongId,
}

/// Answers that only some clients get.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct View {
    /// Source addresses of the queries.
    pub clients: Vec<IpAddr>,
    /// Names that these clients see differently. Other names they see as everybody does.
    pub records: Records,
}

impl Entry {
    /// An entry of plain addresses.
    pub fn addresses(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { addresses: addresses.into_iter().collect(), ..Self::default() }
    }

    /// An entry without records that only has a fate.
    pub fn fate(fate: Fate) -> Self {
        Self { fate, ..Self::default() }
    }

    fn problems(&self, name: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(target) = &self.cname {
            if Name::from_ascii(target).is_err() {
                problems.push(format!("records.{name:?}.cname: {target:?} is no domain name"));
            }
            if !self.addresses.is_empty() || !self.txt.is_empty() {
                problems.push(format!("records.{name:?}: an alias has no other records"));
            }
        }
        if self.txt.iter().any(|text| text.len() > 255) {
            problems.push(format!("records.{name:?}.txt: a string is longer than 255 bytes"));
        }
        if self.delay_ms > 60_000 {
            problems.push(format!(
                "records.{name:?}.delay-ms is {}, must be 0 to 60000",
                self.delay_ms
            ));
        }
        problems
    }
}

/// Every problem of a table of names and of the views on it.
pub fn problems(records: &Records, views: &[View]) -> Vec<String> {
    let tables = std::iter::once(records).chain(views.iter().map(|view| &view.records));
    let mut problems = Vec::new();
    for (name, entry) in tables.flatten() {
        if Name::from_ascii(name).is_err() {
            problems.push(format!("records: {name:?} is no domain name"));
        }
        problems.extend(entry.problems(name));
    }
    for (index, view) in views.iter().enumerate() {
        if view.clients.is_empty() {
            problems.push(format!("views[{index}].clients is empty, so that nobody sees the view"));
        }
    }
    problems
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "a list of addresses, an address, a fate, or a table of addresses, cname, txt, fate, delay-ms, ttl-s",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Entry, E> {
        if let Ok(address) = text.parse() {
            return Ok(Entry::addresses([address]));
        }
        Fate::deserialize(StrDeserializer::<E>::new(text)).map(Entry::fate).map_err(|error| {
            E::custom(format_args!("{text:?} is no address, and as a fate: {error}"))
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Entry, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(sequence))
            .map(|addresses: Vec<IpAddr>| Entry::addresses(addresses))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
        Self::Value::deserialize(MapAccessDeserializer::new(map))
    }
}
