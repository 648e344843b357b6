//! Runs and questions from a seed. The same seed gives the same ones.

use std::collections::BTreeMap;

use clearspan_model::{
    Cost, CostSource, Decimal, JsonText, LogRecord, MetricKind, MetricPoint, Rank, Run, RunType, Status,
    UnixNanos, UnpricedReason, Usage, Version, Versions,
};
use clearspan_query::fulltext::Search;
use clearspan_query::{Expr, Field, Literal, Op};

use crate::testing::build::{
    EPOCH_NANOS, bare, log, message, point, project, run_id, scope, trace, workspace,
};
use crate::testing::compare::Question;
use crate::{
    FacetField, FacetQuery, HistogramQuery, LogQuery, Order, PointQuery, RunQuery, Scope, Selection, SortKey,
    TimeRange, Unit,
};

const NAMES: &[&str] = &["agent", "Chat", "chat", "größe", "tool_x", "100%", "", "日本"];
const MODELS: &[&str] = &["gpt-4o", "gpt-4o-mini", "claude-4"];
const WORDS: &[&str] = &["alpha", "Beta", "gamma ray", "x*y", "ÄÖ"];
/// What people and models say.
const TEXTS: &[&str] = &[
    "The Refund policy, please",
    "no refunds after 30 days -> sorry",
    "refund the ORDER 4711",
    "返金をお願いします",
    "退款政策 and 환불 정책",
    "Crème bru\u{302}le\u{301}e für Größe 🎉",
    "a\tb \"quoted\" \\ back\nsecond line",
    "0123456789012345678901234567890123456789abcdef",
];
/// What of it is searched for.
const SEARCHES: &[&str] = &[
    "refund",
    "REFUND policy",
    "refunds",
    "order 4711",
    "返金",
    "金",
    "政策",
    "환불",
    "crème",
    "bru\u{302}le\u{301}e",
    "brûlée",
    "🎉",
    "line",
    "quoted back",
    "0123456789012345678901234567890123456789abcdef",
    "alpha",
    "gamma ray",
    "nowhere",
    "user",
];
const PATTERNS: &[&str] = &[
    "ref(und|use)",
    "Refund",
    "^second",
    "->",
    "\\d{4}",
    "金|款",
    "ll",
    "9abc",
    "nowhere\\d",
    ".",
    "[^\\s]+ray",
];
const SCOPES: &[&str] = &["openinference", "openllmetry", "opentelemetry.instrumentation.httpx"];
const TAGS: &[&str] = &["blue", "Blue", "vip"];
// The largest is such that sums still have room for twelve places: beyond that `Decimal` itself rounds.
const DOLLARS: &[&str] = &["0", "0.5", "0.000001", "1.234567890123", "12", "10000000000000"];
const TRACES: u32 = 40;

/// Patches of some hundred runs in some forty traces and two projects, in the order of their arrival.
///
/// Names, times and sizes come from small sets, so that ties and hits are frequent. Many runs are told in several
/// patches, some twice; parents may be missing or form circles; clocks may run backwards.
pub fn random_runs(seed: u64) -> Vec<Run> {
    let mut dice = Dice(seed);
    let mut patches = Vec::new();
    for number in 1..=TRACES {
        let trace_project = project(1 + dice.below(2) as u8);
        let trace_start = dice.below(50) as i64 * 1_000_000_000;
        for id in 1..=1 + dice.below(9) as u32 {
            let mut patch = random_run(&mut dice, number, id, trace_start);
            patch.key.project_id = trace_project;
            // Trace 1 is in both projects.
            if number == 1 && dice.one_in(2) {
                patch.key.project_id = project(2);
            }
            if dice.one_in(4) {
                let mut later = random_run(&mut dice, number, id, trace_start);
                later.key = patch.key;
                patches.push(later);
            }
            if dice.one_in(8) {
                patches.push(patch.clone());
            }
            patches.push(patch);
        }
    }
    dice.shuffle(&mut patches);
    patches
}

