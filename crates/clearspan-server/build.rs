//! Says what to do when the web UI that is to be embedded was not built.

use std::path::Path;

const DIST: &str = "../../ui/dist";

#[expect(clippy::disallowed_methods, reason = "cargo talks to a build script by the environment")]
fn main() {
    println!("cargo::rerun-if-changed={DIST}");
    let embeds_ui = std::env::var_os("CARGO_FEATURE_EMBED_UI").is_some();
    if embeds_ui && !Path::new(DIST).join("index.html").exists() {
        println!(
            "cargo::error=the web UI is not built: run `npm ci && npm run build` in ui/, or build without it \
             (`--no-default-features`)"
        );
    }
}
