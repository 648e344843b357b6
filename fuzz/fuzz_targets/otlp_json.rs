#![no_main]

use clearspan_mapping::otlp::{Encoding, Signal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let is_taken = |signal| clearspan_fuzz::check(signal, body, Encoding::Json).is_some();
    // Every body goes every way: clients do send to the wrong path.
    if Signal::ALL.map(is_taken).contains(&true) {
        // Whatever is taken is JSON for others, too, but for the mark that stands before it.
        let text = std::str::from_utf8(body).expect("it was taken");
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = serde_json::from_str::<&serde_json::value::RawValue>(text);
        assert!(read.is_ok_and(|json| json.get().starts_with('{')) || is_deep(text), "no JSON was taken");
    }
});

/// serde_json stops at a depth of 128.
fn is_deep(text: &str) -> bool {
    text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count() > 120
}
