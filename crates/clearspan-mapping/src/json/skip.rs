//! Going past a value without making anything of it, as fast as its bytes can be looked at: a body may be nothing but
//! values that nobody asked for. No recursion; what is open is one bit a level.

use super::cursor::MAX_DEPTH;
use super::parse::{ParseError, Reader};

/// The objects and lists that are open, of which the innermost is asked for.
struct Open {
    depth: usize,
    /// One bit for each, set for objects.
    objects: [u64; MAX_DEPTH / 64 + 1],
}

impl Open {
    fn push(&mut self, is_object: bool) {
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if is_object {
            self.objects[word] |= bit;
        } else {
            self.objects[word] &= !bit;
        }
        self.depth += 1;
    }

    fn is_object(&self) -> bool {
        let at = self.depth - 1;
        self.objects[at / 64] & (1 << (at % 64)) != 0
    }
}

/// Checks the next value and goes past it.
pub(super) fn skip_value(reader: &mut Reader<'_>) -> Result<(), ParseError> {
    let mut open = Open { depth: 0, objects: [0; _] };
    loop {
        reader.skip_space();
        match reader.peek() {
            Some(b'"') => {
                reader.skip_string()?;
            }
            Some(b'-' | b'0'..=b'9') => reader.skip_number()?,
            Some(start @ (b'{' | b'[')) => {
                reader.at += 1;
                let is_object = start == b'{';
                reader.skip_space();
                let close = if is_object { b'}' } else { b']' };
                if reader.peek() == Some(close) {
                    reader.at += 1;
                } else {
                    if open.depth == MAX_DEPTH {
                        return Err(reader.error("nested too deep"));
                    }
                    open.push(is_object);
                    if is_object {
                        skip_name(reader)?;
                    }
                    continue;
                }
            }
            _ => drop(reader.scalar()?),
        }
        if !next_in(reader, &mut open)? {
            return Ok(());
        }
    }
}

/// Goes to the value that follows one that has ended, leaving what ends with it. False after the outermost.
fn next_in(reader: &mut Reader<'_>, open: &mut Open) -> Result<bool, ParseError> {
    while open.depth > 0 {
        let is_object = open.is_object();
        reader.skip_space();
        match (reader.peek(), is_object) {
            (Some(b','), _) => {
                reader.at += 1;
                reader.skip_space();
                // A comma promises something.
                if reader.peek() == Some(if is_object { b'}' } else { b']' }) {
                    return Err(reader.error("expected a JSON value"));
                }
                if is_object {
                    skip_name(reader)?;
                }
                return Ok(true);
            }
            (Some(b'}'), true) | (Some(b']'), false) => {
                reader.at += 1;
                open.depth -= 1;
            }
            (_, true) => return Err(reader.error("expected a comma or the end of an object")),
            (_, false) => return Err(reader.error("expected a comma or the end of a list")),
        }
    }
    Ok(false)
}

fn skip_name(reader: &mut Reader<'_>) -> Result<(), ParseError> {
    reader.skip_space();
    if reader.peek() != Some(b'"') {
        return Err(reader.error("expected a member name"));
    }
    reader.skip_string()?;
    reader.skip_space();
    if reader.peek() != Some(b':') {
        return Err(reader.error("expected a colon"));
    }
    reader.at += 1;
    Ok(())
}
