use super::*;

/// Parts as they came out, and the headers with which they began.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    parts: Vec<(Headers, Vec<u8>)>,
    open: bool,
}

#[derive(Debug, PartialEq)]
struct Stopped(&'static str);

impl From<Malformed> for Stopped {
    fn from(Malformed(why): Malformed) -> Self {
        Self(why)
    }
}

impl Parts<'_> for Seen {
    type Stop = Stopped;

    fn begin(&mut self, headers: Headers) -> Result<(), Stopped> {
        assert!(!std::mem::replace(&mut self.open, true));
        self.parts.push((headers, Vec::new()));
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        assert!(self.open);
        self.parts.last_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stopped> {
        assert!(std::mem::replace(&mut self.open, false));
        Ok(())
    }
}

/// Reads a body some bytes at once, or as a whole.
fn read(body: &[u8], step: Option<usize>) -> Result<Seen, Stopped> {
    let Some(step) = step else {
        let mut seen = Seen::default();
        return read_whole(body, "XX", &mut seen).map(|()| seen);
    };
    let mut reader = Reader::new("XX");
    let mut seen = Seen::default();
    for chunk in body.chunks(step) {
        reader.push(chunk, &mut seen)?;
    }
    reader.finish()?;
    Ok(seen)
}

const BODY: &[u8] = b"preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"post.1\"\r\nContent-Type: application/json; length=12\r\n\r\n{\"a\":\r\n--XY}\r\n--XX  \r\ncontent-disposition: form-data; filename=\"a;b\\\".png\"; name=\"attachment.1.p\\\"x\"\r\nContent-Length: 3\r\nContent-Type: image/png\r\n\r\n\r\n-\r\n--XX\r\n\r\n\r\n--XX--\r\nepilogue";

#[test]
fn parts_come_out_however_the_bytes_come_in() {
    let whole = read(BODY, None).unwrap();
    let names: Vec<_> = whole.parts.iter().map(|(headers, _)| headers.name.as_deref()).collect();
    assert_eq!(names, [Some("post.1"), Some("attachment.1.p\"x"), None]);
    let contents: Vec<&[u8]> = whole.parts.iter().map(|(_, content)| content.as_slice()).collect();
    assert_eq!(contents, [b"{\"a\":\r\n--XY}".as_slice(), b"\r\n-", b""]);
    assert_eq!(whole.parts[0].0.length, Some(Ok(12)));
    assert_eq!(whole.parts[0].0.content_type.as_deref(), Some("application/json"));
    assert_eq!(whole.parts[1].0.length, Some(Ok(3)));
    assert_eq!(whole.parts[1].0.file_name.as_deref(), Some("a;b\".png"));
    for step in (1..40).chain([BODY.len()]) {
        assert_eq!(read(BODY, Some(step)).unwrap(), whole, "{step} bytes at once");
    }
}

#[test]
fn what_is_no_form_is_refused() {
    for (body, why) in [
        (&b""[..], "the body does not have the boundary that the content type names"),
        (b"--YY\r\n\r\n--YY--", "the body does not have the boundary that the content type names"),
        (b"--XX\r\nA: b\r\n\r\nabc", "the body breaks off before its last boundary"),
        (b"--XX\r\nA: b\r\n\r\nabc\r\n--XX", "the body breaks off before its last boundary"),
        (b"--XXX\r\n\r\n", "a boundary does not end its line"),
    ] {
        for step in [Some(7), None] {
            assert_eq!(read(body, step), Err(Stopped(why)), "{}", String::from_utf8_lossy(body));
        }
    }
    let long = [b"--XX\r\nA: ".as_slice(), &[b'x'; 1 << 20], b"\r\n\r\n\r\n--XX--"].concat();
    for step in [Some(1_000), Some(long.len()), None] {
        assert_eq!(read(&long, step), Err(Stopped("the headers of a part are too long")));
    }
}

#[test]
fn boundaries_are_found_in_content_types() {
    let ok = |text: &str| boundary_of(text).unwrap();
    assert_eq!(ok("multipart/form-data; boundary=abc"), "abc");
    assert_eq!(ok("Multipart/Form-Data; charset=x; BOUNDARY=\"a b\""), "a b");
    assert_eq!(ok("multipart/form-data; x=\"; boundary=no\"; boundary=\"a;b\""), "a;b");
    for text in ["", "application/json", "multipart/form-data", "multipart/form-data; boundary="] {
        assert!(boundary_of(text).is_err(), "{text:?}");
    }
    assert!(boundary_of(&format!("multipart/form-data; boundary={}", "b".repeat(1_000))).is_err());
}
