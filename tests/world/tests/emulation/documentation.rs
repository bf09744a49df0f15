//! The worlds that the reference shows, and those that come with the program, are sound.

use std::fs;
use std::path::Path;

use vantage_world::WorldConfig;
use vantage_world::truth::Verdict;

const REFERENCE: &str = include_str!("../../README.md");

/// The blocks fenced as exactly `toml`, which are whole worlds.
fn worlds(markdown: &str) -> Vec<String> {
    let mut worlds = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if info == "toml" {
                worlds.push(block.join("\n"));
            }
        }
    }
    worlds
}

#[test]
fn only_blocks_of_toml_count_as_worlds() {
    let markdown = "a\n```toml\nx = 1\ny = 2\n```\n```toml fragment\nz\n```\n```text\nw\n```\n";
    assert_eq!(worlds(markdown), ["x = 1\ny = 2"]);
}

#[test]
fn every_world_of_the_reference_is_sound() {
    let worlds = worlds(REFERENCE);
    assert!(worlds.len() >= 3, "{} worlds found", worlds.len());
    for text in worlds {
        if let Err(error) = WorldConfig::from_toml(&text) {
            panic!("{error}\nin\n{text}");
        }
    }
}

#[test]
fn every_world_that_comes_with_the_program_is_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("worlds");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if let Err(error) = WorldConfig::from_toml(&fs::read_to_string(&path).unwrap()) {
            panic!("{}: {error}", path.display());
        }
        count += 1;
    }
    assert!(count >= 1);
}

#[test]
fn every_verdict_is_explained() {
    for verdict in Verdict::ALL {
        assert!(REFERENCE.contains(&format!("`{}`", verdict.name())), "{}", verdict.name());
    }
}
