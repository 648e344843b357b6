use proptest::prelude::*;

use super::super::{Billed, Totals, judge, subtree_totals};
use super::*;
use crate::RunType;
use rust_decimal::Decimal;

/// One line is one run: `id parent type tokens-in/tokens-out from..to model scope flags`; `-` stands for unknown and,
/// as a parent, for none. Gives for each run the one that it is a double of, as `id>id`, and the sums.
#[track_caller]
fn check(runs: &str, expected: &str) {
    let lines: Vec<Vec<&str>> = runs
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .collect();
    let nodes: Vec<Node<'_>> = lines.iter().map(|words| parse(words, &lines)).collect();
    let verdicts = judge(&nodes);
    let mut printed: Vec<String> = Vec::new();
    for (words, verdict) in lines.iter().zip(&verdicts) {
        if let Some(chosen) = verdict.double_of {
            printed.push(format!("{}>{}", words[0], lines[chosen][0]));
        }
    }
    let billed: Vec<Billed> = verdicts.iter().map(|verdict| verdict.billed).collect();
    let mut sum = Totals::default();
    for (node, billed) in nodes.iter().zip(&billed) {
        sum.add(&Totals::own(node, *billed));
    }
    let money = sum.total_cost.map_or("-".to_owned(), |cost| cost.normalize().to_string());
    printed.push(format!(
        "{}/{} {money} {}",
        sum.input_tokens.unwrap_or(0),
        sum.output_tokens.unwrap_or(0),
        sum.unpriced_runs
    ));
    assert_eq!(printed.join(" "), expected, "{runs}");
}

fn number(text: &str) -> u8 {
    text.parse().expect("a small number")
}

fn run_id(text: &str) -> RunId {
    RunId::from_bytes([number(text); 16])
}

fn known(text: &str) -> Option<&str> {
    (text != "-").then_some(text)
}