fn random_run(dice: &mut Dice, trace_number: u32, id: u32, trace_start: i64) -> Run {
    let mut run = bare(trace_number, id);
    run.versions = Versions::all(Version::new(
        if dice.one_in(5) { Rank::Log } else { Rank::Span },
        UnixNanos::from_nanos(EPOCH_NANOS + dice.below(3) as i64 * 1_000_000),
    ));
    run.received_at = UnixNanos::from_nanos(EPOCH_NANOS + dice.below(100) as i64 * 1_000_000_000);
    if id > 1 && !dice.one_in(10) {
        // Mostly an earlier run; sometimes none, sometimes itself or a later one.
        let parent =
            if dice.one_in(15) { dice.below(12) as u32 } else { 1 + dice.below(u64::from(id) - 1) as u32 };
        run.parent_run_id = Some(run_id(parent));
    }
    run.name = dice.some(8).then(|| dice.word(NAMES));
    run.run_type = dice.some(8).then(|| *dice.pick(RunType::ALL));
    run.status = dice.one_in(6).then(|| *dice.pick(Status::ALL));
    run.error = dice.one_in(6).then(|| format!("Error: {}\nat line 1", dice.word(WORDS)));
    run.error_type = run.error.as_ref().filter(|_| dice.one_in(2)).map(|_| "Timeout".to_owned());
    let start = trace_start + dice.below(8) as i64 * 250_000_000;
    run.start_time = dice.some(15).then(|| UnixNanos::from_nanos(EPOCH_NANOS + start));
    let end = start + dice.below(12) as i64 * 500_000_000 - 500_000_000;
    run.end_time = dice.some(8).then(|| UnixNanos::from_nanos(EPOCH_NANOS + end));
    run.first_token_time = dice.one_in(4).then(|| UnixNanos::from_nanos(EPOCH_NANOS + start + 1_000_000));
    run.model = dice.one_in(2).then(|| dice.word(MODELS));
    run.provider = dice.one_in(2).then(|| dice.word(WORDS));
    run.thread_id = dice.one_in(4).then(|| dice.word(WORDS));
    run.user_id = dice.one_in(4).then(|| dice.word(WORDS));
    run.environment = dice.one_in(3).then(|| dice.word(WORDS));
    run.service = dice.one_in(2).then(|| dice.word(WORDS));
    run.release = dice.one_in(4).then(|| dice.word(WORDS));
    run.scope_name = dice.some(4).then(|| dice.word(SCOPES));
    run.dialect = dice.one_in(2).then(|| dice.word(SCOPES));
    if dice.one_in(6) {
        run.metadata.insert("response_id".to_owned(), JsonText::from_string(&dice.word(WORDS)));
    }
    if dice.one_in(8) {
        run.attributes.insert("rpc.system".to_owned(), JsonText::from_string("grpc"));
        run.attributes
            .insert("otel.span.kind".to_owned(), JsonText::from_string(&dice.word(&["client", "server"])));
    }
    if dice.one_in(3) {
        run.sources.note("name", dice.word(SCOPES));
        run.sources.note("model", dice.word(WORDS));
    }
    run.tags = TAGS.iter().filter(|_| dice.one_in(4)).map(|tag| (*tag).to_owned()).collect();
    run.tags.sort();
    for key in ["plan", "größe"] {
        if dice.one_in(4) {
            run.metadata.insert(key.to_owned(), JsonText::from_string(&dice.word(WORDS)));
        }
    }
    run.usage = dice.one_in(2).then(|| random_usage(dice));
    run.cost = dice.some(3).then(|| random_cost(dice));
    if dice.one_in(2) {
        run.inputs = message("user", &dice.word(WORDS));
        run.outputs = message("assistant", &dice.word(WORDS).repeat(30));
    }
    if dice.one_in(2) {
        run.inputs.messages.extend(message("user", &dice.word(TEXTS)).messages);
    }
    if dice.one_in(3) {
        run.outputs.rest = Some(JsonText::from_string(&dice.word(TEXTS)));
    }
    run
}

fn random_usage(dice: &mut Dice) -> Usage {
    let mut usage = Usage {
        input_tokens: dice.some(8).then(|| dice.below(4) * 10),
        output_tokens: dice.some(8).then(|| dice.below(3) * 5),
        ..Usage::default()
    };
    if dice.some(3) {
        usage.total_tokens = Some(usage.input_tokens.unwrap_or(0) + usage.output_tokens.unwrap_or(0));
    }
    if dice.one_in(3) {
        usage.input_details = BTreeMap::from([("cache_read".to_owned(), dice.below(10))]);
    }
    usage
}

fn random_cost(dice: &mut Dice) -> Cost {
    let total = dice.some(4).then(|| random_dollars(dice));
    let source = match (total, dice.one_in(2)) {
        (Some(_), true) => CostSource::Reported,
        (Some(_), false) => CostSource::Priced { price_id: dice.word(MODELS) },
        (None, true) => CostSource::Unpriced { reason: UnpricedReason::UnknownModel },
        (None, false) => CostSource::None,
    };
    let input = total.filter(|_| dice.some(3)).map(|_| random_dollars(dice));
    let output = total.filter(|_| dice.some(3)).map(|_| random_dollars(dice));
    Cost { total, input, output, source, ..Cost::default() }
}

