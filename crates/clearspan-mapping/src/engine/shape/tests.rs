use super::*;
use crate::dialects::TABLE;
use crate::engine::Remembered;

fn shape_of<'a>(remembered: &Remembered<'a>, pairs: &[(&'a str, Json<'a>)]) -> Rc<Shape<'a>> {
    remembered.keys.next_span();
    remembered.shapes.of(pairs, &remembered.keys).expect("no key comes twice")
}

#[test]
fn spans_with_the_same_keys_share_a_shape() {
    let remembered = Remembered::for_body(1 << 20, &TABLE);
    let pairs = |first: &'static str| {
        [
            ("gen_ai.system", Json::text(first)),
            ("gen_ai.prompt.0.role", Json::text("user")),
            ("x", Json::Int(1)),
        ]
    };
    let first = shape_of(&remembered, &pairs("openai"));
    assert!(Rc::ptr_eq(&first, &shape_of(&remembered, &pairs("anthropic"))));
    assert!(first.others.iter().any(|hit| TABLE.sources[hit.row] == "gen_ai.system"));
    assert_eq!(first.family(0), [1]);
}

/// Whatever differs in one place only, what rows read differs with it.
#[test]
fn a_shape_is_of_its_keys_alone() {
    let remembered = Remembered::for_body(1, &TABLE);
    let value = || Json::text("x");
    let base = [("a", value()), ("session.id", value()), ("c", value()), ("d", value()), ("e", value())];
    let first = shape_of(&remembered, &base);
    let mut other_key = base.clone();
    other_key[1].0 = "user.id";
    let mut unset = base.clone();
    unset[1].1 = Json::Null;
    for pairs in [&other_key[..], &unset[..], &base[..4]] {
        let shape = shape_of(&remembered, pairs);
        assert!(!Rc::ptr_eq(&first, &shape));
        assert_eq!(shape.places.len(), pairs.len());
        assert_eq!(shape.others == first.others, pairs.len() == 4, "{pairs:?}");
    }
    assert!(shape_of(&remembered, &unset).others.is_empty());
    assert_eq!(shape_of(&remembered, &base).others, first.others);
}

#[test]
fn keys_that_come_twice_have_no_shape() {
    let remembered = Remembered::for_body(1, &TABLE);
    remembered.keys.next_span();
    let twice = [("session.id", Json::text("a")), ("x", Json::Null), ("session.id", Json::text("b"))];
    assert!(remembered.shapes.of(&twice, &remembered.keys).is_none());
}
