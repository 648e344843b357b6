//! Statements and exports.

use std::time::{Duration, Instant};

use clearspan_model::{Decimal, ErrorKind, Run, RunId, RunType, Status, UnixNanos};
use clearspan_query::{Expr, Field, Literal, Op};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

use crate::testing::build::{
    at, bare, everything, filtered, json as json_text, log, message, point, project, run, scope, set_llm,
    workspace, write_scattered,
};
use crate::testing::random::random_runs;
use crate::{
    Error, ExportQuery, ExportTable, ExportedRun, Result, RunStore, Scope, SqlQuery, TableFormat, Unit,
};

/// What the runs of the other workspace say. No statement may ever show it.
const SECRET: &str = "s3cret of the neighbours";

fn statement(text: &str) -> SqlQuery {
    SqlQuery {
        scope: scope(),
        projects: vec![(project(1), "shop".to_owned()), (project(2), "o'brien".to_owned())],
        text: text.to_owned(),
        format: TableFormat::Json,
        max_rows: Some(1_000),
        timeout: Duration::from_secs(120),
    }
}

async fn bytes_of(store: &dyn RunStore, query: SqlQuery) -> Result<Vec<u8>> {
    let answer = store.sql(query).await?;
    let parts: Vec<_> = answer.body.try_collect().await?;
    Ok(parts.concat())
}

async fn answer(store: &dyn RunStore, query: SqlQuery) -> Result<Value> {
    Ok(serde_json::from_slice(&bytes_of(store, query).await?).expect("an answer is JSON"))
}

/// The rows that a statement gives.
async fn rows(store: &dyn RunStore, text: &str) -> Value {
    match answer(store, statement(text)).await {
        Ok(mut answer) => answer["rows"].take(),
        Err(err) => panic!("{text}: {err}"),
    }
}

async fn refusal(store: &dyn RunStore, text: &str) -> Error {
    match answer(store, statement(text)).await {
        Ok(answer) => panic!("{text} was answered: {answer}"),
        Err(err) => err,
    }
}

/// Counts, costs and tokens are those that the lists show, wherever the rows lie.
pub async fn statements_count_as_figures_do(store: &dyn RunStore) {
    write_scattered(store, random_runs(7)).await;
    let runs = store.stats(Unit::Runs, &everything()).await.expect("figures of runs");
    let found = rows(
        store,
        "select count(*), count(*) filter (where status = 'error' and double_of is null), \
         sum(total_cost) filter (where cost_billed) from runs",
    )
    .await;
    assert_eq!(found[0][0], runs.count);
    assert_eq!(found[0][1], runs.error_count);
    let cost = found[0][2].as_str().map(|cost| cost.parse().expect("a decimal"));
    assert_eq!(cost.unwrap_or(Decimal::ZERO), runs.total_cost.normalize());

    let traces = store.stats(Unit::Traces, &everything()).await.expect("figures of traces");
    let found = rows(
        store,
        "select count(*), count(*) filter (where status = 'error'), sum(total_cost), sum(run_count) from traces",
    )
    .await;
    assert_eq!(found[0][0], traces.count);
    assert_eq!(found[0][1], traces.error_count);
    let cost = found[0][2].as_str().map(|cost| cost.parse().expect("a decimal"));
    assert_eq!(cost.unwrap_or(Decimal::ZERO), traces.total_cost.normalize());
    assert_eq!(found[0][3], runs.count);
}

