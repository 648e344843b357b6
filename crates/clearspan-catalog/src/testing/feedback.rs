//! What callers may rely on about feedback.

use std::sync::Arc;

use clearspan_model::{ErrorKind, JsonText, ProjectId, RunId, TraceId, WorkspaceId};
use uuid::Uuid;

use super::at;
use crate::{
    Catalog, Comparison, Feedback, FeedbackAbout, FeedbackChange, FeedbackConfig, FeedbackId, FeedbackPlace,
    FeedbackQuery, FeedbackTest, FeedbackToken, ProjectName, Score,
};

pub(super) fn check_all(new_catalog: &impl Fn() -> Arc<dyn Catalog>) {
    feedback_is_kept_as_it_was_given(&*new_catalog());
    sending_again_changes_nothing_and_a_newer_one_replaces(&*new_catalog());
    a_change_touches_only_what_it_names(&*new_catalog());
    feedback_is_found_by_what_it_is_about(&*new_catalog());
    runs_are_found_by_their_feedback(&*new_catalog());
    figures_add_up(&*new_catalog());
    feedback_is_placed_when_its_run_is_known(&*new_catalog());
    feedback_goes_with_its_project(&*new_catalog());
    feedback_goes_with_its_traces(&*new_catalog());
    what_is_known_of_a_key_is_replaced(&*new_catalog());
    tokens_are_found_by_their_secret(&*new_catalog());
    nothing_crosses_workspaces(&*new_catalog());
}

const PROJECT: ProjectId = ProjectId::from_bytes([9; 16]);

fn run(number: u8) -> RunId {
    RunId::from_bytes([number; 16])
}

fn json(text: &str) -> Option<JsonText> {
    Some(JsonText::parse(text).expect("valid JSON"))
}

fn workspace(catalog: &dyn Catalog) -> WorkspaceId {
    catalog.default_workspace().expect("a workspace").id
}

/// Feedback on a run of the project, and nothing else said.
fn on_run(catalog: &dyn Catalog, number: u8, key: &str, score: f64) -> Feedback {
    Feedback {
        id: FeedbackId::generate(),
        workspace_id: workspace(catalog),
        project_id: Some(PROJECT),
        run_id: Some(run(number)),
        trace_id: None,
        key: key.to_owned(),
        score: Some(Score::Number(score)),
        value: None,
        comment: None,
        correction: None,
        source_type: Some("api".to_owned()),
        source: None,
        is_error: None,
        group_id: None,
        comparative_experiment_id: None,
        extra: None,
        run_start: None,
        created_at: at(10),
        modified_at: at(10),
    }
}

fn put(catalog: &dyn Catalog, feedback: &[Feedback]) {
    catalog.put_feedback(feedback).expect("kept");
}

fn load(catalog: &dyn Catalog, id: FeedbackId) -> Option<Feedback> {
    catalog.load_feedback(workspace(catalog), id).expect("an answer")
}

fn list(catalog: &dyn Catalog, query: &FeedbackQuery) -> Vec<FeedbackId> {
    let listed = catalog.list_feedback(workspace(catalog), query).expect("a list");
    listed.into_iter().map(|one| one.id).collect()
}