fn parse<'a>(words: &[&'a str], lines: &[Vec<&'a str>]) -> Node<'a> {
    let [id, parent, run_type, tokens, time, model, scope, flags @ ..] = words else { panic!("{words:?}") };
    let place = lines.iter().position(|line| line[0] == *parent);
    let (input, output) = tokens.split_once('/').expect("two counts");
    let (from, to) = time.split_once("..").expect("two times");
    let mut node = Node::new(place, run_type.parse().expect("a run type"));
    (node.input_tokens, node.output_tokens) = (input.parse().ok(), output.parse().ok());
    let mut call = Call {
        family: (ProjectId::NIL, TraceId::NIL, known(parent).map(run_id)),
        run_id: run_id(id),
        start_time: UnixNanos::from_nanos(from.parse().expect("a time")),
        end_time: to.parse().ok().map(UnixNanos::from_nanos),
        failed: false,
        model: known(model),
        scope_name: known(scope),
        dialect: None,
        input: None,
        output: None,
    };
    for flag in flags {
        match flag.split_once('=') {
            Some(("id", id)) => node.response_id = Some(id),
            Some(("cost", cost)) => node.total_cost = cost.parse().ok(),
            Some(("parts", parts)) => node.parts = number(parts).into(),
            Some(("in", text)) => call.input = Some(text),
            Some(("out", text)) => call.output = Some(text),
            Some(("dialect", name)) => call.dialect = Some(name),
            _ if *flag == "failed" => call.failed = true,
            _ if *flag == "reported" => node.cost_reported = true,
            _ if *flag == "unpriced" => node.unpriced = true,
            _ => panic!("unknown flag {flag}"),
        }
    }
    node.call = Some(call);
    node
}

#[test]
fn two_instrumentations_beside_each_other_tell_of_one_call() {
    check("1 - llm 10/5 0..100 gpt-4o a cost=0.5\n2 - llm 10/5 5..95 gpt-4o b cost=0.5", "2>1 10/5 0.5 0");
    check("9 - chain -/- 0..100 - x\n1 9 llm 10/5 0..100 m a\n2 9 llm 10/5 5..95 m b", "2>1 10/5 - 0");
    check("1 - embedding 10/- 0..100 m a\n2 - embedding 10/- 5..95 m b", "2>1 10/0 - 0");
    // Three of them.
    check("1 - llm 10/5 0..9 m a\n2 - llm 10/5 0..9 m b\n3 - llm -/- 0..9 m c", "2>1 3>1 10/5 - 0");
}

#[test]
fn the_one_that_tells_more_counts() {
    check("1 - llm -/- 0..100 m a\n2 - llm 10/5 0..100 m b", "1>2 10/5 - 0");
    check("1 - llm 10/5 0..100 m a cost=0.5\n2 - llm 10/5 0..100 m b cost=0.6 reported", "1>2 10/5 0.6 0");
    check("1 - llm 10/5 0..100 m a unpriced\n2 - llm 10/5 0..100 m b cost=0.6", "1>2 10/5 0.6 0");
    check("1 - llm 10/5 0..100 m a out=hi\n2 - llm 10/5 0..100 m b in=hello out=hi", "1>2 10/5 - 0");
    // A cost is never lost: here the one without tokens knows it.
    check("1 - llm 10/5 0..100 m a unpriced\n2 - llm -/- 0..100 m b cost=0.6 reported", "2>1 10/5 0.6 0");
}

#[test]
fn who_knows_the_parts_of_the_tokens_knows_the_cost() {
    // A framework tells sums, the client's instrumentation what of them was cached.
    check(
        "1 - llm 1200/150 0..10 gpt-4o a cost=6
         2 1 llm 1200/150 1..9 gpt-4o b cost=3 parts=2",
        "2>1 1200/150 3 0",
    );
    check(
        "0 - chain -/- 0..20 - -
         1 0 llm 1200/150 0..10 gpt-4o a cost=6
         2 0 llm 1200/150 1..9 gpt-4o b cost=3 parts=2",
        "1>2 1200/150 3 0",
    );
    // What the client says it paid is surer, and so is a cost at all.
    check(
        "1 - llm 1200/150 0..10 gpt-4o a cost=6 reported
         2 1 llm 1200/150 1..9 gpt-4o b cost=3 parts=2",
        "2>1 1200/150 6 0",
    );
    check(
        "1 - llm 1200/150 0..10 gpt-4o a cost=6
         2 1 llm 1200/150 1..9 gpt-4o b parts=2",
        "2>1 1200/150 6 0",
    );
}

#[test]
fn a_wrapper_that_repeats_one_of_two_equal_calls_takes_neither_away() {
    check(
        "1 - llm 1000/100 0..20 gpt-4o a cost=5
         2 1 llm 1000/100 1..9 gpt-4o b cost=5
         3 1 llm 1000/100 11..19 gpt-4o b cost=5",
        "2>1 2000/200 10 0",
    );
    check(
        "1 - llm 1000/100 0..20 gpt-4o a cost=5
         2 1 llm 900/100 1..9 gpt-4o b cost=4
         3 1 llm 1000/100 11..19 gpt-4o b cost=5",
        "3>1 1900/200 9 0",
    );
}

#[test]
fn calls_of_one_instrumentation_are_never_doubles() {
    check("1 - llm 10/5 0..100 m a\n2 - llm 10/5 0..100 m a", "20/10 - 0");
    check("1 - llm 10/5 0..100 m a id=r\n2 - llm 10/5 0..100 m a id=r", "20/10 - 0");
    // Nothing says that these are two.
    check("1 - llm 10/5 0..100 m -\n2 - llm 10/5 0..100 m -", "20/10 - 0");
    check("1 - llm 10/5 0..100 m - dialect=x\n2 - llm 10/5 0..100 m - dialect=y", "2>1 10/5 - 0");
    check("1 - llm 10/5 0..100 m a dialect=x\n2 - llm 10/5 0..100 m a dialect=y", "20/10 - 0");
}

#[test]
fn what_contradicts_is_two_calls() {
    check("1 - llm 10/5 0..100 m a\n2 - llm 10/6 0..100 m b", "20/11 - 0");
    check("1 - llm 10/5 0..100 m a\n2 - llm 10/5 0..100 other b", "20/10 - 0");
    check("1 - llm 10/5 0..100 m a\n2 - llm 10/5 101..200 m b", "20/10 - 0");
    check("1 - llm 10/5 0..100 m a\n2 - llm 10/5 60..160 m b", "20/10 - 0");
    check("1 - llm 10/5 0..100 m a id=resp-1\n2 - llm 10/5 0..100 m b id=resp-2", "20/10 - 0");
    check("1 - llm 10/- 0..100 m a\n2 - embedding 10/- 0..100 m b", "20/0 - 0");
    check("9 - chain -/- 0..9 - x\n1 9 llm 10/5 0..9 m a\n2 - llm 10/5 0..9 m b", "20/10 - 0");
    // A framework has ids of its own.
    check("1 - llm 10/5 0..100 m a id=run-1\n2 - llm 10/5 0..100 m b id=chatcmpl-2", "2>1 10/5 - 0");
    // One answer, two names of its model.
    check("1 - llm 10/5 0..100 deployment a id=r\n2 - llm 10/5 0..100 gpt-4o b id=r", "2>1 10/5 - 0");
}

/// A stream adds one token: the response that both name is proof.
#[test]
fn siblings_that_name_one_response_are_one_call_whatever_their_tokens() {
    check("1 - llm 10/5 0..100 m a id=r\n2 - llm 10/4 5..95 m b id=r", "2>1 10/5 - 0");
    // The one that tells more counts, not the one with more tokens.
    check("1 - llm 10/5 0..100 m a id=r\n2 - llm 10/4 5..95 m b id=r in=hi out=ho", "1>2 10/4 - 0");
    check("1 - llm -/5 0..100 m a id=r\n2 - llm 10/4 5..95 m b id=r", "1>2 10/4 - 0");
    // Another one that agrees with either of them.
    for third in ["10/5", "10/4"] {
        check(
            &format!("1 - llm 10/5 0..100 m a id=r\n2 - llm 10/4 5..95 m b id=r\n3 - llm {third} 0..99 m c"),
            "2>1 3>1 10/5 - 0",
        );
    }
    check(
        "1 - llm 10/5 0..100 m a id=r\n2 - llm 10/4 5..95 m b id=r\n3 - llm 10/3 0..99 m c",
        "2>1 20/8 - 0",
    );
    // The client's call inside of one of them has that one's tokens and no id.
    check(
        "1 - llm 10/5 0..100 m a id=r\n2 1 llm 10/5 1..99 m c\n3 - llm 10/4 5..95 m b id=r",
        "2>1 3>1 10/5 - 0",
    );
    // Not at the same time, not another instrumentation, not the same response.
    check("1 - llm 10/5 0..100 m a id=r\n2 - llm 10/4 80..180 m b id=r", "20/9 - 0");
    check("1 - llm 10/5 0..100 m a id=r\n2 - llm 10/4 0..100 m a id=r", "20/9 - 0");
    check("1 - llm 10/5 0..100 m a id=r-1\n2 - llm 10/4 0..100 m b id=r-2", "20/9 - 0");
    // A wrapper names the last of its responses, and the tokens of all.
    check(
        "1 - llm 20/10 0..100 m a id=r-2\n2 1 llm 10/5 5..50 m b id=r-1\n3 1 llm 10/5 51..95 m b id=r-2",
        "20/10 - 0",
    );
}

/// What failed for one and not for the other is one call only with a proof; then it has failed.
#[test]
fn a_failure_is_not_lost_in_a_double() {
    check("1 - llm -/- 0..100 m a failed\n2 - llm -/- 1..99 m b failed", "2>1 0/0 - 0");
    check("1 - llm -/- 0..100 m a\n2 - llm -/- 1..99 m b failed", "0/0 - 0");
    check("1 - llm 10/5 0..100 m a\n2 - llm -/- 1..99 m b failed", "10/5 - 0");
    check("1 - llm 10/5 0..100 m a out=answer\n2 - llm 10/5 1..99 m b failed", "1>2 10/5 - 0");
}

/// Where only the absence of tokens speaks for it, all else must fit.
#[test]
fn weak_evidence_needs_the_same_time_and_texts() {
    check("1 - llm 10/5 0..100 m a\n2 - llm -/- 2..99 m b", "2>1 10/5 - 0");
    check("1 - llm 10/5 0..100 m a\n2 - llm -/- 50..150 m b", "10/5 - 0");
    check("1 - llm 10/5 0..100 m a\n2 - llm -/- 2..- m b", "10/5 - 0");
    check("1 - llm 10/5 0..100 m a out=yes\n2 - llm -/- 2..99 m b out=no", "10/5 - 0");
    check("1 - llm 10/5 0..100 m a out=yes\n2 - llm -/- 2..99 m b out=yes", "2>1 10/5 - 0");
}

#[test]
fn parallel_calls_are_matched_one_to_one() {
    check(
        "1 - llm 10/5 0..100 m a\n2 - llm 10/5 10..120 m a\n3 - llm 10/5 11..119 m b\n4 - llm 10/5 1..99 m b",
        "3>2 4>1 20/10 - 0",
    );
    // The second instrumentation saw only one of them.
    check("1 - llm 10/5 0..100 m a\n2 - llm 10/5 0..100 m a\n3 - llm 10/5 0..100 m b", "3>1 20/10 - 0");
    check(
        "1 - llm 10/5 0..9 m a id=x-1\n2 - llm 10/5 0..9 m a id=x-2\n3 - llm 10/5 0..9 m b id=x-2\n4 - llm 10/5 0..9 m b id=x-1",
        "3>2 4>1 20/10 - 0",
    );
}

#[test]
fn a_call_inside_of_the_same_call_is_folded_under_it() {
    check("1 - llm 10/5 0..100 gpt-4o a cost=0.5\n2 1 llm 10/5 5..95 gpt-4o b cost=0.5", "2>1 10/5 0.5 0");
    check("1 - llm 10/5 0..9 m a\n2 1 llm 10/5 0..9 m b\n3 2 llm 10/5 0..9 m c", "2>1 3>1 10/5 - 0");
    // The outer one is merely a name: the inner one counts and is seen.
    check("1 - llm -/- 0..100 m a\n2 1 llm 10/5 5..95 m b", "10/5 - 0");
    // A wrapper around two calls.
    check("1 - llm 20/10 0..100 m a\n2 1 llm 10/5 5..50 m b\n3 1 llm 10/5 50..95 m b", "20/10 - 0");
    check("1 - llm 10/5 0..100 m a\n2 1 llm -/- 0..100 m b\n3 1 llm -/- 0..100 m b", "10/5 - 0");
    // A framework's call, the client's call inside it, and another framework's call beside it.
    check("1 - llm 10/5 0..100 m a\n2 1 llm 10/5 5..95 m b\n3 - llm 10/5 0..100 m c", "2>1 3>1 10/5 - 0");
    check("1 - llm -/- 0..100 m a\n2 1 llm 10/5 5..95 m b\n3 - llm 10/5 0..100 m c", "1>3 2>3 10/5 - 0");
    // The call beside it is of the instrumentation that made the one inside: another call.
    check("1 - llm 10/5 0..100 m a\n2 1 llm 10/5 5..95 m b\n3 - llm 10/5 0..100 m b", "2>1 20/10 - 0");
}

#[test]
fn models_have_many_names() {
    for (one, other, expected) in [
        ("gpt-4o", "GPT-4o-2024-08-06", true),
        ("gpt-4o", "openai/gpt-4o", true),
        ("gpt-4.1", "gpt-4.1-2025-04-14", true),
        ("models/gemini-2.0-flash", "gemini-2.0-flash", true),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022", true),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet@20241022", true),
        ("gpt-4o", "gpt-4o-mini", false),
        ("gpt-4.1", "gpt-4", false),
        ("gpt-4.1-mini", "gpt-4.1", false),
        ("claude-3-5-sonnet", "claude-3-7-sonnet", false),
        ("llama3.1", "llama3.2", false),
    ] {
        assert_eq!(is_same_model(one, other), expected, "{one} and {other}");
    }
}

