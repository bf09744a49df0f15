//! Makes an enumeration of one table: a stable number for the wire, a name for people, a meaning.
//!
//! The sets only ever grow. A number or a name, once released, keeps its meaning for good; frozen
//! tables in `testdata/` hold us to it.

/// A word that is not in the closed set it was looked up in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no {set}")]
pub struct UnknownName {
    /// What was looked for, such as `failure code`.
    pub set: &'static str,
    /// The word that was found.
    pub name: String,
}

macro_rules! closed_set {
    (
        $(#[$doc:meta])*
        pub enum $set:ident, $what:literal {
            $($number:literal $variant:ident $name:literal $meaning:literal;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $set {
            $(#[doc = $meaning] $variant = $number,)+
        }

        impl $set {
            #[doc = concat!("Every ", $what, ", in the order of the numbers.")]
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable number that stands for it on the wire.
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// The member of the set with this number, or `None` where this version of the
            /// software knows none: a newer writer may.
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The stable name, in `snake_case`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The member of the set with this name, or `None` where there is none.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }

        impl std::str::FromStr for $set {
            type Err = $crate::closed_set::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::from_name(name).ok_or_else(|| $crate::closed_set::UnknownName {
                    set: $what,
                    name: name.to_owned(),
                })
            }
        }

        impl serde::Serialize for $set {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $set {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(deserializer)?;
                name.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $set {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($set).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let names: Vec<_> = Self::ALL.iter().map(|member| member.name()).collect();
                schemars::json_schema!({ "type": "string", "enum": names })
            }
        }

        impl std::fmt::Display for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
pub(crate) use closed_set;
