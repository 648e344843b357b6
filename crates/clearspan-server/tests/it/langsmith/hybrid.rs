//! The same runs in LangSmith's protocol and as spans, and spans inside of runs.

use super::recorded::{parse, requests, runs_of};
use super::{read_run, send};
use crate::server::Server;

/// Sends the recorded requests of a scenario in some order.
async fn replay(server: &Server, scenario: &str, backwards: bool) {
    let mut files = requests(Some(scenario));
    if backwards {
        files.reverse();
    }
    for file in files {
        let answer = send(server, parse(&file)).await;
        assert!(answer.status.is_success(), "{}: {}", file.display(), answer.text());
    }
}

#[tokio::test]
async fn runs_that_come_twice_are_counted_once() {
    for backwards in [false, true] {
        let server = Server::start();
        replay(&server, "08_hybrid_mode_apiv1", backwards).await;
        let runs = runs_of(&server, "stub-project").await;
        let names: Vec<&str> = runs.iter().map(|run| run["name"].as_str().expect("a name")).collect();
        assert_eq!(names.len(), 8, "backwards {backwards}: {names:?}");
        let mut traces: Vec<&str> = runs.iter().map(|run| run["trace_id"].as_str().expect("an id")).collect();
        traces.dedup();
        assert_eq!(traces, ["01a1fbbd-24e8-7f0d-9f1e-10175d3e8bdc"], "backwards {backwards}");
    }
}

#[tokio::test]
async fn spans_inside_of_runs_hang_below_them() {
    for backwards in [false, true] {
        let server = Server::start();
        replay(&server, "09_otel_mixed_hybrid", backwards).await;
        for (trace, inner) in [
            ("01a1fbbd-d874-7209-bbc1-6615c42d3913", "01a1fbbd-d87d-76a5-bcd8-d3302185a049"),
            ("01a1fbbd-d87e-7180-8a64-54b429e1a4d1", "01a1fbbd-d87e-7f3c-bd72-cb96e47f87ad"),
            ("01a1fbbd-d87e-79b7-a528-4b547f1e9dbd", "01a1fbbd-d884-77d4-abf6-f4e7bc0aa771"),
        ] {
            let runs = runs_of(&server, "stub-project").await;
            let span =
                runs.iter().find(|run| run["trace_id"] == trace && run["name"] == "user-span-in-inner");
            let span = span.unwrap_or_else(|| panic!("backwards {backwards}: no span in {trace}"));
            assert_eq!(span["parent_run_id"], inner, "backwards {backwards}");
            assert!(span["dotted_order"].as_str().expect("text").contains(inner), "{span}");
            assert_eq!(read_run(&server, inner).await["child_run_ids"][0], span["id"]);
        }
    }
}
