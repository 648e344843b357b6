//! How a model name becomes the key of a price.
//!
//! The same model is called `gpt-4o-mini`, `openai/gpt-4o-mini-2024-07-18`, `azure/gpt-4o-mini` and more. A name is
//! tried as it is with its provider first, then without the parts that do not change what it costs: leading
//! path segments, a region, a vendor, a date, a version, `-latest`, `-preview`. Only then it is tried without a provider.
//! A fine-tuned model never falls back to the price of its base.

use std::borrow::Cow;

use super::provider;

/// Lower case, with `claude-3.5` and `claude-3-5` written alike.
pub(super) fn key(model: &str) -> Cow<'_, str> {
    let model = model.trim().trim_end_matches(['-', '@', ':', '.', '/']);
    let is_version_dot = |window: &[u8]| matches!(window, [before, b'.', after] if before.is_ascii_digit() && after.is_ascii_digit());
    if !model.bytes().any(|b| b.is_ascii_uppercase()) && !model.as_bytes().windows(3).any(is_version_dot) {
        return Cow::Borrowed(model);
    }
    let mut key = model.to_ascii_lowercase().into_bytes();
    for middle in 1..key.len().saturating_sub(1) {
        if is_version_dot(&key[middle - 1..=middle + 1]) {
            key[middle] = b'-';
        }
    }
    Cow::Owned(String::from_utf8(key).expect("only ASCII bytes were changed"))
}

/// Whose price is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seller<'a> {
    /// The provider that the run or the name tells.
    Known(&'a str),
    /// Whoever made the model, when nothing tells who served it.
    Maker,
    /// The only one that lists the name, when its maker does not.
    OnlyHost,
}

