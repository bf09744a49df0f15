//! Lists of names, as one argument or one key of a query: `hk,tw`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Names; none means all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names<T: Ord>(pub BTreeSet<T>);

impl<T: Ord> Default for Names<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: Ord> Names<T> {
    /// Whether there are none, which means all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a name is meant.
    pub fn includes(&self, name: &T) -> bool {
        self.0.is_empty() || self.0.contains(name)
    }
}

impl<T: Ord + FromStr> FromStr for Names<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: Ord + fmt::Display> fmt::Display for Names<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            write!(f, "{name}")?;
        }
        Ok(())
    }
}
