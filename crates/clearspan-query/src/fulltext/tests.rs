use std::ops::ControlFlow;

use proptest::prelude::*;
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{Matcher, Required, Search, exact_term, fold, for_each_term, for_each_text, is_blob, required};

fn prefix(text: &str) -> Search {
    Search::Phrase { text: text.to_owned(), is_prefix: true }
}

fn regex(pattern: &str) -> Search {
    Search::Regex(pattern.to_owned())
}

fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for_each_term(text, |term| terms.push(term.to_owned()));
    terms
}

#[test]
fn what_is_found() {
    let phrase = |text: &str| Search::phrase(text);
    let cases: &[(Search, &str, Option<&str>)] = &[
        (phrase("refund"), "The Refund, please", Some("Refund")),
        (phrase("refund"), "refunds", None),
        (phrase("REFUND"), "a refund", Some("refund")),
        (phrase("refund policy"), "our refund\n-- policy!", Some("refund\n-- policy")),
        (phrase("refund policy"), "policy refund", None),
        (phrase("refund policy"), "refund refund policy", Some("refund policy")),
        (phrase("a b a c"), "a b a b a c", Some("a b a c")),
        (phrase("refund_policy"), "refund policy", Some("refund policy")),
        (phrase("3.14"), "pi is 3.14159, or 3.14", Some("3.14")),
        (prefix("refu"), "no refunds", Some("refunds")),
        (prefix("refund pol"), "refund policies", Some("refund policies")),
        (prefix("refund pol"), "refunded policies", None),
        (prefix("pol."), "policies", Some("policies")),
        // Accents count, case does not; marks belong to their letter.
        (phrase("größe"), "GRÖSSE Größe GRÖßE", Some("Größe")),
        (phrase("cafe"), "café cafe\u{301}", None),
        (phrase("cafe\u{301}"), "CAFE\u{301}!", Some("CAFE\u{301}")),
        (phrase("σας"), "ΣΑΣ", Some("ΣΑΣ")),
        (phrase("Köln"), "nach Ko\u{308}ln!", Some("Ko\u{308}ln")),
        (phrase("ko\u{308}ln"), "KÖLN", Some("KÖLN")),
        (phrase("koln"), "Köln Ko\u{308}ln", None),
        (phrase("kölner dom"), "o\u{308}: der Ko\u{308}lner\nDom.", Some("Ko\u{308}lner\nDom")),
        (prefix("kö"), "Ko\u{308}lner", Some("Ko\u{308}lner")),
        (prefix("ko\u{308}"), "Kölner", Some("Kölner")),
        (prefix("ko"), "Ko\u{308}lner", None),
        (phrase("q\u{307}\u{323}"), "q\u{323}\u{307}", Some("q\u{323}\u{307}")),
        (phrase("istanbul"), "o\u{308} İstanbul", Some("İstanbul")),
        (phrase("istanbul"), "I\u{307}stanbul", Some("I\u{307}stanbul")),
        (phrase("istanbul"), "i\u{307}stanbul", Some("i\u{307}stanbul")),
        (phrase("İSTANBUL"), "Istanbul", Some("Istanbul")),
        (prefix("is"), "İstanbul", Some("İstanbul")),
        (phrase("isi"), "ısı", None),
        (phrase("ǰ"), "J\u{30c}", Some("J\u{30c}")),
        (phrase("fi"), "ﬁ", None),
        (phrase("a"), "Ａ", None),
        (phrase("हिन्दी"), "यह हिन्दी है", Some("हिन्दी")),
        // Without blanks between words.
        (phrase("返金"), "注文の返金をお願いします", Some("返金")),
        (phrase("金返"), "返金", None),
        (phrase("返金"), "返。金", None),
        (phrase("返 金"), "返。金", Some("返。金")),
        (phrase("退款 政策"), "退款和政策", None),
        (phrase("환불"), "환불하세요", Some("환불")),
        (
            phrase("환불"),
            "a\u{1112}\u{116a}\u{11ab}\u{1107}\u{116e}\u{11af}하세요",
            Some("\u{1112}\u{116a}\u{11ab}\u{1107}\u{116e}\u{11af}"),
        ),
        (phrase("\u{1112}\u{116a}\u{11ab}\u{1107}\u{116e}\u{11af}"), "환불하세요", Some("환불")),
        (phrase("화"), "\u{1112}\u{116a}\u{11ab}", None),
        (phrase("ガイド"), "カ\u{3099}イト\u{3099}を", Some("カ\u{3099}イト\u{3099}")),
        (phrase("イト"), "カ\u{3099}イト\u{3099}", None),
        (phrase("คืนเงิน"), "ขอคืนเงินค่ะ", Some("คืนเงิน")),
        (prefix("返"), "返金", Some("返")),
        (phrase("GPT返金"), "gpt返金", Some("gpt返金")),
        (phrase("🎉"), "done🎉🎉", Some("🎉")),
        (phrase("👍🏽"), "👍🏽", Some("👍🏽")),
        (regex("ref(und|use)"), "They REFUSE", Some("REFUSE")),
        (regex("Refund"), "refund", None),
        (regex("\\W\\p{L}nd"), "re UND", Some(" UND")),
        (regex("^at line"), "Error\nat line 1", Some("at line")),
        // As it is spelled.
        (regex("Köln"), "Ko\u{308}ln", None),
        (regex("Ko"), "Ko\u{308}ln", Some("Ko")),
        (regex("istanbul"), "İstanbul", None),
        (regex("->"), "a -> b", Some("->")),
        (regex("x/y"), "x/y", Some("x/y")),
        (regex(".*"), "", Some("")),
    ];
    for (search, text, expected) in cases {
        let found = Matcher::new(search).unwrap().find(text).and_then(|range| text.get(range));
        assert_eq!(found, *expected, "{search:?} in {text:?}");
    }
}

