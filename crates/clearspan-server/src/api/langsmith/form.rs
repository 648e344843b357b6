//! Forms that are in memory: examples and files to upload.

use std::str;

use http::{HeaderMap, header};

use super::input::unprocessable;
use crate::api::error::{ApiError, ErrorCode, Result};
use crate::multipart::{self, Headers, Malformed, Parts};

/// Bounds the work for a body of nothing but boundaries.
const MAX_PARTS: usize = 200_000;

/// A part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    /// Without its parameters.
    pub(super) content_type: Option<String>,
    /// How many bytes it says it has; else the text that is no number.
    pub(super) length: Option<std::result::Result<u64, String>>,
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
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(multipart::boundary_of(content_type.unwrap_or_default())?)
}

/// The parts of a body, in their order.
pub(super) fn parse<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>> {
    let mut form = Form(Vec::new());
    multipart::read_whole(body, boundary, &mut form)?;
    Ok(form.0)
}

struct Form<'a>(Vec<Part<'a>>);

impl<'a> Parts<'a> for Form<'a> {
    type Stop = ApiError;

    fn begin(&mut self, headers: Headers) -> Result<()> {
        if self.0.len() >= MAX_PARTS {
            let message = format!("the body has more than {MAX_PARTS} parts");
            return Err(ApiError::new(ErrorCode::TooLarge, message));
        }
        let Headers { name, file_name, content_type, length } = headers;
        let name = name.ok_or(Malformed("a part has no name"))?;
        self.0.push(Part { name, file_name, content_type, length, bytes: &[] });
        Ok(())
    }

    fn data(&mut self, bytes: &'a [u8]) -> Result<()> {
        if let Some(part) = self.0.last_mut() {
            part.bytes = bytes;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl From<Malformed> for ApiError {
    fn from(Malformed(why): Malformed) -> Self {
        Self::new(ErrorCode::InvalidBody, why)
    }
}

#[cfg(test)]
mod tests;
