//! The texts inside of JSON, read without building a tree and without recursion.

use std::borrow::Cow;
use std::ops::ControlFlow;

/// A text of at least this many bytes without a blank in its beginning, of base64 characters only, is a file.
const BLOB_BYTES: usize = 512;

/// Calls `visit` with every string and number of a JSON text that is not a key, until it breaks.
///
/// The JSON need not be whole: what can be recognised in a damaged text is visited.
pub fn for_each_text(json: &str, mut visit: impl FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
    let bytes = json.as_bytes();
    let mut pos = 0;
    while let Some(byte) = bytes.get(pos) {
        match byte {
            b'"' => {
                let (inside, has_escapes, after) = string(json, pos + 1);
                let behind = skip_blanks(bytes, after);
                pos = behind;
                if bytes.get(behind) == Some(&b':') || is_blob(inside) {
                    continue;
                }
                let text = if has_escapes { unescape(inside) } else { Cow::Borrowed(inside) };
                visit(&text)?;
            }
            b'-' | b'0'..=b'9' => {
                let len = bytes[pos..].iter().take_while(|b| is_numeric(**b)).count();
                visit(json.get(pos..pos + len).unwrap_or_default())?;
                pos += len;
            }
            _ => pos += 1,
        }
    }
    ControlFlow::Continue(())
}

/// Whether a text is a file in base64 rather than something that people wrote or read.
pub fn is_blob(text: &str) -> bool {
    if text.len() < BLOB_BYTES {
        return false;
    }
    let bytes = &text.as_bytes()[..BLOB_BYTES];
    let is_data_url =
        bytes.starts_with(b"data:") && bytes.windows(8).take(120).any(|part| part == b";base64,");
    is_data_url
        || bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_'))
}

fn is_numeric(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

fn skip_blanks(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
}

/// The inside of the string that begins here, whether it has escapes, and where it ends.
fn string(json: &str, start: usize) -> (&str, bool, usize) {
    let bytes = json.as_bytes();
    let (mut pos, mut has_escapes) = (start, false);
    loop {
        match bytes[pos..].iter().position(|byte| matches!(byte, b'"' | b'\\')) {
            None => return (json.get(start..).unwrap_or_default(), has_escapes, bytes.len()),
            Some(len) if bytes[pos + len] == b'"' => {
                let end = pos + len;
                return (json.get(start..end).unwrap_or_default(), has_escapes, end + 1);
            }
            Some(len) => {
                has_escapes = true;
                pos = (pos + len + 2).min(bytes.len());
            }
        }
    }
}

/// What a string with escapes stands for. A lone half of a surrogate pair is the replacement character.
fn unescape(inside: &str) -> Cow<'_, str> {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.push_str(rest.get(..at).unwrap_or_default());
        let mut escape = rest.get(at + 1..).unwrap_or_default().chars();
        match escape.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('u') => {
                let (c, after) = code_point(escape.as_str());
                text.push(c);
                rest = after;
                continue;
            }
            Some(other) => text.push(other),
            None => {}
        }
        rest = escape.as_str();
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character of `XXXX`, or of `XXXX\uXXXX` when these are a surrogate pair, and what is behind it.
fn code_point(text: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(first) = unit(text) else { return (char::REPLACEMENT_CHARACTER, text) };
    let after = text.get(4..).unwrap_or_default();
    if let Some(c) = char::from_u32(first) {
        return (c, after);
    }
    let second = after.strip_prefix("\\u").and_then(unit).filter(|unit| (0xdc00..0xe000).contains(unit));
    match second {
        Some(second) if first < 0xdc00 => {
            let c = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            (c.unwrap_or(char::REPLACEMENT_CHARACTER), after.get(6..).unwrap_or_default())
        }
        _ => (char::REPLACEMENT_CHARACTER, after),
    }
}
