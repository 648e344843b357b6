//! Whether what each dialect sends arrives in the field that it is meant for.
//!
//! `tests/golden/coverage.tsv` names, for each dialect, place and key that was seen in the wild, the field that a value
//! under that key must fill, and how it fares in the golden cases:
//!
//! - `full`: every text and number of the value is in the field;
//! - `outvoted`: a stronger source filled the field with something else; the value stays raw in the run;
//! - `part`: some of the value is in the field, the rest elsewhere in the run;
//! - `raw`: the field is empty; the value stays raw;
//! - `lost`: some of the value is nowhere in the run;
//! - `-`: no golden case sends it.
//!
//! A key counts as its worst value does. The last column says why a value fares worse than `full`; there must be a
//! reason. `UPDATE_EXPECT=1` rewrites the fates; read the difference before you commit it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use clearspan_mapping::otlp::ProjectRef;
use clearspan_model::{Side, Sources};
use serde_json::{Value, json};

use super::case::{Case, Outcome, cases};
use super::leaves::{FORM, Leaf, Said, is_blank, labels_of, leaves_of};
use super::sent::{Sent, sent};

/// How many values under one key are judged in one case: an agent of 243 spans says the same again and again.
const MAX_VALUES: usize = 20;

/// How a value fares, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Lost,
    Raw,
    Part,
    Outvoted,
    Full,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Raw => "raw",
            Self::Part => "part",
            Self::Outvoted => "outvoted",
            Self::Full => "full",
        }
    }
}

/// A line of the table.
struct Line {
    dialect: String,
    place: String,
    key: String,
    field: String,
    fate: String,
    reason: String,
}

fn read_table(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let columns: [String; 6] = columns.try_into().unwrap_or_else(|_| panic!("six columns: {line}"));
        let [dialect, place, key, field, fate, reason] = columns;
        lines.push(Line { dialect, place, key, field, fate, reason });
    }
    lines
}