#[test]
fn many_calls_take_no_quadratic_time() {
    let count = 10_000_usize;
    let nodes: Vec<Node<'_>> = (0..count)
        .map(|idx| {
            let mut bytes = [0; 16];
            bytes[8..].copy_from_slice(&(idx as u64).to_be_bytes());
            let call = Call {
                family: (ProjectId::NIL, TraceId::NIL, None),
                run_id: RunId::from_bytes(bytes),
                start_time: UnixNanos::from_nanos(0),
                end_time: Some(UnixNanos::from_nanos(100)),
                failed: false,
                model: Some("m"),
                scope_name: Some(if idx % 2 == 0 { "a" } else { "b" }),
                dialect: None,
                input: None,
                output: None,
            };
            Node { input_tokens: Some(idx as u64 / 2), call: Some(call), ..Node::new(None, RunType::Llm) }
        })
        .collect();
    let doubles = judge(&nodes).iter().filter(|verdict| verdict.double_of.is_some()).count();
    // The first pair has no tokens and is as good as any other.
    assert_eq!(doubles, count / 2);
}

prop_compose! {
    fn any_call()(parent in proptest::option::of(0usize..10), is_llm in proptest::bool::weighted(0.8), input in proptest::option::of(1u64..3),
                  start in 0i64..3, length in 8i64..12, model in 0usize..2, scope in 0usize..3, id in proptest::option::of(0usize..3),
                  cents in proptest::option::of(1i64..3), reported: bool, failed in proptest::bool::weighted(0.2)) -> Node<'static> {
        const NAMES: [&str; 3] = ["a", "b", "c"];
        let run_type = if is_llm { RunType::Llm } else { RunType::Chain };
        let call = Call {
            family: (ProjectId::NIL, TraceId::NIL, parent.map(|parent| RunId::from_bytes([u8::try_from(parent).unwrap(); 16]))),
            run_id: RunId::NIL,
            start_time: UnixNanos::from_nanos(start),
            end_time: Some(UnixNanos::from_nanos(start + length)),
            failed,
            model: Some(NAMES[model]),
            scope_name: Some(NAMES[scope]),
            dialect: None,
            input: None,
            output: None,
        };
        Node {
            input_tokens: input,
            response_id: id.map(|id| NAMES[id]),
            total_cost: cents.map(|cents| Decimal::new(cents, 2)),
            cost_reported: reported,
            call: Some(call),
            ..Node::new(parent, run_type)
        }
    }
}

