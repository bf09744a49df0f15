//! Rows of text, aligned for people or as CSV for programs.

use crate::export::quoted;

/// Columns padded to the widest cell, two spaces apart.
pub(super) fn aligned<const N: usize>(headings: &[&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&headings.map(str::to_owned)).chain(rows) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// What to keep in mind, below a table; empty where there is nothing.
pub(super) fn caveats(caveats: &[String]) -> String {
    if caveats.is_empty() {
        return String::new();
    }
    let heading = "\nto keep in mind\n".to_owned();
    caveats.iter().fold(heading, |text, caveat| text + "  - " + caveat + "\n")
}

/// Comma-separated values (RFC 4180).
pub(super) fn csv<const N: usize>(headings: &[&str; N], rows: &[[String; N]]) -> String {
    let headings = headings.map(|heading| heading.replace(' ', "_"));
    let lines = std::iter::once(&headings)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| quoted(cell)).join(","));
    lines.map(|line| line + "\r\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows =
            [["hk-1".to_owned(), "São Paulo".to_owned()], ["tw-10".to_owned(), "x".to_owned()]];
        assert_eq!(
            aligned(&["agent", "place"], &rows),
            "agent  place\nhk-1   São Paulo\ntw-10  x\n"
        );
    }

    #[test]
    fn csv_quotes_what_it_must() {
        let rows = [["a,b".to_owned(), "say \"x\"".to_owned()]];
        assert_eq!(csv(&["last seen", "b"], &rows), "last_seen,b\r\n\"a,b\",\"say \"\"x\"\"\"\r\n");
    }
}
