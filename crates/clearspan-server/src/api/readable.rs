//! JSON that clients sent, on its way to others: what is nested so deeply that they could not read it is a text.

use clearspan_model::JsonText;

/// JSON parsers give up on what is nested deeper than this, or worse.
const MAX_DEPTH: usize = 100;

/// Whether JSON is nested deeper than clients can read.
pub(super) fn is_too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => at = end_of_string(bytes, at),
            _ => {}
        }
    }
    false
}

/// Behind the quotation mark that closes a string.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if bytes.get(at - 1) == Some(&b'"') {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// The text, or a text that holds it where it is nested too deeply.
pub(super) fn readable(text: &JsonText) -> JsonText {
    if is_too_deep(text.as_str()) { JsonText::from_string(text.as_str()) } else { text.clone() }
}
