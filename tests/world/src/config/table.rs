//! All paths of a world.

use super::path::PathSpec;
use super::{TimeSpec, WorldConfig};

/// One path for every ordered pair of hosts, and the time of day they follow.
#[derive(Debug, Clone, PartialEq)]
pub struct PathTable {
    /// The emulated time of day.
    pub time: TimeSpec,
    hosts: usize,
    paths: Vec<PathSpec>,
}

impl PathTable {
    /// Lays the rules of a sound configuration over each other.
    pub fn new(config: &WorldConfig) -> Self {
        let hosts = config.hosts.len();
        let mut table =
            Self { time: config.time, hosts, paths: vec![PathSpec::default(); hosts * hosts] };
        let select = |names: &[String]| -> Vec<usize> {
            (0..hosts)
                .filter(|&at| {
                    names.iter().any(|name| name == "*" || *name == config.hosts[at].name)
                })
                .collect()
        };
        for rule in &config.paths {
            for &from in &select(&rule.from) {
                for &to in &select(&rule.to) {
                    rule.apply(&mut table.paths[from * hosts + to]);
                    if !rule.one_way {
                        rule.apply(&mut table.paths[to * hosts + from]);
                    }
                }
            }
        }
        table
    }

    /// The path between two hosts, by their positions in the configuration.
    pub fn path(&self, from: usize, to: usize) -> &PathSpec {
        &self.paths[from * self.hosts + to]
    }

    /// How many hosts there are.
    pub fn hosts(&self) -> usize {
        self.hosts
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn later_rules_win_and_one_way_rules_leave_the_way_back() {
        let config = WorldConfig::from_toml(
            r#"
            host = [{ name = "a" }, { name = "b" }, { name = "c" }]
            [[path]]
            from = ["*"]
            to = ["*"]
            rtt-ms = 10
            loss = 0.1
            [[path]]
            from = ["a"]
            to = ["b"]
            rtt-ms = 44
            [[path]]
            from = ["a"]
            to = ["b"]
            one-way = true
            blackhole = true
            "#,
        )
        .unwrap();
        let table = PathTable::new(&config);
        assert_eq!(table.path(0, 1).delay, Duration::from_millis(22));
        assert_eq!(table.path(1, 0).delay, Duration::from_millis(22));
        assert!(table.path(0, 1).blackhole && !table.path(1, 0).blackhole);
        assert_eq!(table.path(2, 0).delay, Duration::from_millis(5));
        assert!((table.path(0, 1).loss - 0.1).abs() < 1e-12);
    }
}
