//! One file of the spool: a header that says what it is and what it replaces, a body, a checksum.
//!
//! All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `vantage` and the version of this format, 1 |
//! | 1 | 1: a window, 2: a sealed report |
//! | 8 | serial number |
//! | 24 | of a window: start (s since the Unix epoch, 8), length (s, 4), tallies (4), zeros (8); of a report: boot id (16), sequence number (8) |
//! | 4 | windows in the body |
//! | 4 + 8 n | how many files it replaces, and their serial numbers |
//! | 4 + n | length of the body, and the body: a window by itself (`encode_windows`), or an envelope |
//! | 32 | SHA-256 of all that precedes |

use ring::digest::{SHA256, digest};
use vantage_wire::{BootId, Sequence, Window, WindowLength};

const MAGIC: [u8; 8] = *b"vantage\x01";
/// All that precedes the body but the numbers of replaced files.
const HEADER_BYTES: usize = 8 + 1 + 8 + 24 + 4 + 4 + 4;
const CHECKSUM_BYTES: usize = 32;

/// The number of a file: unique in the folder, and higher than that of every file before it.
pub type Serial = u64;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// One window.
    Window {
        /// When.
        window: Window,
        /// Series in it.
        tallies: u32,
    },
    /// A sealed report, to be sent byte for byte.
    Report {
        /// In which run of the agent it was sealed.
        boot: BootId,
        /// Which report of that run.
        sequence: Sequence,
    },
}

/// A file of the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolFile {
    /// Its number.
    pub serial: Serial,
    /// What it holds.
    pub content: Content,
    /// Windows in the body.
    pub windows: u32,
    /// The files whose counts are in this one: they count no more once this one exists.
    pub replaces: Vec<Serial>,
    /// The bytes it keeps.
    pub body: Vec<u8>,
}

/// A file that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It ends too early, or its bytes have changed.
    #[error("checksum does not fit")]
    Checksum,
    /// The bytes are as they were written, but not by this version.
    #[error("not a spool file of this version")]
    Format,
}

impl SpoolFile {
    /// The name that it has in the folder.
    pub fn name(&self) -> String {
        let ending = match self.content {
            Content::Window { .. } => Ending::Window,
            Content::Report { .. } => Ending::Report,
        };
        ending.name(self.serial)
    }

    /// The length of [`SpoolFile::encode`].
    pub fn encoded_len(&self) -> usize {
        HEADER_BYTES + 8 * self.replaces.len() + self.body.len() + CHECKSUM_BYTES
    }

