use std::collections::BTreeMap;

use clearspan_model::{JsonText, MetricKind, MetricPoint, Number, Sender, Temporality};
use serde_json::json;

use super::{NOW, Server, at};

/// A delta of one, so many milliseconds before now. The number tells points of one time apart.
fn point(server: &Server, millis_ago: i64, number: usize) -> MetricPoint {
    MetricPoint {
        workspace_id: server.context.workspace.id,
        project_id: server.project_id,
        name: "calls".to_owned(),
        description: None,
        unit: None,
        kind: MetricKind::Sum,
        temporality: Some(Temporality::Delta),
        monotonic: true,
        time: at(-millis_ago),
        start_time: None,
        received_at: at(0),
        attributes: BTreeMap::from([("n".to_owned(), JsonText::from_value(&json!(number)))]),
        sender: Sender::default(),
        value: Some(Number::Int(1)),
        count: None,
        sum: None,
        min: None,
        max: None,
        distribution: None,
        exemplars: None,
    }
}

/// More points than are read at once, and seven at each time, so that pages end between points of one time.
#[tokio::test]
async fn every_point_of_many_pages_counts_once() {
    let server = Server::new();
    let count = 45_000;
    let points = (0..count).map(|n| point(&server, i64::try_from(n / 7).unwrap(), n)).collect();
    server.context.store.write_points(points).await.unwrap();
    for range in ["", "&t=1h"] {
        let path = format!("/api/clearspan/v1/projects/demo/metrics/series?name=calls&buckets=10{range}");
        let answer = server.read(&path).await;
        let values = answer["series"][0]["values"].as_array().unwrap();
        let sum: f64 = values.iter().filter_map(serde_json::Value::as_f64).sum();
        // "The last hour" ends before now; seven points are of now.
        let expected = if range.is_empty() { count } else { count - 7 };
        assert_eq!(sum, expected as f64, "{range}");
        assert_eq!(answer["is_cut"], false);
    }
}

#[tokio::test]
async fn a_range_that_begins_now_or_ends_before_it_begins_is_an_empty_chart() {
    let server = Server::new();
    server.context.store.write_points(vec![point(&server, 10, 1)]).await.unwrap();
    let micros = NOW / 1_000;
    for range in [format!("{micros}..{micros}"), format!("{micros}..{}", micros - 1_000), "0m".to_owned()] {
        let path = format!("/api/clearspan/v1/projects/demo/metrics/series?name=calls&t={range}");
        assert_eq!(server.read(&path).await["series"], json!([]), "{range}");
    }
}
