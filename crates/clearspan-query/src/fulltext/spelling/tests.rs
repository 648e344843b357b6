use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::{CanonicalDecompositionBorrowed, Decomposed};
use proptest::prelude::*;

use super::super::words::{goes_on, words};
use super::*;

/// What words are compared by.
fn form(text: &str) -> String {
    canonical(text).chars().map(fold).collect()
}

fn decomposed(text: &str) -> String {
    DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned()
}

#[test]
fn spellings_of_one_text() {
    let cases = [
        ("Köln", "ko\u{308}ln"),
        ("\u{212b}", "å"),
        ("환불", "\u{1112}\u{116a}\u{11ab}\u{1107}\u{116e}\u{11af}"),
        ("q\u{307}\u{323}", "q\u{323}\u{307}"),
        ("İ", "i"),
        ("I\u{307}", "i"),
        ("i\u{307}", "i"),
        ("İ\u{301}", "í"),
        ("İ\u{323}", "ị\u{307}"),
        ("İ\u{591}", "i\u{591}\u{307}"),
        ("J\u{30c}", "ǰ"),
        ("S\u{323}J\u{323}\u{30c}", "ṣǰ\u{323}"),
        ("Ϊ\u{301}", "ΐ"),
        ("Ά\u{345}", "ᾴ"),
    ];
    for (one, other) in cases {
        assert_eq!(form(one), form(other), "{one} and {other}");
    }
    for (one, other) in
        [("ö", "o"), ("ﬁ", "fi"), ("Ａ", "a"), ("ı", "i"), ("i\u{323}\u{307}", "ị"), ("하", "한")]
    {
        assert_ne!(form(one), form(other), "{one} and {other}");
    }
}

#[test]
fn what_is_canonical_is_not_copied() {
    let texts = [
        "refund",
        "Größe – „Köln“",
        "返金ガイド",
        "환불",
        "за\u{301}мок",
        "हिन्दी",
        "คืนเงิน",
        "cafe\u{302}\u{301}x",
    ];
    for text in &texts[..texts.len() - 1] {
        assert!(is_canonical(text) && matches!(canonical(text), Cow::Borrowed(_)), "{text}");
    }
    for text in ["ko\u{308}ln", "İyi", "i\u{307}", "ЗА\u{301}МОК", "ハ\u{309a}", texts[texts.len() - 1]]
    {
        assert!(!is_canonical(text), "{text}");
    }
}

/// [`needs_folding`] relies on it, and so does everyone who takes a part of a canonical text for canonical.
#[test]
fn folding_what_is_composed_needs_no_composing() {
    let tables = CanonicalDecompositionBorrowed::new();
    let pairs: Vec<(char, char, char)> = ('\0'..=char::MAX)
        .filter_map(|c| match tables.decompose(c) {
            Decomposed::Expansion(first, second) => Some((c, first, second)),
            Decomposed::Default | Decomposed::Singleton(_) => None,
        })
        .collect();
    assert!(pairs.len() > 10_000);
    for (c, first, second) in &pairs {
        let has_case = fold(*first) != *first || first.to_uppercase().ne([*first]);
        assert!(!has_case || is_mark(*second), "{c:?}: {second:?}");
        assert_eq!(fold(*second) == *second, *second != '\u{345}', "{c:?}");
        // What separates words still does with a mark on it.
        assert!(goes_on(*first) || words(&first.to_string()).next().is_some() || !goes_on(*c), "{c:?}");
    }
    for c in ('\0'..=char::MAX).filter(|c| NFC.is_normalized(&c.to_string())) {
        let folded = fold(c).to_string();
        assert!(NFC.is_normalized(&folded), "{c:?}");
        let kind = |text: &str| words(text).next().map(|word| word.kind);
        assert_eq!(kind(&folded), kind(&c.to_string()), "{c:?}");
    }
}

/// Texts of what is composed, ordered and folded in peculiar ways.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = "aoOöÖjJǰiIİıíÍsſSśK\u{212a}\u{212b}åρϱὙῥΪϊΐΆΑαᾳᾴι\u{345}Σςσẞß가각\u{1100}\u{1161}\u{11a8}カガ\u{3099}<≮\u{338}\
               क\u{93c}\u{9c7}\u{9be}\u{9cb}\u{300}\u{301}\u{307}\u{308}\u{30c}\u{314}\u{323}\u{591}\u{34f}\u{200d} -x返\u{fa12}🎉";
    let odd: Vec<char> = odd.chars().collect();
    prop_oneof![
        8 => prop::collection::vec(prop::sample::select(odd), 0..9).prop_map(String::from_iter),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn equivalent_texts_have_one_form(text in odd_text(), other in odd_text()) {
        let composed = NFC.normalize(&text);
        prop_assert_eq!(canonical(&text), canonical(&composed));
        let decomposed = decomposed(&text);
        prop_assert_eq!(canonical(&text), canonical(&decomposed));
        prop_assert_eq!(is_canonical(&text), canonical(&text) == text);
        prop_assert!(NFC.is_normalized(&canonical(&text)));
        // What else a text says does not change the form of a word.
        prop_assert_eq!(form(&format!("{text} {other}")), format!("{} {}", form(&text), form(&other)));
        // Neither does case.
        let folded: String = text.chars().map(|c| if is_mark(c) { c } else { fold(c) }).collect();
        prop_assert_eq!(form(&folded), form(&text));
    }

    #[test]
    fn parts_come_from_somewhere(text in odd_text()) {
        let canonical = canonical(&text);
        for word in words(&canonical) {
            let found = text.get(origin(&text, word.range.clone())).map(form).unwrap_or_default();
            let wanted: String = canonical.get(word.range).unwrap_or_default().chars().map(fold).collect();
            prop_assert!(found.contains(&wanted), "{found:?} for {wanted:?}");
        }
        prop_assert_eq!(origin(&text, 0..canonical.len()), 0..text.len());
    }
}
