//! `multipart/form-data` that is in memory: examples and files to upload.

use std::str;

use http::{HeaderMap, header};
use memchr::memmem;

use super::input::unprocessable;
use crate::api::error::{ApiError, ErrorCode, Result};

/// RFC 2046 allows 70; some senders use more.
const MAX_BOUNDARY_BYTES: usize = 200;
const MAX_HEADER_BYTES: usize = 16 << 10;
/// Bounds the work for a body of nothing but boundaries.
const MAX_PARTS: usize = 200_000;

/// A part of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) file_name: Option<&'a str>,
    /// Without its parameters.
    pub(super) content_type: Option<&'a str>,
    /// How many bytes it says it has.
    pub(super) length: Option<&'a str>,
    pub(super) bytes: &'a [u8],
}

impl<'a> Part<'a> {
    /// The part as text.
    pub(super) fn text(&self) -> Result<&'a str> {
        str::from_utf8(self.bytes)
            .map_err(|_| unprocessable(format!("the part {:?} is no UTF-8 text", self.name)))
    }
}

/// The boundary that the headers name.
pub(super) fn boundary(headers: &HeaderMap) -> Result<String> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(malformed("the content type must be multipart/form-data"));
    }
    match parameter(content_type, "boundary") {
        Some(boundary) if (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()) => Ok(boundary.to_owned()),
        Some(_) => Err(malformed("the boundary must have 1 to 200 characters")),
        None => Err(malformed("the content type names no boundary")),
    }
}

/// The parts of a body, in their order.
pub(super) fn parse<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>> {
    let opening = format!("--{boundary}");
    let delimiter = format!("\r\n--{boundary}");
    let first = memmem::find(body, opening.as_bytes())
        .ok_or_else(|| malformed("the body does not have the boundary that the content type names"))?;
    let finder = memmem::Finder::new(&delimiter);
    let mut rest = body.get(first + opening.len()..).unwrap_or_default();
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let line =
            memmem::find(rest, b"\r\n").ok_or_else(|| malformed("the body breaks off after a boundary"))?;
        rest = rest.get(line..).unwrap_or_default();
        let end =
            finder.find(rest).ok_or_else(|| malformed("the body breaks off before its last boundary"))?;
        let (part, behind) = rest.split_at(end);
        if parts.len() >= MAX_PARTS {
            return Err(ApiError::new(
                ErrorCode::TooLarge,
                format!("the body has more than {MAX_PARTS} parts"),
            ));
        }
        parts.push(parse_part(part)?);
        rest = behind.get(delimiter.len()..).unwrap_or_default();
    }
}

/// A part with the line break of its boundary in front.
fn parse_part(part: &[u8]) -> Result<Part<'_>> {
    let head_end =
        memmem::find(part, b"\r\n\r\n").ok_or_else(|| malformed("a part has no end of its headers"))?;
    if head_end > MAX_HEADER_BYTES {
        return Err(malformed("the headers of a part are too long"));
    }
    let (head, bytes) = part.split_at(head_end);
    let head = str::from_utf8(head).map_err(|_| malformed("the headers of a part are no UTF-8 text"))?;
    let header = |wanted: &str| {
        let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines
            .into_iter()
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition").unwrap_or_default();
    let name = parameter(disposition, "name").ok_or_else(|| malformed("a part has no name"))?;
    let content_type = header("content-type");
    Ok(Part {
        name,
        file_name: parameter(disposition, "filename"),
        content_type: content_type.map(|value| value.split(';').next().unwrap_or_default().trim()),
        length: header("content-length").or_else(|| parameter(content_type?, "length")),
        bytes: bytes.get(4..).unwrap_or_default(),
    })
}

/// The value of a parameter behind a semicolon; quoted or not.
fn parameter<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = text;
    while let Some(start) = rest.find(';') {
        rest = rest.get(start + 1..)?;
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start();
        // A quoted value may hold semicolons.
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                value.split_at(end)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.trim_end());
        }
        rest = behind;
    }
    None
}

fn malformed(message: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidBody, message)
}

#[cfg(test)]
mod tests;