fn random_dollars(dice: &mut Dice) -> Decimal {
    dice.word(DOLLARS).parse().expect("a decimal")
}

/// Some hundred log records of two projects, in the order of their arrival; some come twice.
pub fn random_logs(seed: u64) -> Vec<LogRecord> {
    let mut dice = Dice(seed);
    let mut records: Vec<LogRecord> = Vec::new();
    for _ in 0..400 {
        if dice.one_in(6) && !records.is_empty() {
            let idx = dice.below(records.len() as u64) as usize;
            records.push(records[idx].clone());
            continue;
        }
        let mut record = log(0, &dice.word(WORDS));
        record.project_id = project(1 + dice.below(2) as u8);
        record.time = random_time(&mut dice);
        record.trace_id = dice.some(3).then(|| trace(1 + dice.below(3) as u32));
        record.severity = dice.some(3).then(|| 1 + dice.below(24) as u8);
        record.event_name = dice.one_in(3).then(|| dice.word(WORDS));
        record.sender.service = dice.some(3).then(|| dice.word(WORDS));
        records.push(record);
    }
    records
}

/// Some hundred points of a few metrics of two projects, likewise.
pub fn random_points(seed: u64) -> Vec<MetricPoint> {
    let mut dice = Dice(seed);
    let mut points: Vec<MetricPoint> = Vec::new();
    for _ in 0..400 {
        if dice.one_in(6) && !points.is_empty() {
            let idx = dice.below(points.len() as u64) as usize;
            points.push(points[idx].clone());
            continue;
        }
        let name = dice.word(NAMES);
        let mut point = point(&name, 0, dice.below(3) as i64);
        point.project_id = project(1 + dice.below(2) as u8);
        point.time = random_time(&mut dice);
        point.kind = *dice.pick(MetricKind::ALL);
        point.unit = dice.one_in(2).then(|| dice.word(WORDS));
        point.description = dice.one_in(2).then(|| dice.word(WORDS));
        point.sender.service = dice.some(3).then(|| dice.word(WORDS));
        if dice.one_in(2) {
            point.attributes.insert(dice.word(TAGS), JsonText::from_string(&dice.word(WORDS)));
        }
        points.push(point);
    }
    points
}

/// As many questions about [`random_logs`] and [`random_points`].
pub fn random_record_questions(seed: u64, count: usize) -> Vec<Question> {
    let mut dice = Dice(seed ^ 0x1065);
    (0..count).map(|_| random_record_question(&mut dice)).collect()
}

fn random_record_question(dice: &mut Dice) -> Question {
    let Selection { scope, range, .. } = random_selection(dice);
    match dice.below(4) {
        0 => Question::Metrics(scope, range),
        1 => {
            let (name, limit) = (dice.word(NAMES), *dice.pick(&[1, 10, 500]));
            Question::Points(PointQuery { scope, range, name, limit })
        }
        _ => Question::Logs(LogQuery {
            scope,
            range,
            trace_id: dice.one_in(3).then(|| trace(1 + dice.below(3) as u32)),
            id: None,
            span_id: None,
            min_severity: dice.one_in(3).then(|| 1 + dice.below(24) as u8),
            text: dice.one_in(3).then(|| dice.word(&["A", "a", "x*", "ö", ""])),
            service: dice.one_in(4).then(|| dice.word(WORDS)),
            oldest_first: dice.one_in(2),
            after: None,
            limit: *dice.pick(&[1, 3, 50, 1_000]),
        }),
    }
}

/// As many questions of all kinds about [`random_runs`].
pub fn random_questions(seed: u64, count: usize) -> Vec<Question> {
    let mut dice = Dice(seed ^ 0x5eed);
    (0..count).map(|_| random_question(&mut dice)).collect()
}

/// As many questions for pages newest first, most of them small.
pub fn random_newest_questions(seed: u64, count: usize) -> Vec<Question> {
    let mut dice = Dice(seed ^ 0x2e35);
    let mut question = || {
        let selection = random_selection(&mut dice);
        let order = Order { by: SortKey::Start, descending: true };
        let query = RunQuery { order, ..random_query(&mut dice, selection) };
        if dice.one_in(2) { Question::Runs(query) } else { Question::Traces(query) }
    };
    (0..count).map(|_| question()).collect()
}

