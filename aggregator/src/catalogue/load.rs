//! From a file or a text to the checked catalogue.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;
use vantage_wire::id::MarketId;

use super::model::Catalogue;
use super::problem::{Findings, Problems};
use super::read;
use super::sources::Sources;

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
        Self::load_with_sources(path).0
    }

    /// As [`load`](Self::load), and with it what was read, whether it is sound or not.
    pub fn load_with_sources(path: &Path) -> (Result<Self, Problems>, Sources) {
        let source_name = path.display().to_string();
        let mut sources = Sources::default();
        let catalogue = match sources.read(path, MAX_CATALOGUE_BYTES) {
            Ok(text) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                let sources = RefCell::new(&mut sources);
                parse(&source_name, &text, &|name| {
                    sources.borrow_mut().read(&folder.join(name), MAX_CA_FILE_BYTES)
                })
            }
            Err(problem) => {
                let message = format!("cannot read the catalogue: {problem}");
                Err(Problems::of_file(&source_name, message, ""))
            }
        };
        (catalogue, sources)
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
