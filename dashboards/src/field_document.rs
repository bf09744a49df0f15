//! `FIELDS.md`: every tag and field that is exported, and where it is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::exported::{Field, Measurement};
use crate::{alerts, dashboards};

/// The document.
pub(crate) fn text(written_by: &str) -> String {
    let shown = shown();
    let mut text = format!(
        "# What is exported to InfluxDB\n\n\
         Written by `{written_by}` from the exporter's own table\n\
         (`aggregator/src/export/influx/fields.rs`); a test holds the two together. Times are whole\n\
         microseconds, shares are 0 to 1, names of things are tags, and what was measured are fields.\n",
    );
    for measurement in Measurement::ALL {
        let table = measurement.table();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## {}\n\n{} Time of a point: {}\n\n| tag | meaning | present |\n|---|---|---|\n",
            table.name,
            table.meaning,
            lower_first(table.time)
        );
        for tag in &table.tags {
            let _ = writeln!(text, "| `{}` | {} | {} |", tag.name, tag.meaning, tag.present);
        }
        text.push_str(
            "\n| field | type | unit | meaning | present | shown in |\n|---|---|---|---|---|---|\n",
        );
        for field in &table.fields {
            let places = shown.get(&measurement.field(&field.name));
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} | {} |",
                field.name,
                field.kind.name(),
                field.unit.name(),
                field.meaning,
                field.present,
                places.map_or_else(|| "–".to_owned(), |places| places.join("; "))
            );
        }
    }
    text
}

/// Where each field is shown.
fn shown() -> BTreeMap<Field, Vec<String>> {
    let mut shown: BTreeMap<Field, Vec<String>> = BTreeMap::new();
    let mut note = |field: Field, place: String| {
        let places = shown.entry(field).or_default();
        if !places.contains(&place) {
            places.push(place);
        }
    };
    for dashboard in dashboards::all() {
        let name = dashboard.title.trim_start_matches("Vantage: ");
        for (_, panel) in dashboard.panels() {
            for field in panel.targets.iter().flat_map(|target| target.query.fields()) {
                note(field, format!("{name}: {}", panel.title));
            }
        }
        for annotation in &dashboard.annotations {
            for field in annotation.query.fields() {
                note(field, format!("{name}: mark {}", annotation.name));
            }
        }
    }
    for rule in alerts::all() {
        for field in rule.questions.iter().flat_map(|question| question.query.fields()) {
            note(field, format!("alert: {}", rule.title.trim_start_matches("Vantage: ")));
        }
    }
    shown
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
