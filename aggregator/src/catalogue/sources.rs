//! The files that a catalogue is made of: the text itself and what it names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};

/// The files that a catalogue was read from, as they were then.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: BTreeMap<PathBuf, Seen>,
}

/// One file as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    /// The most that is read of it, in bytes.
    most_bytes: usize,
    /// SHA-256 of what it said, or why it could not be read.
    said: Result<Vec<u8>, String>,
}

impl Seen {
    fn new(text: &Result<String, String>, most_bytes: usize) -> Self {
        let hash = |text: &String| digest(&SHA256, text.as_bytes()).as_ref().to_vec();
        Self { most_bytes, said: text.as_ref().map(hash).map_err(Clone::clone) }
    }
}

impl Sources {
    /// A file's text, where it is not larger than `most_bytes`.
    pub(super) fn read(&mut self, path: &Path, most_bytes: usize) -> Result<String, String> {
        let text = read_text(path, most_bytes);
        self.files.insert(path.to_owned(), Seen::new(&text, most_bytes));
        text
    }

    /// Reads all of them again; whether any says something else now. Their times do not count: some
    /// editors and tools keep them.
    pub fn have_changed(&self) -> bool {
        self.files.iter().any(|(path, seen)| {
            Seen::new(&read_text(path, seen.most_bytes), seen.most_bytes) != *seen
        })
    }
}

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
