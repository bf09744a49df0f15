//! Names of things: markets, vantage points, sites, targets, probes, services, migrations.
//!
//! Every name obeys the rule for a DNS label (RFC 1123 §2.1, lower case only): 1 to 63 characters,
//! ASCII letters `a`–`z`, digits and inner hyphens. Such a name can stand unescaped in a URL, a
//! file name, a metric label, a NATS subject and a line of InfluxDB line protocol. Each kind of
//! name is a type of its own, so that a site cannot be passed where a market is meant.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name, in characters (RFC 1035 §2.3.4).
pub const MAX_ID_CHARS: usize = 63;

/// A name that breaks the rule of this module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} id {problem}")]
pub struct IdError {
    /// What was to be named, such as `market`.
    pub kind: &'static str,
    /// What is wrong with the name, and where.
    pub problem: IdProblem,
}

/// What is wrong with a name. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdProblem {
    /// There is no character at all.
    #[error("is empty")]
    Empty,
    /// The name is longer than [`MAX_ID_CHARS`].
    #[error("has {chars} characters, more than {MAX_ID_CHARS}")]
    TooLong {
        /// How many characters it has.
        chars: usize,
    },
    /// A character that is no lower-case ASCII letter, digit or hyphen.
    #[error("has {found:?} at character {position}; allowed are a-z, 0-9 and inner hyphens")]
    Character {
        /// The character.
        found: char,
        /// Where it stands.
        position: usize,
    },
    /// A hyphen in first or last place.
    #[error("has a hyphen at character {position}; it must begin and end with a-z or 0-9")]
    OuterHyphen {
        /// Where it stands.
        position: usize,
    },
}

fn check(text: &str) -> Result<(), IdProblem> {
    if text.is_empty() {
        return Err(IdProblem::Empty);
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some((index, found)) = text.chars().enumerate().find(|&(_, c)| !allowed(c)) {
        return Err(IdProblem::Character { found, position: index + 1 });
    }
    if text.len() > MAX_ID_CHARS {
        return Err(IdProblem::TooLong { chars: text.len() });
    }
    if text.starts_with('-') {
        return Err(IdProblem::OuterHyphen { position: 1 });
    }
    if text.ends_with('-') {
        return Err(IdProblem::OuterHyphen { position: text.len() });
    }
    Ok(())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $kind:literal;)+) => {$(
        $(#[$doc])*
        ///
        /// Cloning copies a pointer. Ordered as text.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Checks `text` and takes it as the name of a ", $kind, ".")]
            ///
            /// # Errors
            ///
            /// [`IdError`] where the text breaks the rule of the [module](self).
            pub fn new(text: &str) -> Result<Self, IdError> {
                check(text)
                    .map(|()| Self(Arc::from(text)))
                    .map_err(|problem| IdError { kind: $kind, problem })
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": concat!("Name of a ", $kind, "."),
                    "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
                })
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )+};
}

ids! {
    /// Users in one country or region, such as `hk`.
    MarketId, "market";
    /// One agent at one place, such as `hk-1`.
    VantageId, "vantage";
    /// A hosting location, such as `oregon`.
    SiteId, "site";
    /// An endpoint at a site or of a service, such as `oregon-web`.
    TargetId, "target";
    /// A probe of a target, such as `https`. Unique within its target.
    ProbeId, "probe";
    /// A host name that users know and that moves between sites, such as `account`.
    ServiceId, "service";
    /// The move of a service between sites, such as `account-2014`.
    MigrationId, "migration";
}

/// One start of an agent: 16 random bytes, drawn when the process starts.
///
/// Together with the vantage point and a [`Sequence`] it makes a report unique, so that a report
/// sent twice is counted once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId([u8; 16]);

impl BootId {
    /// Takes 16 random bytes as the id of this start.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Prints 32 lower-case hexadecimal digits.
impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BootId({self})")
    }
}

/// The number of a report within one start of an agent, counted from 1 without gaps.
///
/// Zero is no sequence number, so that a store can keep 0 for "nothing received yet".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(NonZeroU64);

impl Sequence {
    /// The number of the first report.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The sequence number `number`, or `None` for zero.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number, at least 1.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The number of the following report. 2⁶⁴ reports are out of reach, so it does not overflow:
    /// the highest number follows itself.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem(text: &str) -> IdProblem {
        MarketId::new(text).unwrap_err().problem
    }

    #[test]
    fn tells_what_is_wrong_and_where() {
        assert_eq!(problem(""), IdProblem::Empty);
        assert_eq!(problem("hK"), IdProblem::Character { found: 'K', position: 2 });
        assert_eq!(problem("são"), IdProblem::Character { found: 'ã', position: 2 });
        assert_eq!(problem("hk."), IdProblem::Character { found: '.', position: 3 });
        assert_eq!(problem("-hk"), IdProblem::OuterHyphen { position: 1 });
        assert_eq!(problem("hk-"), IdProblem::OuterHyphen { position: 3 });
        assert_eq!(problem(&"a".repeat(64)), IdProblem::TooLong { chars: 64 });
        assert_eq!(
            SiteId::new("São Paulo").unwrap_err().to_string(),
            "site id has 'S' at character 1; allowed are a-z, 0-9 and inner hyphens"
        );
    }

    #[test]
    fn accepts_the_edges_of_the_rule() {
        for text in ["a", "0", "a-1", "a--b", &"a".repeat(63)] {
            assert_eq!(VantageId::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn boot_id_prints_as_hexadecimal() {
        let boot = BootId::new([0xab, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(boot.to_string(), "ab0102030405060708090a0b0c0d0e0f");
    }

    #[test]
    fn sequence_counts_from_one() {
        assert_eq!(Sequence::new(0), None);
        assert_eq!(Sequence::new(1), Some(Sequence::FIRST));
        assert_eq!(Sequence::FIRST.next().get(), 2);
    }

    proptest! {
        #[test]
        fn accepts_exactly_the_rule(text in "[-a-zA-Z0-9._é]{0,70}") {
            let bytes = text.as_bytes();
            let label = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let valid = (1..=63).contains(&bytes.len())
                && bytes.iter().all(|b| label(b) || *b == b'-')
                && label(&bytes[0])
                && label(&bytes[bytes.len() - 1]);
            prop_assert_eq!(TargetId::new(&text).is_ok(), valid);
        }

        #[test]
        fn text_survives(text in "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?") {
            let id: ProbeId = text.parse().unwrap();
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
