//! What a probe takes from its target.

use super::super::section::Section;
use super::Around;

/// A probe's table and what it takes from its target.
#[derive(Clone, Copy)]
pub struct OfTarget<'a> {
    /// The table.
    pub section: &'a Section<'a>,
    /// The target's host.
    pub host: &'a str,
    /// Whether private addresses may be probed.
    pub allow_private: bool,
    /// The rest of the catalogue.
    pub around: Around<'a>,
}
