use super::parse;

#[test]
fn reads_plain_and_chunked_answers() {
    let plain = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
    assert_eq!((plain.status, plain.body.as_slice()), (200, &b"hi"[..]));
    let chunked =
        parse(b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n")
            .unwrap();
    assert_eq!((chunked.status, chunked.body.as_slice()), (404, &b"abc0123456789"[..]));
}

#[test]
fn refuses_an_answer_that_is_cut_off() {
    assert!(parse(b"HTTP/1.1 200 OK\r\n").is_err());
    assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab").is_err());
}
