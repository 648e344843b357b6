//! The list of threads.

use super::*;

const THREADS: &str = "/api/clearspan/v1/projects/demo/threads";

/// Turn `number` of a thread: a trace of one run that began so many seconds ago.
fn turn(server: &Server, number: u8, thread: &str, seconds_ago: i64) -> Run {
    let mut run = server.run(number, number, None);
    run.name = Some(format!("turn {number}"));
    run.thread_id = Some(thread.to_owned());
    run.start_time = Some(at(-1_000 * seconds_ago));
    run.end_time = Some(at(-1_000 * seconds_ago + 500));
    run.inputs.rest = Some(JsonText::from_string(&format!("question {number}")));
    run.outputs.rest = Some(JsonText::from_string(&format!("answer {number}")));
    run
}

async fn page(server: &Server, query: &str) -> (Vec<String>, Option<String>) {
    let page = server.read(&format!("{THREADS}?{query}")).await;
    let ids = page["threads"].as_array().unwrap().iter();
    let ids = ids.map(|thread| thread["thread_id"].as_str().unwrap().to_owned()).collect();
    (ids, page["next_cursor"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_thread_sums_up_its_turns() {
    let server = Server::with_traces().await;
    let mut first = turn(&server, 50, "chat", 60);
    first.usage = Some(Usage { total_tokens: Some(10), input_tokens: Some(8), ..Usage::default() });
    first.cost =
        Some(Cost { total: Some(Decimal::new(2, 1)), source: CostSource::Reported, ..Cost::default() });
    let mut second = turn(&server, 51, "chat", 40);
    second.error = Some("Timeout\nTraceback".to_owned());
    let mut third = turn(&server, 52, "chat", 20);
    third.usage = Some(Usage { total_tokens: Some(5), ..Usage::default() });
    third.cost =
        Some(Cost { total: Some(Decimal::new(1, 1)), source: CostSource::Reported, ..Cost::default() });
    third.user_id = Some("bob".to_owned());
    server.context.store.write(vec![third, first, second]).await.unwrap();

    let threads = server.read(THREADS).await["threads"].take();
    assert_eq!(threads.as_array().unwrap().len(), 2, "traces without a thread are in none: {threads}");
    let chat = threads.as_array().unwrap().iter().find(|thread| thread["thread_id"] == "chat").unwrap();
    let expected = json!({
        "turn_count": 3, "error_count": 1, "status": "success", "cost": "0.3", "total_tokens": 15,
        "input_tokens": 8, "output_tokens": null, "user_id": "bob", "start_time": at(-60_000).as_micros(),
        "last_time": at(-20_000).as_micros(), "first_trace_id": uuid(50), "last_trace_id": uuid(52),
        "first_input_preview": "question 50", "last_input_preview": "question 52",
        "last_output_preview": "answer 52", "last_error": "Timeout",
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&chat[key], value, "{key}");
    }
    // A filter and a range choose threads, and take nothing away from their sums.
    let from = at(-21_000).as_micros();
    for query in [format!("t={from}..&q=user:bob"), "q=status:error".to_owned()] {
        let found = server.read(&format!("{THREADS}?{query}")).await["threads"].take();
        assert_eq!((found.as_array().unwrap().len(), &found[0]["turn_count"]), (1, &json!(3)), "{query}");
    }
}

#[tokio::test]
async fn pages_of_threads_follow_each_other_without_gap_or_repeat() {
    let server = Server::new();
    // Eight threads, whose turns alternate; all turns of the second half begin at one moment.
    let turns =
        (0..40_u8).map(|n| turn(&server, n, &format!("t{}", n % 8), if n < 20 { i64::from(n) } else { 30 }));
    server.context.store.write(turns.collect()).await.unwrap();
    let (all, none) = page(&server, "").await;
    assert_eq!(all, (0..8).map(|n| format!("t{n}")).collect::<Vec<_>>());
    assert_eq!(none, None);
    for limit in [1, 3, 8] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let (ids, next) = page(&server, &format!("limit={limit}{cursor}")).await;
            assert!(ids.len() <= limit);
            seen.extend(ids);
            match next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, all, "{limit} at once");
    }
    // Among turns of one moment, those of the later ids come later.
    let from = at(-30_000).as_micros();
    let (first, next) = page(&server, &format!("limit=5&t={from}..{}", from + 1)).await;
    let (rest, end) =
        page(&server, &format!("limit=5&t={from}..{}&cursor={}", from + 1, next.unwrap())).await;
    assert_eq!((first.len(), rest.len(), end), (5, 3, None));
    assert!(rest.iter().all(|id| !first.contains(id)));
}

#[tokio::test]
async fn a_thread_with_very_many_turns_is_summed_up_whole() {
    let server = Server::new();
    let runs: Vec<Run> = (1..=5_600_u32)
        .map(|n| {
            let mut run = turn(&server, 0, "long", 0);
            let id = u128::from(n).to_be_bytes();
            (run.key.trace_id, run.key.run_id) = (TraceId::from_bytes(id), RunId::from_bytes(id));
            run.start_time = Some(at(i64::from(n) - 10_000));
            run.end_time = Some(at(i64::from(n) - 9_990));
            run.error = (n == 7).then(|| "broke once".to_owned());
            run.usage = Some(Usage { total_tokens: Some(2), ..Usage::default() });
            run
        })
        .chain([turn(&server, 200, "short", 3_600)])
        .collect();
    server.context.store.write(runs).await.unwrap();
    let threads = server.read(THREADS).await["threads"].take();
    assert_eq!(threads[1]["thread_id"], "short", "the long one does not hide it");
    let long = &threads[0];
    assert_eq!((&long["turn_count"], &long["error_count"]), (&json!(5_600), &json!(1)));
    assert_eq!((&long["total_tokens"], &long["last_error"]), (&json!(11_200), &json!("broke once")));
    assert_eq!(long["start_time"], at(1 - 10_000).as_micros());
    assert_eq!(long["last_time"], at(5_600 - 10_000).as_micros());
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let server = Server::with_traces().await;
    for (query, code) in [
        ("q=staus:error", "invalid_filter"),
        ("cursor=e30", "invalid_cursor"),
        ("sort=cost", "invalid_parameter"),
        ("t=yesterday", "invalid_parameter"),
    ] {
        let answer = server.get(&format!("{THREADS}?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"]["code"].as_str()),
            (400, Some(code)),
            "{query}"
        );
    }
    assert_eq!(server.get("/api/clearspan/v1/projects/none/threads").await.status, 404);
}
