//! The table of names, made ready for look-ups.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hickory_proto::rr::Name;

use super::records::{Entry, Records, View, problems};

/// The name that stands for all that are not listed.
const ANY_NAME: &str = "*";

/// All that a DNS service answers, as it is at one time.
pub struct Zone {
    /// Time to live of records whose entry gives none, and of negative answers. (s)
    pub ttl_s: u32,
    /// What everybody sees, as configured.
    pub records: Records,
    /// What only some clients see, as configured.
    pub views: Vec<View>,
    base: Table,
    special: Vec<Table>,
}

type Table = BTreeMap<String, Entry>;

impl Zone {
    /// Checks the records and makes them ready.
    ///
    /// # Errors
    ///
    /// Every problem of the records.
    pub fn new(ttl_s: u32, records: Records, views: Vec<View>) -> Result<Self, Vec<String>> {
        let problems = problems(&records, &views);
        if !problems.is_empty() {
            return Err(problems);
        }
        let base = table(&records);
        let special = views.iter().map(|view| table(&view.records)).collect();
        Ok(Self { ttl_s, records, views, base, special })
    }

    /// What `client` sees for `name`: the first view that lists the client and the name; else what everybody sees; else
    /// the same for the name `*`.
    pub fn entry(&self, client: IpAddr, name: &Name) -> Option<&Entry> {
        let name = canonical(name);
        self.exact(client, &name).or_else(|| self.exact(client, ANY_NAME))
    }

    fn exact(&self, client: IpAddr, name: &str) -> Option<&Entry> {
        self.views
            .iter()
            .zip(&self.special)
            .filter(|(view, _)| view.clients.contains(&client))
            .find_map(|(_, table)| table.get(name))
            .or_else(|| self.base.get(name))
    }
}

fn table(records: &Records) -> Table {
    records
        .iter()
        .filter_map(|(name, entry)| {
            let name = Name::from_ascii(name).ok()?;
            Some((canonical(&name), entry.clone()))
        })
        .collect()
}

/// Lower case, without the final dot.
fn canonical(name: &Name) -> String {
    let mut text = name.to_lowercase().to_ascii();
    if text.len() > 1 && text.ends_with('.') {
        text.pop();
    }
    text
}
