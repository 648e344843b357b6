use std::path::Path;

use utoipa::OpenApi as _;

use super::Document;

/// `UPDATE_EXPECT=1 cargo test` rewrites the copy after a change of the API.
#[test]
fn the_copy_in_docs_is_current() {
    let path = Path::new("../../docs/openapi.json");
    let current = Document::openapi().to_pretty_json().unwrap() + "\n";
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == current,
        "docs/openapi.json is not current: run the test with UPDATE_EXPECT=1 and look at the change"
    );
}
