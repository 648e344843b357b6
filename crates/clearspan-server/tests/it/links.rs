//! Addresses that LangSmith's SDKs print and people open.

use bytes::Bytes;
use http::Request;

use crate::connection::Answer;
use crate::server::Server;

const A: &str = "01a1fbbb-cb86-7125-8e15-d2abd3bca03f";
const B: &str = "01a1fbbb-cbbb-7e3e-bbd1-c21de81c73d1";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn get(server: &Server, path: &str, accept: &str) -> Answer {
    let request = Request::get(path).header("accept", accept).body(Bytes::new()).expect("a valid request");
    server.connect().await.send(request).await
}

fn location(answer: &Answer) -> &str {
    answer.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn links_that_sdks_print_lead_to_pages() {
    let server = Server::start();
    let pages = [
        // `Client.share_run`, `shareRun`, `share_url` of a run.
        format!("/public/{A}/r"),
        format!("/public/{A}/r/{B}?poll=true"),
        // `Client.share_dataset`, `shareDataset`; a comparison that somebody shares from it.
        format!("/public/{A}/d"),
        format!("/public/{A}/d/compare?selectedSessions={B}"),
        // `get_run_url`, `getRunUrl`, the run's page of the OpenTelemetry integration.
        format!("/o/{A}/projects/p/{B}/r/{A}?poll=true"),
        // `TracerSession.url`, `getProjectUrl`, a report of insights.
        format!("/o/{A}/projects/p/{B}"),
        format!("/o/{A}/projects/p/{B}?tab=3&clusterJobId={A}"),
        // `Dataset.url`, `getDatasetUrl`, `Example.url`, with the tenant and without it.
        format!("/o/{A}/datasets/{B}"),
        format!("/o/{A}/datasets/{B}/e/{A}"),
        format!("/datasets/{B}"),
        format!("/datasets/{B}/e/{A}"),
        // `evaluate`, `evaluate_comparative`, the plugin of pytest.
        format!("/o/{A}/datasets/{B}/compare?selectedSessions={A}"),
        format!("/o/{A}/datasets/{B}/compare?selectedSessions={A}%2C{B}&comparativeExperiment={B}"),
        format!("/datasets/{B}/compare?selectedSessions={A}"),
        // `push_prompt`, `createCommit`, of one's own and of others; Python and JavaScript write others in two ways.
        format!("/prompts/greeting/0a1b2c3d?organizationId={A}"),
        format!("/prompts/greeting?organizationId={A}"),
        "/hub/acme/greeting:0a1b2c3d".to_owned(),
        "/hub/acme/greeting/0a1b2c3d".to_owned(),
        "/hub/acme/greeting".to_owned(),
        // `push_agent`, `push_skill`.
        format!("/context/researcher/0a1b2c3d?organizationId={A}"),
    ];
    for path in &pages {
        let answer = get(&server, path, BROWSER).await;
        assert_eq!((answer.status.as_u16(), location(&answer)), (307, format!("/app{path}").as_str()));
        let page = get(&server, location(&answer), BROWSER).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text().contains("<div id=\"root\">"), "{path}");
    }
}

#[tokio::test]
async fn paths_of_the_api_stay_with_it_whoever_asks() {
    let server = Server::start();
    let routes = [
        format!("/public/{A}/run"),
        format!("/public/{A}/run/{B}"),
        format!("/public/{A}/runs"),
        format!("/public/{A}/runsshare_token={A}"),
        format!("/public/{A}/datasets"),
        format!("/public/{A}/datasets/sessions"),
        format!("/public/{A}/examples"),
        format!("/api/v1/public/{A}/run"),
        format!("/api/v1/datasets/{A}"),
        format!("/datasets/{A}/versions"),
    ];
    for path in &routes {
        let answer = get(&server, path, BROWSER).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(answer.json()["detail"].is_string(), "{path} answers as LangSmith does");
    }
    // SDKs accept JSON, or anything.
    for accept in ["application/json", "*/*"] {
        let answer = get(&server, &format!("/datasets/{A}"), accept).await;
        assert_eq!(answer.status, 404);
        assert!(answer.json()["detail"].is_string());
    }
}