fn feedback_is_kept_as_it_was_given(catalog: &dyn Catalog) {
    let full = Feedback {
        trace_id: Some(TraceId::from_bytes([3; 16])),
        score: Some(Score::Bool(true)),
        value: json(r#"{"a": [1, "x"]}"#),
        comment: Some("nice \u{1f600}".to_owned()),
        correction: json(r#""better""#),
        source: json(r#"{"type": "model", "metadata": {"__run": {}}}"#),
        is_error: Some(false),
        group_id: Some(Uuid::from_bytes([4; 16])),
        comparative_experiment_id: Some(Uuid::from_bytes([5; 16])),
        extra: json("[]"),
        run_start: Some(at(7)),
        ..on_run(catalog, 1, "k", 0.0)
    };
    let bare = Feedback {
        project_id: None,
        run_id: None,
        score: None,
        source_type: None,
        ..on_run(catalog, 1, "", 0.0)
    };
    put(catalog, &[full.clone(), bare.clone()]);
    assert_eq!(load(catalog, full.id), Some(full));
    assert_eq!(load(catalog, bare.id), Some(bare.clone()));
    assert_eq!(load(catalog, FeedbackId::generate()), None);
    assert!(catalog.delete_feedback(bare.workspace_id, bare.id).expect("an answer"));
    assert!(!catalog.delete_feedback(bare.workspace_id, bare.id).expect("an answer"), "it is gone");
    assert_eq!(load(catalog, bare.id), None);

    let good = on_run(catalog, 1, "k", 1.0);
    let refused = catalog.put_feedback(&[good.clone(), on_run(catalog, 1, "k", f64::NAN)]);
    assert_eq!(refused.expect_err("not a number").kind(), ErrorKind::InvalidInput);
    assert_eq!(load(catalog, good.id), None, "all or none");
}

fn sending_again_changes_nothing_and_a_newer_one_replaces(catalog: &dyn Catalog) {
    let first = on_run(catalog, 1, "k", 0.5);
    put(catalog, std::slice::from_ref(&first));
    put(catalog, std::slice::from_ref(&first));
    assert_eq!(list(catalog, &FeedbackQuery::default()), [first.id]);
    assert_eq!(load(catalog, first.id), Some(first.clone()));

    let newer = Feedback {
        score: None,
        comment: Some("changed".to_owned()),
        project_id: None,
        created_at: at(30),
        modified_at: at(20),
        ..first.clone()
    };
    put(catalog, std::slice::from_ref(&newer));
    let expected = Feedback { created_at: first.created_at, project_id: first.project_id, ..newer };
    assert_eq!(load(catalog, first.id), Some(expected.clone()), "the time of creation and the place stay");
    put(catalog, std::slice::from_ref(&first));
    assert_eq!(load(catalog, first.id), Some(expected), "an older one that comes late changes nothing");
}

fn a_change_touches_only_what_it_names(catalog: &dyn Catalog) {
    let before = Feedback { comment: Some("c".to_owned()), value: json("1"), ..on_run(catalog, 1, "k", 1.0) };
    put(catalog, std::slice::from_ref(&before));
    let change =
        |change| catalog.update_feedback(before.workspace_id, before.id, change, at(50)).expect("an answer");
    let after =
        change(FeedbackChange { score: Some(Some(Score::Number(0.25))), ..FeedbackChange::default() });
    let expected = Feedback { score: Some(Score::Number(0.25)), modified_at: at(50), ..before.clone() };
    assert_eq!(after.as_ref(), Some(&expected));
    let after = change(FeedbackChange {
        comment: Some(None),
        value: Some(json(r#""v""#)),
        correction: Some(json("{}")),
        ..FeedbackChange::default()
    });
    let expected = Feedback { comment: None, value: json(r#""v""#), correction: json("{}"), ..expected };
    assert_eq!(after, Some(expected.clone()));
    assert_eq!(load(catalog, before.id), Some(expected));
    let nobody = catalog.update_feedback(
        before.workspace_id,
        FeedbackId::generate(),
        FeedbackChange::default(),
        at(60),
    );
    assert_eq!(nobody.expect("an answer"), None);

    let ahead = Feedback { modified_at: at(900), ..on_run(catalog, 1, "k", 1.0) };
    put(catalog, std::slice::from_ref(&ahead));
    let change = FeedbackChange { score: Some(None), ..FeedbackChange::default() };
    let after = catalog.update_feedback(ahead.workspace_id, ahead.id, change, at(50)).expect("an answer");
    assert_eq!(after.expect("it is there").score, None, "a clock that is ahead does not stop changes");
}

fn feedback_is_found_by_what_it_is_about(catalog: &dyn Catalog) {
    let made: Vec<Feedback> = [(1, "a"), (1, "b"), (2, "a"), (3, "c")]
        .into_iter()
        .zip(1..)
        .map(|((number, key), time)| Feedback { created_at: at(time), ..on_run(catalog, number, key, 1.0) })
        .collect();
    let by_model = Feedback {
        source_type: Some("Model".to_owned()),
        comment: Some("why".to_owned()),
        score: None,
        trace_id: Some(TraceId::from_bytes([7; 16])),
        created_at: at(5),
        ..on_run(catalog, 4, "d", 0.0)
    };
    let summary = Feedback { run_id: None, created_at: at(6), ..on_run(catalog, 0, "summary", 0.9) };
    let elsewhere = Feedback {
        project_id: Some(ProjectId::from_bytes([8; 16])),
        comparative_experiment_id: Some(Uuid::from_bytes([5; 16])),
        created_at: at(7),
        ..on_run(catalog, 5, "a", 1.0)
    };
    put(catalog, &made);
    put(catalog, &[by_model.clone(), summary.clone(), elsewhere.clone()]);
    let [a1, b1, a2, c3] = [0, 1, 2, 3].map(|idx: usize| made[idx].id);
    let all = [elsewhere.id, summary.id, by_model.id, c3, a2, b1, a1];

    let query = FeedbackQuery::default;
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(list(catalog, &query()), all, "the newest first");
    assert_eq!(list(catalog, &FeedbackQuery { limit: Some(2), offset: 1, ..query() }), all[1..3]);
    assert_eq!(
        list(catalog, &FeedbackQuery { run_ids: Some(vec![run(1), run(3)]), ..query() }),
        [c3, b1, a1]
    );
    assert_eq!(list(catalog, &FeedbackQuery { run_ids: Some(Vec::new()), ..query() }), []);
    assert_eq!(
        list(catalog, &FeedbackQuery { run_ids: Some(vec![run(1)]), keys: texts(&["b", "c"]), ..query() }),
        [b1]
    );
    assert_eq!(
        list(catalog, &FeedbackQuery { project_ids: Some(vec![PROJECT]), keys: texts(&["a"]), ..query() }),
        [a2, a1]
    );
    assert_eq!(list(catalog, &FeedbackQuery { source_types: texts(&["MODEL"]), ..query() }), [by_model.id]);
    let traces = Some(vec![TraceId::from_bytes([7; 16]), TraceId::from_bytes([8; 16])]);
    assert_eq!(list(catalog, &FeedbackQuery { trace_ids: traces, ..query() }), [by_model.id]);
    assert_eq!(list(catalog, &FeedbackQuery { trace_ids: Some(Vec::new()), ..query() }), []);
    assert_eq!(list(catalog, &FeedbackQuery { has_trace: Some(true), ..query() }), [by_model.id]);
    let without: Vec<_> = all.iter().copied().filter(|id| *id != by_model.id).collect();
    assert_eq!(list(catalog, &FeedbackQuery { has_trace: Some(false), ..query() }), without);
    assert_eq!(list(catalog, &FeedbackQuery { has_comment: Some(true), ..query() }), [by_model.id]);
    assert_eq!(list(catalog, &FeedbackQuery { has_score: Some(false), ..query() }), [by_model.id]);
    assert_eq!(
        list(catalog, &FeedbackQuery { about: Some(FeedbackAbout::Project), ..query() }),
        [summary.id]
    );
    let comparison = elsewhere.comparative_experiment_id;
    assert_eq!(
        list(catalog, &FeedbackQuery { comparative_experiment_id: comparison, ..query() }),
        [elsewhere.id]
    );
    assert_eq!(list(catalog, &FeedbackQuery { created: (Some(at(2)), Some(at(4))), ..query() }), [a2, b1]);
}

fn feedback_is_placed_when_its_run_is_known(catalog: &dyn Catalog) {
    let (trace_id, elsewhere) = (TraceId::from_bytes([7; 16]), ProjectId::from_bytes([8; 16]));
    let lost =
        Feedback { project_id: None, comment: Some("early".to_owned()), ..on_run(catalog, 1, "a", 0.5) };
    let without_trace = on_run(catalog, 2, "a", 1.0);
    let placed = Feedback { trace_id: Some(trace_id), ..on_run(catalog, 3, "a", 0.0) };
    let of_project = Feedback { run_id: None, ..on_run(catalog, 4, "a", 0.0) };
    put(catalog, &[lost.clone(), without_trace.clone(), placed.clone(), of_project]);

    let mut to_place = catalog.runs_to_place(workspace(catalog), 10).expect("listed");
    to_place.sort_unstable();
    assert_eq!(to_place, [run(1), run(2)]);
    assert_eq!(catalog.runs_to_place(workspace(catalog), 1).expect("listed").len(), 1);
    let query = FeedbackQuery { is_to_place: true, ..FeedbackQuery::default() };
    let mut listed = list(catalog, &query);
    listed.sort_unstable();
    let mut expected = vec![lost.id, without_trace.id];
    expected.sort_unstable();
    assert_eq!(listed, expected);

    let place = |feedback_id, project_id| FeedbackPlace { feedback_id, project_id, trace_id };
    let places =
        [place(lost.id, PROJECT), place(without_trace.id, elsewhere), place(FeedbackId::generate(), PROJECT)];
    catalog.place_feedback(WorkspaceId::from_bytes([3; 16]), &places).expect("nothing to place");
    assert_eq!(list(catalog, &query).len(), 2, "another workspace has none of them");
    catalog.place_feedback(workspace(catalog), &places).expect("placed");
    assert_eq!(catalog.runs_to_place(workspace(catalog), 10).expect("listed"), []);
    let load = |id| catalog.load_feedback(workspace(catalog), id).expect("loaded").expect("it is kept");
    let trace_id = Some(trace_id);
    assert_eq!(load(lost.id), Feedback { project_id: Some(PROJECT), trace_id, ..lost });
    assert_eq!(load(without_trace.id), Feedback { trace_id, ..without_trace }, "what it knew stays");
}

fn runs_are_found_by_their_feedback(catalog: &dyn Catalog) {
    let text = |value: &str| json(&format!("\"{value}\""));
    put(
        catalog,
        &[
            Feedback { value: text("good"), ..on_run(catalog, 1, "stars", 5.0) },
            Feedback { value: json("3"), ..on_run(catalog, 1, "other", 1.0) },
            Feedback { value: text("bad"), modified_at: at(99), ..on_run(catalog, 2, "stars", 2.0) },
            Feedback {
                project_id: None,
                score: None,
                comment: Some("Is 50% Wrong".to_owned()),
                source_type: Some("App".to_owned()),
                ..on_run(catalog, 3, "stars", 0.0)
            },
            Feedback { run_id: None, ..on_run(catalog, 0, "stars", 5.0) },
        ],
    );
    let find = |tests: &[FeedbackTest]| {
        let mut runs =
            catalog.runs_with_feedback(workspace(catalog), Some(&[PROJECT]), tests, 100).expect("an answer");
        runs.sort_unstable();
        runs.into_iter().map(|id| id.as_bytes()[0]).collect::<Vec<_>>()
    };
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let stars = || FeedbackTest::Key(texts(&["stars"]));
    use Comparison::{AtLeast, AtMost, Equal, Greater, Less, NotEqual};
    use FeedbackTest as Test;
    let cases: Vec<(Vec<Test>, &[u8])> = vec![
        (vec![], &[1, 2, 3]),
        (vec![stars()], &[1, 2, 3]),
        (vec![Test::KeyNot(texts(&["stars"]))], &[1]),
        (vec![stars(), Test::Score(Greater, 3.0)], &[1]),
        (vec![stars(), Test::Score(AtLeast, 2.0)], &[1, 2]),
        (vec![stars(), Test::Score(Less, 5.0)], &[2]),
        (vec![stars(), Test::Score(AtMost, 5.0)], &[1, 2]),
        (vec![stars(), Test::Score(Equal, 1.0)], &[]),
        (vec![Test::Score(Equal, 1.0)], &[1]),
        (vec![stars(), Test::Score(NotEqual, 2.0)], &[1]),
        (vec![Test::HasScore(false)], &[3]),
        (vec![stars(), Test::HasScore(true)], &[1, 2]),
        (vec![Test::Value(texts(&["good", "3"]))], &[1]),
        (vec![Test::Value(texts(&["3"])), stars()], &[]),
        (vec![Test::ValueNot(texts(&["good", "3"]))], &[2]),
        (vec![Test::CommentContains("50% wrong".to_owned())], &[3]),
        (vec![Test::Comment("is 50% wrong".to_owned())], &[]),
        (vec![Test::Source(texts(&["app"]))], &[3]),
        (vec![Test::Modified(Some(at(11)), Some(at(100)))], &[2]),
    ];
    for (tests, expected) in cases {
        assert_eq!(find(&tests), expected, "{tests:?}");
    }
    let limited = catalog.runs_with_feedback(workspace(catalog), None, &[], 2).expect("an answer");
    assert_eq!(limited.len(), 2);
    let elsewhere = [ProjectId::from_bytes([1; 16])];
    let found = catalog.runs_with_feedback(workspace(catalog), Some(&elsewhere), &[], 9).expect("an answer");
    assert_eq!(found, [run(3)], "feedback without a project counts for all");
}

fn figures_add_up(catalog: &dyn Catalog) {
    let made = [
        on_run(catalog, 1, "k", 1.0),
        Feedback { value: json("\"x\""), ..on_run(catalog, 2, "k", 4.0) },
        Feedback { value: json("\"x\""), score: None, is_error: Some(true), ..on_run(catalog, 3, "k", 0.0) },
        Feedback {
            comment: Some("hm".to_owned()),
            source_type: Some("model".to_owned()),
            is_error: Some(false),
            ..on_run(catalog, 3, "k", -2.0)
        },
        on_run(catalog, 3, "other", 1.0),
        Feedback { run_id: None, ..on_run(catalog, 0, "k", 7.0) },
        Feedback { project_id: None, ..on_run(catalog, 4, "k", 9.0) },
        // Of two runs one is better, which says nothing of how good it is.
        Feedback {
            comparative_experiment_id: Some(Uuid::from_bytes([5; 16])),
            value: json("\"x\""),
            comment: Some("the better one".to_owned()),
            source_type: Some("app".to_owned()),
            ..on_run(catalog, 1, "k", 100.0)
        },
        Feedback {
            comparative_experiment_id: Some(Uuid::from_bytes([5; 16])),
            ..on_run(catalog, 1, "closer", 1.0)
        },
    ];
    put(catalog, &made);
    let stats = |about| catalog.feedback_stats(workspace(catalog), PROJECT, about).expect("an answer");
    let of_runs = stats(FeedbackAbout::Runs);
    assert_eq!(of_runs.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["k", "other"]);
    let k = &of_runs[0].1;
    assert_eq!((k.count, k.scored, k.errors), (4, 3, 1));
    assert_eq!((k.min, k.max, k.average()), (Some(-2.0), Some(4.0), Some(1.0)));
    let spread = k.standard_deviation().expect("three scores");
    assert!((spread - 6.0_f64.sqrt()).abs() < 1e-9, "{spread}");
    assert_eq!(k.values.iter().map(|(value, n)| (value.as_str(), *n)).collect::<Vec<_>>(), [("x", 2)]);
    assert_eq!(k.comments, ["hm"]);
    assert_eq!(k.sources, ["api", "model"]);
    let of_project = stats(FeedbackAbout::Project);
    assert_eq!(of_project.len(), 1);
    assert_eq!((of_project[0].1.count, of_project[0].1.average()), (1, Some(7.0)));

    let mut by_hand = crate::FeedbackStats::default();
    made[..4].iter().for_each(|one| by_hand.add(one));
    assert_eq!(&by_hand, k, "adding one by one gives the same");
}

fn feedback_goes_with_its_project(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let name = ProjectName::parse("gone").expect("a valid name");
    let project = catalog.get_or_create_project(workspace_id, &name, at(1)).expect("a project");
    let of_it = Feedback { project_id: Some(project.id), ..on_run(catalog, 1, "k", 1.0) };
    let other = on_run(catalog, 2, "k", 1.0);
    put(catalog, &[of_it, other.clone()]);
    assert!(catalog.delete_project(workspace_id, project.id, at(2)).expect("an answer"));
    assert_eq!(list(catalog, &FeedbackQuery::default()), [other.id]);
}

fn feedback_goes_with_its_traces(catalog: &dyn Catalog) {
    let trace = |number: u8| TraceId::from_bytes([number; 16]);
    let of = |number: u8, project: Option<ProjectId>| Feedback {
        trace_id: Some(trace(number)),
        project_id: project,
        created_at: at(number.into()),
        ..on_run(catalog, number, "a", 1.0)
    };
    let elsewhere = Some(ProjectId::from_bytes([8; 16]));
    let given = [of(3, Some(PROJECT)), of(1, Some(PROJECT)), of(1, None), of(2, elsewhere), of(9, None)];
    put(catalog, &given);
    let early = on_run(catalog, 1, "early", 1.0);
    put(catalog, std::slice::from_ref(&early));
    let token = FeedbackToken { trace_id: Some(trace(1)), ..token(catalog, 1) };
    catalog.create_feedback_tokens(std::slice::from_ref(&token)).expect("kept");

    let ws = workspace(catalog);
    let traces = |projects: Option<&[ProjectId]>, after: Option<u8>, limit: usize| {
        catalog.traces_with_feedback(ws, projects, at(9), after.map(trace), limit).expect("a list")
    };
    assert_eq!(traces(None, None, 10), [trace(1), trace(2), trace(3)], "9 is too young");
    assert_eq!(traces(None, Some(1), 1), [trace(2)]);
    assert_eq!(traces(Some(&[PROJECT]), None, 10), [trace(1), trace(3)]);
    assert_eq!(traces(None, Some(3), 10), []);

    let delete = |traces: &[TraceId]| {
        catalog.delete_feedback_of_traces(ws, Some(&[PROJECT]), traces).expect("removed")
    };
    assert_eq!(delete(&[trace(1), trace(2)]), 2, "that of the other project stays");
    assert_eq!(delete(&[trace(1)]), 0);
    assert_eq!(catalog.find_feedback_token(token.token).expect("an answer"), None);
    assert!(load(catalog, early.id).is_some(), "nobody said which trace it is about");
    assert_eq!(catalog.delete_feedback_of_traces(ws, None, &[trace(2)]).expect("removed"), 1);
    let other = WorkspaceId::from_bytes([7; 16]);
    assert_eq!(catalog.delete_feedback_of_traces(other, None, &[trace(3)]).expect("an answer"), 0);
    assert!(load(catalog, given[0].id).is_some());
}

fn what_is_known_of_a_key_is_replaced(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let config = |key: &str, text: &str, time| FeedbackConfig {
        workspace_id,
        key: key.to_owned(),
        config: JsonText::parse(text).expect("valid JSON"),
        is_lower_score_better: Some(false),
        modified_at: at(time),
    };
    let (a, b) = (config("a", r#"{"type": "freeform"}"#, 1), config("b", "{}", 2));
    for one in [&b, &a] {
        catalog.put_feedback_config(one).expect("kept");
    }
    assert_eq!(catalog.list_feedback_configs(workspace_id).expect("a list"), [a, b.clone()]);
    let changed = FeedbackConfig { is_lower_score_better: None, ..config("a", "{\"min\": 0}", 3) };
    catalog.put_feedback_config(&changed).expect("kept");
    assert_eq!(catalog.list_feedback_configs(workspace_id).expect("a list"), [changed, b.clone()]);
    assert!(catalog.delete_feedback_config(workspace_id, "a").expect("an answer"));
    assert!(!catalog.delete_feedback_config(workspace_id, "a").expect("an answer"));
    assert_eq!(catalog.list_feedback_configs(workspace_id).expect("a list"), [b]);
}

fn token(catalog: &dyn Catalog, number: u8) -> FeedbackToken {
    FeedbackToken {
        id: Uuid::from_bytes([number; 16]),
        token: Uuid::from_bytes([100 + number; 16]),
        workspace_id: workspace(catalog),
        project_id: (number == 1).then_some(PROJECT),
        trace_id: None,
        run_id: run(number % 2),
        key: "thumbs".to_owned(),
        feedback_id: FeedbackId::generate(),
        created_at: at(number.into()),
        expires_at: at(50),
    }
}

fn tokens_are_found_by_their_secret(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let made = [1, 2, 3].map(|number| token(catalog, number));
    catalog.create_feedback_tokens(&made).expect("kept");
    assert_eq!(catalog.find_feedback_token(made[1].token).expect("an answer"), Some(made[1].clone()));
    assert_eq!(catalog.find_feedback_token(made[1].id).expect("an answer"), None, "the id opens nothing");
    let listed = catalog.list_feedback_tokens(workspace_id, run(1)).expect("a list");
    assert_eq!(listed, [made[2].clone(), made[0].clone()]);
    let stranger = WorkspaceId::from_bytes([7; 16]);
    assert_eq!(catalog.list_feedback_tokens(stranger, run(1)).expect("a list"), []);
}

fn nothing_crosses_workspaces(catalog: &dyn Catalog) {
    let stranger = WorkspaceId::from_bytes([7; 16]);
    let mine = on_run(catalog, 1, "k", 1.0);
    put(catalog, std::slice::from_ref(&mine));
    assert_eq!(catalog.load_feedback(stranger, mine.id).expect("an answer"), None);
    assert_eq!(catalog.list_feedback(stranger, &FeedbackQuery::default()).expect("a list"), []);
    let change = FeedbackChange { score: Some(None), ..FeedbackChange::default() };
    assert_eq!(catalog.update_feedback(stranger, mine.id, change, at(9)).expect("an answer"), None);
    assert!(!catalog.delete_feedback(stranger, mine.id).expect("an answer"));
    assert_eq!(catalog.runs_with_feedback(stranger, None, &[], 9).expect("an answer"), []);
    assert_eq!(catalog.feedback_stats(stranger, PROJECT, FeedbackAbout::Runs).expect("an answer"), []);
    assert_eq!(catalog.list_feedback_configs(stranger).expect("a list"), []);
    assert_eq!(load(catalog, mine.id), Some(mine));
}
