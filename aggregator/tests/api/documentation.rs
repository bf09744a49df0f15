//! Holds API.md to the code.

use vantage_aggregator::api::Problem;

#[test]
fn every_problem_is_documented_with_its_status() {
    let page = include_str!("../../API.md");
    for problem in Problem::ALL {
        let (status, name) =
            (problem.status().as_u16().to_string(), format!("`{}`", problem.name()));
        let row = |line: &&str| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            cells.len() > 3 && cells[1].contains(&status) && cells[2].contains(&name)
        };
        assert!(page.lines().any(|line| row(&line)), "API.md lacks {status} {name}");
    }
}
