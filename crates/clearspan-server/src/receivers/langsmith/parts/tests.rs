use super::*;

const ID: &str = "01a1fbbb-cb86-7125-8e15-d2abd3bca03f";

#[test]
fn names_say_what_a_part_is() {
    let id: RunId = ID.parse().unwrap();
    let ok = |name: String| read_name(&name).unwrap();
    assert_eq!(ok(format!("post.{ID}")), Role::Main(Kind::Post, id));
    assert_eq!(ok(format!("patch.{}", ID.to_uppercase())), Role::Main(Kind::Patch, id));
    assert_eq!(ok(format!("patch.{ID}.outputs")), Role::Field(Kind::Patch, id, "outputs"));
    assert_eq!(ok(format!("feedback.{ID}")), Role::Feedback(ID.to_owned()));
    for name in ["../../x", "/etc/passwd", "a/b", "a.b.html", "a b"] {
        assert_eq!(ok(format!("attachment.{ID}.{name}")), Role::Attachment(id, name.to_owned()));
    }
    assert_eq!(ok(format!("attachment.{ID}.a\0b")), Role::Attachment(id, "a\u{fffd}b".to_owned()));
    for name in [
        "",
        "post",
        "post.7",
        "post.00000000-0000-0000-0000-000000000000",
        &format!("Post.{ID}"),
        &format!("put.{ID}"),
        &format!("patch.{ID}.Inputs"),
        &format!("patch.{ID}.inputs.x"),
        &format!("attachment.{ID}"),
        &format!("attachment.{ID}."),
        &format!("attachment.{ID}.{}", "x".repeat(4_096)),
        &format!("feedback.{ID}.x"),
    ] {
        assert!(read_name(name).is_err(), "{name:?}");
    }
}
