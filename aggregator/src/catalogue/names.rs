//! All names of a catalogue, collected before anything refers to them.

use std::collections::BTreeMap;
use std::str::FromStr;

use vantage_wire::id::{IdError, MarketId, ServiceId, SiteId, VantageId};

use super::problem::Place;
use super::quote::{list, quoted};
use super::section::Section;
use super::value::Text;

/// The names of one kind of thing.
pub struct Names<T> {
    kind: &'static str,
    known: BTreeMap<T, Place>,
}

impl<T: FromStr<Err = IdError> + Ord + AsRef<str> + Clone> Names<T> {
    /// The names of these tables; `kind` is what they are, such as `market`. Bad and double ones
    /// are noted.
    pub fn collect(kind: &'static str, sections: &[Section<'_>]) -> Self {
        let mut names = Self { kind, known: BTreeMap::new() };
        for section in sections {
            if let Some(text) = section.required_text("id", "\"a-name\"") {
                names.add(text, section);
            }
        }
        names
    }

    fn add(&mut self, text: Text<'_>, section: &Section<'_>) {
        let Some(id) = read(text) else { return };
        if let Some(first) = self.known.get(&id) {
            let line = section.findings().line(*first);
            let message = format!("there is already a {} {}", self.kind, quoted(text.content));
            text.wrong(message, format!("it is on line {line}; every id must be its own"));
        } else {
            self.known.insert(id, text.at);
        }
    }

    /// Looks up what a text refers to; notes where there is no such thing.
    pub fn find(&self, text: Text<'_>) -> Option<T> {
        // A name that breaks the rule for names leads nowhere either.
        let known = T::from_str(text.content).ok().filter(|id| self.known.contains_key(id));
        if known.is_none() {
            let kind = self.kind;
            let help = match text.nearest(self.iter()) {
                _ if self.known.is_empty() => format!("the catalogue has no [[{kind}]] at all"),
                Some(meant) => format!("did you mean {meant:?}? There are: {}", list(self.iter())),
                None => format!("there are: {}", list(self.iter())),
            };
            text.wrong(format!("there is no {kind} {}", quoted(text.content)), help);
        }
        known
    }

    /// Looks up all of them; of two that are the same, one is noted.
    pub fn find_all(&self, texts: Vec<Text<'_>>) -> std::collections::BTreeSet<T> {
        let mut found = std::collections::BTreeSet::new();
        for text in texts {
            if let Some(id) = self.find(text)
                && !found.insert(id)
            {
                text.wrong(
                    format!("{} is in the list twice", quoted(text.content)),
                    "leave one out",
                );
            }
        }
        found
    }

    /// All of them, in order.
    pub fn ids(&self) -> impl Iterator<Item = &T> {
        self.known.keys()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(AsRef::as_ref)
    }
}

/// Reads a name; notes where it breaks the rule.
pub fn read<T: FromStr<Err = IdError>>(text: Text<'_>) -> Option<T> {
    match text.content.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            text.wrong(error.to_string(), "a name such as \"hk\" or \"sao-paulo-2\"");
            None
        }
    }
}

/// What may be referred to.
pub struct AllNames {
    /// Markets.
    pub markets: Names<MarketId>,
    /// Vantage points.
    pub vantages: Names<VantageId>,
    /// Sites.
    pub sites: Names<SiteId>,
    /// Services.
    pub services: Names<ServiceId>,
}
