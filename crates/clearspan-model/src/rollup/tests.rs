use proptest::prelude::*;

use super::*;

/// One line is one run: `depth type tokens-in/tokens-out cost flags`, for example `1 llm 10/5 0.3 reported id=x`.
/// `-` stands for unknown. Prints `tokens-in/tokens-out cost gaps` of the root's subtree.
fn check(tree: &str, expected: &str) {
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut path: Vec<usize> = Vec::new();
    for line in tree.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let depth: usize = words.next().unwrap().parse().unwrap();
        path.truncate(depth);
        let mut node = Node::new(path.last().copied(), words.next().unwrap().parse().unwrap());
        let (input, output) = words.next().unwrap().split_once('/').unwrap();
        node.input_tokens = input.parse().ok();
        node.output_tokens = output.parse().ok();
        node.total_cost = words.next().unwrap().parse().ok();
        for flag in words {
            match flag.split_once('=') {
                Some(("id", id)) => node.response_id = Some(id),
                _ if flag == "reported" => node.cost_reported = true,
                _ if flag == "unpriced" => node.unpriced = true,
                _ => panic!("unknown flag {flag}"),
            }
        }
        path.push(nodes.len());
        nodes.push(node);
    }
    let totals = subtree_totals(&nodes, &billed(&nodes))[0];
    let word = |known: Option<String>| known.unwrap_or_else(|| "-".to_owned());
    let printed = format!(
        "{}/{} {} {}",
        word(totals.input_tokens.map(|n| n.to_string())),
        word(totals.output_tokens.map(|n| n.to_string())),
        word(totals.total_cost.map(|cost| cost.normalize().to_string())),
        totals.unpriced_runs
    );
    assert_eq!(printed, expected, "{tree}");
}

#[test]
fn tokens_of_model_calls_are_added() {
    check("0 llm 10/5 0.3", "10/5 0.3 0");
    check("0 chain -/- -", "-/- - 0");
    check("0 chain -/- -\n1 llm 10/5 0.3\n1 embedding 7/- 0.01\n1 tool -/- -", "17/5 0.31 0");
    check("0 chain -/- -\n1 chain -/- -\n2 llm 10/5 0.3\n1 chain -/- -\n2 llm 10/5 0.3", "20/10 0.6 0");
}

#[test]
fn an_agent_that_repeats_its_calls_counts_once() {
    check("0 chain 20/10 -\n1 llm 10/5 0.3\n1 llm 10/5 0.3", "20/10 0.6 0");
    // It may also tell other counts than its calls: they win.
    check("0 chain 99/99 0.9 reported\n1 llm 10/5 0.3", "10/5 0.3 0");
    // But it speaks where nobody below does.
    check("0 chain 20/10 0.7 reported\n1 llm -/- -\n1 tool -/- -", "20/10 0.7 0");
    check("0 chain 20/10 -\n1 llm 0/0 -", "20/10 - 0");
    // The calls have no price, but the agent knows what it paid.
    check("0 chain 20/10 0.7 reported\n1 llm 20/10 - unpriced", "20/10 0.7 1");
}

#[test]
fn of_two_runs_for_one_call_the_inner_counts() {
    check("0 llm 10/5 0.3\n1 llm 10/5 0.2", "10/5 0.2 0");
    check("0 llm 10/5 0.3\n1 llm 10/5 0.3\n2 llm 10/5 0.3", "10/5 0.3 0");
    check("0 llm 10/5 0.3\n1 chain -/- -\n2 llm 10/5 0.3", "10/5 0.3 0");
    // A stream that was cut tells one side only.
    check("0 llm 10/5 0.3\n1 llm 10/- 0.1", "10/- 0.1 0");
    // The inner one has no tokens, so it cannot speak for the call.
    check("0 llm 10/5 0.3\n1 llm -/- - unpriced", "10/5 0.3 1");
    // The same in the other direction: the outer one is merely a name.
    check("0 llm -/- - unpriced\n1 llm 10/5 0.3", "10/5 0.3 0");
    // The inner one has no price, but the outer one has.
    check("0 llm 10/5 0.3\n1 llm 10/5 -", "10/5 0.3 0");
    check("0 embedding 8/- 0.1\n1 embedding 8/- 0.1", "8/- 0.1 0");
}