#[test]
fn what_is_sent_arrives() {
    let path = crate::golden_folder().join("../coverage.tsv");
    let mut lines = read_table(&std::fs::read_to_string(&path).unwrap());
    let index: HashMap<(String, String, String), usize> = lines
        .iter()
        .enumerate()
        .map(|(idx, line)| ((line.dialect.clone(), line.place.clone(), line.key.clone()), idx))
        .collect();
    let mut fates: BTreeMap<usize, (Fate, String)> = BTreeMap::new();
    for case in cases() {
        let dialect = case.name.split('/').next().unwrap().to_owned();
        let mut seen: HashMap<usize, usize> = HashMap::new();
        check(&case, |place, key, judge| {
            let Some(idx) = index.get(&(dialect.clone(), place.to_owned(), key.to_owned())) else { return };
            let n_seen = seen.entry(*idx).or_default();
            *n_seen += 1;
            if *n_seen > MAX_VALUES {
                return;
            }
            let (fate, example) = judge(&lines[*idx].field);
            let entry = fates.entry(*idx).or_insert_with(|| (fate, example.clone()));
            if fate < entry.0 {
                *entry = (fate, example);
            }
        });
    }
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differs = Vec::new();
    for (idx, line) in lines.iter_mut().enumerate() {
        let (fate, example) =
            fates.get(&idx).map_or(("-", ""), |(fate, example)| (fate.word(), example.as_str()));
        if line.fate != fate {
            differs.push(format!("{} {} {}: {} ({example})", line.dialect, line.place, line.key, fate));
            line.fate = fate.to_owned();
        }
    }
    if update {
        let text: String = lines
            .iter()
            .map(|Line { dialect, place, key, field, fate, reason }| {
                format!("{dialect}\t{place}\t{key}\t{field}\t{fate}\t{reason}\n")
            })
            .collect();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let unexplained: Vec<_> = lines
        .iter()
        .filter(|line| !["full", "-"].contains(&line.fate.as_str()) && line.reason.is_empty())
        .map(|line| format!("{} {} {}: {}", line.dialect, line.place, line.key, line.fate))
        .collect();
    assert!(unexplained.is_empty(), "no reason is given for\n{}", unexplained.join("\n"));
    assert!(differs.is_empty(), "{} keys fare otherwise:\n{}", differs.len(), differs.join("\n"));
}

/// Judges every attribute of a case: `visit` gets its place, its folded key, and what tells its fate in a field.
fn check(case: &Case, mut visit: impl FnMut(&str, &str, &dyn Fn(&str) -> (Fate, String))) {
    let outcome = case.map();
    let views = views(&outcome);
    let records: Vec<Value> = outcome.logs.iter().map(|log| json!(log.record)).collect();
    let records = Said::of(&json!(records));
    for path in case.bodies() {
        let body = std::fs::read(&path).unwrap();
        for sent in sent(path.file_name().unwrap().to_str().unwrap(), &body) {
            let says_nothing = FORM.iter().any(|name| sent.key.rsplit('.').next() == Some(name));
            if is_blank(&sent.value) || says_nothing {
                continue;
            }
            let view = views.get(&sent.span);
            let judge = |field: &str| {
                let (fate, missing) = match view {
                    Some(view) => view.judge(&sent, field),
                    // A record without a span is kept whole.
                    None => match leaves_of(&sent.value).into_iter().find(|leaf| !records.has(leaf)) {
                        None => (Fate::Full, Vec::new()),
                        Some(leaf) => (Fate::Lost, vec![leaf]),
                    },
                };
                (fate, format!("{} {}: {:.500}", case.name, sent.span, format!("{missing:?}")))
            };
            visit(&sent.place, &fold(&sent.key), &judge);
        }
    }
}

/// `llm.tools.3.name` is `llm.tools.{n}.name`.
fn fold(key: &str) -> String {
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = key.split('.').map(|part| if is_number(&part) { "{n}" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

/// A run as JSON, with messages that came one by one in their places; and where its fields came from.
struct View {
    run: Value,
    sources: Sources,
    said: RefCell<HashMap<String, Rc<Said>>>,
}

/// The runs of a case, by span id.
fn views(outcome: &Outcome) -> HashMap<String, View> {
    let mut views = HashMap::new();
    for (project, run) in &outcome.runs {
        let mut view = json!(run);
        for (name, side) in [("inputs", Side::Input), ("outputs", Side::Output)] {
            view[name]["messages"] = json!(run.messages(side));
        }
        view["fragments"] = Value::Null;
        view["sources"] = Value::Null;
        view["project"] = match project {
            Some(ProjectRef::Id(id)) => json!(id),
            Some(ProjectRef::Name(name)) => json!(name),
            None => Value::Null,
        };
        if let Some(id) = run.span_id {
            let sources = run.sources.clone();
            views.insert(id.to_string(), View { run: view, sources, said: RefCell::default() });
        }
    }
    views
}

impl View {
    /// How a value fares in a field, and what of it is not there.
    fn judge(&self, Sent { key, value, .. }: &Sent, field: &str) -> (Fate, Vec<Leaf>) {
        let is_raw = self.run["attributes"].get(key).is_some();
        if let Some(name) = field.strip_suffix('?') {
            let is_known = !is_blank(&self.run[name]);
            let fate = match (is_known, is_raw) {
                _ if self.sources.get(name) == Some(key) => Fate::Full,
                (true, false) => Fate::Full,
                (true, true) => Fate::Outvoted,
                (false, true) => Fate::Raw,
                (false, false) => Fate::Lost,
            };
            return (fate, Vec::new());
        }
        let parts = self.said(field);
        let leaves = if field == "tags" { labels_of(value) } else { leaves_of(value) };
        let n_leaves = leaves.len();
        let missing: Vec<Leaf> = leaves.into_iter().filter(|leaf| !parts.has(leaf)).collect();
        let is_kept = || is_raw || missing.iter().all(|leaf| self.said("*").has(leaf));
        let fate = match missing.len() {
            0 => Fate::Full,
            _ if !is_kept() => Fate::Lost,
            _ if parts.nothing() => Fate::Raw,
            absent if absent == n_leaves => Fate::Outvoted,
            _ => Fate::Part,
        };
        (fate, missing)
    }

    /// What the fields say that a line names: paths such as `usage.input_details.cache_read`; `*` is the whole run.
    fn said(&self, field: &str) -> Rc<Said> {
        let mut cache = self.said.borrow_mut();
        let said = cache.entry(field.to_owned()).or_insert_with(|| {
            let at = |path: &str| match path {
                "*" => Some(&self.run),
                _ => path.split('.').try_fold(&self.run, |value, name| value.get(name)),
            };
            let parts: Vec<&Value> = field.split('|').filter_map(at).filter(|part| !is_blank(part)).collect();
            Rc::new(Said::of(&json!(parts)))
        });
        Rc::clone(said)
    }
}
