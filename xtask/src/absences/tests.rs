use super::*;

#[test]
fn a_family_is_a_name_and_what_follows_a_hyphen() {
    for (name, family, expected) in [
        ("arrow", "arrow", true),
        ("arrow-array", "arrow", true),
        ("arrowhead", "arrow", false),
        ("tokio-util", "tokio", true),
        ("http", "http", true),
        ("httparse", "http", false),
    ] {
        assert_eq!(is_of_family(name, family), expected, "{name} of {family}");
    }
}

#[test]
fn a_crate_that_is_there_is_found() {
    // If the tree came back empty, every rule would hold.
    let tree = tree(&crate::root(), "xtask").unwrap();
    assert!(tree.contains("anyhow") && tree.contains("serde_json"), "{tree:?}");
    assert!(members(&crate::root()).unwrap().iter().any(|member| member.name == "clearspan-model"));
}