#[test]
fn an_outer_call_that_sums_its_steps_is_a_wrapper() {
    check("0 llm 30/9 0.5\n1 llm 10/4 0.2\n1 llm 20/5 0.3", "30/9 0.5 0");
    // A tool between the steps calls a model too; the outer call does not know of it.
    check("0 llm 30/9 0.5\n1 llm 10/4 0.2\n1 tool -/- -\n2 llm 7/7 0.1\n1 llm 20/5 0.3", "37/16 0.6 0");
}

#[test]
fn a_call_below_a_call_is_its_own_when_the_counts_differ() {
    check("0 llm 10/5 0.3\n1 tool -/- -\n2 llm 7/7 0.1", "17/12 0.4 0");
    // Except when both name the same response: the outer one adds its own way of counting.
    check("0 llm 12/5 0.3 id=r\n1 llm 10/5 0.25 id=r", "10/5 0.25 0");
    check("0 chain -/- -\n1 llm 12/5 0.3 id=a\n2 llm 10/5 0.25 id=b", "22/10 0.55 0");
    // Siblings with one response are two runs: a mock may answer with a constant id.
    check("0 chain -/- -\n1 llm 10/5 0.3 id=r\n1 llm 10/5 0.3 id=r", "20/10 0.6 0");
    // An embedding below a call is no step of it.
    check("0 llm 8/0 0.3\n1 embedding 8/0 0.1", "16/0 0.4 0");
}

#[test]
fn explicit_costs_count_on_any_type() {
    check("0 chain -/- -\n1 tool -/- 0.01 reported\n1 llm 10/5 0.3", "10/5 0.31 0");
    check("0 tool -/- 0.01 reported\n1 llm 10/5 0.3", "10/5 0.31 0");
    // A wrapper that repeats the cost of its child, of its children, or of all below it.
    check("0 chain -/- 0.3 reported\n1 llm 10/5 0.3", "10/5 0.3 0");
    check("0 chain -/- 0.3 reported\n1 llm 1/1 0.1\n1 llm 2/2 0.2", "3/3 0.3 0");
    check("0 chain -/- 0.30000000000000004 reported\n1 llm 1/1 0.1\n1 llm 2/2 0.2", "3/3 0.3 0");
    check("0 chain -/- 0.3 reported\n1 chain -/- -\n2 llm 1/1 0.1\n2 llm 2/2 0.2", "3/3 0.3 0");
    check("0 chain -/- 0.3 reported\n1 chain -/- 0.3 reported\n2 llm 1/1 0.3", "1/1 0.3 0");
    // A free call is a known cost.
    check("0 chain -/- -\n1 llm 1/1 0", "1/1 0 0");
}

#[test]
fn a_missing_price_is_counted_as_a_gap() {
    check("0 chain -/- -\n1 llm 10/5 0.3\n1 llm 10/5 - unpriced\n1 llm -/- - unpriced", "20/10 0.3 2");
    check("0 llm 10/5 - unpriced\n1 llm 10/5 - unpriced", "10/5 - 1");
    // A wrapper of a call of which nothing is known either.
    check("0 embedding -/- - unpriced\n1 chain -/- -\n2 embedding -/- - unpriced", "-/- - 1");
    check("0 llm -/- - unpriced\n1 embedding -/- - unpriced", "-/- - 2");
}