fn random_question(dice: &mut Dice) -> Question {
    let selection = random_selection(dice);
    match dice.below(10) {
        0..=2 => Question::Runs(random_query(dice, selection)),
        3..=5 => Question::Traces(random_query(dice, selection)),
        6 => Question::Stats(*dice.pick(&[Unit::Runs, Unit::Traces]), selection),
        7 => Question::Histogram(HistogramQuery { selection, buckets: 1 + dice.below(20) as u32 }),
        8 => {
            let field = *dice.pick(&[
                FacetField::Status,
                FacetField::Name,
                FacetField::RunType,
                FacetField::Model,
                FacetField::Environment,
                FacetField::User,
                FacetField::Tag,
                FacetField::Service,
            ]);
            Question::Facet(FacetQuery { selection, field, limit: 1 + dice.below(9) as usize })
        }
        _ => match dice.below(4) {
            0 => Question::Skeletons(selection.scope, some_traces(dice)),
            1 => Question::Trace(selection.scope, trace(dice.below(TRACES.into()) as u32)),
            2 => {
                let run_ids = (0..4).map(|_| run_id(dice.below(12) as u32)).collect();
                let trace_ids = if dice.one_in(2) { some_traces(dice) } else { Vec::new() };
                Question::Load(selection.scope, trace_ids, run_ids)
            }
            _ => Question::Activity(workspace(1), random_time(dice)),
        },
    }
}

fn some_traces(dice: &mut Dice) -> Vec<clearspan_model::TraceId> {
    (0..1 + dice.below(3)).map(|_| trace(dice.below(TRACES.into()) as u32)).collect()
}

fn random_query(dice: &mut Dice, selection: Selection) -> RunQuery {
    let by = *dice.pick(&[SortKey::Start, SortKey::Latency, SortKey::Cost, SortKey::Tokens]);
    // A cursor does not name the project, so a walk over pages stays in one.
    let limit = if selection.scope.project_ids.as_ref().is_some_and(|ids| ids.len() == 1) {
        1 + dice.below(30) as usize
    } else {
        1_000
    };
    RunQuery { selection, order: Order { by, descending: dice.one_in(2) }, after: None, limit }
}

fn random_selection(dice: &mut Dice) -> Selection {
    let project_ids = match dice.below(4) {
        0 => None,
        1 => Some(vec![project(1), project(2)]),
        n => Some(vec![project(n as u8 - 1)]),
    };
    let range = match dice.below(3) {
        0 => TimeRange { from: Some(random_time(dice)), to: None },
        1 => TimeRange { from: Some(random_time(dice)), to: Some(random_time(dice)) },
        _ => TimeRange::default(),
    };
    let filter = dice.some(4).then(|| random_expr(dice, 3));
    Selection { scope: Scope { project_ids, ..scope() }, range, filter }
}

fn random_time(dice: &mut Dice) -> UnixNanos {
    UnixNanos::from_nanos(EPOCH_NANOS + dice.below(240) as i64 * 250_000_000)
}

/// A condition with at most this many levels.
fn random_expr(dice: &mut Dice, levels: u32) -> Expr {
    if levels == 0 {
        return random_test(dice);
    }
    match dice.below(9) {
        0 => Expr::All((0..dice.below(3)).map(|_| random_expr(dice, levels - 1)).collect()),
        1 => Expr::Any((0..1 + dice.below(3)).map(|_| random_expr(dice, levels - 1)).collect()),
        2 => Expr::Not(Box::new(random_expr(dice, levels - 1))),
        3 => Expr::AnyRun(Box::new(random_expr(dice, levels - 1))),
        4 => Expr::Root(Box::new(random_expr(dice, levels - 1))),
        _ => random_test(dice),
    }
}

fn random_search(dice: &mut Dice) -> Expr {
    let field = dice.pick(&[Field::Text, Field::Text, Field::Input, Field::Output, Field::Error]).clone();
    let search = match dice.below(4) {
        0 => Search::Regex(dice.word(PATTERNS)),
        1 => {
            let text = dice.word(SEARCHES);
            let begin = 1 + dice.below(text.chars().count() as u64) as usize;
            Search::Phrase { text: text.chars().take(begin).collect(), is_prefix: true }
        }
        _ => Search::phrase(dice.word(SEARCHES)),
    };
    Expr::Test(field, Op::Search(search))
}

