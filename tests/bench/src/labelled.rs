//! Series of round trip times in which people have marked where the level changes.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use vantage_aggregator::analysis::change::Point;

/// One series with its marks.
pub struct Labelled {
    /// What it is called.
    pub name: String,
    /// Its points in the order of time; without a value where there was no answer.
    pub points: Vec<Point>,
    /// The indices of the points that were marked as the first of a new level.
    pub marks: Vec<usize>,
}

/// What such a folder holds, for somebody who has none.
pub const FORMAT: &str = "\
a folder of labelled series: INDEX.csv, whose second column (after a header line) names the series
in their order, and for each NAME.csv with the columns t_s (seconds since its start), rtt_ms (empty
where there was no answer), reason, change (1 in the row where a new level begins). Lines that begin
with # are passed over. The collection in dataset/real_trace_labelled of
https://github.com/WenqinSHAO/rtt can be brought into this form.";

/// Reads all series of a folder, in the order of its index.
///
/// # Errors
///
/// Where a file can't be read, or is not of this [`FORMAT`].
pub fn read_folder(folder: &Path) -> Result<Vec<Labelled>> {
    let index = rows(&folder.join("INDEX.csv"))?;
    index
        .iter()
        .map(|row| {
            let name = row.get(1).context("INDEX.csv: a row without a second column")?;
            read_series(folder, name).with_context(|| format!("{name}.csv"))
        })
        .collect()
}

fn read_series(folder: &Path, name: &str) -> Result<Labelled> {
    let mut read = Vec::new();
    for row in rows(&folder.join(format!("{name}.csv")))? {
        let [time, rtt_ms, _, change] = row.as_slice() else { bail!("{row:?}: not four columns") };
        let unix_s: i64 = time.parse().with_context(|| format!("t_s {time:?}"))?;
        let value_us = match rtt_ms.as_str() {
            "" => None,
            rtt => Some(rtt.parse::<f64>().with_context(|| format!("rtt_ms {rtt:?}"))? * 1000.0),
        };
        read.push((Point { unix_s, value_us }, change == "1"));
    }
    // Some go back in time by a round.
    read.sort_by_key(|(point, _)| point.unix_s);
    let marked = read.iter().enumerate().filter(|(_, (_, marked))| *marked);
    let marks = marked.map(|(index, _)| index).collect();
    let points = read.into_iter().map(|(point, _)| point).collect();
    Ok(Labelled { name: name.to_owned(), points, marks })
}

/// The fields of all lines but comments and the header.
fn rows(path: &Path) -> Result<Vec<Vec<String>>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    Ok(lines.map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_in_the_order_of_its_index() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("INDEX.csv", "# what\nset,probe\ns,b\ns,a\n");
        write("a.csv", "t_s,rtt_ms,reason,change\n0,1.5,,0\n");
        write("b.csv", "# c\nt_s,rtt_ms,reason,change\n0,2,,0\n480,,timeout,0\n240,3,,1\n");
        let series = read_folder(folder.path()).unwrap();
        assert_eq!(series.iter().map(|each| each.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(series[0].marks, [1]);
        let values: Vec<_> = series[0].points.iter().map(|point| point.value_us).collect();
        assert_eq!(values, [Some(2000.0), Some(3000.0), None]);
    }

    #[test]
    fn a_row_that_is_something_else_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("INDEX.csv"), "set,probe\ns,a\n").unwrap();
        assert!(read_folder(folder.path()).is_err());
        std::fs::write(folder.path().join("a.csv"), "t_s,rtt_ms,reason,change\n0,x,,0\n").unwrap();
        assert!(read_folder(folder.path()).is_err());
    }
}