#[test]
fn broken_trees_end() {
    let llm = |parent| Node { input_tokens: Some(1), ..Node::new(parent, RunType::Llm) };
    // A circle, a run that is its own parent, a parent that does not exist.
    let nodes = [llm(Some(2)), llm(Some(0)), llm(Some(1)), llm(Some(3)), llm(Some(99))];
    let totals = subtree_totals(&nodes, &billed(&nodes));
    assert_eq!(totals[3].input_tokens, Some(1));
    assert_eq!(totals[4].input_tokens, Some(1));
    assert!(totals[..3].iter().all(|total| total.input_tokens == Some(1)), "{totals:?}");
    assert!(billed(&[]).is_empty());
}

#[test]
fn long_chains_and_wide_levels_are_linear() {
    let n_nodes = 200_000;
    let chain =
        |idx: usize| Node { input_tokens: Some(idx as u64), ..Node::new(idx.checked_sub(1), RunType::Llm) };
    let nodes: Vec<Node<'_>> = (0..n_nodes).map(chain).collect();
    let totals = subtree_totals(&nodes, &billed(&nodes));
    assert_eq!(totals[n_nodes - 2].input_tokens, Some(2 * n_nodes as u64 - 3));
    let wide = |idx: usize| Node { parent: (idx > 0).then_some(0), input_tokens: Some(1), ..chain(idx) };
    let nodes: Vec<Node<'_>> = (0..n_nodes).map(wide).collect();
    assert_eq!(subtree_totals(&nodes, &billed(&nodes))[0].input_tokens, Some(n_nodes as u64));
}

#[test]
fn reads_what_it_needs_of_a_run() {
    use crate::{
        Cost, JsonText, ProjectId, RunId, RunKey, TraceId, UnixNanos, UnpricedReason, Usage, WorkspaceId,
    };
    let key = RunKey {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        trace_id: TraceId::NIL,
        run_id: RunId::NIL,
    };
    let mut run = Run::new(key, UnixNanos::default());
    run.run_type = Some(RunType::Llm);
    run.usage = Some(Usage { input_tokens: Some(3), ..Usage::default() });
    run.metadata.insert("response_id".to_owned(), JsonText::from_string("r1"));
    run.cost = Some(Cost { total: Some(Decimal::ONE), source: CostSource::Reported, ..Cost::default() });
    let node = Node::of_run(&run, Some(7));
    assert_eq!((node.parent, node.input_tokens, node.total_cost), (Some(7), Some(3), Some(Decimal::ONE)));
    assert_eq!((node.response_id, node.cost_reported, node.unpriced), (Some("\"r1\""), true, false));
    run.cost =
        Some(Cost { source: CostSource::Unpriced { reason: UnpricedReason::NoModel }, ..Cost::default() });
    assert!(Node::of_run(&run, None).unpriced);
}

prop_compose! {
    fn any_node()(parent in proptest::option::of(0usize..14), kind in 0usize..7, input in proptest::option::of(0u64..3),
                  output in proptest::option::of(0u64..3), cents in proptest::option::of(0i64..4),
                  cost_reported: bool, unpriced: bool) -> Node<'static> {
        Node {
            input_tokens: input,
            output_tokens: output,
            total_cost: cents.map(|cents| Decimal::new(cents, 2)),
            cost_reported,
            unpriced,
            ..Node::new(parent, RunType::ALL[kind])
        }
    }
}

