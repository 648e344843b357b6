//! `multipart/form-data`. A [`Reader`] reads a body as it arrives: bytes are pushed in, parts come out piece by piece, and what
//! is kept of it is bounded by a header of a part. [`read_whole`] reads a body that is in memory, and copies nothing. What is a
//! part is decided in one place for both.

use std::ops::Range;

use memchr::memmem::Finder;

/// The headers of one part have at most this many bytes.
const MAX_HEADER_BYTES: usize = 16 << 10;
/// RFC 2046 allows 70; some senders use more.
const MAX_BOUNDARY_BYTES: usize = 200;

/// Takes the parts of a body whose bytes live for `'b`.
pub(crate) trait Parts<'b> {
    /// Why reading ends before the body does.
    type Stop: From<Malformed>;

    /// A part begins.
    fn begin(&mut self, headers: Headers) -> Result<(), Self::Stop>;
    /// Some bytes of it; of a body that is in memory all of them, unless there are none.
    fn data(&mut self, bytes: &'b [u8]) -> Result<(), Self::Stop>;
    /// It is complete.
    fn end(&mut self) -> Result<(), Self::Stop>;
}

/// The body is not what its content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// What is said about a part.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Headers {
    /// The name of the field, if it has one.
    pub(crate) name: Option<String>,
    pub(crate) file_name: Option<String>,
    /// Without its parameters.
    pub(crate) content_type: Option<String>,
    /// How many bytes it says it has: `Content-Length`, or the parameter `length` of the content type.
    pub(crate) length: Option<Result<u64, String>>,
}

/// The boundary that a content type names.
pub(crate) fn boundary_of(content_type: &str) -> Result<String, Malformed> {
    let kind = content_type.split(';').next().unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(Malformed("the content type must be multipart/form-data"));
    }
    match parameter(content_type, "boundary") {
        Some(boundary) if (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()) => Ok(boundary),
        Some(_) => Err(Malformed("the boundary must have 1 to 200 characters")),
        None => Err(Malformed("the content type names no boundary")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Right after a boundary.
    Boundary,
    Headers,
    Body,
    /// After the last boundary.
    End,
}

/// Reads the parts of a body that is in memory.
pub(crate) fn read_whole<'b, P: Parts<'b>>(
    body: &'b [u8],
    boundary: &str,
    parts: &mut P,
) -> Result<(), P::Stop> {
    let mut scanner = Scanner::new(boundary);
    let mut at = scanner.skip_first(body);
    while let Some(next) = scanner.step(body, at, parts)? {
        at = next;
    }
    Ok(scanner.finish()?)
}

/// Reads a body while it arrives.
pub(crate) struct Reader {
    scanner: Scanner,
    buf: Vec<u8>,
}

impl Reader {
    pub(crate) fn new(boundary: &str) -> Self {
        // The first boundary has no line break of its own.
        Self { scanner: Scanner::new(boundary), buf: b"\r\n".to_vec() }
    }

    /// Takes the next bytes of the body. After an error there is no going on.
    pub(crate) fn push<S, P>(&mut self, bytes: &[u8], parts: &mut P) -> Result<(), S>
    where
        S: From<Malformed>,
        P: for<'b> Parts<'b, Stop = S>,
    {
        self.buf.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(next) = self.scanner.step(&self.buf, at, parts)? {
            at = next;
        }
        self.buf.drain(..at.min(self.buf.len()));
        // What is left is less than a delimiter, or headers that are not complete.
        if self.buf.len() > MAX_HEADER_BYTES {
            return Err(Malformed("the headers of a part are too long").into());
        }
        Ok(())
    }

    /// The body has ended.
    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        self.scanner.finish()
    }
}

/// Finds parts in bytes that somebody else holds.
struct Scanner {
    /// A line break, two dashes and the boundary.
    delimiter: Finder<'static>,
    state: State,
}

