//! From a file or a text to the checked catalogue.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::tz::TimeZone;
use vantage_wire::id::MarketId;

use super::model::Catalogue;
use super::problem::{Findings, Problems};
use super::read;

/// The largest catalogue that is read, in bytes.
pub const MAX_CATALOGUE_BYTES: usize = 4 * 1024 * 1024;
/// The largest file of certificate authorities that is read, in bytes.
pub const MAX_CA_FILE_BYTES: usize = 1024 * 1024;

impl Catalogue {
    /// Reads and checks a catalogue that is no file; `source_name` is what messages call it.
    /// Without a folder there are no files to read either, so `ca_file` is refused.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. Where it is not even TOML, that alone.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, Problems> {
        parse(source_name, text, &|_| Err("the catalogue is no file, so it has no folder".into()))
    }

    /// Reads and checks a file, and the files of certificate authorities that it names, relative
    /// to its folder.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, or why it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let source_name = path.display().to_string();
        let text = read_text(path, MAX_CATALOGUE_BYTES).map_err(|problem| {
            Problems::of_file(&source_name, format!("cannot read the catalogue: {problem}"), "")
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        parse(&source_name, &text, &|name| read_text(&folder.join(name), MAX_CA_FILE_BYTES))
    }

    /// The time zone of every market.
    pub fn time_zones(&self) -> BTreeMap<MarketId, TimeZone> {
        let markets = self.markets.iter();
        markets.map(|(id, market)| (id.clone(), market.time_zone.clone())).collect()
    }
}

fn parse(
    source_name: &str,
    text: &str,
    read_file: &read::ReadFile<'_>,
) -> Result<Catalogue, Problems> {
    if text.len() > MAX_CATALOGUE_BYTES {
        let message = format!("the catalogue has more than {MAX_CATALOGUE_BYTES} bytes");
        return Err(Problems::of_file(source_name, message, ""));
    }
    let findings = Findings::new(text);
    let catalogue = read::catalogue(text, &findings, read_file);
    match (findings.into_problems(source_name), catalogue) {
        (None, Some(catalogue)) => Ok(catalogue),
        (Some(problems), _) => Err(problems),
        (None, None) => Err(Problems::of_file(source_name, "it is not TOML".to_owned(), "")),
    }
}

/// A file's text, where it is not larger than `most_bytes`.
fn read_text(path: &Path, most_bytes: usize) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(most_bytes).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > most_bytes {
        return Err(format!("it has more than {most_bytes} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("it is not UTF-8, from byte {} on", error.utf8_error().valid_up_to())
    })
}