fn random_test(dice: &mut Dice) -> Expr {
    if dice.one_in(4) {
        return random_search(dice);
    }
    let text_fields = [
        Field::Name,
        Field::Error,
        Field::ErrorType,
        Field::Text,
        Field::Model,
        Field::Provider,
        Field::User,
        Field::Thread,
        Field::Environment,
        Field::Service,
        Field::Release,
        Field::Tag,
        Field::Metadata("plan".to_owned()),
        Field::Metadata("größe".to_owned()),
    ];
    let ordered_fields = [
        Field::StartTime,
        Field::EndTime,
        Field::Latency,
        Field::TimeToFirstToken,
        Field::InputTokens,
        Field::OutputTokens,
        Field::TotalTokens,
        Field::Cost,
        Field::InputCost,
        Field::OutputCost,
    ];
    let other_fields = [
        Field::RunId,
        Field::TraceId,
        Field::ParentRunId,
        Field::RunType,
        Field::Status,
        Field::IsRoot,
        Field::IsUnpriced,
    ];
    match dice.below(5) {
        0 | 1 => {
            let field = dice.pick(&text_fields).clone();
            let op = random_text_op(dice, &field);
            Expr::Test(field, op)
        }
        2 | 3 => {
            let field = dice.pick(&ordered_fields).clone();
            let literal = random_literal(dice, &field);
            let op = match dice.below(6) {
                0 => Op::Exists,
                1 => Op::Eq(literal),
                2 => Op::Lt(literal),
                3 => Op::Le(literal),
                4 => Op::Gt(literal),
                _ => Op::Ge(literal),
            };
            Expr::Test(field, op)
        }
        _ => {
            let field = dice.pick(&other_fields).clone();
            let literal = random_literal(dice, &field);
            let op = match dice.below(4) {
                0 => Op::Exists,
                1 => Op::In(vec![literal, random_literal(dice, &field)]),
                _ => Op::Eq(literal),
            };
            Expr::Test(field, op)
        }
    }
}

fn random_text_op(dice: &mut Dice, field: &Field) -> Op {
    let Literal::Text(text) = random_literal(dice, field) else { return Op::Exists };
    let middle: String = text.chars().skip(1).take(2).collect();
    match dice.below(6) {
        0 => Op::Exists,
        1 => Op::In(vec![Literal::Text(text), random_literal(dice, field)]),
        2 => Op::Contains(middle.to_uppercase()),
        3 => Op::Glob(format!("*{middle}*")),
        4 => Op::Glob(format!("{}*", text.chars().take(1).collect::<String>().to_uppercase())),
        _ => Op::Eq(Literal::Text(text)),
    }
}

/// A value that suits the field and that some runs have.
fn random_literal(dice: &mut Dice, field: &Field) -> Literal {
    match field {
        Field::RunId | Field::ParentRunId => Literal::Id(*run_id(dice.below(12) as u32).as_bytes()),
        Field::TraceId => Literal::Id(*trace(dice.below(TRACES.into()) as u32).as_bytes()),
        Field::RunType => Literal::RunType(*dice.pick(RunType::ALL)),
        Field::Status => Literal::Status(*dice.pick(Status::ALL)),
        Field::IsRoot | Field::IsUnpriced => Literal::Bool(dice.one_in(2)),
        Field::StartTime | Field::EndTime => Literal::Time(random_time(dice)),
        Field::Latency | Field::TimeToFirstToken => Literal::Duration(dice.below(12) as i64 * 500_000_000),
        Field::InputTokens | Field::OutputTokens | Field::TotalTokens => {
            Literal::Number(Decimal::from(dice.below(10) * 5))
        }
        Field::Cost | Field::InputCost | Field::OutputCost => Literal::Number(random_dollars(dice)),
        Field::Name | Field::Text => Literal::Text(dice.word(NAMES)),
        Field::Model => Literal::Text(dice.word(MODELS)),
        Field::Tag => Literal::Text(dice.word(TAGS)),
        _ => Literal::Text(dice.word(WORDS)),
    }
}

/// A source of numbers that is good enough for tests: SplitMix64.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from zero to less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// False once in so many times.
    fn some(&mut self, times: u64) -> bool {
        !self.one_in(times)
    }

    fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len() as u64) as usize]
    }

    fn word(&mut self, words: &[&str]) -> String {
        (*self.pick(words)).to_owned()
    }

    /// Puts the values into another order.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for idx in (1..values.len()).rev() {
            values.swap(idx, self.below(idx as u64 + 1) as usize);
        }
    }
}
