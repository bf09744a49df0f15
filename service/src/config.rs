//! Reading a configuration so that everything wrong with it is told at once.

use std::fmt;

use serde::de::DeserializeOwned;

/// A configuration that makes no sense, with every problem there is, each naming its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<String>);

impl ConfigError {
    /// Nothing, where no problem was found.
    ///
    /// # Errors
    ///
    /// All that were.
    pub fn unless_none(problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }

    fn one_line(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Self(vec![lines.collect::<Vec<_>>().join(" ")])
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// What a TOML file says, before it is known to make sense.
#[derive(Debug)]
pub struct ConfigFile {
    table: toml::Table,
    problems: Vec<String>,
}

impl ConfigFile {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// Where it is no TOML.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let table = text
            .parse()
            .map_err(|error: toml::de::Error| ConfigError::one_line(&error.to_string()))?;
        Ok(Self { table, problems: Vec::new() })
    }

    /// Looks at the section of this name, if there is one: its keys are to be fields of `T`.
    #[must_use]
    pub fn with_section<T: DeserializeOwned>(mut self, name: &str) -> Self {
        if let Some(toml::Value::Table(section)) = self.table.get_mut(name) {
            keep_sound::<T>(section, &format!("{name}."), &mut self.problems);
        }
        self
    }

    /// The configuration.
    ///
    /// # Errors
    ///
    /// Every key that is unknown or has a value of the wrong kind, here and in the sections.
    pub fn read<T: DeserializeOwned>(mut self) -> Result<T, ConfigError> {
        keep_sound::<T>(&mut self.table, "", &mut self.problems);
        ConfigError::unless_none(self.problems)?;
        T::deserialize(self.table).map_err(|error| ConfigError::one_line(error.message()))
    }
}

/// Takes keys out of a table that are no keys of `T`, or have values of the wrong kind, and says so;
/// one at a time, so that the first problem does not hide the others.
fn keep_sound<T: DeserializeOwned>(
    table: &mut toml::Table,
    before: &str,
    problems: &mut Vec<String>,
) {
    table.retain(|key, value| {
        let alone = toml::Table::from_iter([((*key).to_owned(), value.clone())]);
        let problem = T::deserialize(alone).err();
        problems.extend(problem.iter().map(|error| format!("{before}{key}: {}", error.message())));
        problem.is_none()
    });
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Outer {
        count: u32,
        name: String,
        inner: Option<Inner>,
    }

    #[derive(Debug, Default, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        size: u8,
    }

    fn read(text: &str) -> Result<Outer, ConfigError> {
        ConfigFile::parse(text)?.with_section::<Inner>("inner").read()
    }

    #[test]
    fn what_is_right_is_read() {
        let expected = Outer { count: 3, inner: Some(Inner { size: 7 }), ..Outer::default() };
        assert_eq!(read("count = 3\n[inner]\nsize = 7\n"), Ok(expected));
        assert_eq!(read(""), Ok(Outer::default()));
    }

    #[test]
    fn every_problem_names_its_key() {
        let text = "count = \"many\"\nnmae = \"x\"\n[inner]\nsize = 300\nsighs = 1\n";
        let ConfigError(problems) = read(text).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|text| text.split_once(':').unwrap().0).collect();
        assert_eq!(keys, ["inner.sighs", "inner.size", "count", "nmae"]);
    }

    #[test]
    fn what_is_no_toml_is_told_in_one_line() {
        let ConfigError(problems) = read("count = \n").unwrap_err();
        assert!(matches!(&problems[..], [one] if !one.contains('\n')), "{problems:?}");
    }
}
