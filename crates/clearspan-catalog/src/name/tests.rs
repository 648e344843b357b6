use super::*;

#[test]
fn names_are_checked() {
    let long = "x".repeat(256);
    let cases = [
        ("checkout", Ok("checkout")),
        ("  my agent ", Ok("my agent")),
        ("../../etc", Ok("../../etc")),
        ("プロジェクト 🚀", Ok("プロジェクト 🚀")),
        ("", Err("a project name must not be empty")),
        (" \t ", Err("a project name must not be empty")),
        ("a\0b", Err("a project name must not contain control characters")),
        ("a\u{202e}b", Err("a project name must not contain control characters")),
        (&long, Err("a project name must have at most 255 characters")),
    ];
    for (text, expected) in cases {
        let parsed = ProjectName::parse(text).map_err(|err| err.to_string());
        assert_eq!(parsed.as_ref().map(ProjectName::as_str).map_err(String::as_str), expected, "{text:?}");
    }
}

#[test]
fn a_bad_name_is_repaired_not_refused() {
    let long = "é".repeat(10_000);
    let cases = [
        ("checkout", Some("checkout".to_owned())),
        ("a\0b\n", Some("a b".to_owned())),
        ("\0\u{202e}", None),
        ("", None),
        (&long, Some("é".repeat(255))),
    ];
    for (text, expected) in cases {
        assert_eq!(ProjectName::repair(text).map(|name| name.as_str().to_owned()), expected);
    }
}