prop_compose! {
    /// A tree: each run is below an earlier one or a root.
    fn any_tree()(mut nodes in proptest::collection::vec(any_call(), 1..10)) -> Vec<Node<'static>> {
        for (idx, node) in nodes.iter_mut().enumerate() {
            node.parent = node.parent.filter(|parent| *parent < idx);
            let id = |idx: usize| RunId::from_bytes([u8::try_from(idx).unwrap() + 1; 16]);
            let parent = node.parent.map(id);
            let call = node.call.as_mut().unwrap();
            (call.run_id, call.family.2) = (id(idx), parent);
        }
        nodes
    }
}

proptest! {
    /// The verdict does not depend on the order in which the runs are looked at.
    #[test]
    fn the_order_of_runs_does_not_matter(nodes in any_tree(), seed in any::<u64>()) {
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        order.sort_by_key(|idx| (*idx as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
        let place = |idx: usize| order.iter().position(|old| *old == idx).unwrap();
        let moved: Vec<Node<'_>> =
            order.iter().map(|old| Node { parent: nodes[*old].parent.map(place), ..nodes[*old] }).collect();
        let (before, after) = (judge(&nodes), judge(&moved));
        for (new, old) in order.iter().enumerate() {
            prop_assert_eq!(after[new].billed, before[*old].billed);
            prop_assert_eq!(after[new].double_of.map(|idx| order[idx]), before[*old].double_of);
        }
    }

    /// A double stands behind a run that is no double, of another instrumentation, and that one has each call once.
    #[test]
    fn each_call_is_counted_once(nodes in any_tree()) {
        let verdicts = judge(&nodes);
        let scope = |idx: usize| nodes[idx].call.unwrap().scope_name;
        for (idx, verdict) in verdicts.iter().enumerate() {
            let Some(chosen) = verdict.double_of else { continue };
            prop_assert!(verdicts[chosen].double_of.is_none());
            prop_assert!(!verdict.billed.tokens && !verdict.billed.gap);
            prop_assert!(nodes[chosen].tokens().any() || !nodes[idx].tokens().any());
            prop_assert_ne!(scope(chosen), scope(idx));
            let twin = verdicts.iter().enumerate().filter(|(other, verdict)| {
                verdict.double_of == Some(chosen) && scope(*other) == scope(idx)
            });
            prop_assert_eq!(twin.count(), 1);
        }
        // What is left is what a trace without the doubles would have said.
        let billed: Vec<Billed> = verdicts.iter().map(|verdict| verdict.billed).collect();
        let used = nodes.iter().any(|node| node.tokens().any());
        let counted = subtree_totals(&nodes, &billed).iter().any(|total| total.input_tokens.is_some());
        prop_assert_eq!(used, counted);
        let costs = nodes.iter().any(|node| node.total_cost.is_some());
        prop_assert_eq!(costs, billed.iter().any(|billed| billed.cost));
    }
}
