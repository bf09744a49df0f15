//! Holds `openapi.json` to the code.

/// `UPDATE_GOLDEN=1` writes the file anew, after a change that is meant.
#[test]
fn what_readers_may_ask_is_what_the_golden_file_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let document = vantage_aggregator::api::openapi_document();
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text == golden, "openapi.json is not what is served; UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn every_page_and_parameter_is_in_api_md() {
    let page = include_str!("../../API.md");
    let document = vantage_aggregator::api::openapi_document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let last = path.rsplit('/').next().unwrap();
        assert!(page.contains(&format!("/{last}")), "API.md lacks {path}");
        for parameter in methods["get"]["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            assert!(page.contains(&format!("`{name}`")), "API.md lacks {name} of {path}");
            assert!(parameter["description"].is_string(), "{name} is not described");
        }
    }
}