    /// The bytes to write.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let (kind, subject) = self.subject();
        bytes.push(kind);
        bytes.extend(self.serial.to_le_bytes());
        bytes.extend(subject);
        bytes.extend(self.windows.to_le_bytes());
        // Neither comes near 2³²: a report has at most some thousand windows and a megabyte.
        bytes.extend(u32::try_from(self.replaces.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(self.replaces.iter().flat_map(|serial| serial.to_le_bytes()));
        bytes.extend(u32::try_from(self.body.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&self.body);
        let checksum = digest(&SHA256, &bytes);
        bytes.extend_from_slice(checksum.as_ref());
        bytes
    }

    fn subject(&self) -> (u8, [u8; 24]) {
        let mut subject = [0; 24];
        match self.content {
            Content::Window { window, tallies } => {
                subject[..8].copy_from_slice(&window.start_unix_s().to_le_bytes());
                subject[8..12].copy_from_slice(&window.length().seconds().to_le_bytes());
                subject[12..16].copy_from_slice(&tallies.to_le_bytes());
                (1, subject)
            }
            Content::Report { boot, sequence } => {
                subject[..16].copy_from_slice(boot.as_bytes());
                subject[16..].copy_from_slice(&sequence.get().to_le_bytes());
                (2, subject)
            }
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Damage`] where it is not as it was written, or not of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let at = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(Damage::Checksum)?;
        let (content, checksum) = bytes.split_at(at);
        if digest(&SHA256, content).as_ref() != checksum {
            return Err(Damage::Checksum);
        }
        Self::parse(content).ok_or(Damage::Format)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?;
        let [kind] = take::<1>(&mut rest)?;
        let serial = u64::from_le_bytes(take(&mut rest)?);
        let mut subject: &[u8] = &take::<24>(&mut rest)?;
        let content = match kind {
            1 => {
                let start = i64::from_le_bytes(take(&mut subject)?);
                let length = u32::from_le_bytes(take(&mut subject)?);
                let length = WindowLength::from_seconds(length).ok()?;
                let window = Window::new(start, length).ok()?;
                Content::Window { window, tallies: u32::from_le_bytes(take(&mut subject)?) }
            }
            2 => {
                let boot = BootId::new(take(&mut subject)?);
                let sequence = Sequence::new(u64::from_le_bytes(take(&mut subject)?))?;
                Content::Report { boot, sequence }
            }
            _ => return None,
        };
        let windows = u32::from_le_bytes(take(&mut rest)?);
        let count = u32::from_le_bytes(take(&mut rest)?);
        let replaces = (0..count)
            .map(|_| Some(u64::from_le_bytes(take(&mut rest)?)))
            .collect::<Option<Vec<Serial>>>()?;
        let length = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()?;
        (rest.len() == length).then(|| Self {
            serial,
            content,
            windows,
            replaces,
            body: rest.to_vec(),
        })
    }
}

fn take<const BYTES: usize>(rest: &mut &[u8]) -> Option<[u8; BYTES]> {
    rest.split_off(..BYTES)?.try_into().ok()
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A window.
    Window,
    /// A sealed report.
    Report,
    /// Not completely written; counts for nothing.
    Partial,
    /// Set aside because it cannot be read.
    Corrupt,
    /// Set aside because the aggregator refused it.
    Refused,
}

impl Ending {
    const ALL: [(Self, &str); 5] = [
        (Self::Window, "window"),
        (Self::Report, "report"),
        (Self::Partial, "partial"),
        (Self::Corrupt, "corrupt"),
        (Self::Refused, "refused"),
    ];

    /// The name of such a file.
    pub fn name(self, serial: Serial) -> String {
        let word =
            Self::ALL.iter().find(|(ending, _)| *ending == self).map_or("", |(_, word)| word);
        format!("{serial:016x}.{word}")
    }

    /// What a name says; `None` where it is not one of a spool's files.
    pub fn parse(name: &str) -> Option<(Serial, Self)> {
        let (serial, word) = name.split_once('.')?;
        let (ending, _) = Self::ALL.iter().find(|(_, known)| *known == word)?;
        let serial = Serial::from_str_radix(serial, 16).ok()?;
        (ending.name(serial) == name).then_some((serial, *ending))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(serial: Serial, replaces: Vec<Serial>, body: Vec<u8>, report: bool) -> SpoolFile {
        let content = if report {
            Content::Report { boot: BootId::new([7; 16]), sequence: Sequence::FIRST }
        } else {
            let window = Window::new(-600, WindowLength::TEN_MINUTES).unwrap();
            Content::Window { window, tallies: 3 }
        };
        SpoolFile { serial, content, windows: 2, replaces, body }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            serial: u64,
            replaces in prop::collection::vec(any::<u64>(), 0..20),
            body in prop::collection::vec(any::<u8>(), 0..200),
            report: bool,
        ) {
            let file = file(serial, replaces, body, report);
            let bytes = file.encode();
            prop_assert_eq!(SpoolFile::decode(&bytes), Ok(file.clone()));
            prop_assert_eq!(bytes.len(), file.encoded_len());
            let (named, _) = Ending::parse(&file.name()).unwrap();
            prop_assert_eq!(named, serial);
        }

        #[test]
        fn any_change_is_seen(at: prop::sample::Index, bit in 0..8_u32, cut: prop::sample::Index) {
            let bytes = file(9, vec![1, 2], b"body".to_vec(), false).encode();
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] ^= 1 << bit;
            prop_assert_eq!(SpoolFile::decode(&changed), Err(Damage::Checksum));
            let short = &bytes[..cut.index(bytes.len())];
            prop_assert_eq!(SpoolFile::decode(short), Err(Damage::Checksum));
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = SpoolFile::decode(&bytes);
            // Past the checksum, too.
            let _ = SpoolFile::parse(&[&MAGIC[..], &bytes].concat());
        }
    }

    #[test]
    fn other_names_are_left_alone() {
        let foreign = ["lock", "1.window", "000000000000000G.window", ".", "0000000000000001.tmp"];
        assert!(foreign.iter().all(|name| Ending::parse(name).is_none()));
    }
}