/// Ids are those of the API, projects have names, money is exact, times are times.
pub async fn statements_see_what_people_know(store: &dyn RunStore) {
    let told = run(1, 1, |run| {
        set_llm(run, "gpt-5", (10, 5), "0.000000000001");
        run.inputs = message("user", "hello");
        run.tags = vec!["a".to_owned(), "b".to_owned()];
    });
    let mut pending = bare(2, 2);
    pending.key.project_id = project(2);
    store.write(vec![told, pending]).await.expect("runs are written");
    let found = rows(
        store,
        "select project, trace_id, run_id, name, run_type, status, start_time, latency_ms, model, input_tokens - 11, \
         total_cost, tags, inputs, outputs from runs order by start_time",
    )
    .await;
    let id = |number: u8| format!("00000000-0000-0000-0000-{number:012}");
    assert_eq!(
        found,
        json!([
            [
                "shop",
                id(1),
                id(1),
                "run 1",
                "llm",
                "success",
                "2025-10-09T08:53:21Z",
                1_000.0,
                "gpt-5",
                -1,
                "0.000000000001",
                ["a", "b"],
                r#"{"messages":[{"role":"user","content":"hello"}]}"#,
                null
            ],
            [
                "o'brien",
                id(2),
                id(2),
                "unnamed",
                "chain",
                "pending",
                "2025-10-09T09:53:20Z",
                null,
                null,
                null,
                null,
                [],
                null,
                null
            ],
        ])
    );
    store.flush().await.expect("a flush");
    for (condition, count) in [
        ("project = 'shop'", 1),
        ("project in ('shop', 'o''brien')", 2),
        ("project = 'nowhere'", 0),
        ("project <> 'shop'", 1),
        ("not (project = 'shop')", 1),
        ("trace_id = '00000000-0000-0000-0000-000000000001'", 1),
        ("trace_id in ('00000000-0000-0000-0000-000000000001', 'nonsense')", 1),
        ("trace_id = 'nonsense'", 0),
        ("start_time >= timestamp '2025-10-09T09:00:00Z'", 1),
        ("start_time < '2025-10-09T09:00:00Z' and model like 'gpt%'", 1),
        ("lower(name) = 'run 1' or run_type = 'chain'", 2),
        ("total_cost > 0", 1),
        ("'b' = any(tags)", 1),
        ("array_has(tags, 'b')", 1),
    ] {
        let found = rows(store, &format!("select count(*) from runs where {condition}")).await;
        assert_eq!(found[0][0], count, "{condition}");
    }
}

