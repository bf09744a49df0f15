//! The query of a URL: `from=2026-03-01&market=hk,tw`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::error::{AnswerError, unknown};

/// Names with their values. Each question takes what it knows, and what is left is an error: a
/// mistyped parameter would otherwise be a question answered wrongly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    values: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl Parameters {
    /// Reads decoded pairs.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Senseless`] where one is given twice.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, AnswerError> {
        let mut values = BTreeMap::new();
        for (name, value) in pairs {
            if values.insert(name.clone(), value).is_some() {
                return Err(AnswerError::Senseless(format!("{name:?} is given twice")));
            }
        }
        Ok(Self { values, known: Vec::new() })
    }

    /// Takes one out; `None` where it is not given.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Senseless`] where its value does not parse.
    pub fn take<T>(&mut self, name: &'static str) -> Result<Option<T>, AnswerError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        self.known.push(name);
        let Some(text) = self.values.remove(name) else { return Ok(None) };
        let parsed = text
            .parse()
            .map_err(|error: T::Err| AnswerError::Senseless(format!("{name}={text:?}: {error}")));
        parsed.map(Some)
    }

    /// Says that nothing more is known.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Unknown`] where something is left.
    pub fn finish(self) -> Result<(), AnswerError> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(left) => Err(unknown("parameter", left, self.known.into_iter())),
        }
    }

    /// Adds one, where there is a value.
    pub fn put(&mut self, name: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.values.insert(name.to_owned(), value.to_string());
        }
    }

    /// All pairs, by name.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Scope;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Parameters::new(pairs).unwrap()
    }

    #[test]
    fn a_scope_comes_back_as_it_went() {
        let pairs = [
            ("from", "2026-03-01"),
            ("market", "hk,tw"),
            ("phase", "connect"),
            ("probe", "http"),
            ("quantile", "p99"),
            ("site", "oregon"),
            ("to", "2026-03-29T00:00:00Z"),
        ];
        let mut given = parameters(&pairs);
        let scope = Scope::take_from(&mut given).unwrap();
        given.finish().unwrap();
        let mut again = Parameters::default();
        scope.put_into(&mut again);
        assert_eq!(again.pairs().collect::<Vec<_>>(), pairs);
    }

    #[test]
    fn what_is_not_known_is_named_with_what_was_meant() {
        let mut given = parameters(&[("markt", "hk")]);
        Scope::take_from(&mut given).unwrap();
        let error = given.finish().unwrap_err().to_string();
        assert_eq!(error, "there is no parameter \"markt\"; did you mean market?");
    }

    #[test]
    fn a_value_that_does_not_parse_says_why() {
        let error = |name, value| {
            Scope::take_from(&mut parameters(&[(name, value)])).unwrap_err().to_string()
        };
        assert!(error("quantile", "p100").starts_with("quantile=\"p100\": not a score; write p95"));
        assert!(error("phase", "tsl").contains("is no phase"));
        assert!(error("market", "HK").contains("allowed are a-z"));
    }
}
