//! What the demo writes with `--json`.

use std::process::Command;

use serde_json::Value;

/// All results of a run.
pub struct Results(pub Value);

impl Results {
    /// The answer to a question.
    pub fn answer(&self, kind: &str, name: &str) -> &Value {
        let answer = &self.0[kind][name]["answer"];
        assert!(answer.is_object(), "no {kind} {name}");
        answer
    }

    /// Every result is what `vantage` prints when it asks the aggregator at `url` the same.
    pub fn are_those_of(&self, url: &str) {
        let mut compared = 0;
        for kind in ["rankings", "comparisons", "plans"] {
            for (name, result) in self.0[kind].as_object().unwrap() {
                let command = result["command"].as_array().unwrap();
                let arguments = command[1..].iter().map(|word| word.as_str().unwrap());
                let output = Command::new(env!("CARGO_BIN_EXE_demo-vantage"))
                    .args(arguments)
                    .args(["--format", "json", "--url", url])
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{command:?}: {said}");
                let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
                assert_eq!(printed, result["answer"], "{kind} {name}");
                compared += 1;
            }
        }
        assert!(compared > 0, "there is nothing to compare");
    }

    /// What the agents measured was true to the packets.
    pub fn truth_agrees(&self) {
        let truth = &self.0["truth"];
        let count = |key: &str| truth[key].as_u64().unwrap();
        assert!(count("measured") > 0, "{truth}");
        // A machine that is busy with other tests is late with a wake-up now and then.
        assert!(count("agreeing") * 100 >= count("measured") * 95, "{truth}");
        assert!(count("off_p50_us") <= 100, "{truth}");
    }
}

/// The sites of a market in their order, with their ranks.
pub fn order<'a>(ranking: &'a Value, market: &str) -> Vec<(&'a str, Option<u64>)> {
    let sites = ranking["markets"][market]["sites"].as_array();
    let sites = sites.unwrap_or_else(|| panic!("no market {market} in {ranking}"));
    sites.iter().map(|site| (site["site"].as_str().unwrap(), site["rank"].as_u64())).collect()
}

/// One market of a comparison.
pub fn market<'a>(comparison: &'a Value, market: &str) -> &'a Value {
    let markets = comparison["markets"].as_array().unwrap();
    markets.iter().find(|one| one["market"] == market).unwrap()
}
