//! `dashboards`: writes the files that Grafana reads, from their description in code.

use std::path::Path;

use anyhow::Context as _;
use vantage_dashboards::generated;

fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in generated::files()? {
        let path = folder.join(file.path);
        std::fs::write(&path, file.content)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
