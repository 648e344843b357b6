//! Full text, after a load and on the same server.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::server::Server;
use super::{PROJECT, READS, Report};

/// An index that is not ready by then is a bug.
const INDEX_LIMIT: Duration = Duration::from_secs(1800);

/// Waits until everything that was flushed is indexed, and searches. `payload` is a run that was sent.
pub(super) fn measure(server: &Server, payload: &Value, report: &mut Report) -> Result<()> {
    let begin = Instant::now();
    wait_until_indexed(server)?;
    report.add("search index, seconds behind the load", begin.elapsed().as_secs_f64(), "s");
    let segments = server.disk_bytes("data/runs/segments")?;
    if segments > 0 {
        let share = server.metric::<f64>("clearspan_search_index_bytes")? / segments as f64 * 100.0;
        report.add("search index, bytes for those of segments", share, "%");
    }

    let words = words_of(payload);
    let word = words.iter().max_by_key(|word| word.len()).context("the sample run says nothing")?;
    let begin: String = word.chars().take(4).collect();
    let phrase = phrase_of(payload).context("the sample run says no three plain words in a row")?.join("%20");
    let queries = [
        (["runs with a word", "traces with a word"], word.clone(), true),
        (["runs with two words", "traces with two words"], format!("{word}%20{}", words[0]), true),
        (["runs with a prefix", "traces with a prefix"], format!("{begin}*"), true),
        (["runs with a phrase", "traces with a phrase"], format!("%22{phrase}%22"), true),
        (["runs with a pattern", "traces with a pattern"], format!("/{begin}[a-z]%2B/"), true),
        (["runs with any two words", "traces with any two words"], "/%5CS%2B%5Cs%5CS/".to_owned(), true),
        (
            ["runs with a word nobody said", "traces with a word nobody said"],
            "zzznobodysaidthis".to_owned(),
            false,
        ),
    ];
    for (names, query, is_there) in queries {
        for (unit, name) in ["runs", "traces"].into_iter().zip(names) {
            let path = format!("{PROJECT}/{unit}?limit=50&t=all&q={query}");
            let found = server.get(&path)?[unit].as_array().map_or(0, Vec::len);
            ensure!((found > 0) == is_there, "{path} finds {found} rows");
            report.add(name, server.median_ms(&path, READS)?, "ms");
        }
    }
    Ok(())
}

pub(super) fn wait_until_indexed(server: &Server) -> Result<()> {
    let begin = Instant::now();
    while server.metric::<f64>("clearspan_search_segments_unindexed")? > 0.0 {
        ensure!(begin.elapsed() < INDEX_LIMIT, "the search index was not ready in time");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The words of everything that a run says.
/// Three plain words that follow each other in a text.
fn phrase_of(value: &Value) -> Option<Vec<String>> {
    let is_plain = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    match value {
        Value::String(text) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            let found = words.windows(3).find(|three| three.iter().all(is_plain))?;
            Some(found.iter().map(|word| (*word).to_owned()).collect())
        }
        Value::Array(items) => items.iter().find_map(phrase_of),
        Value::Object(fields) => match fields.get("inputs") {
            Some(inputs) => phrase_of(inputs),
            None => fields.values().find_map(phrase_of),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

pub(super) fn words_of(value: &Value) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = vec![value.get("inputs").unwrap_or(value)];
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) => words.extend(
                text.split(|c: char| !c.is_ascii_alphanumeric())
                    .filter(|word| word.len() > 3 && word.chars().all(|c| c.is_ascii_lowercase()))
                    .map(str::to_owned),
            ),
            Value::Array(items) => rest.extend(items.iter().rev()),
            Value::Object(fields) => rest.extend(fields.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    words
}