#[test]
fn long_texts_and_long_phrases() {
    let text = format!("{}needle in {}", "hay ".repeat(5_000), "straw ".repeat(5_000));
    let found = Matcher::new(&Search::phrase("hay needle in straw")).unwrap().find(&text).unwrap();
    assert_eq!(text.get(found), Some("hay needle in straw"));
    let phrase: Vec<String> = (0..128).map(|n| format!("w{n}")).collect();
    let matcher = Matcher::new(&Search::phrase(phrase.join(" "))).unwrap();
    assert!(matcher.is_match(&format!("w0 w1 {} w128", phrase.join("-"))));
    assert!(!matcher.is_match(&phrase[1..].join(" ")));
    assert!(Matcher::new(&Search::phrase("a ".repeat(129))).unwrap_err().message.contains("128"));
}

#[test]
fn texts_of_json() {
    let texts = |json: &str| {
        let mut texts = Vec::new();
        let all = for_each_text(json, |text| {
            texts.push(text.to_owned());
            ControlFlow::Continue(())
        });
        assert!(all.is_continue());
        texts
    };
    assert_eq!(
        texts(r#"{"role":"user","content":[{"n" : -1.5e3, "ok":true,"z":null}," a\n\"b\" "]}"#),
        ["user", "-1.5e3", " a\n\"b\" "]
    );
    assert_eq!(texts(r#""\u00e9\ud83c\udf89\ud83c x\\u0041\/""#), ["é🎉\u{fffd} x\\u0041/"]);
    assert_eq!(texts("plain 12"), ["12"]);
    assert_eq!(texts(r#"["never closed"#), ["never closed"]);
    assert_eq!(texts(r#"["a\"#), ["a"]);
    let deep = format!("{}\"x\"{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(texts(&deep), ["x"]);
    let blob = "iVBORw0KGgo".repeat(60);
    assert!(
        is_blob(&blob) && is_blob(&format!("data:image/png;base64,{blob}")) && !is_blob(&"word ".repeat(200))
    );
    assert_eq!(texts(&format!(r#"{{"data":"{blob}","kind":"image"}}"#)), ["image"]);
    assert!(Matcher::new(&Search::phrase("é")).unwrap().is_match_in_json(r#"{"a":"\u00c9"}"#));
    assert!(!Matcher::new(&Search::phrase("role")).unwrap().is_match_in_json(r#"{"role":"user"}"#));
    assert!(!Matcher::new(&Search::phrase("a b")).unwrap().is_match_in_json(r#"["a","b"]"#));
}

#[test]
fn terms_of_texts() {
    let long = "x".repeat(50);
    assert_eq!(terms("The 2nd Größe, snake_case"), ["the", "2nd", "größe", "snake", "case"]);
    assert_eq!(terms("返金を a日🎉"), ["返金", "金を", "を", "a", "日", "🎉"]);
    assert_eq!(terms(&long), ["x".repeat(40), "\u{0}".to_owned()]);
    // For regular expressions the other spelling, too.
    assert_eq!(terms("the Köln İ"), ["the", "köln", "i", "\u{1}İ"]);
    assert_eq!(terms("the Ko\u{308}ln"), ["the", "köln", "\u{1}ko\u{308}ln"]);
    let cut = format!("{}e\u{301}", "x".repeat(39));
    assert_eq!(
        terms(&cut),
        [format!("{}é", "x".repeat(39)), format!("\u{1}{}e", "x".repeat(39)), "\u{0}".to_owned()]
    );
}

#[test]
fn what_searches_require() {
    let term = |text: &str| Required::Term(text.to_owned());
    let begin = |text: &str| Required::Prefix(text.to_owned());
    let spelled = |form: fn(String) -> Required, text: &str| {
        Required::Any(vec![form(format!("\u{1}{text}")), form(text.to_owned())])
    };
    let part = |text: &str| Required::Any(vec![Required::Part(text.to_owned()), term("\u{0}")]);
    let cases = [
        (Search::phrase("Refund Policy"), Required::All(vec![term("refund"), term("policy")])),
        (prefix("refund pol."), Required::All(vec![term("refund"), begin("pol")])),
        (Search::phrase("返金を"), Required::All(vec![term("返金"), term("金を")])),
        (Search::phrase("金"), begin("金")),
        (
            regex("ref(und|use)"),
            Required::All(vec![part("ref"), Required::Any(vec![part("und"), part("use")])]),
        ),
        (Search::phrase("ko\u{308}ln"), term("köln")),
        (
            regex("Our refund pol.*"),
            Required::All(vec![
                part("our"),
                spelled(Required::Term, "refund"),
                spelled(Required::Prefix, "pol"),
            ]),
        ),
        (regex("-ko\u{308}ln-"), spelled(Required::Term, "ko\u{308}ln")),
        (regex("(refund)?|x"), Required::Nothing),
        (regex("\\d+"), Required::Nothing),
        (regex("(abc)+"), part("abc")),
    ];
    for (search, expected) in cases {
        assert_eq!(required(&search), expected, "{search:?}");
    }
}

/// The prefilter and the index rely on it: what a regular expression takes for the same letter has the same term.
#[test]
fn folding_agrees_with_regular_expressions() {
    let mut wrong = Vec::new();
    // Letters that only the newer of the two tables knows.
    let is_unknown = regex::Regex::new(r"\p{Cn}").unwrap();
    for c in ('\0'..=char::MAX)
        .filter(|c| !c.is_alphanumeric() || !is_unknown.is_match(c.encode_utf8(&mut [0; 4])))
    {
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        class.try_case_fold_simple().unwrap();
        let same: Vec<char> = class.iter().flat_map(|range| range.start()..=range.end()).collect();
        let folds_alike = same.iter().all(|other| fold(*other) == fold(c));
        if !folds_alike || !same.contains(&fold(c)) || fold(fold(c)) != fold(c) {
            wrong.push((c, c as u32, fold(c), same));
        }
    }
    assert_eq!(wrong, []);
}

fn any_word() -> impl Strategy<Value = String> {
    prop_oneof![
        "(re|Ref|fund|und|policy|POL|x){1,3}",
        "[返金を退款환불คืน]{1,4}",
        "(café|cafe\u{301}|ſun|sun|SUN|ß|İ|ı|i|K|k|Å){1,2}",
        "[🎉👍🏽→]{1,2}",
        "[a-c]{38,44}",
        "[a-c]{36,41}(é|e\u{301}|İ)",
        "(Köln|ko\u{308}l|o|İstanbul|I\u{307}st|i\u{307}|ist|ǰ|J\u{30c}|ſ\u{301}|s\u{323}\u{301}|s\u{301}\u{323}|Ά\u{345}|ᾴ){1,2}",
        "[하한ㅎ\u{1112}\u{1161}\u{11ab}カガ\u{3099}\u{302a}\u{e38}\u{e48}\u{5b0}\u{301}e\u{fa12}]{1,4}",
        "[0-9]{1,3}",
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec((any_word(), "[ _.,\u{301}\u{200d}\n/-]{0,2}"), 0..8)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, blank)| [word, blank]).collect())
}

fn any_search() -> impl Strategy<Value = Search> {
    let piece = prop_oneof![
        any_word().prop_map(|word| regex::escape(&word)),
        any_text().prop_map(|text| regex::escape(&text)),
        Just(".*".to_owned()),
        Just("\\W?".to_owned()),
        Just("(und|fund)".to_owned()),
        Just("[a-f]".to_owned()),
        Just("(x|返)+".to_owned()),
        Just("\\b".to_owned()),
    ];
    prop_oneof![
        (any_text(), any::<bool>()).prop_map(|(text, is_prefix)| Search::Phrase { text, is_prefix }),
        prop::collection::vec(piece, 1..4).prop_map(|pieces| Search::Regex(pieces.concat())),
    ]
}

/// The same text as somebody else may spell it.
fn respelled(text: &str, how: u8) -> String {
    match how {
        0 => text.to_owned(),
        1 => icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned(),
        _ => icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned(),
    }
}

/// Whether a text with these terms may have what is required.
fn holds(required: &Required, terms: &[String]) -> bool {
    match required {
        Required::Nothing => true,
        Required::Term(wanted) => terms.contains(wanted),
        Required::Prefix(wanted) => terms.iter().any(|term| term.starts_with(wanted)),
        Required::Part(wanted) => terms.iter().any(|term| term.contains(wanted)),
        Required::All(all) => all.iter().all(|part| holds(part, terms)),
        Required::Any(any) => any.iter().any(|part| holds(part, terms)),
    }
}

/// A search that is likely to be found: most of it is a part of the text.
fn text_with_search() -> impl Strategy<Value = (String, Search)> {
    (any_text(), any_search(), any::<(prop::sample::Index, prop::sample::Index)>(), 0..4).prop_map(
        |(text, other, (from, to), form)| {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (from, to) = (*from.get(&places), *to.get(&places));
            let part = text.get(from.min(to)..from.max(to)).unwrap_or_default().to_owned();
            let search = match form {
                0 => other,
                1 => Search::Phrase { text: part, is_prefix: true },
                2 => Search::Regex(regex::escape(&part)),
                _ => Search::Regex(regex::escape(&part).to_lowercase()),
            };
            (text, search)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_index_never_misses((text, search) in text_with_search(), how in 0..3_u8) {
        let text = respelled(&text, how);
        if let Ok(matcher) = Matcher::new(&search)
            && matcher.is_match(&text)
        {
            let (required, terms) = (required(&search), terms(&text));
            prop_assert!(holds(&required, &terms), "{search:?} in {text:?}: {required:?} not in {terms:?}");
        }
        if let (Ok(matcher), Some(term)) = (Matcher::new(&search), exact_term(&search)) {
            prop_assert_eq!(matcher.is_match(&text), terms(&text).contains(&term), "{:?} in {:?}", search, text);
        }
    }

    #[test]
    fn spelling_plays_no_part((text, search) in text_with_search(), how in any::<(bool, bool)>()) {
        let Search::Phrase { text: phrase, is_prefix } = &search else { return Ok(()) };
        let other_text = respelled(&text, 1 + u8::from(how.0));
        let other = Search::Phrase { text: respelled(phrase, 1 + u8::from(how.1)), is_prefix: *is_prefix };
        prop_assert_eq!(required(&other), required(&search));
        match (Matcher::new(&search), Matcher::new(&other)) {
            (Ok(matcher), Ok(other)) => {
                let part = |text: &str, range| respelled(text.get(range).unwrap_or_default(), 1);
                let found = matcher.find(&text).map(|range| part(&text, range));
                let found_other = other.find(&other_text).map(|range| part(&other_text, range));
                prop_assert_eq!(found.is_some(), found_other.is_some(), "{:?} in {:?}", search, text);
                // Marks that are composed together are found together.
                let (found, found_other) = (found.unwrap_or_default(), found_other.unwrap_or_default());
                let is_same = found.contains(&found_other) || found_other.contains(&found);
                prop_assert!(is_same, "{found:?} {found_other:?} for {search:?} in {text:?}");
            }
            (one, other) => prop_assert_eq!(one.is_ok(), other.is_ok()),
        }
    }

    #[test]
    fn json_is_searched_as_its_texts_are((text, search) in text_with_search(), escaped in any::<bool>(), how in 0..3_u8) {
        let text = respelled(&text, how);
        let mut json = serde_json::json!({ "key": ["x", text], "n": 1 }).to_string();
        if escaped {
            json = json.chars().map(|c| match c {
                c if c.is_ascii() => c.to_string(),
                c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
            }).collect();
        }
        if let Ok(matcher) = Matcher::new(&search) {
            let expected = ["x", text.as_str(), "1"].iter().any(|text| matcher.is_match(text));
            prop_assert_eq!(matcher.is_match_in_json(&json), expected, "{:?} in {}", search, json);
        }
    }

    #[test]
    fn nothing_panics(text in any::<String>(), pattern in any::<String>(), is_prefix in any::<bool>()) {
        terms(&text);
        let _all = for_each_text(&text, |_| ControlFlow::Continue(()));
        for search in [Search::Phrase { text: pattern.clone(), is_prefix }, Search::Regex(pattern)] {
            if let Ok(matcher) = Matcher::new(&search) {
                if let Some(range) = matcher.find(&text) {
                    prop_assert!(text.get(range).is_some());
                }
                required(&search);
            }
        }
    }
}
