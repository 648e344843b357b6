//! Tree to text: no spaces, members in their order, escapes as `serde_json` writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::scan::{BLOCK, each_special, first_in_block, has_special};
use super::{Json, Text};

/// Lines of prose are longer.
const LINE_BYTES: usize = 32;

/// Trees that callers build by hand may be deeper than a parsed one; what is deeper is written as null.
const MAX_DEPTH: usize = 512;

impl Json<'_> {
    /// Appends the canonical text.
    pub(crate) fn write(&self, out: &mut String) {
        self.write_at(out, 0);
    }

    fn write_at(&self, out: &mut String, depth: usize) {
        match self {
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(digits) => out.push_str(digits),
            Self::Int(number) => out.push_str(&number.to_string()),
            Self::Float(number) => out.push_str(&float_text(*number)),
            Self::String(text) => text.write(out),
            Self::Bytes(bytes) => {
                out.push_str("{\"bytesValue\":\"");
                STANDARD.encode_string(bytes, out);
                out.push_str("\"}");
            }
            Self::Array(items) if depth < MAX_DEPTH => {
                out.push('[');
                for (idx, item) in items.iter().enumerate() {
                    if idx > 0 {
                        out.push(',');
                    }
                    item.write_at(out, depth + 1);
                }
                out.push(']');
            }
            Self::Object(members) if depth < MAX_DEPTH => {
                out.push('{');
                for (idx, (name, value)) in members.iter().enumerate() {
                    if idx > 0 {
                        out.push(',');
                    }
                    name.write(out);
                    out.push(':');
                    value.write_at(out, depth + 1);
                }
                out.push('}');
            }
            Self::Null | Self::Array(_) | Self::Object(_) => out.push_str("null"),
        }
    }
}

impl Text<'_> {
    /// Appends the text as a JSON string with its quotes.
    pub(crate) fn write(self, out: &mut String) {
        // A large text must not double its buffer for the last quote, nor for the ends of its lines.
        let len = self.simple().len();
        let escapes = if let Self::Plain(_) = self { len / LINE_BYTES } else { 0 };
        out.reserve(len + escapes + 2);
        out.push('"');
        self.write_inside(out);
        out.push('"');
    }

    fn write_inside(self, out: &mut String) {
        match self {
            Self::Clean(text) | Self::Canonical(text) => out.push_str(text),
            Self::Plain(text) => escape(text, out),
            Self::Escaped(raw) => escape(&super::parse::unescape(raw), out),
        }
    }
}

/// Appends `text` as a JSON string with its quotes.
pub(crate) fn push_string(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

/// Appends `text` as the inside of a JSON string.
fn escape(text: &str, out: &mut String) {
    let mut at = 0;
    // Pieces of one length are copied without a call, and what is behind a special byte is cut off again: cheaper than to
    // copy what is before it. The end, and what follows a piece that would cut a character, is left to the general way.
    while let Some(piece) = text.get(at..at + BLOCK)
        && let Some(block) = piece.as_bytes().first_chunk()
    {
        out.push_str(piece);
        match first_in_block(block) {
            None => at += BLOCK,
            Some(special) => {
                out.truncate(out.len() - BLOCK + special);
                push_escaped(block[special], out);
                at += special + 1;
            }
        }
    }
    escape_rest(text.get(at..).expect("a piece ends with a character"), out);
}

fn escape_rest(text: &str, out: &mut String) {
    // Roles, names and most ends of lines.
    if text.len() < BLOCK && !has_special(text.as_bytes()) {
        out.push_str(text);
        return;
    }
    let mut from = 0;
    each_special(text.as_bytes(), |at| {
        out.push_str(text.get(from..at).expect("a special byte is a character"));
        push_escaped(text.as_bytes()[at], out);
        from = at + 1;
    });
    out.push_str(text.get(from..).expect("a special byte is a character"));
}

fn push_escaped(byte: u8, out: &mut String) {
    match byte {
        b'\n' => out.push_str("\\n"),
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        control => {
            let digit = |bits: u8| char::from_digit(u32::from(bits), 16).expect("four bits are a digit");
            out.push_str("\\u00");
            out.push(digit(control >> 4));
            out.push(digit(control & 15));
        }
    }
}

/// The shortest text that reads back as the same number. JSON has no word for the others, so these become strings.
pub(crate) fn float_text(number: f64) -> String {
    if number.is_finite() {
        serde_json::Number::from_f64(number).expect("the number is finite").to_string()
    } else if number.is_nan() {
        "\"NaN\"".to_owned()
    } else if number > 0.0 {
        "\"Infinity\"".to_owned()
    } else {
        "\"-Infinity\"".to_owned()
    }
}
