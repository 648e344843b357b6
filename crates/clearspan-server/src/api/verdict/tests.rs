use clearspan_model::{CostSource, Decimal, RunType, UnixNanos};
use clearspan_store::RunSummary;
use serde_json::json;

use super::super::tree::Tree;
use super::super::tree::tests::oracle::Tree as OldTree;
use super::super::tree::tests::{Dice, failed, outline, run};
use super::{Axis, Finding, Rule, findings, inputs_of};

mod oracle;

fn found(runs: Vec<RunSummary>) -> Vec<Finding> {
    findings(&Tree::new(&outline(runs)))
}

/// The one finding of a rule; panics when there is none.
fn of_rule(rule: Rule, runs: Vec<RunSummary>) -> Finding {
    found(runs).into_iter().find(|finding| finding.rule == rule).unwrap()
}

fn rules(runs: Vec<RunSummary>) -> Vec<Rule> {
    found(runs).into_iter().map(|finding| finding.rule).collect()
}

fn ended(mut run: RunSummary, millis: i64) -> RunSummary {
    run.end_time = Some(UnixNanos::from_nanos(millis * 1_000_000));
    run
}

fn llm(id: u8, parent: u8, start: i64, input: u64, cached: Option<u64>) -> RunSummary {
    let mut llm = run(id, parent, "chat opus", start);
    llm.run_type = RunType::Llm;
    llm.model = Some("opus".to_owned());
    llm.input_tokens = Some(input);
    llm.output_tokens = Some(u64::from(id));
    llm.cache_read_tokens = cached;
    llm
}

fn priced(mut run: RunSummary, cents: i64) -> RunSummary {
    run.total_cost = Some(Decimal::new(cents, 2));
    run.cost_source = CostSource::Reported;
    run
}

fn tool(id: u8, parent: u8, start: i64, input: &str) -> RunSummary {
    let mut tool = run(id, parent, "fx.convert", start);
    tool.run_type = RunType::Tool;
    tool.input_preview = Some(input.to_owned());
    tool
}

#[test]
fn a_healthy_cheap_trace_is_quiet() {
    assert_eq!(rules(vec![run(1, 0, "agent", 0), priced(llm(2, 1, 10, 900, None), 0)]), []);
}

#[test]
fn where_it_broke_is_the_failed_child_that_ended_last() {
    let runs = vec![
        ended(failed(run(1, 0, "trip", 0), "AgentError"), 9_000),
        ended(failed(run(2, 1, "search", 10), "earlier, recovered"), 1_000),
        ended(failed(run(3, 1, "plan", 1_100), "ValidationError"), 8_000),
        ended(failed(run(4, 3, "validate_itinerary", 1_200), "ValidationError: no budget\n trace"), 7_500),
        ended(run(5, 3, "fine", 7_600), 7_900),
    ];
    let finding = of_rule(Rule::WhereItBroke, runs.clone());
    assert_eq!(
        finding.text,
        "validate_itinerary failed after 7.5 s and took 2 runs above it down: ValidationError: no budget"
    );
    assert_eq!(finding.run_id, runs[3].run_id);
    assert_eq!(finding.numbers["error_count"], json!(4));
    assert_eq!(finding.axis, Axis::Time);
}

#[test]
fn of_two_tellings_of_a_failure_the_one_that_counts_is_named() {
    let mut double = ended(failed(run(3, 2, "ChatCompletion", 10), "429"), 900);
    double.double_of = Some(run(2, 0, "", 0).run_id);
    let runs = vec![
        ended(failed(run(1, 0, "trip", 0), "AgentError"), 1_000),
        ended(failed(run(2, 1, "openai.chat", 10), "429"), 910),
        double,
    ];
    let finding = of_rule(Rule::WhereItBroke, runs.clone());
    assert_eq!(finding.text, "openai.chat failed after 910 ms and took trip down with it: 429");
    assert_eq!(finding.numbers["error_count"], json!(2));
}

#[test]
fn a_failure_below_a_fine_root_is_recovered() {
    let runs = vec![run(1, 0, "trip", 0), failed(run(2, 1, "search", 10), "x")];
    assert_eq!(rules(runs), []);
}

#[test]
fn slow_recovery_counts_the_time_that_tries_lost() {
    let tries = |last_fails: bool| {
        let last = ended(run(4, 1, "POST", 9_000), 10_000);
        vec![
            ended(run(1, 0, "trip", 0), 20_000),
            ended(failed(run(2, 1, "POST", 0), "timeout"), 4_000),
            ended(failed(run(3, 1, "POST", 4_500), "timeout"), 8_500),
            if last_fails { failed(last, "timeout") } else { last },
        ]
    };
    let recovered = of_rule(Rule::SlowRecovery, tries(false));
    assert_eq!(recovered.text, "POST worked at try 3; the tries before it lost 9.0 s");
    assert_eq!(recovered.numbers["lost_us"], json!(9_000_000));
    assert_eq!(of_rule(Rule::SlowRecovery, tries(true)).text, "POST failed 3 times in a row and lost 10.0 s");
}