/// Asks `at` for one spelling after the other, the most specific first, until it knows one.
pub(super) fn search<T>(
    provider: Option<&str>,
    model: &str,
    mut at: impl FnMut(Seller<'_>, &str) -> Option<T>,
) -> Option<T> {
    let key = key(model);
    let given = provider.map(provider::canonical).filter(|provider| !provider::is_framework(provider));
    // Only Bedrock writes `us.anthropic.claude-…`.
    let is_bedrock = without_vendor(without_region(&key).unwrap_or(&key)).is_some();
    let mut given = given.as_deref().or(is_bedrock.then_some("bedrock"));
    if let Some(found) = given.and_then(|provider| spellings(Seller::Known(provider), &key, &mut at)) {
        return Some(found);
    }
    let mut rest = key.as_ref();
    while let Some((segment, tail)) = rest.split_once('/') {
        rest = tail;
        let named = provider::of_segment(segment);
        // Inside a host's catalogue `openai/…` names the maker; elsewhere it says who is called.
        let in_turn = match given {
            Some(host) if provider::is_host(host) => [given, named.filter(|_| !provider::is_closed(host))],
            _ => [named, given],
        };
        for provider in in_turn.into_iter().flatten() {
            if let Some(found) = spellings(Seller::Known(provider), rest, &mut at) {
                return Some(found);
            }
        }
        if let Some(named) = named.filter(|_| !given.is_some_and(provider::is_host)) {
            given = Some(named);
        }
    }
    if given.is_some_and(provider::is_closed) {
        return None;
    }
    [Seller::Maker, Seller::OnlyHost]
        .into_iter()
        .find_map(|seller| spellings(seller, &key, &mut at).or_else(|| spellings(seller, rest, &mut at)))
}

fn spellings<T>(
    seller: Seller<'_>,
    name: &str,
    at: &mut impl FnMut(Seller<'_>, &str) -> Option<T>,
) -> Option<T> {
    let name = fine_tuned(name);
    let without_region = without_region(&name);
    let bases = [Some(name.as_ref()), without_region, without_vendor(without_region.unwrap_or(&name))];
    for base in bases.into_iter().flatten() {
        let mut spelling = Some(base);
        while let Some(current) = spelling {
            if let Some(found) = at(seller, current) {
                return Some(found);
            }
            spelling = without_suffix(current);
        }
    }
    None
}

/// `ft:gpt-4o-mini:org::id`, `davinci:ft-org` and `gpt-4o.ft-id` are all written `ft:` and the base.
fn fine_tuned(name: &str) -> Cow<'_, str> {
    if let Some((base, _)) = name.strip_prefix("ft:").and_then(|tuned| tuned.split_once(':')) {
        return Cow::Owned(format!("ft:{base}"));
    }
    match name.split_once(":ft-").or_else(|| name.split_once(".ft-")) {
        Some((base, _)) => Cow::Owned(format!("ft:{base}")),
        None => Cow::Borrowed(name),
    }
}

fn without_region(name: &str) -> Option<&str> {
    const REGIONS: [&str; 11] =
        ["us", "eu", "apac", "jp", "au", "ca", "sa", "me", "us-gov", "global", "regional"];
    let (region, rest) = name.split_once('.')?;
    REGIONS.contains(&region).then_some(rest)
}

fn without_vendor(name: &str) -> Option<&str> {
    const VENDORS: [&str; 17] = [
        "ai21",
        "amazon",
        "anthropic",
        "cohere",
        "deepseek",
        "google",
        "meta",
        "minimax",
        "mistral",
        "moonshot",
        "moonshotai",
        "nvidia",
        "openai",
        "qwen",
        "writer",
        "xai",
        "zai",
    ];
    let (vendor, rest) = name.split_once('.')?;
    VENDORS.contains(&vendor).then_some(rest)
}

/// The name without its last date, version or channel.
fn without_suffix(name: &str) -> Option<&str> {
    let head = revision(name).or_else(|| channel(name)).or_else(|| date(name))?;
    (!head.is_empty() && head != "ft:").then_some(head)
}

/// `@20241022`, `@001`, `:0`, `-v1`, `-001`.
fn revision(name: &str) -> Option<&str> {
    if let Some((head, _)) = name.rsplit_once('@') {
        return Some(head);
    }
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((head, _)) = name.rsplit_once(':').filter(|(_, tail)| number(tail) || *tail == "latest") {
        return Some(head);
    }
    let (head, tail) = name.rsplit_once('-')?;
    (["v1", "v2"].contains(&tail) || (tail.len() == 3 && tail.starts_with('0') && number(tail)))
        .then_some(head)
}

fn channel(name: &str) -> Option<&str> {
    ["-latest", "-preview", "-exp"].into_iter().find_map(|channel| name.strip_suffix(channel))
}

/// `-2024-07-18`, `-20240718`, `-05-06`, `-08-2024`, `-0613` (June 13th), `-2407` (July 2024).
fn date(name: &str) -> Option<&str> {
    let number = |text: &str, digits: usize, range: std::ops::RangeInclusive<u32>| {
        text.len() == digits
            && text.bytes().all(|b| b.is_ascii_digit())
            && text.parse().is_ok_and(|n| range.contains(&n))
    };
    let year = |text: &str| number(text, 4, 2020..=2099);
    let month = |text: &str| number(text, 2, 1..=12);
    let day = |text: &str| number(text, 2, 1..=31);
    let halves = |text: &str, middle: usize| {
        text.split_at_checked(middle).map(|(left, right)| (left.to_owned(), right.to_owned()))
    };
    let (head, last) = name.rsplit_once('-')?;
    match last.len() {
        8 => halves(last, 4).is_some_and(|(left, right)| {
            year(&left) && halves(&right, 2).is_some_and(|(left, right)| month(&left) && day(&right))
        }),
        4 if year(last) => {
            return head.rsplit_once('-').filter(|(_, last)| month(last)).map(|(head, _)| head);
        }
        4 => halves(last, 2).is_some_and(|(left, right)| {
            (month(&left) && day(&right)) || (number(&left, 2, 23..=29) && month(&right))
        }),
        2 if day(last) => {
            let (head, _) = head.rsplit_once('-').filter(|(_, last)| month(last))?;
            return Some(head.rsplit_once('-').filter(|(_, last)| year(last)).map_or(head, |(head, _)| head));
        }
        _ => false,
    }
    .then_some(head)
}