/// What counts of each node, by keeping what is below of all nodes at once.
fn billed_by_node(nodes: &[Node<'_>]) -> Vec<Billed> {
    let tree = Tree::of(nodes);
    let mut below = vec![Below::default(); nodes.len()];
    let mut billed = vec![Billed::default(); nodes.len()];
    for (position, idx) in tree.order.iter().map(|idx| *idx as usize).enumerate().rev() {
        let (node, tokens) = (&nodes[idx], nodes[idx].tokens());
        let mut inside = tree.order[position + 1..position + tree.sizes[idx] as usize]
            .iter()
            .map(|inner| &nodes[*inner as usize]);
        let same_response = inside.any(|inner| {
            let same = inner.response_id.is_some() && inner.response_id == node.response_id;
            same && inner.run_type == node.run_type && inner.tokens().any()
        });
        billed[idx] = below[idx].judge(&node.own(), tokens, same_response);
        if let Some(parent) = tree.parents[idx] {
            let child = below[idx].clone();
            below[parent as usize].add_below(&child);
            below[parent as usize].add_own(&node.own(), tokens, billed[idx]);
        }
    }
    billed
}

fn parents_of(nodes: &[Node<'_>]) -> Vec<Option<u32>> {
    nodes.iter().map(|node| node.parent.map(|parent| parent as u32)).collect()
}

proptest! {
    /// Nodes that are asked one by one, and what is below them kept by depth, make no difference, and neither does leaving
    /// out those of which nothing is known.
    #[test]
    fn nodes_may_be_asked_when_it_is_their_turn(
        mut nodes in proptest::collection::vec(any_node(), 0..14),
        named in proptest::collection::vec(0usize..4, 14),
    ) {
        for (node, name) in nodes.iter_mut().zip(named) {
            node.response_id = ["a", "b"].get(name).copied();
        }
        let says_anything = |node: &&Node<'_>| {
            let counts = [node.input_tokens, node.output_tokens, node.total_tokens];
            counts.iter().any(Option::is_some) || node.total_cost.is_some() || node.unpriced
        };
        let own = |idx: usize| Some(&nodes[idx]).filter(says_anything).map(Node::own);
        let alone = billed_alone(&parents_of(&nodes), own);
        prop_assert_eq!(&alone, &billed(&nodes));
        prop_assert_eq!(alone, billed_by_node(&nodes));
    }

    /// Nodes in the order of their tree have the sums that they have in any order.
    #[test]
    fn totals_in_order_are_those_of_subtrees(nodes in proptest::collection::vec(any_node(), 0..14)) {
        let verdicts = billed(&nodes);
        let tree = Tree::of(&nodes);
        let mut row_of = vec![0; nodes.len()];
        for (row, idx) in (0..).zip(&tree.order) {
            row_of[*idx as usize] = row;
        }
        let order = || tree.order.iter().map(|idx| *idx as usize);
        let parents: Vec<Option<u32>> =
            order().map(|idx| tree.parents[idx].map(|parent| row_of[parent as usize])).collect();
        let own = order().map(|idx| Some(Totals::own(&nodes[idx], verdicts[idx])));
        let sums = TreeTotals::sum(own.map(|own| own.filter(|own| *own != Totals::default())), &parents);
        let totals = subtree_totals(&nodes, &verdicts);
        for (row, idx) in order().enumerate() {
            prop_assert_eq!(sums.of(row), &totals[idx]);
        }
    }

    /// The sum over all roots is the sum of what each run adds, whatever the tree looks like.
    #[test]
    fn roots_hold_everything_once(nodes in proptest::collection::vec(any_node(), 0..12)) {
        let verdicts = billed(&nodes);
        let totals = subtree_totals(&nodes, &verdicts);
        let parents = tree::acyclic(parents_of(&nodes));
        let mut roots = Totals::default();
        let mut own = Totals::default();
        for idx in 0..nodes.len() {
            own.add(&Totals::own(&nodes[idx], verdicts[idx]));
            match parents[idx] {
                None => roots.add(&totals[idx]),
                // A part is never more than the whole.
                Some(parent) => prop_assert!(totals[idx].total_cost <= totals[parent as usize].total_cost),
            }
        }
        prop_assert_eq!(roots, own);
    }

    /// Where anything used tokens, something counts; where anything cost something, some cost counts.
    #[test]
    fn nothing_vanishes(nodes in proptest::collection::vec(any_node(), 1..12)) {
        let verdicts = billed(&nodes);
        let any = |pick: fn(&Billed) -> bool| verdicts.iter().any(pick);
        prop_assert_eq!(nodes.iter().any(|node| node.tokens().any()), any(|own| own.tokens));
        let costs = |node: &Node<'_>| node.total_cost.is_some_and(|cost| !cost.is_zero());
        prop_assert!(!nodes.iter().any(costs) || any(|own| own.cost));
    }
}
