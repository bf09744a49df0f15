//! The dashboards are what Grafana's published types say that a dashboard is.
#![expect(clippy::unwrap_used, reason = "in tests a panic is a failed test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use vantage_dashboards::dashboards;

/// Where `tests/run` has npm put Grafana's types and the compiler.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("grafana-types")
}

#[test]
fn dashboards_conform_to_the_types_that_grafana_publishes() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grafana_types");
    let packages = packages();
    let compiler = packages.join("node_modules/.bin/tsc");
    assert!(
        compiler.exists(),
        "Grafana's types are missing: run tests/run, or\n\
         mkdir -p {0} && cp {1}/package*.json {0} && npm ci --prefix {0} --ignore-scripts",
        packages.display(),
        source.display()
    );
    for file in ["grafana.ts", "tsconfig.json"] {
        std::fs::copy(source.join(file), packages.join(file)).unwrap();
    }
    let mut text = "import type { VantageDashboard } from './grafana';\n".to_owned();
    for dashboard in dashboards::all() {
        let name = dashboard.uid.replace('-', "_");
        writeln!(text, "export const {name}: VantageDashboard = {:#};", dashboard.json()).unwrap();
    }
    std::fs::write(packages.join("dashboards.ts"), text).unwrap();
    let output = Command::new(compiler)
        .args(["--project", "tsconfig.json"])
        .current_dir(packages)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
