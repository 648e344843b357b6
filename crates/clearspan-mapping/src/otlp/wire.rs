//! The protobuf wire format, read by reference: one field after another, nothing allocated, nothing recursive.
//!
//! What breaks the format itself (a varint without end, a length beyond its message, a group without its begin) is
//! [`Malformed`]: after it no byte can be trusted. Everything else, unknown fields and types that do not fit, is the
//! caller's to judge.

use std::fmt;

/// Bytes that are not protobuf, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    why: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)
    }
}

const fn malformed(why: &'static str) -> Malformed {
    Malformed { why }
}

/// The content of a field, by its wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
    /// A group, which OTLP does not have; it was skipped.
    Group,
}

impl<'a> Wire<'a> {
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn fixed64(self) -> Option<u64> {
        match self {
            Self::Fixed64(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn varint(self) -> Option<u64> {
        match self {
            Self::Varint(number) => Some(number),
            _ => None,
        }
    }

    /// The name of the wire type.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Varint(_) => "a varint",
            Self::Fixed64(_) => "a fixed 64-bit number",
            Self::Bytes(_) => "bytes",
            Self::Fixed32(_) => "a fixed 32-bit number",
            Self::Group => "a group",
        }
    }
}

/// The fields of one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The number and the content of the next field; `None` at the end of the message.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Wire<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, kind) = self.tag()?;
        let wire = match kind {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.take(length)?)
            }
            3 => {
                self.skip_group()?;
                Wire::Group
            }
            4 => return Err(malformed("a group ends that did not begin")),
            5 => Wire::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => return Err(malformed("there is no such wire type")),
        };
        Ok(Some((number, wire)))
    }

    /// The content of the next field, if it is a message or a text of this number, which is below 16, as most fields of
    /// OTLP are. `None` leaves the field to [`Self::next`].
    #[inline]
    pub(crate) fn next_bytes_of(&mut self, number: u8) -> Option<&'a [u8]> {
        let (bytes, rest) = after_length(self.rest.strip_prefix(&[number << 3 | 2])?)?;
        self.rest = rest;
        Some(bytes)
    }

    /// True at the end of the message.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next number of a packed list; `None` at its end.
    pub(crate) fn next_varint(&mut self) -> Result<Option<u64>, Malformed> {
        if self.rest.is_empty() { Ok(None) } else { self.varint().map(Some) }
    }

    #[inline]
    fn tag(&mut self) -> Result<(u32, u8), Malformed> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| malformed("a field number is out of range"))?;
        // Field numbers have 29 bits and begin at one.
        if number == 0 || number >= 1 << 29 {
            return Err(malformed("a field number is out of range"));
        }
        Ok((number, (key & 7) as u8))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        // Most tags and lengths are one byte.
        if let [byte, rest @ ..] = self.rest
            && *byte < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for (idx, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * idx);
            if *byte < 0x80 {
                // The tenth byte has room for one bit.
                if idx == 9 && *byte > 1 {
                    return Err(malformed("a number has more than 64 bits"));
                }
                self.rest = self.rest.get(idx + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(malformed(if self.rest.len() < 10 {
            "it ends inside a number"
        } else {
            "a number has more than 64 bits"
        }))
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let cut = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = cut.ok_or(malformed("a length goes beyond its message"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(malformed("it ends inside a number"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// Skips to the end of the group that has begun. Groups inside it are counted, not called.
    fn skip_group(&mut self) -> Result<(), Malformed> {
        let mut depth = 1_usize;
        while depth > 0 {
            if self.rest.is_empty() {
                return Err(malformed("it ends inside a group"));
            }
            match self.tag()?.1 {
                0 => drop(self.varint()?),
                1 => drop(self.fixed::<8>()?),
                2 => {
                    let length = self.varint()?;
                    self.take(length)?;
                }
                3 => depth += 1,
                4 => depth -= 1,
                5 => drop(self.fixed::<4>()?),
                _ => return Err(malformed("there is no such wire type")),
            }
        }
        Ok(())
    }
}

/// Splits what has a length of up to three bytes from what follows it.
#[inline]
fn after_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let low_bits = |byte: &u8| usize::from(*byte & 0x7f);
    let (length, rest) = match bytes {
        [low @ 0..0x80, rest @ ..] => (usize::from(*low), rest),
        [low, high @ 0..0x80, rest @ ..] => (low_bits(low) | usize::from(*high) << 7, rest),
        [low, middle, high @ 0..0x80, rest @ ..] => {
            (low_bits(low) | low_bits(middle) << 7 | usize::from(*high) << 14, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests;