#[test]
fn quick_recoveries_are_quiet() {
    let runs = vec![
        ended(run(1, 0, "trip", 0), 20_000),
        ended(failed(run(2, 1, "POST", 0), "timeout"), 100),
        ended(run(3, 1, "POST", 200), 300),
    ];
    assert_eq!(rules(runs), []);
}

#[test]
fn why_it_cost_follows_the_hot_path() {
    let runs = vec![
        run(1, 0, "trip", 0),
        priced(llm(2, 1, 5, 100, None), 50),
        run(3, 1, "budget_check", 10),
        priced(llm(4, 3, 11, 100, None), 150),
        priced(llm(5, 3, 12, 100, None), 150),
        priced(llm(6, 3, 13, 100, None), 150),
    ];
    let finding = of_rule(Rule::WhyItCost, runs);
    assert_eq!(finding.text, "budget_check spent 90% of the money, $4.50 of $5.00 in 3 model calls");
    assert_eq!(finding.numbers["cost"], json!("4.5"));
    assert_eq!(finding.axis, Axis::Cost);

    let one_call = vec![run(1, 0, "trip", 0), priced(llm(2, 1, 5, 70_000, None), 50)];
    let text = "chat opus spent 100% of the money, $0.50 of $0.50 in one call of opus that read 70k tokens";
    assert_eq!(of_rule(Rule::WhyItCost, one_call).text, text);
}

#[test]
fn cost_without_a_hot_path_is_told_by_model() {
    let spread = |models: [&str; 4]| {
        let mut runs = vec![run(1, 0, "trip", 0)];
        for (id, model) in (2..).zip(models) {
            let mut call = priced(llm(id, 1, i64::from(id), 1_000, None), 50);
            call.model = Some(model.to_owned());
            runs.push(call);
        }
        runs
    };
    let finding = of_rule(Rule::WhyItCost, spread(["mini", "opus", "opus", "opus"]));
    let text = "3 calls of opus spent 75% of the money, $1.50 of $2.00; together they read 3.0k tokens";
    assert_eq!(finding.text, text);
    assert_eq!(rules(spread(["a", "b", "c", "d"])), []);
}

#[test]
fn context_growth_follows_an_agent_through_its_steps() {
    let runs = vec![
        run(1, 0, "agent", 0),
        run(2, 1, "step 1", 1),
        llm(3, 2, 2, 4_300, Some(0)),
        run(4, 1, "step 2", 10),
        llm(5, 4, 11, 20_000, Some(10_000)),
        run(6, 1, "step 3", 20),
        llm(7, 6, 21, 70_000, Some(40_000)),
    ];
    let finding = of_rule(Rule::ContextGrowth, runs.clone());
    assert_eq!(
        finding.text,
        "The input of chat opus grew from 4.3k to 70k tokens in 3 calls; 53% of it came from the cache"
    );
    assert_eq!(finding.run_id, runs[6].run_id);
    assert_eq!(finding.axis, Axis::Tokens);
}

#[test]
fn calls_of_different_agents_are_no_growth() {
    let runs = vec![
        run(1, 0, "root", 0),
        run(2, 1, "small", 1),
        llm(3, 2, 2, 1_000, None),
        run(4, 1, "large", 10),
        llm(5, 4, 11, 20_000, None),
        llm(6, 4, 12, 20_500, None),
    ];
    assert_eq!(rules(runs), []);
}

#[test]
fn loops_are_equal_calls_that_were_no_retries() {
    let calls = |inputs: [&str; 3]| {
        let mut runs = vec![run(1, 0, "agent", 0)];
        for (id, input) in (2..).zip(inputs) {
            runs.push(tool(id, 1, i64::from(id) * 2_000, input));
        }
        runs
    };
    let finding = of_rule(Rule::Loop, calls(["EUR 5", "EUR 5", "EUR 5"]));
    assert_eq!(finding.text, "fx.convert was called 3 times with the same input: EUR 5");
    assert_eq!(rules(calls(["EUR 5", "EUR 5", "EUR 6"])), []);
    let long = "x".repeat(119) + "…";
    assert_eq!(rules(calls([&long, &long, &long])), [], "a cut preview proves nothing");
}

#[test]
fn a_cache_that_is_missed_is_told() {
    let runs = vec![
        run(1, 0, "agent", 0),
        llm(2, 1, 1, 40_000, Some(36_000)),
        llm(3, 1, 2, 48_000, Some(0)),
        llm(4, 1, 3, 50_000, None),
    ];
    let finding = of_rule(Rule::CacheMiss, runs.clone());
    assert_eq!(
        finding.text,
        "chat opus read 48k tokens at full price; the call before it had 36k from the cache"
    );
    assert_eq!(finding.run_id, runs[2].run_id);
}

#[test]
fn a_long_wait_for_the_first_token_is_told() {
    let waits = |millis: i64| {
        let mut call = ended(llm(2, 1, 0, 100, None), 20_000);
        call.first_token_time = Some(UnixNanos::from_nanos(millis * 1_000_000));
        vec![ended(run(1, 0, "agent", 0), 20_000), call]
    };
    let text = "chat opus waited 12.0 s for its first token, 60% of the trace";
    assert_eq!(of_rule(Rule::SlowFirstToken, waits(12_000)).text, text);
    assert_eq!(rules(waits(2_000)), []);
}