impl Scanner {
    fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}");
        Self { delimiter: Finder::new(&delimiter).into_owned(), state: State::Preamble }
    }

    /// Where to begin in a whole body: a boundary at its very beginning has no line break in front.
    fn skip_first(&mut self, body: &[u8]) -> usize {
        let opening = self.delimiter.needle().get(2..).unwrap_or_default();
        if !body.starts_with(opening) {
            return 0;
        }
        self.state = State::Boundary;
        opening.len()
    }

    fn finish(&self) -> Result<(), Malformed> {
        match self.state {
            State::End => Ok(()),
            State::Preamble => {
                Err(Malformed("the body does not have the boundary that the content type names"))
            }
            _ => Err(Malformed("the body breaks off before its last boundary")),
        }
    }

    /// Goes on from a place; none when more bytes are needed.
    fn step<'b, P: Parts<'b>>(
        &mut self,
        bytes: &'b [u8],
        at: usize,
        parts: &mut P,
    ) -> Result<Option<usize>, P::Stop> {
        let rest = bytes.get(at..).unwrap_or_default();
        match self.state {
            State::End => Ok((!rest.is_empty()).then_some(bytes.len())),
            State::Preamble | State::Body => {
                let Some(found) = self.delimiter.find(rest) else { return self.pass(bytes, at, parts) };
                if self.state == State::Body {
                    if found > 0 {
                        parts.data(&rest[..found])?;
                    }
                    parts.end()?;
                }
                self.state = State::Boundary;
                Ok(Some(at + found + self.delimiter.needle().len()))
            }
            State::Boundary => {
                let Some(next) = rest.get(..2) else { return Ok(None) };
                match next {
                    b"--" => self.state = State::End,
                    b"\r\n" => {
                        self.state = State::Headers;
                        // The line break stays: headers may be empty.
                        return Ok(Some(at));
                    }
                    // Transport padding.
                    [b' ' | b'\t', _] => return Ok(Some(at + 1)),
                    _ => return Err(Malformed("a boundary does not end its line").into()),
                }
                Ok(Some(at + 2))
            }
            State::Headers => {
                let Some(found) = memchr::memmem::find(rest, b"\r\n\r\n") else { return Ok(None) };
                if found > MAX_HEADER_BYTES {
                    return Err(Malformed("the headers of a part are too long").into());
                }
                let headers = read_headers(&rest[..found]);
                self.state = State::Body;
                parts.begin(headers)?;
                Ok(Some(at + found + 4))
            }
        }
    }

    /// Passes on what cannot be the beginning of a delimiter.
    fn pass<'b, P: Parts<'b>>(
        &mut self,
        bytes: &'b [u8],
        at: usize,
        parts: &mut P,
    ) -> Result<Option<usize>, P::Stop> {
        let end = bytes.len().saturating_sub(self.delimiter.needle().len() - 1);
        if end <= at {
            return Ok(None);
        }
        if self.state == State::Body {
            parts.data(bytes.get(at..end).unwrap_or_default())?;
        }
        Ok(Some(end))
    }
}

/// Headers that are not needed are passed over, and so are those that cannot be read.
fn read_headers(bytes: &[u8]) -> Headers {
    let text = String::from_utf8_lossy(bytes);
    let mut headers = Headers::default();
    let mut told_length = None;
    for line in text.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                headers.name = parameter(value, "name");
                headers.file_name = parameter(value, "filename");
            }
            "content-type" => {
                told_length = parameter(value, "length");
                headers.content_type = Some(value.split(';').next().unwrap_or_default().trim().to_owned());
            }
            "content-length" => headers.length = Some(read_length(value)),
            _ => {}
        }
    }
    if headers.length.is_none() {
        headers.length = told_length.as_deref().map(read_length);
    }
    headers
}

fn read_length(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| text.chars().take(40).collect())
}

/// A parameter of a header, with or without quotes.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    for range in parameters(value) {
        let (name, text) = value.get(range)?.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case(wanted) {
            continue;
        }
        let text = text.trim();
        let Some(inner) = text.strip_prefix('"') else { return Some(text.to_owned()) };
        let inner = inner.strip_suffix('"')?;
        let mut plain = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            plain.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
        }
        // Browsers and the JavaScript SDK escape this way.
        return Some(plain.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"));
    }
    None
}

/// Where the parameters are: between semicolons that no quotes protect.
fn parameters(value: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut from, mut quoted, mut escaped, mut is_first) = (0, false, false, true);
    for (at, byte) in value.bytes().chain([b';']).enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted || at == value.len() => {
                if !is_first && value.get(from..at).is_some_and(|text| text.contains('=')) {
                    ranges.push(from..at);
                }
                is_first = false;
                from = at + 1;
            }
            _ => {}
        }
    }
    ranges
}

#[cfg(test)]
mod tests;
