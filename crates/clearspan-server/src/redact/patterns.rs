//! What secrets look like.

use std::borrow::Cow;
use std::ops::Range;

use regex::{Captures, Regex};

use crate::config::RedactPattern;

/// Keys by their kind. Each form begins with letters that its provider chose so that it can be recognised, and the number of
/// characters behind them is what keeps words of human languages out.
const KNOWN: &[(&str, &str)] = &[
    ("anthropic_key", r"sk-ant-[0-9A-Za-z_-]{24,}"),
    ("langfuse_key", r"sk-lf-[0-9a-f]{8}-[0-9a-f-]{27}"),
    ("openrouter_key", r"sk-or-v1-[0-9a-f]{40,}"),
    ("openai_key", r"sk-(?:(?:proj|svcacct|admin|None)-[0-9A-Za-z_-]{32,}|[0-9A-Za-z]{40,})"),
    ("langsmith_key", r"lsv2_(?:pt|sk)_[0-9a-f]{24,}(?:_[0-9a-f]+)?"),
    ("aws_key", r"(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("google_key", r"AIza[0-9A-Za-z_-]{35}"),
    ("google_token", r"ya29\.[0-9A-Za-z_-]{30,}"),
    ("github_token", r"(?:gh[opsur]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{40,})"),
    ("gitlab_token", r"glpat-[0-9A-Za-z_-]{20,}"),
    ("huggingface_token", r"hf_[0-9A-Za-z]{30,}"),
    ("groq_key", r"gsk_[0-9A-Za-z]{40,}"),
    ("xai_key", r"xai-[0-9A-Za-z]{40,}"),
    ("perplexity_key", r"pplx-[0-9A-Za-z]{40,}"),
    ("slack_token", r"xox[abeoprs]-[0-9A-Za-z-]{20,}"),
    ("stripe_key", r"(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{20,}"),
    ("sendgrid_key", r"SG\.[0-9A-Za-z_-]{16,32}\.[0-9A-Za-z_-]{30,}"),
    ("npm_token", r"npm_[0-9A-Za-z]{36}"),
    ("pypi_token", r"pypi-[0-9A-Za-z_-]{60,}"),
    ("jwt", r"eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}"),
    // Line breaks are escaped where the key is inside of JSON, once for each level.
    (
        "private_key",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[0-9A-Za-z+/=\s]|\\+[nr])+(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    ),
];
/// How they begin: most texts have none of it, and this is looked for as fast as memory is read.
const BEGINNINGS: &str = r"sk-|lsv2_|AKIA|ASIA|AIza|ya29\.|gh[opsur]_|github_pat_|glpat-|hf_|gsk_|xai-|pplx-|xox|[sr]k_(?:live|test)_|SG\.|npm_|pypi-|eyJ|PRIVATE KEY-----";
/// What may stand before a key: the beginning, a character that no word has, an escaped character of JSON.
const BEFORE: &str = r"(?:^|[^0-9A-Za-z_]|\\[bfnrt]|\\u[0-9A-Fa-f]{4})";
/// What an operator's pattern finds.
const OWN: &str = "custom";

/// Expressions that take time that is linear in the text, whatever it is.
#[derive(Debug)]
pub(super) struct Patterns {
    /// How the known ones begin, and all of them, each in a group.
    known: Option<(Regex, Regex)>,
    own: Vec<Regex>,
}

impl Patterns {
    pub(super) fn new(with_known: bool, own: &[RedactPattern]) -> Self {
        let groups: Vec<String> = KNOWN.iter().map(|(_, form)| format!("({form})")).collect();
        let known = with_known.then(|| {
            let all = format!("(?:{BEFORE})(?:{})", groups.join("|"));
            let regex = |text: &str| Regex::new(text).expect("a test reads the known patterns");
            (regex(BEGINNINGS), regex(&all))
        });
        Self { known, own: own.iter().map(|pattern| pattern.regex().clone()).collect() }
    }

    /// Whether there is something to replace.
    pub(super) fn finds(&self, text: &str) -> bool {
        let has_known = self
            .known
            .as_ref()
            .is_some_and(|(beginnings, all)| beginnings.is_match(text) && all.is_match(text));
        has_known || self.own.iter().any(|own| own.is_match(text))
    }

    /// Whether an operator's pattern would take marks of JSON with it, and not only what is inside of a string.
    pub(super) fn crosses_strings(&self, json: &str) -> bool {
        let is_outside =
            |found: regex::Match<'_>| found.as_str().contains(['"', '\\', '{', '}', '[', ']', ',', ':']);
        self.own.iter().any(|own| own.find_iter(json).any(is_outside))
    }

    /// The text with what it is called in the place of each secret.
    pub(super) fn replace<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.finds(text) {
            return Cow::Borrowed(text);
        }
        let mut redacted = text.to_owned();
        if let Some((_, all)) = &self.known {
            redacted = all
                .replace_all(&redacted, |found: &Captures<'_>| {
                    let (range, kind) = secret(found);
                    let whole = found.get(0).map_or("", |found| found.as_str());
                    let before = whole.get(..whole.len() - range.len()).unwrap_or_default();
                    format!("{before}{}", mark(kind))
                })
                .into_owned();
        }
        for own in &self.own {
            redacted = own.replace_all(&redacted, mark(OWN).as_str()).into_owned();
        }
        Cow::Owned(redacted)
    }

    /// Where secrets are, and of which kind, in their order.
    pub(super) fn find(&self, text: &str) -> Vec<(Range<usize>, &'static str)> {
        let mut found = Vec::new();
        if let Some((_, all)) = self.known.as_ref().filter(|(beginnings, _)| beginnings.is_match(text)) {
            found.extend(all.captures_iter(text).map(|captures| secret(&captures)));
        }
        for own in &self.own {
            found.extend(own.find_iter(text).map(|found| (found.range(), OWN)));
        }
        found.sort_by_key(|(range, _)| (range.start, range.end));
        found
    }
}

/// The group that matched.
fn secret(found: &Captures<'_>) -> (Range<usize>, &'static str) {
    let groups = found.iter().skip(1).zip(KNOWN);
    let mut matched = groups.filter_map(|(group, (kind, _))| Some((group?.range(), *kind)));
    matched.next().expect("every alternative is a group")
}

/// What stands in the place of a secret.
pub(super) fn mark(kind: &str) -> String {
    format!("[redacted:{kind}]")
}