#[test]
fn missing_spans_are_counted() {
    let runs = vec![run(1, 0, "agent", 0), run(2, 9, "lost", 5), run(3, 8, "too", 6)];
    let finding = of_rule(Rule::MissingSpans, runs);
    assert_eq!(finding.text, "2 runs name a parent that never arrived, lost is the first");
    // Those of a circle arrived.
    let circle = || vec![run(1, 0, "agent", 0), run(2, 3, "hen", 5), run(3, 2, "egg", 6)];
    assert_eq!(rules(circle()), []);
    let finding = of_rule(Rule::MissingSpans, [circle(), vec![run(4, 9, "lost", 7)]].concat());
    assert_eq!(finding.text, "lost names a parent that never arrived");
}

#[test]
fn inputs_are_read_of_tools_that_may_go_in_circles() {
    let calls = |count: u8| {
        let calls = (2..2 + count).map(|id| tool(id, 1, i64::from(id), "EUR 5"));
        outline([run(1, 0, "fx.convert", 0)].into_iter().chain(calls).collect())
    };
    assert_eq!(inputs_of(&calls(3)), [1, 2, 3]);
    assert_eq!(inputs_of(&calls(2)), [0; 0]);
}

/// Whatever a trace looks like, the rules find what they found on whole summaries.
#[test]
fn any_forest_has_the_findings_of_its_summaries() {
    let mut dice = Dice(11);
    let mut seen: Vec<Rule> = Vec::new();
    for _ in 0..3_000 {
        let count = 1 + dice.below(40) as u8;
        let may_have_circles = dice.one_in(3);
        let runs: Vec<RunSummary> =
            (1..=count).map(|id| any_run(&mut dice, id, count, may_have_circles)).collect();
        let expected = oracle::findings(&OldTree::new(runs.clone()).unwrap());
        assert_eq!(found(runs.clone()), expected, "{runs:?}");
        seen.extend(expected.iter().map(|finding| finding.rule));
    }
    for rule in [
        Rule::WhereItBroke,
        Rule::SlowRecovery,
        Rule::WhyItCost,
        Rule::ContextGrowth,
        Rule::Loop,
        Rule::CacheMiss,
        Rule::SlowFirstToken,
        Rule::MissingSpans,
    ] {
        let count = seen.iter().filter(|found| **found == rule).count();
        assert!(count >= 5, "{rule:?} was found {count} times");
    }
}

/// A run about which the rules may have something to say.
fn any_run(dice: &mut Dice, id: u8, count: u8, may_have_circles: bool) -> RunSummary {
    let parent = match may_have_circles {
        true => dice.below(u64::from(count) + 2) as u8,
        // Rarely one that is not here.
        false if dice.one_in(20) => 200,
        // Mostly one of the first: rules look for what happens again below one run.
        false => dice.below(u64::from(id.min(3))) as u8,
    };
    let name = ["chat", "chat", "chat", "step 1", "step 2", "7"][dice.below(6) as usize];
    let mut run = run(id, parent, name, dice.below(8) as i64 * 1_000);
    run.run_type = [RunType::Llm, RunType::Llm, RunType::Chain, RunType::Tool][dice.below(4) as usize];
    if dice.one_in(4) {
        run = failed(run, ["429", "", "broken\nTraceback"][dice.below(3) as usize]);
        run.error = run.error.filter(|_| !dice.one_in(4));
        run.error_type = dice.one_in(2).then(|| "ToolError".to_owned());
    }
    run.end_time = run.end_time.filter(|_| !dice.one_in(8));
    run.model =
        [None, Some(""), Some("opus"), Some("opus"), Some("mini")][dice.below(5) as usize].map(str::to_owned);
    run.input_tokens = (!dice.one_in(4)).then(|| [1_000, 4_000, 20_000, 70_000][dice.below(4) as usize]);
    run.output_tokens = dice.one_in(2).then(|| dice.below(3));
    run.cache_read_tokens =
        run.input_tokens.filter(|_| dice.one_in(2)).map(|tokens| tokens * dice.below(4) / 4);
    run.total_cost = dice.one_in(2).then(|| Decimal::new(dice.below(90) as i64, 3));
    run.cost_source = if dice.one_in(2) { CostSource::Reported } else { CostSource::None };
    run.first_token_time = dice
        .one_in(8)
        .then(|| UnixNanos::from_nanos(run.start_time.as_nanos() + dice.below(6) as i64 * 1_000_000_000));
    run.input_preview =
        [None, Some("EUR 5".to_owned()), Some("EUR 6".to_owned()), Some("x".repeat(119) + "…")]
            [dice.below(4) as usize]
            .clone();
    if !may_have_circles && dice.one_in(12) {
        run.double_of = Some(self::run(1 + dice.below(u64::from(count)) as u8, 0, "", 0).run_id);
    }
    run
}