/// One key of the metadata, of the attributes, of a payload.
pub async fn statements_reach_into_json(store: &dyn RunStore) {
    let told = run(1, 1, |run| {
        run.metadata.insert("env".to_owned(), json_text(r#""prod""#));
        run.metadata.insert("deep".to_owned(), json_text(r#"{"list":[1,{"x":null,"y":"z"}]}"#));
        run.attributes.insert("http.status".to_owned(), json_text("503"));
        run.inputs = message("user", "hello");
    });
    store.write(vec![told, run(1, 2, |_| ())]).await.expect("runs are written");
    for flushed in [false, true] {
        if flushed {
            store.flush().await.expect("a flush");
        }
        let found = rows(
            store,
            "select metadata['env'], metadata['deep']['list'][1]['y'], attributes['http.status']::int + 1, \
             inputs['messages'][0]['content'], metadata['none'], inputs['messages'][-1]['role'], metadata \
             from runs where metadata['env'] = 'prod'",
        )
        .await;
        let metadata = json!({"deep": {"list": [1, {"x": null, "y": "z"}]}, "env": "prod"});
        assert_eq!(found, json!([["prod", "z", 504, "hello", null, "user", metadata]]));
        assert_eq!(rows(store, "select count(*) from runs where metadata['env'] is null").await[0][0], 1);
    }
}

fn of_neighbours(mut run: Run) -> Run {
    run.key.workspace_id = workspace(2);
    run.name = Some(SECRET.to_owned());
    run.error = Some(SECRET.to_owned());
    run.metadata.insert("m".to_owned(), clearspan_model::JsonText::from_string(SECRET));
    run.inputs = message("user", SECRET);
    run
}

/// Whatever is asked, rows of another workspace are not in the answer, nor in what goes wrong.
pub async fn statements_never_leave_their_scope(store: &dyn RunStore) {
    let mine = run(1, 1, |run| run.name = Some("mine".to_owned()));
    store.write(vec![mine.clone(), of_neighbours(mine), of_neighbours(bare(9, 9))]).await.expect("runs");
    let mut foreign_log = log(1, SECRET);
    foreign_log.workspace_id = workspace(2);
    store.write_logs(vec![log(1, "mine"), foreign_log]).await.expect("log records");
    let mut foreign_point = point(SECRET, 1, 1);
    foreign_point.workspace_id = workspace(2);
    store.write_points(vec![point("mine", 1, 1), foreign_point]).await.expect("points");
    for flushed in [false, true] {
        if flushed {
            store.flush().await.expect("a flush");
        }
        for table in ["runs", "traces", "logs", "metric_points"] {
            let found = rows(store, &format!("select count(*) from {table}")).await;
            assert_eq!(found, json!([[1]]), "{table}");
        }
        // Half of them before, the others behind it.
        let statements = crate::testing::hostile::statements(SECRET);
        for text in statements.iter().skip(usize::from(flushed)).step_by(2) {
            let (seen, kind) = match answer(store, statement(text)).await {
                Ok(answer) => (answer["rows"].to_string(), None),
                Err(err) => (err.to_string(), Some(err.kind())),
            };
            // What the statement itself says may come back.
            assert!(text.contains(SECRET) || !seen.contains(SECRET), "{text} showed {seen}");
            assert!(kind != Some(ErrorKind::Internal), "{text} failed the store: {seen}");
        }
    }
    let found =
        rows(store, &format!("select count(*) from runs where name = '{SECRET}' or error = '{SECRET}'"))
            .await;
    assert_eq!(found[0][0], 0);
    // A scope of some projects leaves out the others.
    let mut narrow = statement("select count(*) from runs");
    narrow.scope = Scope { project_ids: Some(vec![project(2)]), ..scope() };
    assert_eq!(answer(store, narrow).await.expect("an answer")["rows"], json!([[0]]));
    let mut theirs = statement("select name from runs order by run_id");
    theirs.scope.workspace_id = workspace(2);
    assert_eq!(answer(store, theirs).await.expect("an answer")["rows"], json!([[SECRET], [SECRET]]));
}

/// Everything but reading is refused, with a hint.
pub async fn statements_cannot_change_anything(store: &dyn RunStore) {
    store.write(vec![run(1, 1, |_| ())]).await.expect("a run");
    for text in [
        "delete from runs",
        "update runs set name = 'x'",
        "insert into runs values (1)",
        "drop table runs",
        "create table t as select * from runs",
        "create view v as select 1",
        "create external table t stored as csv location '/etc/passwd'",
        "create function f() returns int return 1",
        "copy runs to '/tmp/stolen.parquet'",
        "copy (select * from runs) to '/tmp/stolen.csv'",
        "set datafusion.execution.batch_size = 1",
        "reset datafusion.execution.batch_size",
        "begin",
        "commit",
        "prepare p as select 1",
        "execute p",
        "truncate table runs",
        "alter table runs add column x int",
        "grant all on runs to public",
        "select 1; select 2",
        "select 1; drop table runs",
        "explain analyze select * from runs",
        "explain verbose select * from runs",
        "explain delete from runs",
        "select * into t from runs",
        "use other",
        "show all",
        "analyze table runs",
        "vacuum",
        "",
        ";",
        "-- nothing",
    ] {
        let err = refusal(store, text).await;
        assert_eq!(err.kind(), ErrorKind::InvalidInput, "{text}: {err}");
    }
    let err = refusal(store, "drop table runs").await;
    assert!(err.to_string().contains("only SELECT"), "{err}");
    for text in [
        "select * from '/etc/passwd'",
        "select * from \"/etc/passwd\"",
        "select * from 'file:///etc/passwd'",
        "select * from 'https://example.com/x.csv'",
        "select * from read_csv('/etc/passwd')",
        "select * from parquet_metadata('/etc/passwd')",
        "select * from information_schema.tables",
        "select * from information_schema.df_settings",
        "select * from other.public.runs",
        "select * from clearspan.private.runs",
    ] {
        let err = refusal(store, text).await;
        assert_eq!(err.kind(), ErrorKind::InvalidInput, "{text}: {err}");
    }
    assert_eq!(rows(store, "select count(*) from runs").await, json!([[1]]));
    assert_eq!(rows(store, "select count(*) from clearspan.public.runs").await, json!([[1]]));
    assert_eq!(rows(store, "show tables").await.as_array().map(Vec::len), Some(4));
    assert_eq!(rows(store, "describe runs;").await[0], json!(["project", "text", "The project's name."]));
    assert_eq!(rows(store, "SHOW COLUMNS FROM Logs").await[0][0], "project");
    assert!(rows(store, "explain select name from runs").await.to_string().contains("TableScan"));
}

/// The answer says that there is more.
pub async fn statements_are_cut_at_their_limit(store: &dyn RunStore) {
    store.write((0..30).map(|id| run(1, id, |_| ())).collect()).await.expect("runs");
    for (max_rows, text, count, is_cut) in [
        (Some(30), "select * from runs", 30, false),
        (Some(29), "select * from runs", 29, true),
        (Some(0), "select * from runs", 0, true),
        (Some(20), "select * from runs limit 20", 20, false),
        (None, "select * from runs", 30, false),
    ] {
        let answer = answer(store, SqlQuery { max_rows, ..statement(text) }).await.expect("an answer");
        assert_eq!(answer["row_count"], count, "{max_rows:?} {text}");
        assert_eq!(answer["rows"].as_array().map(Vec::len), Some(count));
        assert_eq!(answer["is_cut"], is_cut, "{max_rows:?} {text}");
    }
    for format in [TableFormat::Csv, TableFormat::Parquet, TableFormat::Arrow, TableFormat::JsonLines] {
        let query = SqlQuery { format, ..statement("select * from runs") };
        assert!(!bytes_of(store, query).await.expect("an answer").is_empty(), "{format:?}");
    }
}

/// Bombs end at their time limit, or are refused; none takes the process along.
pub async fn statements_end_in_time(store: &dyn RunStore) {
    store.write((0..200).map(|id| run(1, id, |_| ())).collect()).await.expect("runs");
    let begun = Instant::now();
    let query = SqlQuery {
        timeout: Duration::from_millis(300),
        // It streams: a join would need more memory than there is before its time is up.
        ..statement("select count(*) from generate_series(1, 9000000000000000000) where value % 7 = 8")
    };
    let err = answer(store, query).await.expect_err("the statement takes for ever");
    assert_eq!(err.kind(), ErrorKind::Timeout, "{err}");
    assert!(begun.elapsed() < Duration::from_secs(60), "it took {:?}", begun.elapsed());
    for text in crate::testing::hostile::bombs() {
        let begun = Instant::now();
        let query = SqlQuery { timeout: Duration::from_millis(250), ..statement(&text) };
        let outcome = answer(store, query).await;
        let shown: String = text.chars().take(80).collect();
        assert!(begun.elapsed() < Duration::from_secs(90), "{shown} took {:?}", begun.elapsed());
        if let Err(err) = outcome {
            assert!(err.kind() != ErrorKind::Internal, "{shown}: {err}");
        }
    }
    assert_eq!(rows(store, "select count(*) from runs").await, json!([[200]]));
}

/// `now()` is one moment for all of a statement, wherever it stands.
pub async fn statements_know_the_time(store: &dyn RunStore) {
    let second = |seconds: i64| Some(UnixNanos::from_nanos(seconds * 1_000_000_000));
    let (in_2001, in_2200) = (second(980_000_000), second(7_260_000_000));
    let runs = [in_2001, in_2200, in_2200].into_iter().zip(1..);
    let runs = runs.map(|(start, id)| run(id, 1, |run| run.start_time = start));
    store.write(runs.collect()).await.expect("runs");
    for flushed in [false, true] {
        if flushed {
            store.flush().await.expect("a flush");
        }
        let ahead = "select trace_id, name from runs where start_time > now() - interval '15 days'";
        assert_eq!(rows(store, &format!("select count(*) from ({ahead})")).await, json!([[2]]));
        let joined =
            format!("with a as ({ahead}), b as ({ahead}) select count(*) from a join b using (trace_id)");
        assert_eq!(rows(store, &joined).await, json!([[2]]));
    }
    let found = rows(store, "select now() = now(), current_date = cast(now() as date)").await;
    assert_eq!(found, json!([[true, true]]));
}

/// A record that arrived twice counts once, in memory and in files.
pub async fn statements_see_each_record_once(store: &dyn RunStore) {
    for round in 0..3 {
        store.write_logs(vec![log(1, "again"), log(2 + round, "new")]).await.expect("log records");
        store.write_points(vec![point("again", 1, 1), point("new", 2 + round, 1)]).await.expect("points");
        if round < 2 {
            store.flush().await.expect("a flush");
        }
    }
    assert_eq!(rows(store, "select count(*), count(distinct id) from logs").await, json!([[4, 4]]));
    assert_eq!(rows(store, "select count(*) from logs where body = '\"again\"'").await, json!([[1]]));
    let found =
        rows(store, "select name, count(*), sum(int_value) from metric_points group by name order by name")
            .await;
    assert_eq!(found, json!([["again", 1, 1], ["new", 3, 3]]));
    let found = rows(store, "select severity, body, service, project from logs order by time limit 1").await;
    assert_eq!(found, json!([[9, "\"again\"", "api", "shop"]]));
}

/// An error says what is wrong, where, and what would be right.
pub async fn mistakes_in_statements_are_explained(store: &dyn RunStore) {
    for (text, said, at) in [
        ("select nmae from runs", "near it are name", Some("nmae")),
        ("select r.modle from runs r", "model", Some("modle")),
        ("select * from rnus", "there are runs, traces, logs, metric_points", Some("rnus")),
        ("select * frm runs", "cannot be read", None),
        ("select 'open from runs", "cannot be read", None),
        ("select count(*) from runs where", "cannot be read", None),
        ("select nofunction(name) from runs", "nofunction", None),
        ("select sum(name) from runs", "sum", None),
        ("select name, count(*) from runs", "group by", None),
        ("select 1/0", "division by zero", None),
        ("describe nothing", "there is no table", None),
        ("select name::int from runs", "", None),
    ] {
        store.write(vec![run(1, 1, |_| ())]).await.expect("a run");
        let err = refusal(store, text).await;
        assert_eq!(err.kind(), ErrorKind::InvalidInput, "{text}: {err}");
        let message = err.to_string();
        assert!(message.to_lowercase().contains(&said.to_lowercase()), "{text}: {message}");
        assert!(!message.contains("DataFusion") && !message.contains("bug"), "{text}: {message}");
        if let Some(word) = at {
            let place = err.position().and_then(|place| text.get(place));
            assert_eq!(place, Some(word), "{text}: {message}");
        }
    }
}

/// Every run of the selection and no other, whole.
pub async fn exports_hold_what_a_selection_holds(store: &dyn RunStore) {
    let mut runs = random_runs(11);
    runs.push(of_neighbours(bare(9, 9)));
    write_scattered(store, runs).await;
    let failed = Expr::Test(Field::Status, Op::Eq(Literal::Status(Status::Error)));
    let typed = Expr::Test(Field::RunType, Op::Eq(Literal::RunType(RunType::Llm)));
    let of_one_project =
        crate::Selection { scope: Scope { project_ids: Some(vec![project(1)]), ..scope() }, ..everything() };
    let mut late = everything();
    late.range.from = Some(at(10_000));
    for selection in [everything(), filtered(failed), filtered(typed), of_one_project, late] {
        let count = store.stats(Unit::Runs, &selection).await.expect("figures").count;
        let parts: Vec<Vec<ExportedRun>> = store
            .export_whole_runs(selection.clone())
            .await
            .expect("an export")
            .try_collect()
            .await
            .expect("a whole export");
        let exported: Vec<Run> = parts.into_iter().flatten().map(|exported| exported.run).collect();
        assert_eq!(exported.len() as u64, count);
        for run in &exported {
            let ids: [RunId; 1] = [run.key.run_id];
            let stored = store.load_runs(&selection.scope, &[run.key.trace_id], &ids).await.expect("runs");
            assert!(stored.contains(run), "{:?} is not what is stored", run.key);
        }
        let query = ExportQuery { table: ExportTable::Runs, selection, format: TableFormat::JsonLines };
        let answer = store.export(query).await.expect("an export");
        assert_eq!(answer.columns[0].name, "workspace_id");
        let lines: Vec<_> = answer.body.try_collect().await.expect("a whole export");
        assert_eq!(lines.concat().iter().filter(|byte| **byte == b'\n').count() as u64, count);
    }
    store.write_logs(vec![log(1, "one"), log(2, "two")]).await.expect("log records");
    let selection = everything();
    let query = ExportQuery {
        table: ExportTable::Logs,
        selection: selection.clone(),
        format: TableFormat::JsonLines,
    };
    let body: Vec<_> =
        store.export(query).await.expect("an export").body.try_collect().await.expect("an export");
    assert_eq!(body.concat().iter().filter(|byte| **byte == b'\n').count(), 2);
}
