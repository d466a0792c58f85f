//! The document is committed, so that a change to the API is a visible difference.

use std::path::Path;

/// `UPDATE_OPENAPI=1` writes the file anew.
#[test]
fn the_committed_openapi_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, dialtone_server::openapi()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == dialtone_server::openapi(),
        "openapi.json is not what the handlers say: run the test again with UPDATE_OPENAPI=1 and commit the file"
    );
}
