use super::*;

fn all(bytes: &[u8]) -> Result<Vec<(u32, Wire<'_>)>, &'static str> {
    let mut fields = Fields::of(bytes);
    let mut found = Vec::new();
    while let Some(field) = fields.next().map_err(|err| err.why)? {
        found.push(field);
    }
    Ok(found)
}

#[test]
fn every_wire_type_is_read() {
    let bytes = [
        &[0x08, 0x96, 0x01][..],
        &[0x11, 1, 0, 0, 0, 0, 0, 0, 0],
        &[0x1a, 2, b'h', b'i'],
        &[0x25, 7, 0, 0, 0],
        // A group with a field of each type and a group inside.
        &[0x2b, 0x08, 1, 0x33, 0x34, 0x12, 1, 0, 0x1d, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 0, 0x2c],
        // The largest number that there is.
        &[0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ]
    .concat();
    let expected = [
        (1, Wire::Varint(150)),
        (2, Wire::Fixed64(1)),
        (3, Wire::Bytes(b"hi")),
        (4, Wire::Fixed32(7)),
        (5, Wire::Group),
        (6, Wire::Varint(u64::MAX)),
    ];
    assert_eq!(all(&bytes).unwrap(), expected);
}

#[test]
fn what_breaks_the_format_is_told() {
    for (bytes, why) in [
        (&[0x08][..], "it ends inside a number"),
        (&[0x08, 0x80], "it ends inside a number"),
        (
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            "a number has more than 64 bits",
        ),
        (
            &[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            "a number has more than 64 bits",
        ),
        (
            &[0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
            "a length goes beyond its message",
        ),
        (&[0x0a, 3, 1, 2], "a length goes beyond its message"),
        (&[0x11, 1, 2, 3], "it ends inside a number"),
        (&[0x0d, 1, 2, 3], "it ends inside a number"),
        (&[0x00, 0], "a field number is out of range"),
        (&[0x80, 0x80, 0x80, 0x80, 0x10, 0], "a field number is out of range"),
        (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0], "a field number is out of range"),
        (&[0x0e, 0], "there is no such wire type"),
        (&[0x0f, 0], "there is no such wire type"),
        (&[0x0c], "a group ends that did not begin"),
        (&[0x0b, 0x0b, 0x0c], "it ends inside a group"),
    ] {
        assert_eq!(all(bytes), Err(why), "{bytes:x?}");
    }
}

#[test]
fn groups_nest_without_a_stack() {
    let deep = [vec![0x0b; 1 << 20], vec![0x0c; 1 << 20]].concat();
    assert_eq!(all(&deep).unwrap(), [(1, Wire::Group)]);
    assert!(all(&deep[..deep.len() - 1]).is_err());
}
