//! The files beside the source are what the source gives, and dashboards keep to what makes them of use.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use vantage_dashboards::exported::Measurement;
use vantage_dashboards::{alerts, dashboards, generated};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_files_are_what_the_source_gives() {
    for file in generated::files().unwrap() {
        let path = folder().join(&file.path);
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == file.content, "{} is out of date: {}", file.path, generated::COMMAND);
    }
}

#[test]
fn every_dashboard_in_the_folder_has_a_source() {
    let written: BTreeSet<_> =
        generated::files().unwrap().into_iter().map(|file| file.path).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_json = Path::new(&name).extension().is_some_and(|kind| kind == "json");
        assert!(!is_json || written.contains(&name), "{name} has no source");
    }
}

#[test]
fn every_panel_says_what_it_shows_and_has_a_place_of_its_own() {
    for dashboard in dashboards::all() {
        let json = dashboard.json();
        let mut ids = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in json["panels"].as_array().unwrap() {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            for x in place("x")..place("x") + place("w") {
                assert!(x < 24, "{title} leaves the grid");
                for y in place("y")..place("y") + place("h") {
                    assert!(taken.insert((x, y)), "{title} lies on another panel");
                }
            }
            if panel["type"] != "row" {
                assert!(
                    panel["description"].as_str().unwrap().len() > 20,
                    "{title} has no description"
                );
            }
            if !matches!(panel["type"].as_str().unwrap(), "row" | "text" | "state-timeline") {
                assert!(
                    panel["fieldConfig"]["defaults"]["unit"].is_string(),
                    "{title} has no unit"
                );
            }
        }
        assert!(dashboard.description.len() > 40);
        assert_eq!(json["links"][0]["includeVars"], true);
    }
}

#[test]
fn every_variable_is_used() {
    for dashboard in dashboards::all() {
        let text = dashboard.json().to_string();
        for variable in &dashboard.variables {
            let used = format!("${{{}", variable.name);
            assert!(text.contains(&used), "{}: {} is not used", dashboard.title, variable.name);
        }
    }
}

/// Whatever stands in quotation marks in a query.
fn quoted(query: &str) -> impl Iterator<Item = &str> {
    query.split('"').skip(1).step_by(2)
}

#[test]
fn every_name_in_every_query_is_one_that_the_exporter_writes() {
    let mut written = BTreeSet::new();
    for measurement in Measurement::ALL {
        let table = measurement.table();
        written.insert(table.name.to_owned());
        written.extend(table.tags.iter().map(|tag| tag.name.to_owned()));
        written.extend(table.fields.iter().map(|field| field.name.to_string()));
    }
    let check = |query: &str| {
        let mut known = written.clone();
        // And the names that the query gives its own columns.
        known.extend(
            query.split(" AS \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
        );
        for name in quoted(query) {
            assert!(known.contains(name), "{name} is not written: {query}");
        }
    };
    let mut count = 0;
    let mut each = |value: &Value| {
        each_query(value, &mut |query| {
            count += 1;
            check(query);
        });
    };
    for file in generated::files().unwrap() {
        let text = std::fs::read_to_string(folder().join(&file.path)).unwrap();
        match Path::new(&file.path).extension().unwrap().to_str() {
            Some("json") => each(&serde_json::from_str(&text).unwrap()),
            Some("yaml") => each(&serde_saphyr::from_str(&text).unwrap()),
            _ => (),
        }
    }
    assert!(count > 80, "{count}");
}

fn each_query(value: &Value, with: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "query" && text.contains("FROM") => with(text),
                    _ => each_query(value, with),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| each_query(value, with)),
        _ => (),
    }
}

#[test]
fn every_field_is_documented() {
    let document = std::fs::read_to_string(folder().join("FIELDS.md")).unwrap();
    for measurement in Measurement::ALL {
        for field in &measurement.table().fields {
            assert!(document.contains(&format!("| `{}` |", field.name)), "{}", field.name);
        }
    }
}

#[test]
fn every_rule_says_what_happened_what_to_do_and_where_to_look() {
    for rule in alerts::all() {
        let json = rule.json();
        assert!(rule.description.len() > 100, "{}", rule.title);
        assert!(json["annotations"]["dashboard"].as_str().unwrap().contains("d/vantage-"));
        assert!(!json["labels"].to_string().contains('$'), "Grafana takes it for a variable");
        let asked: BTreeSet<_> = rule.questions.iter().map(|question| question.name).collect();
        for name in rule.condition.split('$').skip(1) {
            let name = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap();
            assert!(asked.contains(name), "{}: ${name}", rule.title);
        }
    }
}
